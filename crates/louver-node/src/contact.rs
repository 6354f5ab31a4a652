//! Staying in touch with a camera by ONVIF: its clock, its streams' addresses, and whether somebody meddles with it.
//!
//! Recording needs none of it where the streams' addresses stand in the settings. What the camera says goes to its status and
//! the log; that it sees movement is only counted, because what is shown is decided by looking, not by what a camera says.

use std::time::Duration;

use louver_base::{CameraAddress, CameraId, Refusals};
use louver_ingest::{Event, IngestError, Role, Source};
use louver_onvif::{Notice, OnvifAddress, Pace, Streams, What, follow};
use louver_vault::HolderSet;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::node::held;
use crate::{CameraSettings, StatusCell, StreamState};

/// Notices that wait to be written down; when it is full the camera is asked no further.
const NOTICES_WAITING: usize = 16;
/// Where the streams' addresses hang on it, a camera that does not answer is asked at least so often, unless it refused the password.
const RETRY_LONGEST: Duration = Duration::from_secs(60);
/// How often it is looked whether the main stream runs.
const LOOK: Duration = Duration::from_secs(1);

/// Where a camera says that its streams are.
#[derive(Clone, Debug, Default)]
enum Told {
    /// Not asked yet, or not to be asked.
    #[default]
    NotYet,
    /// It does not say, for this reason; whether it is about signing in.
    Nothing { reason: String, sign_in: bool },
    /// There.
    Streams(Box<Streams>),
}

/// What one camera says of its streams, now and later.
#[derive(Clone, Debug)]
pub(crate) struct Contact(watch::Receiver<Told>);

impl Contact {
    /// Asks the camera, once there is a holder, where the settings say how; else it says nothing for ever.
    pub(crate) fn start(
        settings: &CameraSettings,
        status: &StatusCell,
        mut holders: watch::Receiver<Option<HolderSet>>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let (tell, told) = watch::channel(Told::NotYet);
        if let Some(address) = settings.onvif.clone() {
            let (camera, status, stop) = (settings.id.clone(), status.clone(), stop.clone());
            let (mut pace, is_told) = (Pace::default(), settings.main.is_told());
            if is_told {
                pace.retry_longest = RETRY_LONGEST;
            }
            tasks.spawn(async move {
                if held(&mut holders, &stop).await && (is_told || runs(&status, &stop).await) {
                    listen(address, pace, &camera, &status, &tell, stop).await;
                }
            });
        }
        Self(told)
    }

    /// The address of the stream, or why there is none; `None` before anything is known.
    fn address(&mut self, role: Role) -> Option<Result<CameraAddress, IngestError>> {
        match (&*self.0.borrow_and_update(), role) {
            (Told::NotYet, _) => None,
            (Told::Nothing { sign_in: true, .. }, _) => Some(Err(IngestError::WrongPassword)),
            (Told::Nothing { reason, .. }, _) => Some(Err(IngestError::NotTold(reason.clone()))),
            (Told::Streams(streams), Role::Main) => Some(Ok(streams.main.address.clone())),
            (Told::Streams(streams), Role::Sub) => {
                let sub = streams.sub.as_ref().map(|sub| sub.address.clone());
                Some(sub.ok_or(IngestError::NoSuchPath))
            }
        }
    }
}

/// Waits until pictures came, or `false` at the end. Where the streams have addresses of their own nothing hangs on asking, and a
/// password that is wrong in both would be tried by three: the camera would lock the account that records.
async fn runs(status: &StatusCell, stop: &CancellationToken) -> bool {
    while status.get().main != StreamState::Running {
        if tokio::time::timeout(LOOK, stop.cancelled()).await.is_ok() {
            return false;
        }
    }
    true
}

async fn listen(
    address: OnvifAddress,
    pace: Pace,
    camera: &CameraId,
    status: &StatusCell,
    tell: &watch::Sender<Told>,
    stop: CancellationToken,
) {
    let (out, mut notices) = mpsc::channel(NOTICES_WAITING);
    let hearing = async {
        while let Some(notice) = notices.recv().await {
            write_down(camera, &notice, status);
            match notice.what {
                // Of a camera with several lenses the first: each of the others needs its addresses in the settings.
                What::Streams { sources, .. } => {
                    if let Some(first) = sources.into_iter().next() {
                        tell.send_replace(Told::Streams(Box::new(first)));
                    }
                }
                What::Silent { reason, sign_in } => {
                    tell.send_if_modified(|told| match told {
                        // Streams go on without their camera answering questions.
                        Told::Streams(_) => false,
                        Told::NotYet | Told::Nothing { .. } => {
                            *told = Told::Nothing { reason, sign_in };
                            true
                        }
                    });
                }
                _ => {}
            }
        }
    };
    tokio::join!(follow(address, pace, out, stop), hearing);
}

fn write_down(camera: &CameraId, notice: &Notice, status: &StatusCell) {
    let by_its_clock = notice.camera_time.map(tracing::field::display);
    match &notice.what {
        What::Motion(true) => status.update(|s| s.says.motions += 1),
        What::Motion(false) => {}
        What::Tamper(true) => {
            tracing::warn!(%camera, by_its_clock, "the camera says that somebody covers, turns or blinds it");
            status.update(|s| s.says.tampered_since = s.says.tampered_since.or(Some(notice.heard)));
        }
        What::Tamper(false) => {
            tracing::info!(%camera, by_its_clock, "the camera says that nobody meddles with it any more");
            status.update(|s| s.says.tampered_since = None);
        }
        What::PictureLost(true) => {
            tracing::warn!(%camera, by_its_clock, "the camera says that its sensor gives no picture");
        }
        What::PictureLost(false) => {
            tracing::info!(%camera, by_its_clock, "the camera says that it has its picture again")
        }
        What::Restarted => {
            tracing::warn!(%camera, by_its_clock, "the camera began anew");
            status.update(|s| s.says.restarts += 1);
        }
        What::Clock(offset) => {
            if offset.seconds().abs() >= 2.0 {
                tracing::warn!(%camera, ahead_s = offset.seconds().round(), "the camera's clock is wrong: set its time server (NTP)");
            }
            status.update(|s| s.says.clock = Some(*offset));
        }
        What::ClockJumped(by) => {
            tracing::warn!(%camera, by_s = by.seconds().round(), "the camera's clock was set");
        }
        What::Streams { sources, changed } => {
            if *changed {
                tracing::warn!(%camera, sources = sources.len(), "somebody changed the camera's streams");
            }
        }
        What::Silent { reason, .. } => {
            tracing::warn!(%camera, reason, "the camera does not answer questions (ONVIF)");
            status.update(|s| s.says.silent = Some(reason.clone()));
        }
        What::Answers => {
            tracing::info!(%camera, "the camera answers questions again");
            status.update(|s| s.says.silent = None);
        }
        other => tracing::debug!(%camera, ?other, "the camera says something"),
    }
}

/// Plays a stream: from its address in the settings, or from wherever the camera says that it is, as long as it says so.
pub(crate) async fn play(
    mut source: Source,
    mut contact: Contact,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    if !source.address.is_told() {
        return louver_ingest::run(source, events, stop).await;
    }
    let role = source.role;
    loop {
        let lost = match contact.address(role) {
            Some(Ok(address)) => {
                source.address = address;
                let session = stop.child_token();
                let playing = louver_ingest::run(source.clone(), events.clone(), session.clone());
                let watching = async {
                    while contact.0.changed().await.is_ok() {
                        let same = |a: &CameraAddress| a.reveal() == source.address.reveal();
                        if !matches!(contact.address(role), Some(Ok(address)) if same(&address)) {
                            session.cancel();
                            return;
                        }
                    }
                    // The camera is asked no more: what it said last holds.
                    std::future::pending().await
                };
                tokio::join!(playing, async {
                    tokio::select! { biased;
                        () = stop.cancelled() => {}
                        () = events.closed() => {}
                        () = watching => {}
                    }
                });
                Some(IngestError::Moved)
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        if stop.is_cancelled() || events.is_closed() {
            return;
        }
        let waits = !matches!(lost, Some(IngestError::Moved));
        if let Some(error) = lost {
            let retry_in = match &error {
                IngestError::Moved => Duration::ZERO,
                IngestError::WrongPassword => Refusals::LONGEST,
                _ => RETRY_LONGEST,
            };
            if events.send(Event::Lost { error, retry_in }).await.is_err() {
                return;
            }
        }
        if waits {
            let there = tokio::select! { biased;
                () = stop.cancelled() => false,
                () = events.closed() => false,
                changed = contact.0.changed() => changed.is_ok(),
            };
            if !there {
                return;
            }
        }
    }
}
