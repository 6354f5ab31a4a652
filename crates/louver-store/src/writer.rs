//! A file being written and its place in the index, for both stores.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use louver_base::{CameraId, WallTime};

use crate::files::{OpenFile, blocking};
use crate::fresh::{FileState, RecordingKey};
use crate::layout::{id_at, recording_path};
use crate::store::Inner;
use crate::{Recording, RecordingKind, StoreError};

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
    file: OpenFile,
    start: WallTime,
    end: WallTime,
    /// Whether the index knows it: from its first fragment on.
    listed: bool,
    finished: bool,
}

impl Writing {
    fn list(&mut self, state: FileState) {
        self.listed = true;
        self.inner.fresh().change_recording(&self.key, self.end, self.file.bytes, state);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.listed && !self.finished {
            self.list(FileState::Abandoned);
        }
    }
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
            let path = |id| recording_path(&inner.dir, kind, &camera, id);
            let file = inner.files.create(path, id_at(start), &bytes, inner.options.sync_every)?;
            let key = (camera, kind, file.id);
            Ok(Writing { inner, key, file, start, end: start, listed: false, finished: false })
        })
        .await?;
        self.open = Some(writing);
        Ok(())
    }

    /// Data first, then its index entry.
    pub(crate) async fn append(&mut self, bytes: Bytes, last: WallTime) -> Result<(), StoreError> {
        let mut writing = self.take()?;
        let writing = blocking(move || {
            writing.file.append(&bytes)?;
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
        let mut writing = self.take()?;
        let writing = blocking(move || writing.file.sync().map(|()| writing)).await?;
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
                writing.file.append(&bytes)?;
            }
            writing.file.sync()?;
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
