//! A file being written and its place in the index, for both stores.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use louver_base::{CameraId, WallTime};

use crate::files::{OpenFile, blocking};
use crate::fresh::{FileState, RecordingKey};
use crate::layout::{id_at, recording_path};
use crate::store::Inner;
use crate::{Recording, RecordingId, RecordingKind, StoreError};

/// Writes files of one camera and kind, one after the other.
#[derive(Debug)]
pub(crate) struct FileWriter {
    inner: Arc<Inner>,
    camera: CameraId,
    kind: RecordingKind,
    /// Taken out while a write runs: if that fails, or the call is dropped, the file is done with.
    open: Option<Writing>,
}

/// An open file. However it goes out of scope, the index says what became of it.
#[derive(Debug)]
struct Writing {
    inner: Arc<Inner>,
    key: RecordingKey,
    /// The disk it lies on.
    disk: i64,
    file: OpenFile,
    start: WallTime,
    end: WallTime,
    /// Whether the index knows it: from its first fragment on.
    listed: bool,
    finished: bool,
}

impl Writing {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let appended = self.file.append(bytes);
        appended.inspect_err(|e| self.inner.disk_failed(self.disk, e))
    }

    fn sync(&self) -> Result<(), StoreError> {
        let synced = self.file.sync();
        synced.inspect_err(|e| self.inner.disk_failed(self.disk, e))
    }

    fn list(&mut self, state: FileState) {
        self.listed = true;
        let facts = (self.disk, self.end, self.file.bytes);
        self.inner.fresh().change_recording(&self.key, facts, state);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.inner.fresh().open.remove(&self.key);
        if self.listed && !self.finished {
            self.list(FileState::Abandoned);
        }
    }
}

/// Begins a file on the best disk that takes it.
fn create(
    inner: &Inner,
    kind: RecordingKind,
    camera: &CameraId,
    start: WallTime,
    bytes: &[u8],
) -> Result<(i64, OpenFile), StoreError> {
    let (mut refused, mut id) = (None, id_at(start));
    for place in inner.places.for_new(&inner.files) {
        let path = |id| recording_path(&place.dir, kind, camera, id);
        // A name that the recording has on another disk too would be that one's: files move.
        let free = |mut id: RecordingId| {
            while inner
                .places
                .there()
                .any(|p| p.number != place.number && recording_path(&p.dir, kind, camera, id).exists())
            {
                id = RecordingId(id.0 + 1);
            }
            id
        };
        match inner.files.create(place.number, path, free(id), bytes, inner.options.sync_every) {
            Ok(file) => return Ok((place.number, file)),
            Err(e) => {
                inner.disk_failed(place.number, &e);
                refused.get_or_insert(e);
                // A power cut may bring back what was made there and taken away again: no other is to have its name.
                id = RecordingId(id.0 + 1);
            }
        }
    }
    Err(refused.unwrap_or_else(|| inner.no_disk()))
}

impl FileWriter {
    pub(crate) fn new(inner: Arc<Inner>, camera: CameraId, kind: RecordingKind) -> Self {
        Self { inner, camera, kind, open: None }
    }

    pub(crate) fn camera(&self) -> &CameraId {
        &self.camera
    }

    /// When the open file began.
    pub(crate) fn open_since(&self) -> Option<WallTime> {
        self.open.as_ref().map(|w| w.start)
    }

    /// Where the open file lies.
    pub(crate) fn open_path(&self) -> Option<PathBuf> {
        self.open.as_ref().map(|writing| writing.file.path.clone())
    }

    /// Closes what is open as it is and begins a file with these bytes, in one write.
    pub(crate) async fn begin(&mut self, start: WallTime, bytes: Bytes) -> Result<(), StoreError> {
        self.open = None;
        let (inner, camera, kind) = (Arc::clone(&self.inner), self.camera.clone(), self.kind);
        let writing = blocking(move || {
            let (disk, file) = create(&inner, kind, &camera, start, &bytes)?;
            let key = (camera, kind, file.id);
            inner.fresh().open.insert(key.clone());
            Ok(Writing { inner, key, disk, file, start, end: start, listed: false, finished: false })
        })
        .await?;
        self.open = Some(writing);
        Ok(())
    }

    /// Data first, then its index entry.
    pub(crate) async fn append(&mut self, bytes: Bytes, last: WallTime) -> Result<(), StoreError> {
        let mut writing = self.take()?;
        let writing = blocking(move || {
            writing.append(&bytes)?;
            writing.end = writing.end.max(last);
            writing.list(FileState::Writing);
            Ok(writing)
        })
        .await?;
        self.open = Some(writing);
        Ok(())
    }

    /// Waits until the disk has what was written so far.
    pub(crate) async fn sync(&mut self) -> Result<(), StoreError> {
        let writing = self.take()?;
        let writing = blocking(move || writing.sync().map(|()| writing)).await?;
        self.open = Some(writing);
        Ok(())
    }

    /// Notes the fragment that `begin` wrote together with the file's start.
    pub(crate) fn list_begun(&mut self, last: WallTime) {
        if let Some(writing) = &mut self.open {
            writing.end = writing.end.max(last);
            writing.list(FileState::Writing);
        }
    }

    /// Writes the last bytes and waits until the disk has all of it.
    pub(crate) async fn finish(&mut self, bytes: Bytes) -> Result<Recording, StoreError> {
        let mut writing = self.take()?;
        let kind = self.kind;
        blocking(move || {
            if !bytes.is_empty() {
                writing.append(&bytes)?;
            }
            writing.sync()?;
            writing.finished = true;
            writing.list(FileState::Finished);
            let id = writing.file.id;
            Ok(Recording {
                kind,
                id,
                start: id.start(),
                end: writing.end,
                bytes: writing.file.bytes,
                finished: true,
            })
        })
        .await
    }

    fn take(&mut self) -> Result<Writing, StoreError> {
        self.open.take().ok_or_else(|| StoreError::NotBegun { camera: self.camera.clone() })
    }
}
