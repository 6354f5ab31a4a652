//! Sealed originals on their way to disk.

use std::path::{Path, PathBuf};

use louver_base::{CameraId, WallTime};

use crate::placeholder::Sealed;
use crate::{Recording, StoreError};

/// Writes one camera's sealed segments, one write a fragment.
///
/// After any error, and when a call was dropped half-way, the segment is closed as it is (what was written before
/// can still be opened): `begin` another with a header of its own, never the same one.
#[derive(Debug)]
pub struct SealedWriter {}

impl SealedWriter {
    /// Begins a segment with its header. A segment still open is closed without its end: call `finish` first.
    /// `start`: arrival of the first picture to come.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`].
    pub async fn begin(&mut self, _header: Sealed, _start: WallTime) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Writes one fragment. `first` and `last`: arrival of its first and last picture.
    ///
    /// # Errors
    /// [`StoreError::NotBegun`], [`StoreError::DiskFull`], [`StoreError::Io`], [`StoreError::Sync`].
    pub async fn append(
        &mut self,
        _fragment: Sealed,
        _first: WallTime,
        _last: WallTime,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Writes the segment's end: its bytes are on the disk when this returns.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn finish(&mut self, _end: Sealed) -> Result<Recording, StoreError> {
        unimplemented!()
    }

    /// When the open segment began, for [`rotation_due`]; `None` if none is open.
    pub fn open_since(&self) -> Option<WallTime> {
        unimplemented!()
    }
}

/// Whether a segment that began at `start` ends before the group that begins at `next`: it is five minutes old, or the
/// hour (UTC) has changed, since every hour has its own keys; or the clock went back.
pub fn rotation_due(_start: WallTime, _next: WallTime) -> bool {
    unimplemented!()
}

/// A sealed file, as `louver open` needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// Where it lies.
    pub path: PathBuf,
    /// Arrival of its first picture, to the millisecond.
    pub start: WallTime,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Sealed segments that may hold pictures of `from..to`, oldest first. Reads the folders alone: needs no catalogue and
/// takes no lock, so it works beside a running server.
///
/// # Errors
/// [`StoreError::Io`] when the folders cannot be read; a camera without any is an empty list.
pub fn sealed_segments(
    _dir: &Path,
    _camera: &CameraId,
    _from: WallTime,
    _to: WallTime,
) -> Result<Vec<SealedSegment>, StoreError> {
    unimplemented!()
}
