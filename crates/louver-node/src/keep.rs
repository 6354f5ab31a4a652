//! What a camera's analysis gives to the store: scenes, events, stills.

use bytes::Bytes;
use louver_base::{CameraId, EventId, WallSpan, WallTime};
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

/// A gap that a disk makes is noted so often while it lasts: what ends it may be a restart, which must not pass for its cause.
pub(crate) const NOTED_EVERY: WallSpan = WallSpan::from_millis(60_000);

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
            noted_until: None,
            waits: false,
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
    /// Until when the disk's gap going on has been noted.
    noted_until: Option<WallTime>,
    /// Events wait in memory for the disk, and that was said.
    waits: bool,
}

impl Writing {
    async fn run(mut self, mut queue: mpsc::Receiver<Keep>) {
        for kind in [RecordingKind::Masked, RecordingKind::Scene] {
            match self.store.accounted_until(&self.camera, kind, WallTime::now()).await {
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
                (Err(e), Some((_, last))) => self.failed(&e, last).await,
                // Once a spell: a full disk must not fill the log too.
                (Err(e), None) if e.is_disk_full() => {
                    if !std::mem::replace(&mut self.waits, true) {
                        tracing::warn!(camera = %self.camera, error = &e as &dyn std::error::Error, "events are kept in memory until there is room, their stills are not kept");
                    }
                }
                (Err(e), None) => {
                    tracing::warn!(camera = %self.camera, error = &e as &dyn std::error::Error, "not kept");
                }
            }
        }
        if let Some(reason @ (GapReason::DiskFull | GapReason::DiskFailed)) = self.missing {
            self.note_gap(WallTime::now(), reason).await;
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

    async fn failed(&mut self, e: &StoreError, until: WallTime) {
        let reason = if e.is_disk_full() { GapReason::DiskFull } else { GapReason::DiskFailed };
        if self.missing.replace(reason) != Some(reason) {
            tracing::error!(camera = %self.camera, error = e as &dyn std::error::Error, "what is shown is not kept");
            let problem = e.to_string();
            self.status.update(|s| s.recording_problem = Some(problem));
        }
        if self.noted_until.is_none_or(|noted| until - noted >= NOTED_EVERY) {
            self.noted_until = Some(until);
            self.note_gap(until, reason).await;
        }
    }

    /// What cannot be written now is written when there is room.
    async fn note_gap(&self, end: WallTime, reason: GapReason) {
        let Some(start) = self.kept_until.filter(|start| *start < end) else { return };
        let gap = Gap { camera: self.camera.clone(), stream: StreamKind::Sub, start, end, reason };
        if let Err(e) = self.store.record_gap(gap).await {
            tracing::error!(camera = %self.camera, error = &e as &dyn std::error::Error, "a gap is not on the disk yet");
        }
    }

    /// A part is on disk: the gap before it, if there was one, gets its entry.
    async fn worked(&mut self, first: WallTime, last: WallTime) {
        if let Some(reason) = self.missing.take() {
            if matches!(reason, GapReason::DiskFull | GapReason::DiskFailed) {
                self.status.update(|s| s.recording_problem = None);
            }
            self.note_gap(first, reason).await;
        }
        (self.noted_until, self.waits) = (None, false);
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

    /// Waits for what `keeper` was given, and ends it.
    async fn ends(keeper: Keeper, tasks: &TaskTracker) {
        drop(keeper);
        tasks.close();
        tokio::time::timeout(Duration::from_secs(20), tasks.wait()).await.unwrap();
        tasks.reopen();
    }

    #[tokio::test]
    async fn a_gap_that_a_disk_makes_keeps_its_reason_when_a_restart_ends_it() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).await.unwrap();
        let (camera, tasks) = ("gate".parse::<CameraId>().unwrap(), TaskTracker::new());
        let nothing = Scene::nothing(PictureSize::new(16, 16).unwrap());
        let bytes = nothing.encode(&mut JpegEncoder::default(), MediaTime::ZERO, true).unwrap().into_bytes();
        let part = |first: WallTime| {
            let (full, delta, rest) = (bytes.clone(), bytes.clone(), bytes.clone());
            let last = first + WallSpan::from_millis(50);
            Keep::Part(Box::new(ScenePart { full, delta, rest, first, last }))
        };
        let start = || Keeper::start(store.clone(), camera.clone(), &StatusCell::default(), &tasks);
        let mut keeper = start();
        keeper.keep(Keep::Begin(bytes.clone()));
        keeper.keep(part(at(100)));
        ends(keeper, &tasks).await;
        // The disk fails: something that is no folder stands in the camera's place.
        let (folder, aside) = (dir.path().join("masked/gate"), dir.path().join("aside"));
        std::fs::rename(&folder, &aside).unwrap();
        std::fs::write(&folder, "in the way").unwrap();
        let mut keeper = start();
        keeper.keep(Keep::Begin(bytes.clone()));
        keeper.keep(part(at(5_000)));
        ends(keeper, &tasks).await;
        std::fs::remove_file(&folder).unwrap();
        std::fs::rename(&aside, &folder).unwrap();
        let mut keeper = start();
        keeper.keep(Keep::Begin(bytes.clone()));
        let again = WallTime::now() + WallSpan::from_millis(60_000);
        keeper.keep(part(again));
        ends(keeper, &tasks).await;
        let gaps = store.gaps(&camera, at(0), again + WallSpan::from_millis(1)).await.unwrap();
        let told: Vec<_> = gaps.iter().map(|g| (g.start, g.reason)).collect();
        assert_eq!(told, [(at(150), GapReason::DiskFailed), (gaps[0].end, GapReason::Restart)]);
        assert!(gaps[0].end > at(5_000) && gaps[1].end == again, "{gaps:?}");
        store.close().await.unwrap();
    }
}
