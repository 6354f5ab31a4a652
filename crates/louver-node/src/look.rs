//! The detector at work for all cameras: one run at a time, on a thread of its own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::time::Instant;

use louver_base::MediaTime;
use louver_codec::detector::{Detector, ModelKind};
use louver_media::Picture;
use louver_scene::Detection;
use louver_see::Sweep;
use tokio_util::task::TaskTracker;

use crate::{Meters, thread};

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
    meters: Arc<Meters>,
}

/// Takes sweeps to the detector's thread.
#[derive(Clone)]
pub(crate) struct Looker {
    queue: SyncSender<Job>,
    name: String,
    kind: ModelKind,
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
        let (name, kind) = (detector.name(), detector.kind());
        Self::with(name, kind, tasks, move |picture, sweep| {
            let found = detector.detect(picture, &sweep.parts, sweep.least);
            found.inspect_err(|e| tracing::error!(error = %e, "detector run failed")).ok()
        })
    }

    /// Whatever `detect` is; `None` from it is a run that failed.
    pub(crate) fn with(
        name: String,
        kind: ModelKind,
        tasks: &TaskTracker,
        mut detect: impl FnMut(&Picture, &Sweep) -> Option<Vec<Detection>> + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, jobs): (_, Receiver<Job>) = sync_channel(WAITING);
        thread::start("detector".to_owned(), tasks, move || {
            while let Ok(job) = jobs.recv() {
                let begun = Instant::now();
                // A run that panics is a run that failed; without an answer its camera would wait for ever.
                let run = catch_unwind(AssertUnwindSafe(|| detect(&job.picture, &job.sweep)));
                let found = run.inspect_err(|_| tracing::error!("detector run failed")).ok().flatten();
                job.meters.detector.add(begun.elapsed());
                // The camera may have ended meanwhile.
                let _ = job.to.send(Answer { taken: job.sweep.taken, found });
            }
        })?;
        Ok(Self { queue, name, kind })
    }

    /// The model's kind.
    pub(crate) fn kind(&self) -> ModelKind {
        self.kind
    }

    /// Asks for a sweep; `false` if too many wait already.
    pub(crate) fn ask(
        &self,
        picture: &Picture,
        sweep: Sweep,
        to: &Sender<Answer>,
        meters: &Arc<Meters>,
    ) -> bool {
        let job = Job { picture: picture.clone(), sweep, to: to.clone(), meters: Arc::clone(meters) };
        match self.queue.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

/// Where a camera's answers come in.
pub(crate) fn answers() -> (Sender<Answer>, Receiver<Answer>) {
    channel()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use louver_media::PictureSize;

    use super::*;

    #[tokio::test]
    async fn a_run_that_fails_or_panics_is_answered_and_the_next_one_works() {
        let tasks = TaskTracker::new();
        let mut runs = 0;
        let looker = Looker::with("made up".to_owned(), ModelKind::Yolox, &tasks, move |_, _| {
            runs += 1;
            match runs {
                1 => panic!("on purpose"),
                2 => None,
                _ => Some(vec![]),
            }
        })
        .unwrap();
        let (to, from) = answers();
        let meters = Arc::default();
        let picture = Picture::flat(PictureSize::new(64, 64).unwrap(), 0, 128, 128);
        for (n, answered) in [false, false, true].into_iter().enumerate() {
            let sweep = Sweep { taken: MediaTime::from_ticks(n as i64), parts: vec![], least: 0.2 };
            assert!(looker.ask(&picture, sweep, &to, &meters));
            let answer = from.recv_timeout(Duration::from_secs(10)).unwrap();
            assert_eq!((answer.taken.ticks(), answer.found.is_some()), (n as i64, answered));
        }
        assert_eq!(meters.detector.runs.get(), 3, "those that fail cost time too");
        drop(looker);
        tasks.close();
        tokio::time::timeout(Duration::from_secs(10), tasks.wait()).await.unwrap();
    }
}
