//! The detector at work for all cameras: one run at a time, on a thread of its own.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};

use louver_base::MediaTime;
use louver_codec::detector::Detector;
use louver_media::Picture;
use louver_scene::Detection;
use louver_see::Sweep;
use tokio_util::task::TaskTracker;

use crate::thread;

/// Sweeps that wait for the detector, of all cameras. Each camera has one under way at most; beyond the bound a
/// camera's sweep fails, and what it would have cleared stays masked.
const WAITING: usize = 64;

/// An answer: what was found in the picture taken then, or nothing when the detector failed.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) taken: MediaTime,
    pub(crate) found: Option<Vec<Detection>>,
}

struct Job {
    picture: Picture,
    sweep: Sweep,
    to: Sender<Answer>,
}

/// Takes sweeps to the detector's thread.
#[derive(Clone)]
pub(crate) struct Looker {
    queue: SyncSender<Job>,
    name: String,
    kind: louver_codec::detector::ModelKind,
}

impl std::fmt::Debug for Looker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Looker {{ {} }}", self.name)
    }
}

impl Looker {
    /// Starts the thread; it ends when the last `Looker` is gone.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(mut detector: Detector, tasks: &TaskTracker) -> io::Result<Self> {
        let (queue, jobs): (_, Receiver<Job>) = sync_channel(WAITING);
        let (name, kind) = (detector.name(), detector.kind());
        thread::start("detector".to_owned(), tasks, move || {
            while let Ok(job) = jobs.recv() {
                let found = detector.detect(&job.picture, &job.sweep.parts, job.sweep.least);
                let found = found.inspect_err(|e| tracing::error!(error = %e, "detector run failed")).ok();
                // The camera may have ended meanwhile.
                let _ = job.to.send(Answer { taken: job.sweep.taken, found });
            }
        })?;
        Ok(Self { queue, name, kind })
    }

    /// The model's kind.
    pub(crate) fn kind(&self) -> louver_codec::detector::ModelKind {
        self.kind
    }

    /// Asks for a sweep; `false` if too many wait already.
    pub(crate) fn ask(&self, picture: &Picture, sweep: Sweep, to: &Sender<Answer>) -> bool {
        match self.queue.try_send(Job { picture: picture.clone(), sweep, to: to.clone() }) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

/// Where a camera's answers come in.
pub(crate) fn answers() -> (Sender<Answer>, Receiver<Answer>) {
    channel()
}
