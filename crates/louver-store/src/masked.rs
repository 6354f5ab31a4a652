//! Masked video and scene streams on their way to disk.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use louver_base::{CameraId, WallSpan, WallTime};
use louver_scene::{Masked, TAG_BYTES};

use crate::layout::hour_of;
use crate::masked_file::{PART_BYTES_MAX, part};
use crate::setup::CameraKeys;
use crate::store::Inner;
use crate::writer::FileWriter;
use crate::{Recording, RecordingKind, ScenePart, StoreError};

/// A masked file is about that long.
const FILE_SPAN: WallSpan = WallSpan::from_millis(60_000);

/// Writes one camera's masked video or scene stream: a file about once a minute, one write a call.
///
/// After any error, and when a call was dropped half-way, the file is closed as it is (what was written before stays
/// readable) and the next `append` begins another with the same init.
#[derive(Debug)]
pub struct MaskedWriter {
    files: FileWriter,
    keys: CameraKeys,
    init: Option<Masked<Bytes>>,
}

impl MaskedWriter {
    pub(crate) fn new(inner: Arc<Inner>, camera: CameraId, kind: RecordingKind) -> Self {
        let keys = inner.keys.camera(&camera);
        Self { files: FileWriter::new(inner, camera, kind), keys, init: None }
    }

    /// Says what stands at the start of the files to come (`ftyp`, `moov`, or a scene stream's header). Finishes the file of other parameters.
    ///
    /// # Errors
    /// [`StoreError::Sync`] of the file before; [`StoreError::TooLarge`].
    pub async fn begin(&mut self, init: Masked<Bytes>) -> Result<(), StoreError> {
        self.fits(&init)?;
        if self.init.as_ref() != Some(&init) {
            // First, so that a failure to finish the old file does not leave the new fragments without their init.
            self.init = Some(init);
            self.finish().await?;
        }
        Ok(())
    }

    /// Writes one fragment, which must start with a key frame; begins a new file once the current one is a minute old
    /// or the hour (UTC) has changed. `first` and `last`: arrival of its first and last picture.
    ///
    /// # Errors
    /// [`StoreError::NotBegun`], [`StoreError::TooLarge`] (16 MiB), [`StoreError::DiskFull`], [`StoreError::Io`],
    /// [`StoreError::Sync`]. The fragment is then not kept: give it again if that can help.
    pub async fn append(
        &mut self,
        fragment: Masked<Bytes>,
        first: WallTime,
        last: WallTime,
    ) -> Result<(), StoreError> {
        self.fits(&fragment)?;
        let last = last.max(first);
        if self.files.open_since().is_some_and(|start| file_done(start, first)) {
            self.finish().await?;
        }
        let fragment = part(&self.keys, &fragment, first, last);
        if self.files.open_since().is_some() {
            return self.files.append(fragment, last).await;
        }
        let Some(init) = &self.init else {
            return Err(StoreError::NotBegun { camera: self.files.camera().clone() });
        };
        // Init and first fragment in one write: no file without a picture.
        let mut start = BytesMut::from(&part(&self.keys, init, first, first)[..]);
        start.extend_from_slice(&fragment);
        self.files.begin(first, start.freeze()).await?;
        self.files.list_begun(last);
        Ok(())
    }

    /// Writes some records of a scene stream, likewise; where a file begins, with the full record in place of the delta.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn append_scene(&mut self, part: &ScenePart) -> Result<(), StoreError> {
        let goes_on = self.files.open_since().is_some_and(|start| !file_done(start, part.first));
        let first = if goes_on { &part.delta } else { &part.full };
        self.append(Masked::joined([first, &part.rest]), part.first, part.last).await
    }

    /// Finishes the current file: its bytes are on the disk when this returns. `None` if none was open.
    ///
    /// # Errors
    /// [`StoreError::Sync`].
    pub async fn finish(&mut self) -> Result<Option<Recording>, StoreError> {
        match self.files.open_since() {
            Some(_) => self.files.finish(Bytes::new()).await.map(Some),
            None => Ok(None),
        }
    }

    fn fits(&self, bytes: &Masked<Bytes>) -> Result<(), StoreError> {
        let bytes = bytes.get().len();
        if bytes > PART_BYTES_MAX - TAG_BYTES {
            return Err(StoreError::TooLarge { camera: self.files.camera().clone(), bytes });
        }
        Ok(())
    }
}

/// Whether a file that began at `start` ends before a fragment that begins at `next`; also when the clock went back.
fn file_done(start: WallTime, next: WallTime) -> bool {
    next < start || next - start >= FILE_SPAN || hour_of(start) != hour_of(next)
}
