//! Deleting what is too old or too much.
//!
//! Of originals, the hour secret goes before the last file of its hour (`shred.rs`).
//! Files go first, then their folders are made to reach the disk, then the entries go. A crash in between leaves entries
//! without files, which the next start drops. The other way round a file that could not be deleted would be forgotten
//! and lie there for ever; and on a full disk the catalogue could not be written before there is room.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use louver_base::{CameraId, WallSpan, WallTime};
use louver_vault::{CameraHour, Hour};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::files::{Files, blocking};
use crate::fresh::{FileState, RecordingKey};
use crate::gone::DeletedFor;
use crate::layout::{HOUR_US, HourFolder, hours, recording_path, still_path};
use crate::moving::Moving;
use crate::places::{DATA, Place};
use crate::store::Inner;
use crate::{DiskRole, RecordingId, RecordingKind, Store, StoreError};

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
    pub(crate) fn bytes_of(self, total: u64) -> u64 {
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
/// A pass moves no longer than that to make room: other disks and what is too old wait meanwhile.
const MOVE_AT_MOST: Duration = Duration::from_secs(60);
/// Rows taken at once.
const PAGE: i64 = 256;

/// A file that may go.
#[derive(Clone, Debug)]
pub(crate) struct Old {
    pub(crate) key: RecordingKey,
    /// The disk it lies on.
    pub(crate) disk: i64,
    end: WallTime,
    pub(crate) bytes: u64,
}

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

impl Inner {
    /// Notes recordings that are dated ahead of the clock: a clock that was ahead made them, and by their dates they would stay for
    /// years. Their retention counts from when they were seen first, which is never early.
    async fn note_ahead(&self, camera: &CameraId, now: WallTime) -> Result<(), StoreError> {
        let ahead = now + AHEAD;
        let doing = || StoreError::db("noting recordings that are dated ahead of the clock");
        // Those that are so no more were seen by a clock that was behind.
        sqlx::query(
            "UPDATE recordings SET ahead_us = NULL
             WHERE camera = ? AND kind IN (0, 1, 2) AND ahead_us IS NOT NULL AND start_ms <= ? AND end_us <= ?",
        )
        .bind(camera.as_str())
        .bind(ahead.millis())
        .bind(ahead.micros())
        .execute(&self.pool)
        .await
        .map_err(doing())?;
        sqlx::query(
            "UPDATE recordings SET ahead_us = ?1
             WHERE camera = ?2 AND kind IN (0, 1, 2) AND ahead_us IS NULL AND (start_ms > ?3 OR end_us > ?4)",
        )
        .bind(now.micros())
        .bind(camera.as_str())
        .bind(ahead.millis())
        .bind(ahead.micros())
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(doing())
    }

    /// Deletes what needs no shredding; the last files of hours go into `ending`.
    async fn expire_recordings(
        &self,
        camera: &CameraId,
        cutoff: WallTime,
        now: WallTime,
        ending: &mut Vec<Old>,
        report: &mut RetentionReport,
    ) -> Result<(), StoreError> {
        // Past what stays (held, being written), so that the loop ends.
        let mut after = (i64::MIN, -1_i64);
        loop {
            let rows = sqlx::query(
                "SELECT camera, kind, start_ms, end_us, bytes, disk FROM recordings
                 WHERE camera = ?1 AND kind IN (0, 1, 2) AND held = 0 AND (start_ms, kind) > (?4, ?5)
                   AND ((start_ms <= ?2 AND end_us <= ?3) OR ahead_us <= ?3)
                 ORDER BY start_ms, kind LIMIT ?6",
            )
            .bind(camera.as_str())
            .bind(cutoff.millis())
            .bind(cutoff.micros())
            .bind(after.0)
            .bind(after.1)
            .bind(PAGE)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::db("looking for old recordings"))?;
            let old = rows_to_old(&rows)?;
            let Some(last) = old.last() else { return Ok(()) };
            after = (last.key.2.0, last.key.1.code());
            let mut going = self.going(old, now).await?;
            ending.append(&mut going.ending);
            report.expired_files += self.delete(going.plain, DeletedFor::Age, report).await?;
        }
    }

    /// Events and gaps that ended by then, with their stills. Lines in journals go with their hour's folder.
    async fn expire_events(
        &self,
        camera: &CameraId,
        cutoff: WallTime,
        report: &mut RetentionReport,
    ) -> Result<(), StoreError> {
        let doing = || StoreError::db("deleting old events");
        let stills =
            sqlx::query("SELECT id, start_us FROM events WHERE camera = ? AND end_us <= ? AND still = 1")
                .bind(camera.as_str())
                .bind(cutoff.micros())
                .fetch_all(&self.pool)
                .await
                .map_err(doing())?;
        let mut paths = Vec::with_capacity(stills.len());
        for row in &stills {
            let id: String = row.try_get("id").map_err(doing())?;
            let start = WallTime::from_micros(row.try_get("start_us").map_err(doing())?);
            if let Ok(id) = id.parse() {
                paths.push(still_path(&self.dir, camera, start, id));
            }
        }
        let files = self.files.clone();
        blocking(move || remove_all(&files, &paths).map(drop)).await?;
        let deleted = sqlx::query("DELETE FROM events WHERE camera = ? AND end_us <= ?")
            .bind(camera.as_str())
            .bind(cutoff.micros())
            .execute(&self.pool)
            .await
            .map_err(doing())?;
        report.events += deleted.rows_affected();
        sqlx::query("DELETE FROM gaps WHERE camera = ? AND end_us <= ?")
            .bind(camera.as_str())
            .bind(cutoff.micros())
            .execute(&self.pool)
            .await
            .map_err(StoreError::db("deleting old gaps"))?;
        Ok(())
    }

    /// Takes away hour folders that ended by then and hold no recording and no event or gap that is still kept.
    async fn clear_hours(&self, camera: &CameraId, cutoff: WallTime) -> Result<(), StoreError> {
        let (dir, of) = (self.dir.clone(), camera.clone());
        let ended = blocking(move || {
            let all =
                hours(&dir, RecordingKind::Masked, &of).map_err(|e| StoreError::io("reading", &dir, e))?;
            Ok(all.into_iter().filter(|h| h.start.micros() + HOUR_US <= cutoff.micros()).collect::<Vec<_>>())
        })
        .await?;
        for hour in ended {
            if !self.has_kept(camera, hour.start).await? {
                let files = self.files.clone();
                blocking(move || clear(&files, &hour)).await?;
            }
        }
        Ok(())
    }

    async fn has_kept(&self, camera: &CameraId, hour: WallTime) -> Result<bool, StoreError> {
        let (from, to) = (hour.micros(), hour.micros() + HOUR_US);
        let within = |start: WallTime| (from..to).contains(&start.micros());
        {
            let fresh = self.fresh();
            if fresh.events.values().any(|e| e.record.camera == *camera && within(e.record.start))
                || fresh.gaps.values().any(|g| g.camera == *camera && within(g.start))
            {
                return Ok(true);
            }
        }
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM events WHERE camera = ?1 AND start_us >= ?2 AND start_us < ?3)
                 OR EXISTS (SELECT 1 FROM gaps WHERE camera = ?1 AND stream IN (0, 1)
                            AND start_us >= ?2 AND start_us < ?3)",
        )
        .bind(camera.as_str())
        .bind(from)
        .bind(to)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::db("looking for old events"))
    }

    /// Moves the oldest recordings to a cold disk, or deletes them, until enough of the disk is free. For whoever does not hold
    /// `maintenance`.
    async fn make_room(
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

    /// Those that nobody is writing and nobody holds, on disks that are there.
    pub(crate) fn may_go(&self, old: Vec<Old>, now: WallTime) -> Result<Vec<Old>, StoreError> {
        let key_ring = self.key_ring()?;
        let held = |(camera, _, id): &RecordingKey| {
            key_ring.held_until(camera, Hour::of(id.start())).is_some_and(|until| until > now)
        };
        let fresh = self.fresh();
        let writing =
            |key: &RecordingKey| fresh.recordings.get(key).is_some_and(|e| e.state == FileState::Writing);
        let there =
            |disk: i64| self.places.get(disk).is_some_and(|p| p.is_there() && p.is_mounted(&self.site_id));
        let disks: BTreeMap<i64, bool> = old.iter().map(|o| (o.disk, there(o.disk))).collect();
        let there = |disk: i64| disks.get(&disk).copied().unwrap_or(false);
        Ok(old.into_iter().filter(|o| there(o.disk) && !writing(&o.key) && !held(&o.key)).collect())
    }

    /// Files, folders, entries. Gives how many files went; what cannot be deleted keeps its entry.
    pub(crate) async fn delete(
        &self,
        old: Vec<Old>,
        why: DeletedFor,
        report: &mut RetentionReport,
    ) -> Result<u64, StoreError> {
        let path = |old: &Old| {
            let (camera, kind, id) = &old.key;
            let dir = self.places.get(old.disk).map_or(&self.dir, |place| &place.dir);
            recording_path(dir, *kind, camera, *id)
        };
        let paths: Vec<PathBuf> = old.iter().map(path).collect();
        let files = self.files.clone();
        let mut removed = blocking(move || remove_all(&files, &paths)).await?;
        // Of a disk that went away meanwhile nothing is gone.
        let away = |disk: i64| self.places.get(disk).is_some_and(|p| !p.is_mounted(&self.site_id));
        let lost = old.iter().enumerate().filter(|(_, o)| o.disk != DATA && away(o.disk));
        removed.failed.extend(lost.map(|(n, _)| n));
        report.bytes += removed.bytes;
        report.failed_files += removed.failed.len() as u64;
        let gone: Vec<&Old> =
            old.iter().enumerate().filter(|(n, _)| !removed.failed.contains(n)).map(|(_, o)| o).collect();
        for old in &gone {
            let (camera, kind, id) = &old.key;
            self.gone().note_deleted((camera.clone(), *kind, why), id.start(), old.end);
        }
        let doing = || StoreError::db("deleting entries of old recordings");
        let mut tx = self.pool.begin().await.map_err(doing())?;
        for o in &gone {
            sqlx::query("DELETE FROM recordings WHERE camera = ? AND kind = ? AND start_ms = ?")
                .bind(o.key.0.as_str())
                .bind(o.key.1.code())
                .bind(o.key.2.0)
                .execute(&mut *tx)
                .await
                .map_err(doing())?;
        }
        tx.commit().await.map_err(doing())?;
        let mut fresh = self.fresh();
        for o in &gone {
            fresh.recordings.remove(&o.key);
        }
        Ok(gone.len() as u64)
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

fn rows_to_old(rows: &[SqliteRow]) -> Result<Vec<Old>, StoreError> {
    let parse = |row: &SqliteRow| -> Result<Old, sqlx::Error> {
        let camera: String = row.try_get("camera")?;
        let camera: CameraId =
            camera.parse().map_err(|e: louver_base::IdError| sqlx::Error::Decode(e.into()))?;
        let kind = RecordingKind::from_code(row.try_get("kind")?);
        Ok(Old {
            key: (camera, kind, RecordingId(row.try_get("start_ms")?)),
            disk: row.try_get("disk")?,
            end: WallTime::from_micros(row.try_get("end_us")?),
            bytes: u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or(0),
        })
    };
    rows.iter().map(parse).collect::<Result<_, _>>().map_err(StoreError::db("reading recordings"))
}

/// What became of files that were to go.
pub(crate) struct Removed {
    bytes: u64,
    /// Which of them are still there.
    failed: BTreeSet<usize>,
}

/// Deletes files, makes that survive a power cut, and takes away folders that became empty. One file that cannot be
/// deleted does not keep the others.
pub(crate) fn remove_all(files: &Files, paths: &[PathBuf]) -> Result<Removed, StoreError> {
    let mut removed = Removed { bytes: 0, failed: BTreeSet::new() };
    let mut folders = BTreeSet::new();
    for (n, path) in paths.iter().enumerate() {
        match files.remove(path) {
            Ok(bytes) => removed.bytes += bytes,
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "an old file stays");
                removed.failed.insert(n);
            }
        }
        folders.extend(path.parent());
    }
    for hour in folders {
        match files.sync_folder(hour) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("syncing", hour, e));
            }
            _ => {}
        }
        // Only empty ones go; a writer that is about to use it makes it again.
        if files.remove_folder(hour)
            && let Some(day) = hour.parent()
        {
            files.remove_folder(day);
        }
    }
    Ok(removed)
}

/// Takes away an hour's journal and whatever stills a crash left, unless recordings are there.
fn clear(files: &Files, hour: &HourFolder) -> Result<(), StoreError> {
    let reading = |e| StoreError::io("reading", &hour.path, e);
    let mut ours = Vec::new();
    for entry in fs::read_dir(&hour.path).map_err(reading)? {
        let path = entry.map_err(reading)?.path();
        match path.extension().and_then(|e| e.to_str()) {
            Some("mp4") => return Ok(()),
            Some("jpg" | "jsonl" | "tmp") => ours.push(path),
            _ => {}
        }
    }
    if ours.is_empty() {
        // remove_all would not come by.
        ours.push(hour.path.join(crate::layout::JOURNAL));
    }
    remove_all(files, &ours).map(drop)
}
