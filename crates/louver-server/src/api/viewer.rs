//! One live viewer: what it gets, in what order, and when it is dropped.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::{BufMut, Bytes, BytesMut};
use louver_base::WallTime;
use louver_node::{CameraHandle, LiveFeed, LiveStart, SceneSubscription};
use louver_scene::Masked;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::live::LiveMessage;
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

/// First byte of a binary message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Init = 0,
    Fragment = 1,
    Key = 2,
}

/// A binary message. Only masked bytes become one.
fn binary(kind: Kind, wall: WallTime, bytes: &Masked<Bytes>) -> Message {
    let mut out = BytesMut::with_capacity(9 + bytes.get().len());
    out.put_u8(kind as u8);
    out.put_i64(wall.millis());
    out.extend_from_slice(bytes.get());
    Message::Binary(out.freeze())
}

/// Turns a feed into messages; after a loss it gives nothing until a player can start again. A core.
#[derive(Debug)]
struct Order {
    waiting_for_key: bool,
    /// The start that this viewer's player was set up with.
    start: Option<Arc<LiveStart>>,
}

impl Order {
    const fn new() -> Self {
        Self { waiting_for_key: true, start: None }
    }

    /// Something was lost. Of what the feed holds now, gives what this viewer needs: all of it if it has restarted
    /// since, else nothing: the next key picture is soon enough, and older ones may have been sent before.
    fn lost(&mut self, backlog: Vec<LiveFeed>) -> Vec<LiveFeed> {
        self.waiting_for_key = true;
        let same = match (backlog.first(), &self.start) {
            (Some(LiveFeed::Start(now)), Some(known)) => Arc::ptr_eq(now, known),
            (None, None) => true,
            _ => false,
        };
        if same { Vec::new() } else { backlog }
    }

    fn messages(&mut self, feed: &LiveFeed) -> Vec<Message> {
        match feed {
            LiveFeed::Start(start) => {
                self.waiting_for_key = true;
                self.start = Some(Arc::clone(start));
                let said = text(&LiveMessage::Start { mime: start.mime.clone() });
                said.into_iter().chain([binary(Kind::Init, WallTime::from_millis(0), &start.init)]).collect()
            }
            LiveFeed::Fragment(fragment) if self.waiting_for_key && !fragment.key => Vec::new(),
            LiveFeed::Fragment(fragment) => {
                self.waiting_for_key = false;
                let kind = if fragment.key { Kind::Key } else { Kind::Fragment };
                vec![binary(kind, fragment.wall, &fragment.bytes)]
            }
        }
    }
}

fn text(message: &LiveMessage) -> Option<Message> {
    serde_json::to_string(message).ok().map(|json| Message::Text(json.into()))
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The scene stream.
    Scenes,
    /// Video of it.
    Video,
}

/// A viewer's feed as messages.
enum Messages {
    Scenes(broadcast::Receiver<Masked<Bytes>>),
    Video(broadcast::Receiver<LiveFeed>, Order),
}

impl Messages {
    /// The feed, and what to send at once.
    fn begin(camera: &CameraHandle, what: Watched) -> (Self, Vec<Message>) {
        match what {
            Watched::Scenes => {
                let SceneSubscription { backlog, feed } = camera.scenes.subscribe();
                (Self::Scenes(feed), backlog.into_iter().map(boxes).collect())
            }
            Watched::Video => {
                let (subscription, mut order) = (camera.live.subscribe(), Order::new());
                let first = subscription.backlog.iter().flat_map(|feed| order.messages(feed)).collect();
                (Self::Video(subscription.feed, order), first)
            }
        }
    }

    /// What comes next; nothing is taken if the caller does not wait for it.
    async fn next(&mut self) -> Result<Vec<Message>, RecvError> {
        match self {
            Self::Scenes(feed) => feed.recv().await.map(|record| vec![boxes(record)]),
            Self::Video(feed, order) => feed.recv().await.map(|fragment| order.messages(&fragment)),
        }
    }

    /// The viewer fell behind: what it needs to go on.
    fn lost(&mut self, camera: &CameraHandle) -> Vec<Message> {
        match self {
            Self::Scenes(_) => {
                let (again, messages) = Self::begin(camera, Watched::Scenes);
                *self = again;
                messages
            }
            Self::Video(feed, order) => {
                let subscription = camera.live.subscribe();
                *feed = subscription.feed;
                let missed = order.lost(subscription.backlog);
                missed.iter().flat_map(|feed| order.messages(feed)).collect()
            }
        }
    }
}

/// Boxes of a scene stream as a message.
fn boxes(bytes: Masked<Bytes>) -> Message {
    Message::Binary(bytes.into_inner())
}

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

#[cfg(test)]
mod tests {
    use louver_base::MediaTime;
    use louver_media::{Picture, PictureSize};
    use louver_scene::{LiveFragment, PictureEncoder, Scene};

    use super::*;

    struct Empty;
    impl PictureEncoder for Empty {
        type Output = Bytes;
        type Error = std::convert::Infallible;
        fn encode(&mut self, _: &Picture, _: MediaTime, _: bool) -> Result<Bytes, Self::Error> {
            Ok(Bytes::new())
        }
    }

    fn masked() -> Masked<Bytes> {
        let picture = Scene::nothing(PictureSize::new(2, 2).unwrap());
        picture.encode(&mut Empty, MediaTime::ZERO, true).unwrap()
    }

    fn fragment(key: bool) -> LiveFeed {
        LiveFeed::Fragment(Arc::new(LiveFragment { bytes: masked(), key, wall: WallTime::from_millis(1) }))
    }

    fn start() -> LiveFeed {
        LiveFeed::Start(Arc::new(LiveStart { mime: "video/mp4".to_owned(), init: masked() }))
    }

    #[test]
    fn after_a_loss_a_viewer_gets_nothing_until_a_key_picture() {
        let mut order = Order::new();
        let sent = |order: &mut Order, key| order.messages(&fragment(key)).len();
        assert_eq!([sent(&mut order, false), sent(&mut order, true), sent(&mut order, false)], [0, 1, 1]);
        order.lost(vec![]);
        assert_eq!([sent(&mut order, false), sent(&mut order, false)], [0, 0]);
        assert_eq!([sent(&mut order, true), sent(&mut order, false)], [1, 1]);
    }

    #[test]
    fn a_loss_sets_the_player_up_anew_only_if_the_stream_restarted() {
        let (mut order, first) = (Order::new(), start());
        assert_eq!(order.messages(&first).len(), 2, "words and init");
        assert_eq!(order.lost(vec![first, fragment(true)]).len(), 0, "sent before");
        assert_eq!(order.lost(vec![start(), fragment(true), fragment(false)]).len(), 3);
    }
}
