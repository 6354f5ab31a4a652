//! One data directory.

use std::path::Path;
use std::time::Duration;

use louver_base::{CameraId, WallTime};
use louver_scene::TagKey;

use crate::{
    Gap, MaskedFile, MaskedWriter, Recording, RecordingId, RecordingKind, Recovery, SealedWriter, StoreError,
};

/// How a store works.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// How often the catalogue is written, for all cameras at once. Default 2 s.
    pub flush_every: Duration,
    /// How often a file being written is made to reach the disk (`fdatasync`): a power cut loses at most so much and
    /// the group in flight. Default 5 s.
    pub sync_every: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { flush_every: Duration::from_secs(2), sync_every: Duration::from_secs(5) }
    }
}

/// One data directory, held by one process. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {}

impl Store {
    /// Opens the data directory, making it where it is missing, and recovers what a crash left. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NotWritable`], [`StoreError::DiskFull`], [`StoreError::KeyFile`],
    /// [`StoreError::NewerDatabase`]: each says what to do.
    pub async fn open(_dir: &Path, _options: StoreOptions) -> Result<(Self, Recovery), StoreError> {
        unimplemented!()
    }

    /// Writes what is still in memory and lets go of the directory once the last clone and writer is dropped.
    ///
    /// # Errors
    /// When the catalogue cannot be written; nothing is lost, the next start reads the files.
    pub async fn close(&self) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        unimplemented!()
    }

    /// The site's random id, 32 lower-case hexadecimal digits, made at first start.
    pub fn site_id(&self) -> &str {
        unimplemented!()
    }

    /// The key that tags masked fragments and stills.
    pub fn tag_key(&self) -> &TagKey {
        unimplemented!()
    }

    /// Free bytes of the disk that holds the data directory.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the system does not say.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        unimplemented!()
    }

    /// Writes originals of one camera. One writer a camera at a time.
    pub fn sealed_writer(&self, _camera: &CameraId) -> SealedWriter {
        unimplemented!()
    }

    /// Writes masked video of one camera. One writer a camera at a time.
    pub fn masked_writer(&self, _camera: &CameraId) -> MaskedWriter {
        unimplemented!()
    }

    /// The camera's recordings that touch `from..to`, oldest first, the ones being written included.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn recordings(
        &self,
        _camera: &CameraId,
        _from: WallTime,
        _to: WallTime,
    ) -> Result<Vec<Recording>, StoreError> {
        unimplemented!()
    }

    /// Until when the camera is recorded; `None` if it never was. At a start: where the gap begins.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn last_recorded(
        &self,
        _camera: &CameraId,
        _kind: RecordingKind,
    ) -> Result<Option<WallTime>, StoreError> {
        unimplemented!()
    }

    /// What can be shown of a masked recording, the one being written included. About 1 MB; 64 MiB at most.
    ///
    /// # Errors
    /// [`StoreError::NoRecording`], [`StoreError::Damaged`], [`StoreError::Io`].
    pub async fn masked_file(&self, camera: &CameraId, id: RecordingId) -> Result<MaskedFile, StoreError> {
        self.masked_file_from(camera, id, WallTime::from_micros(i64::MIN)).await
    }

    /// The same without the fragments that ended before `from`.
    ///
    /// # Errors
    /// As [`masked_file`](Self::masked_file).
    pub async fn masked_file_from(
        &self,
        _camera: &CameraId,
        _id: RecordingId,
        _from: WallTime,
    ) -> Result<MaskedFile, StoreError> {
        unimplemented!()
    }

    /// Notes a gap, or lengthens it: one with the same camera, stream and start gets the new end and reason.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`]: it is then kept in memory and written later.
    pub async fn record_gap(&self, _gap: Gap) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Gaps of a camera that touch `from..to`, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn gaps(
        &self,
        _camera: &CameraId,
        _from: WallTime,
        _to: WallTime,
    ) -> Result<Vec<Gap>, StoreError> {
        unimplemented!()
    }
}
