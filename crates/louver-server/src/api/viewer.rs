//! One live viewer: when it is told what, and when it is dropped.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use louver_base::WallTime;
use louver_node::CameraHandle;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::live::LiveMessage;
use super::messages::{Messages, Watched, text};
use crate::app::App;
use crate::auth::gate::Caller;

/// How often the camera's notice is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// A ping every so many looks: 15 s.
const LOOKS_PER_PING: u32 = 30;
/// The session is looked up every so many looks, since it may have run out: 60 s.
const LOOKS_PER_SESSION: u32 = 120;
/// A viewer that takes longer to take one message is dropped.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// A viewer that says nothing for so long, not even a pong, is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// Why a viewer's connection ends.
enum End {
    /// It closed, broke, or does not read: nothing can be said to it.
    Gone,
    /// With these words.
    Say(u16, &'static str),
}

/// What happens next.
enum Next {
    Stop,
    Look,
    SessionsChanged,
    Heard,
    Gone,
    Feed(Result<Vec<Message>, RecvError>),
}

/// Serves a viewer until it leaves, its session ends or the server stops.
pub(crate) async fn serve(
    mut socket: WebSocket,
    app: App,
    camera: CameraHandle,
    caller: Caller,
    what: Watched,
) {
    let end = match follow(&mut socket, &app, &camera, &caller, what).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    if let End::Say(code, reason) = end {
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // The last word: whether it arrives is the viewer's affair.
        let _ = timeout(Duration::from_secs(1), socket.send(close)).await;
    }
}

async fn follow(
    socket: &mut WebSocket,
    app: &App,
    camera: &CameraHandle,
    caller: &Caller,
    what: Watched,
) -> Result<std::convert::Infallible, End> {
    let mut sessions = app.sessions_changed.subscribe();
    let (mut feed, first) = Messages::begin(camera, what);
    let mut notice = Notice::default();
    notice.tell(socket, camera).await?;
    send_all(socket, first).await?;
    let mut looks = interval_at(Instant::now() + LOOK, LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looked, mut heard) = (0_u32, Instant::now());
    loop {
        let next = tokio::select! { biased;
            () = app.stop.cancelled() => Next::Stop,
            changed = sessions.changed() => if changed.is_ok() { Next::SessionsChanged } else { Next::Stop },
            _ = looks.tick() => Next::Look,
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => Next::Gone,
                Some(Ok(_)) => Next::Heard,
            },
            messages = feed.next() => Next::Feed(messages),
        };
        match next {
            Next::Stop => return Err(End::Say(close_code::AWAY, "The server stops.")),
            Next::Gone => return Err(End::Gone),
            Next::Heard => heard = Instant::now(),
            Next::SessionsChanged => check_session(app, caller).await?,
            Next::Look => {
                looked = looked.wrapping_add(1);
                notice.tell(socket, camera).await?;
                if heard.elapsed() > SILENCE {
                    return Err(End::Gone);
                }
                if looked.is_multiple_of(LOOKS_PER_PING) {
                    send_all(socket, vec![Message::Ping(Bytes::new())]).await?;
                }
                if looked.is_multiple_of(LOOKS_PER_SESSION) {
                    check_session(app, caller).await?;
                }
            }
            Next::Feed(Ok(messages)) => send_all(socket, messages).await?,
            Next::Feed(Err(RecvError::Lagged(_))) => {
                send_all(socket, feed.lost(camera)).await?;
            }
            Next::Feed(Err(RecvError::Closed)) => {
                return Err(End::Say(close_code::AWAY, "This camera is recorded no more."));
            }
        }
    }
}

async fn check_session(app: &App, caller: &Caller) -> Result<(), End> {
    match app.store.session(caller.session, WallTime::now()).await {
        Ok(Some(_)) => Ok(()),
        // A catalogue that cannot answer vouches for nobody.
        Ok(None) | Err(_) => Err(End::Say(close_code::POLICY, "Your session has ended.")),
    }
}

async fn send_all(socket: &mut WebSocket, messages: Vec<Message>) -> Result<(), End> {
    for message in messages {
        match timeout(SEND_WITHIN, socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(End::Gone),
        }
    }
    Ok(())
}

/// The camera's notice as this viewer knows it.
#[derive(Debug, Default)]
struct Notice(Option<String>);

impl Notice {
    /// Says it if it has changed.
    async fn tell(&mut self, socket: &mut WebSocket, camera: &CameraHandle) -> Result<(), End> {
        let now = camera.status.get().notice;
        if now == self.0 {
            return Ok(());
        }
        self.0.clone_from(&now);
        send_all(socket, text(&LiveMessage::Notice { text: now }).into_iter().collect()).await
    }
}
