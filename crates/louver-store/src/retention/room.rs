//! What is too much for a disk.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use louver_base::{CameraId, WallTime};

use super::delete::{PAGE, rows_to_old};
use super::{DiskWatermark, Old, RetentionReport, WhenFull};
use crate::gone::DeletedFor;
use crate::moving::Moving;
use crate::places::{DATA, Place};
use crate::store::Inner;
use crate::{DiskRole, StoreError};

/// A pass moves no longer than that to make room: other disks and what is too old wait meanwhile.
const MOVE_AT_MOST: Duration = Duration::from_secs(60);

impl Inner {
    /// Moves the oldest recordings to a cold disk, or deletes them, until enough of the disk is free. For whoever does not hold
    /// `maintenance`.
    pub(super) async fn make_room(
        &self,
        place: &Place,
        watermark: DiskWatermark,
        when_full: WhenFull,
        now: WallTime,
        report: &mut RetentionReport,
    ) -> Result<(), StoreError> {
        let mut crowded_out = BTreeMap::<CameraId, WallTime>::new();
        let mut after = (i64::MIN, String::new(), -1_i64);
        let mut moving = Moving::begin(now, None);
        // A hot disk is full because the cold ones are: what is older goes first, wherever it lies, and makes room to move to.
        let cold = |p: &&Place| place.role == Some(DiskRole::Hot) && p.role == Some(DiskRole::Cold);
        let colds = self.places.there().filter(cold).map(|p| p.number);
        let among: Vec<i64> = std::iter::once(place.number).chain(colds).collect();
        loop {
            let disk = match self.files.space(&place.dir) {
                // The next look at the disks says so.
                Err(error) if place.number != DATA => {
                    tracing::warn!(%error, "how full a disk is cannot be said");
                    break;
                }
                disk => disk?,
            };
            let wanted = place.min_free.unwrap_or(watermark).bytes_of(disk.total);
            if disk.free >= wanted {
                place.set_full(false);
                break;
            }
            if self.move_for_room(place, wanted - disk.free, now, &mut moving).await {
                if moving.lasts() < MOVE_AT_MOST {
                    continue;
                }
                report.more_to_move = true;
                break;
            }
            if self.moving.wishes.has_ended() {
                // A stop is no reason to delete what would have been moved.
                break;
            }
            let _turn = self.maintenance.lock().await;
            if when_full == WhenFull::Stop {
                place.set_full(true);
                report.still_low = true;
                break;
            }
            let oldest = self.oldest(&among, &after).await?;
            let Some(last) = oldest.last() else {
                report.still_low = true;
                break;
            };
            after = (last.key.2.0, last.key.0.as_str().to_owned(), last.key.1.code());
            let going = enough(self.may_go(oldest, now)?, wanted - disk.free, &mut after);
            for old in &going {
                let until = crowded_out.entry(old.key.0.clone()).or_insert(old.end);
                *until = old.end.max(*until);
            }
            let going = self.going(going, now).await?;
            report.crowded_out_files += self.delete(going.plain, DeletedFor::Room, report).await?;
            report.crowded_out_files += self.shred(going.ending, DeletedFor::Room, now, report).await?;
        }
        report.moved_files += moving.moved.files;
        let _turn = self.maintenance.lock().await;
        for (camera, until) in crowded_out {
            self.expire_events(&camera, until, report).await?;
            self.clear_hours(&camera, until).await?;
        }
        Ok(())
    }

    /// Moves what is to go to a cold disk; whether any went.
    async fn move_for_room(&self, place: &Place, bytes: u64, now: WallTime, moving: &mut Moving) -> bool {
        if place.role != Some(DiskRole::Hot) {
            return false;
        }
        let oldest =
            self.oldest_finished(place.number, now).await.and_then(|oldest| self.may_go(oldest, now));
        let before = moving.moved;
        self.moving.wishes.hurry.store(true, Ordering::Relaxed);
        for old in oldest.unwrap_or_default() {
            let enough = moving.moved.bytes - before.bytes >= bytes || moving.lasts() >= MOVE_AT_MOST;
            if enough || !self.move_one(place, old, moving).await.is_ok_and(|went| went.is_continue()) {
                break;
            }
        }
        self.moving.wishes.hurry.store(false, Ordering::Relaxed);
        moving.moved.files > before.files
    }

    /// The oldest recordings of a disk that nobody writes to and that ended before then.
    pub(crate) async fn oldest_finished(&self, disk: i64, before: WallTime) -> Result<Vec<Old>, StoreError> {
        let rows = sqlx::query(
            "SELECT camera, kind, start_ms, end_us, bytes, disk FROM recordings
             WHERE disk = ? AND held = 0 AND finished = 1 AND end_us <= ? ORDER BY start_ms LIMIT ?",
        )
        .bind(disk)
        .bind(before.micros())
        .bind(PAGE)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::db("looking for recordings to move"))?;
        rows_to_old(&rows)
    }

    async fn oldest(&self, disks: &[i64], after: &(i64, String, i64)) -> Result<Vec<Old>, StoreError> {
        let rows = sqlx::query(
            "SELECT camera, kind, start_ms, end_us, bytes, disk FROM recordings
             WHERE disk IN (SELECT value FROM json_each(?5)) AND held = 0 AND start_ms >= ?1 AND (start_ms, camera, kind) > (?1, ?2, ?3)
             ORDER BY start_ms, camera, kind LIMIT ?4",
        )
        .bind(after.0)
        .bind(&after.1)
        .bind(after.2)
        .bind(PAGE)
        .bind(serde_json::to_string(disks).unwrap_or_default())
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::db("looking for the oldest recordings"))?;
        rows_to_old(&rows)
    }
}

/// The first of them that free so many bytes together. `after` goes back to the last one taken.
fn enough(oldest: Vec<Old>, bytes: u64, after: &mut (i64, String, i64)) -> Vec<Old> {
    let mut freed = 0;
    let mut taken = oldest;
    if let Some(last) = taken.iter().position(|o| {
        freed += o.bytes;
        freed >= bytes
    }) {
        taken.truncate(last + 1);
        if let Some(Old { key: (camera, kind, id), .. }) = taken.last() {
            *after = (id.0, camera.as_str().to_owned(), kind.code());
        }
    }
    taken
}
