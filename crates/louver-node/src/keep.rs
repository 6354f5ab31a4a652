//! What a camera's analysis gives to the store: scenes, events, stills.

use bytes::Bytes;
use louver_base::{CameraId, EventId, WallTime};
use louver_scene::Masked;
use louver_store::{
    EventChange, EventRecord, Gap, GapReason, MaskedWriter, RecordingKind, ScenePart, Store, StoreError,
    StreamKind,
};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::StatusCell;

/// Something to keep.
#[derive(Debug)]
pub(crate) enum Keep {
    /// The header of the scene files to come.
    Begin(Masked<Bytes>),
    /// About two seconds of the scene stream.
    Part(Box<ScenePart>),
    /// No masked pictures follow for this reason: the file ends.
    End(GapReason),
    /// Parts were dropped before the next one, for this reason.
    Missed(GapReason),
    /// An event begins.
    Event(Box<EventRecord>),
    /// It goes on.
    Change(EventId, EventChange),
    /// Its best still so far.
    Still(EventId, Masked<Bytes>),
    /// It is over.
    Finish(EventId, WallTime),
}

/// Things that wait for the disk: minutes of scenes and a crowd's events. Beyond it they are dropped and the gap
/// is recorded: analysis and live pictures never wait for a disk.
const WAITING: usize = 512;

/// The end that analysis holds.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    queue: mpsc::Sender<Keep>,
    dropped: u64,
    /// A part was dropped since the last one that was handed over.
    missed: bool,
}

impl Keeper {
    /// Starts the task that writes; it ends when the last `Keeper` is gone.
    pub(crate) fn start(store: Store, camera: CameraId, status: &StatusCell, tasks: &TaskTracker) -> Self {
        let (queue, receiver) = mpsc::channel(WAITING);
        let writer = store.scene_writer(&camera);
        let task = Writing {
            store,
            camera,
            status: status.clone(),
            writer,
            kept_until: None,
            missing: Some(GapReason::Restart),
        };
        tasks.spawn(task.run(receiver));
        Self { queue, dropped: 0, missed: false }
    }

    /// Hands something over.
    pub(crate) fn keep(&mut self, what: Keep) {
        let part = matches!(what, Keep::Part(_));
        if part && self.missed {
            self.missed = self.queue.try_send(Keep::Missed(GapReason::Overloaded)).is_err();
        }
        if self.queue.try_send(what).is_err() {
            self.dropped += 1;
            self.missed |= part;
            // The first and then every hundredth: a full disk must not fill the log too.
            if self.dropped % 100 == 1 {
                tracing::error!(dropped = self.dropped, "the disk is too slow: masked recordings are lost");
            }
        }
    }
}

struct Writing {
    store: Store,
    camera: CameraId,
    status: StatusCell,
    writer: MaskedWriter,
    /// Last moment on disk.
    kept_until: Option<WallTime>,
    /// Why nothing has been kept since then, if so.
    missing: Option<GapReason>,
}

impl Writing {
    async fn run(mut self, mut queue: mpsc::Receiver<Keep>) {
        for kind in [RecordingKind::Masked, RecordingKind::Scene] {
            match self.store.last_recorded(&self.camera, kind).await {
                Ok(until) => self.kept_until = self.kept_until.max(until),
                Err(e) => {
                    tracing::warn!(camera = %self.camera, error = %e, "the gap before this start is not known")
                }
            }
        }
        while let Some(what) = queue.recv().await {
            let part = match &what {
                Keep::Part(part) => Some((part.first, part.last)),
                _ => None,
            };
            match (self.write(what).await, part) {
                (Ok(()), Some((first, last))) => self.worked(first, last).await,
                (Ok(()), None) => {}
                (Err(e), Some(_)) => self.failed(&e),
                (Err(e), None) => {
                    tracing::warn!(camera = %self.camera, error = &e as &dyn std::error::Error, "not kept");
                }
            }
        }
        if let Err(e) = self.writer.finish().await {
            tracing::error!(camera = %self.camera, error = &e as &dyn std::error::Error, "the last masked file is not finished");
        }
    }

    async fn write(&mut self, what: Keep) -> Result<(), StoreError> {
        match what {
            Keep::Begin(init) => self.writer.begin(init).await,
            Keep::Part(part) => self.writer.append_scene(&part).await,
            Keep::End(reason) => {
                self.missing.get_or_insert(reason);
                self.writer.finish().await.map(drop)
            }
            Keep::Missed(reason) => {
                self.missing.get_or_insert(reason);
                Ok(())
            }
            Keep::Event(record) => self.store.start_event(*record).await,
            Keep::Change(id, change) => self.store.update_event(id, &change),
            Keep::Still(id, jpeg) => self.store.set_still(id, jpeg).await,
            Keep::Finish(id, end) => self.store.finish_event(id, end).await,
        }
    }

    fn failed(&mut self, e: &StoreError) {
        let reason = if e.is_disk_full() { GapReason::DiskFull } else { GapReason::DiskFailed };
        if self.missing.replace(reason) != Some(reason) {
            tracing::error!(camera = %self.camera, error = e as &dyn std::error::Error, "what is shown is not kept");
            let problem = e.to_string();
            self.status.update(|s| s.recording_problem = Some(problem));
        }
    }

    /// A part is on disk: the gap before it, if there was one, gets its entry.
    async fn worked(&mut self, first: WallTime, last: WallTime) {
        if let Some(reason) = self.missing.take() {
            if matches!(reason, GapReason::DiskFull | GapReason::DiskFailed) {
                self.status.update(|s| s.recording_problem = None);
            }
            if let Some(start) = self.kept_until.filter(|start| *start < first) {
                let camera = self.camera.clone();
                let gap = Gap { camera, stream: StreamKind::Sub, start, end: first, reason };
                if let Err(e) = self.store.record_gap(gap).await {
                    tracing::error!(camera = %self.camera, error = &e as &dyn std::error::Error, "a gap is not noted");
                }
            }
        }
        self.kept_until = Some(last);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use louver_base::MediaTime;
    use louver_codec::JpegEncoder;
    use louver_media::PictureSize;
    use louver_scene::Scene;
    use louver_store::StoreOptions;

    use super::*;

    fn at(ms: i64) -> WallTime {
        WallTime::from_millis(1_700_000_000_000 + ms)
    }

    /// On one thread nothing is written until the test waits: the disk is as slow as can be.
    #[tokio::test]
    async fn parts_that_a_slow_disk_costs_are_a_gap_with_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).await.unwrap();
        let (camera, tasks) = ("gate".parse::<CameraId>().unwrap(), TaskTracker::new());
        let mut keeper = Keeper::start(store.clone(), camera.clone(), &StatusCell::default(), &tasks);
        let nothing = Scene::nothing(PictureSize::new(16, 16).unwrap());
        let bytes = nothing.encode(&mut JpegEncoder::default(), MediaTime::ZERO, true).unwrap().into_bytes();
        let part = |ms: i64| {
            let (full, delta, rest) = (bytes.clone(), bytes.clone(), bytes.clone());
            Keep::Part(Box::new(ScenePart { full, delta, rest, first: at(ms), last: at(ms + 50) }))
        };
        keeper.keep(Keep::Begin(bytes.clone()));
        for n in 1..WAITING as i64 + 4 {
            keeper.keep(part(n * 100));
        }
        assert_eq!(keeper.dropped, 4);
        let last = at((WAITING as i64 - 1) * 100 + 50);
        let written = async || {
            let until = store.last_recorded(&camera, RecordingKind::Scene).await.unwrap();
            until.is_some_and(|t| t >= last)
        };
        tokio::time::timeout(Duration::from_secs(20), async { while !written().await {} }).await.unwrap();
        keeper.keep(part(90_000));
        keeper.keep(part(90_100));
        drop(keeper);
        tasks.close();
        tokio::time::timeout(Duration::from_secs(20), tasks.wait()).await.unwrap();
        let gaps = store.gaps(&camera, at(0), at(100_000)).await.unwrap();
        let gaps: Vec<_> = gaps.iter().map(|g| (g.stream, g.start, g.end, g.reason)).collect();
        assert_eq!(gaps, [(StreamKind::Sub, last, at(90_000), GapReason::Overloaded)]);
        store.close().await.unwrap();
    }
}
