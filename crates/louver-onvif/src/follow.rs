//! Staying in touch with one camera: its clock, its streams, what it tells.

use std::time::Duration;

use louver_base::{Refusals, WallTime};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::camera::Camera;
use crate::events::Said;
use crate::pull::PullPoint;
use crate::watch::{Notice, Watch, What};
use crate::{OnvifAddress, OnvifError};

/// How often what is done. The defaults suit cameras; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one look at the camera's clock to the next; 60 s.
    pub clock: Duration,
    /// From one look at its streams to the next; 300 s. An address that changed is known so late at worst.
    pub streams: Duration,
    /// How long the camera may wait before it says that nothing happened; 20 s, whole seconds.
    pub wait: Duration,
    /// Before the first new attempt when the camera does not answer; doubled up to `retry_longest` until it has answered for a
    /// minute; 5 s.
    pub retry_first: Duration,
    /// Between attempts at most; 300 s. A refused password rests longer ([`Refusals`]): cameras lock accounts.
    pub retry_longest: Duration,
}

/// From one look at clock and streams for which a restart is the reason to the next: a camera may say that it began anew as often
/// as it likes.
const EARLY_LOOK: Duration = Duration::from_secs(60);
/// From one question for events to the next, at least.
const PULL_PAUSE: Duration = Duration::from_millis(300);
/// Subscriptions that a camera may forget in a row before it counts as one without events, until its streams are looked at again.
const FORGOTTEN_MAX: u32 = 3;
/// From one renewal of the subscription to the next: a third of what it is kept.
const RENEWAL: Duration = Duration::from_secs(40);

impl Default for Pace {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self { clock: s(60), streams: s(300), wait: s(20), retry_first: s(5), retry_longest: s(300) }
    }
}

/// Tells what happens at a camera until `stop` is cancelled or nobody listens.
///
/// Nothing of it is needed for recording: a camera that cannot be asked is recorded all the same. `out`'s bound is the
/// caller's; when it is full the camera is asked no further until there is room, and drops what it cannot keep.
pub async fn follow(address: OnvifAddress, pace: Pace, out: mpsc::Sender<Notice>, stop: CancellationToken) {
    let mut follower = Follower {
        camera: Camera::new(address),
        pace,
        out,
        watch: Watch::default(),
        began: Instant::now(),
        point: None,
        no_events: false,
        forgotten: 0,
        restarted: false,
        due: Due {
            clock: Instant::now(),
            streams: Instant::now(),
            renew: Instant::now(),
            pull: Instant::now(),
            early: Instant::now(),
        },
    };
    let ended = tokio::select! { biased;
        () = stop.cancelled() => true,
        () = follower.follow() => false,
    };
    if let (true, Some(point)) = (ended, follower.point.take()) {
        // A camera keeps only so many subscriptions; one that is not told keeps this one for two minutes.
        let _ = point.unsubscribe(&mut follower.camera).await;
    }
}

struct Follower {
    camera: Camera,
    pace: Pace,
    out: mpsc::Sender<Notice>,
    watch: Watch,
    began: Instant,
    point: Option<PullPoint>,
    /// The camera has no events to tell.
    no_events: bool,
    /// Subscriptions in a row of which it knew nothing when it was asked.
    forgotten: u32,
    /// It began anew since its streams were looked at.
    restarted: bool,
    due: Due,
}

/// When what is to be done next.
struct Due {
    clock: Instant,
    streams: Instant,
    renew: Instant,
    pull: Instant,
    /// Not before that for a restart's sake.
    early: Instant,
}

/// Nobody listens any more.
struct Unheard;

impl Follower {
    async fn follow(&mut self) {
        let mut pause = self.pace.retry_first;
        let mut refusals = Refusals::default();
        // Since when it has answered without a refusal in between.
        let mut good_since = None;
        while !self.out.is_closed() {
            let heard = match self.step().await {
                Ok(Ok(())) => {
                    // One that answers and refuses by turns is asked as rarely as one that refuses.
                    if good_since.get_or_insert_with(Instant::now).elapsed() >= Refusals::STEADY {
                        pause = self.pace.retry_first;
                        refusals.worked();
                    }
                    let what = self.watch.answers();
                    self.tell(what, None).await
                }
                Ok(Err(error)) => {
                    tracing::debug!(reason = %error, "a camera cannot be asked");
                    self.point = None;
                    self.camera.forget();
                    let what = self.watch.silent(&error);
                    let heard = self.tell(what, None).await;
                    good_since = None;
                    let wait = match error {
                        // One that wants it in clear text has seen it signed before it said so.
                        OnvifError::WrongPassword | OnvifError::ClearText => refusals.refused(),
                        OnvifError::PasswordNeeded => self.pace.retry_longest,
                        _ => pause,
                    };
                    tokio::time::sleep(wait).await;
                    pause = (pause * 2).min(self.pace.retry_longest);
                    heard
                }
                Err(unheard) => Err(unheard),
            };
            if heard.is_err() {
                return;
            }
        }
    }

    /// Whatever is due, then one question for events, or a pause where there are none.
    async fn step(&mut self) -> Result<Result<(), OnvifError>, Unheard> {
        if Instant::now() >= self.due.clock {
            let clock = match self.camera.clock().await {
                Ok(clock) => clock,
                Err(e) => return Ok(Err(e)),
            };
            self.due.clock = Instant::now() + self.pace.clock;
            let now = WallTime::now();
            for what in
                clock.map(|offset| self.watch.clock(offset, now, self.began.elapsed())).unwrap_or_default()
            {
                self.tell(Some(what), clock.map(|offset| now + offset)).await?;
            }
        }
        if Instant::now() >= self.due.streams {
            let sources = match self.camera.streams().await {
                Ok(sources) => sources,
                Err(e) => return Ok(Err(e)),
            };
            self.due.streams = Instant::now() + self.pace.streams;
            if std::mem::take(&mut self.restarted) {
                self.due.early = Instant::now() + EARLY_LOOK;
            }
            // Somebody may have switched them on.
            (self.no_events, self.forgotten) = (false, 0);
            let what = self.watch.streams(sources);
            self.tell(what, None).await?;
        }
        match self.events().await {
            Ok(said) => {
                for said in said {
                    let what = self.watch.said(said, self.began.elapsed());
                    if matches!(what, Some(What::Restarted)) {
                        // Whatever was known of it may have changed with it.
                        let at = self.due.early.max(Instant::now());
                        (self.due.clock, self.due.streams) =
                            (at.min(self.due.clock), at.min(self.due.streams));
                        self.restarted = true;
                    }
                    self.tell(what, said.at).await?;
                }
                for what in self.watch.left_out(self.began.elapsed()) {
                    self.tell(Some(what), None).await?;
                }
                Ok(Ok(()))
            }
            Err(e) => Ok(Err(e)),
        }
    }

    async fn events(&mut self) -> Result<Vec<Said>, OnvifError> {
        if self.no_events {
            let next = self.due.clock.min(self.due.streams);
            tokio::time::sleep_until(next).await;
            return Ok(Vec::new());
        }
        // One that answers at once, again and again, is not asked more often than that.
        tokio::time::sleep_until(self.due.pull).await;
        let Some(point) = &self.point else {
            match self.subscribe().await {
                Ok(()) => {}
                // Time and streams are looked at all the same.
                Err(
                    OnvifError::Fault(_)
                    | OnvifError::NotThere(_)
                    | OnvifError::NotOnvif(_)
                    | OnvifError::Incomplete(_),
                ) => {
                    self.no_events = true;
                }
                Err(e) => return Err(e),
            }
            return Ok(Vec::new());
        };
        if Instant::now() >= self.due.renew {
            self.due.renew = Instant::now() + RENEWAL;
            // Those that do not understand it keep the subscription as long as they are asked.
            let _ = point.renew(&mut self.camera).await;
        }
        self.due.pull = Instant::now() + PULL_PAUSE;
        match point.pull(&mut self.camera, self.pace.wait).await {
            // It forgot the subscription, as it may after a restart, or never had it: it is made anew, a few times.
            Err(OnvifError::Fault(_) | OnvifError::Incomplete(_) | OnvifError::NotOnvif(_)) => {
                self.point = None;
                self.forgotten += 1;
                self.no_events = self.forgotten > FORGOTTEN_MAX;
                self.due.pull = Instant::now() + self.pace.retry_first;
                Ok(Vec::new())
            }
            said => {
                self.forgotten = 0;
                said
            }
        }
    }

    async fn subscribe(&mut self) -> Result<(), OnvifError> {
        let Some(events) = self.camera.services().await?.events else {
            return Err(OnvifError::NotThere("events"));
        };
        self.point = Some(PullPoint::subscribe(&mut self.camera, &events).await?);
        self.due.renew = Instant::now() + RENEWAL;
        Ok(())
    }

    async fn tell(&self, what: Option<What>, camera_time: Option<WallTime>) -> Result<(), Unheard> {
        let Some(what) = what else { return Ok(()) };
        let notice = Notice { what, camera_time, heard: WallTime::now() };
        self.out.send(notice).await.map_err(|_| Unheard)
    }
}
