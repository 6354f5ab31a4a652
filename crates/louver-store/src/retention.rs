//! Deleting what is too old or too much.
//!
//! Of originals, the hour secret goes before the last file of its hour (`shred.rs`).
//! Files go first, then their folders are made to reach the disk, then the entries go. A crash in between leaves entries
//! without files, which the next start drops. The other way round a file that could not be deleted would be forgotten
//! and lie there for ever; and on a full disk the catalogue could not be written before there is room.

use louver_base::{CameraId, WallSpan, WallTime};
use louver_vault::CameraHour;

use crate::gone::DeletedFor;
use crate::{Store, StoreError};

mod age;
mod delete;
mod room;

pub(crate) use delete::{After, FIRST, Old, remove_all};

/// How much of the disk stays free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskWatermark {
    /// Bytes.
    Bytes(u64),
    /// Per cent of the disk, 0 to 100.
    Percent(u8),
}

impl DiskWatermark {
    /// In bytes, of a disk of this size.
    pub fn bytes_of(self, total: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.min(total),
            Self::Percent(percent) => total / 100 * u64::from(percent.min(100)),
        }
    }
}

/// What is done where less than the watermark is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// The oldest recordings go, before their retention has ended.
    #[default]
    DeleteOldest,
    /// Nothing goes before its time: recording stops there until there is room.
    Stop,
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
    /// Files that could not be deleted (the log says why); they are tried again with the next pass.
    pub failed_files: u64,
    /// Events deleted.
    pub events: u64,
    /// Hours whose secret was destroyed for good.
    pub shredded: Vec<CameraHour>,
    /// Files moved to a cold disk because theirs was too full.
    pub moved_files: u64,
    /// Whether some disk is still below its watermark: nothing is left that may be deleted.
    pub still_low: bool,
    /// Moving to cold disks took its time and is not done: the next pass is due at once.
    pub more_to_move: bool,
}

/// What is dated later than that is dated by another clock.
pub(crate) const AHEAD: WallSpan = WallSpan::from_hours(24);

impl Store {
    /// Deletes recordings, events, stills and gaps whose retention ended, then, while the disk is below its watermark,
    /// the oldest recordings of any camera with the events of their time. Never a file being written, never what is
    /// held as evidence. Cameras that are not listed keep everything but for the watermark: list removed ones too
    /// ([`cameras`](Self::cameras)).
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Database`], [`StoreError::KeyRing`]: what was deleted before stays deleted; call again.
    pub async fn retention_pass(
        &self,
        now: WallTime,
        retention_hours: &[(CameraId, u32)],
        watermark: DiskWatermark,
    ) -> Result<RetentionReport, StoreError> {
        self.retention_pass_by(now, retention_hours, watermark, WhenFull::DeleteOldest).await
    }

    /// The same, and what is done where the disk is below its watermark: nothing before its time, if that is what the settings say.
    ///
    /// # Errors
    /// As [`retention_pass`](Self::retention_pass).
    pub async fn retention_pass_by(
        &self,
        now: WallTime,
        retention_hours: &[(CameraId, u32)],
        watermark: DiskWatermark,
        when_full: WhenFull,
    ) -> Result<RetentionReport, StoreError> {
        let inner = &self.0;
        let turn = inner.maintenance.lock().await;
        *inner.watermark.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(watermark);
        // On a full disk this fails, and what follows is the remedy.
        if let Err(e) = inner.flush_in_turn().await {
            tracing::warn!(error = %e, "the catalogue is not written; deleting first");
        }
        let mut report = RetentionReport::default();
        let mut ending = Vec::new();
        for (camera, hours) in retention_hours {
            let cutoff = now - WallSpan::from_hours(*hours);
            inner.note_ahead(camera, now).await?;
            inner.expire_recordings(camera, cutoff, now, &mut ending, &mut report).await?;
        }
        inner.forget_disks().await?;
        // After what needs no shredding, so that there is room for it on a full disk; for all cameras at once.
        let shredded = inner.shred(ending, DeletedFor::Age, now, &mut report).await;
        for (camera, hours) in retention_hours {
            let cutoff = now - WallSpan::from_hours(*hours);
            inner.expire_events(camera, cutoff, &mut report).await?;
            inner.clear_hours(camera, cutoff).await?;
        }
        // A key ring whose disk fails must not let this one run full.
        let swept = inner.sweep(retention_hours, now, &mut report).await;
        // Moving takes minutes: whoever writes the catalogue takes his turn in between.
        drop(turn);
        for place in inner.places.there() {
            inner.make_room(place, watermark, when_full, now, &mut report).await?;
        }
        report.expired_files += shredded?;
        swept.map(|()| report)
    }

    /// Every camera that has anything here, removed ones included.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Database`].
    pub async fn cameras(&self) -> Result<Vec<CameraId>, StoreError> {
        let found = crate::recovery::cameras(&self.0.places, &self.0.pool).await?;
        Ok(found.into_iter().collect())
    }
}
