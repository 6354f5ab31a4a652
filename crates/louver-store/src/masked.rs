//! Masked video on its way to disk.

use bytes::Bytes;
use louver_base::WallTime;
use louver_scene::Masked;

use crate::{Recording, StoreError};

/// Writes one camera's masked video: a file about once a minute, one write a call.
///
/// After any error, and when a call was dropped half-way, the file is closed as it is (what was written before stays
/// readable) and the next `append` begins another with the same init.
#[derive(Debug)]
pub struct MaskedWriter {}

impl MaskedWriter {
    /// Says what stands at the start of the files to come (`ftyp`, `moov`). Finishes the file of other parameters.
    ///
    /// # Errors
    /// [`StoreError::Sync`], [`StoreError::Io`] of the file before.
    pub async fn begin(&mut self, _init: Masked<Bytes>) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Writes one fragment, which must start with a key frame; begins a new file once the current one is a minute old
    /// or the hour (UTC) has changed. `first` and `last`: arrival of its first and last picture.
    ///
    /// # Errors
    /// [`StoreError::NotBegun`], [`StoreError::TooLarge`] (16 MiB), [`StoreError::DiskFull`], [`StoreError::Io`],
    /// [`StoreError::Sync`].
    pub async fn append(
        &mut self,
        _fragment: Masked<Bytes>,
        _first: WallTime,
        _last: WallTime,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Finishes the current file: its bytes are on the disk when this returns. `None` if none was open.
    ///
    /// # Errors
    /// [`StoreError::Sync`], [`StoreError::Io`].
    pub async fn finish(&mut self) -> Result<Option<Recording>, StoreError> {
        unimplemented!()
    }
}
