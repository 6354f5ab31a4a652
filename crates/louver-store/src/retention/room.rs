//! What is too much for a disk.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use louver_base::{CameraId, WallTime};

use super::delete::{After, FIRST, PAGE, rows_to_old};
use super::{DiskWatermark, Old, RetentionReport, WhenFull};
use crate::gone::DeletedFor;
use crate::moving::{Moving, Went};
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
        let mut after = FIRST;
        let mut moving = Moving::begin(now, None);
        let mut move_after = FIRST;
        loop {
            let disk = match self.space(place).await {
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
            let wanted = wanted - disk.free;
            let full = match self.move_for_room(place, wanted, &mut move_after, &mut moving).await {
                // A stop is no reason to delete what would have been moved.
                Went::Ended => break,
                Went::On if moving.lasts() < MOVE_AT_MOST => continue,
                Went::On => {
                    report.more_to_move = true;
                    break;
                }
                Went::Not { full } => full,
            };
            // A hot disk is full because the cold ones are: what is older goes first, wherever it lies, and makes room to move to. On a
            // cold disk that takes nothing for another reason it would make none.
            let among: Vec<i64> = std::iter::once(place.number).chain(full).collect();
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
            after = last.place_in_order();
            let going = enough(self.may_go(oldest, now).await?, wanted, &mut after);
            let ends: Vec<_> = going.iter().map(|old| (old.key.0.clone(), old.end)).collect();
            let going = self.going(going, now).await?;
            report.crowded_out_files += self.delete(going.plain, DeletedFor::Room, report).await?;
            report.crowded_out_files += self.shred(going.ending, DeletedFor::Room, now, report).await?;
            for (camera, end) in ends {
                let until = crowded_out.entry(camera).or_insert(end);
                *until = end.max(*until);
            }
        }
        report.moved_files += moving.moved.files;
        let _turn = self.maintenance.lock().await;
        for (camera, until) in crowded_out {
            // What is there of that time, on whatever disk, has its events, and so has what could not be deleted.
            let until = self.oldest_there(&camera).await?.map_or(until, |start| until.min(start));
            self.expire_events(&camera, until, report).await?;
            self.clear_hours(&camera, until).await?;
        }
        Ok(())
    }

    /// Moves so many bytes of what is to go to a cold disk, or as much as can be in the time there is.
    async fn move_for_room(&self, place: &Place, bytes: u64, after: &mut After, moving: &mut Moving) -> Went {
        let nothing = Went::Not { full: Vec::new() };
        if place.role != Some(DiskRole::Hot) || place.is_failing() {
            return nothing;
        }
        let before = moving.moved;
        let failing =
            || self.places.there().filter(|p| p.role == Some(DiskRole::Cold) && p.is_failing()).count();
        self.moving.wishes.hurry.store(true, Ordering::Relaxed);
        let went = loop {
            let enough = bytes.saturating_sub(moving.moved.bytes - before.bytes);
            if enough == 0 || moving.lasts() >= MOVE_AT_MOST {
                break Went::On;
            }
            let failed = failing();
            match self.move_some(place, moving.now(), enough, after, moving).await {
                Ok(Some(Went::On)) => {}
                Ok(Some(other)) => break other,
                Ok(None) => break nothing,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a recording is not moved; it is where it was"
                    );
                    // A cold disk that fails is left out from now on, and another may take it. Otherwise it is tried again in the
                    // next pass: nothing is deleted because the catalogue was busy.
                    if failing() == failed {
                        break Went::Ended;
                    }
                }
            }
        };
        self.moving.wishes.hurry.store(false, Ordering::Relaxed);
        // What went may have been enough.
        if moving.moved.files > before.files && went != Went::Ended { Went::On } else { went }
    }

    /// When the oldest recording of a camera began that is still there, or on a disk that is away.
    async fn oldest_there(&self, camera: &CameraId) -> Result<Option<WallTime>, StoreError> {
        let newer = {
            let fresh = self.fresh();
            let of_camera = fresh.recordings.keys().chain(&fresh.open).filter(|(c, ..)| c == camera);
            of_camera.map(|(_, _, id)| id.start()).min()
        };
        let stored: Option<i64> =
            sqlx::query_scalar("SELECT MIN(start_ms) FROM recordings WHERE camera = ? AND kind IN (0, 1, 2)")
                .bind(camera.as_str())
                .fetch_one(&self.pool)
                .await
                .map_err(StoreError::db("looking for the oldest recording"))?;
        let stored = stored.map(WallTime::from_millis);
        Ok(newer.into_iter().chain(stored).min())
    }

    /// The oldest recordings of a disk that nobody writes to and that ended before then, from `after` on.
    pub(crate) async fn oldest_finished(
        &self,
        disk: i64,
        before: WallTime,
        after: &After,
    ) -> Result<Vec<Old>, StoreError> {
        let rows = sqlx::query(
            "SELECT camera, kind, start_ms, end_us, bytes, disk FROM recordings
             WHERE disk = ?1 AND held = 0 AND finished = 1 AND end_us <= ?2
               AND start_ms >= ?3 AND (start_ms, camera, kind) > (?3, ?4, ?5)
             ORDER BY start_ms, camera, kind LIMIT ?6",
        )
        .bind(disk)
        .bind(before.micros())
        .bind(after.0)
        .bind(&after.1)
        .bind(after.2)
        .bind(PAGE)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::db("looking for recordings to move"))?;
        rows_to_old(&rows)
    }

    async fn oldest(&self, disks: &[i64], after: &After) -> Result<Vec<Old>, StoreError> {
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
fn enough(oldest: Vec<Old>, bytes: u64, after: &mut After) -> Vec<Old> {
    let mut freed = 0;
    let mut taken = oldest;
    if let Some(last) = taken.iter().position(|o| {
        freed += o.bytes;
        freed >= bytes
    }) {
        taken.truncate(last + 1);
        if let Some(last) = taken.last() {
            *after = last.place_in_order();
        }
    }
    taken
}
