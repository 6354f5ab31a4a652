//! What a camera's analysis gives to the store: masked video, events, stills.

use bytes::Bytes;
use louver_base::{CameraId, EventId, WallTime};
use louver_scene::Masked;
use louver_store::{
    EventChange, EventRecord, Gap, GapReason, MaskedWriter, RecordingKind, Store, StoreError, StreamKind,
};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::StatusCell;

/// Something to keep.
#[derive(Debug)]
pub(crate) enum Keep {
    /// What stands at the start of the masked files to come.
    Begin(Masked<Bytes>),
    /// One masked fragment, with the times of its first and last picture.
    Fragment(Masked<Bytes>, WallTime, WallTime),
    /// No masked pictures follow for this reason: the file ends.
    End(GapReason),
    /// An event begins.
    Event(Box<EventRecord>),
    /// It goes on.
    Change(EventId, EventChange),
    /// Its best still so far.
    Still(EventId, Masked<Bytes>),
    /// It is over.
    Finish(EventId, WallTime),
}

/// Things that wait for the disk: half a minute of fragments and a crowd's events. Beyond it they are dropped and the gap
/// is recorded: analysis and live pictures never wait for a disk.
const WAITING: usize = 512;

/// The end that analysis holds.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    queue: mpsc::Sender<Keep>,
    dropped: u64,
}

impl Keeper {
    /// Starts the task that writes; it ends when the last `Keeper` is gone.
    pub(crate) fn start(store: Store, camera: CameraId, status: &StatusCell, tasks: &TaskTracker) -> Self {
        let (queue, receiver) = mpsc::channel(WAITING);
        let writer = store.masked_writer(&camera);
        let task = Writing {
            store,
            camera,
            status: status.clone(),
            writer,
            kept_until: None,
            missing: Some(GapReason::Restart),
        };
        tasks.spawn(task.run(receiver));
        Self { queue, dropped: 0 }
    }

    /// Hands something over.
    pub(crate) fn keep(&mut self, what: Keep) {
        if self.queue.try_send(what).is_err() {
            self.dropped += 1;
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
        match self.store.last_recorded(&self.camera, RecordingKind::Masked).await {
            Ok(until) => self.kept_until = until,
            Err(e) => {
                tracing::warn!(camera = %self.camera, error = %e, "the gap before this start is not known")
            }
        }
        while let Some(what) = queue.recv().await {
            let fragment = match &what {
                Keep::Fragment(_, first, last) => Some((*first, *last)),
                _ => None,
            };
            match (self.write(what).await, fragment) {
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
            Keep::Fragment(bytes, first, last) => self.writer.append(bytes, first, last).await,
            Keep::End(reason) => {
                self.missing.get_or_insert(reason);
                self.writer.finish().await.map(drop)
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
            tracing::error!(camera = %self.camera, error = e as &dyn std::error::Error, "masked video is not kept");
            let problem = e.to_string();
            self.status.update(|s| s.recording_problem = Some(problem));
        }
    }

    /// A fragment is on disk: the gap before it, if there was one, gets its entry.
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
