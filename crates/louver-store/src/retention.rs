//! Deleting what is too old or too much.

use louver_base::{CameraId, WallTime};

use crate::{Store, StoreError};

/// How much of the disk stays free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskWatermark {
    /// Bytes.
    Bytes(u64),
    /// Per cent of the disk, 0 to 100.
    Percent(u8),
}

/// What a retention pass did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// Files deleted because their retention ended.
    pub expired_files: u64,
    /// Files deleted, oldest first, because the disk was too full.
    pub crowded_out_files: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Events deleted.
    pub events: u64,
    /// Whether the disk is still below its watermark: nothing is left that may be deleted.
    pub still_low: bool,
}

impl Store {
    /// Deletes recordings, events, stills and gaps whose retention ended, then, while the disk is below its watermark,
    /// the oldest recordings of any camera. Never a file being written. Cameras that are not listed keep
    /// everything but for the watermark.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Database`]: what was deleted before stays deleted; call again.
    pub async fn retention_pass(
        &self,
        _now: WallTime,
        _retention_hours: &[(CameraId, u32)],
        _watermark: DiskWatermark,
    ) -> Result<RetentionReport, StoreError> {
        unimplemented!()
    }
}
