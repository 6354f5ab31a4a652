//! What is too old.

use std::fs;

use louver_base::{CameraId, WallTime};
use sqlx::Row as _;

use super::delete::{PAGE, remove_all, rows_to_old};
use super::{AHEAD, Old, RetentionReport};
use crate::files::{Files, blocking};
use crate::gone::DeletedFor;
use crate::layout::{HOUR_US, HourFolder, hours, still_path};
use crate::store::Inner;
use crate::{RecordingKind, StoreError};

impl Inner {
    /// Notes recordings that are dated ahead of the clock: a clock that was ahead made them, and by their dates they would stay for
    /// years. Their retention counts from when they were seen first, which is never early.
    pub(super) async fn note_ahead(&self, camera: &CameraId, now: WallTime) -> Result<(), StoreError> {
        if self.is_in_doubt() {
            // What a clock says that is not believed is no time to count from.
            return Ok(());
        }
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
    pub(super) async fn expire_recordings(
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
                   AND ((start_ms <= ?2 AND end_us <= ?3) OR (?7 AND ahead_us <= ?3))
                 ORDER BY start_ms, kind LIMIT ?6",
            )
            .bind(camera.as_str())
            .bind(cutoff.millis())
            .bind(cutoff.micros())
            .bind(after.0)
            .bind(after.1)
            .bind(PAGE)
            // They count from a time that was believed, which a clock in doubt is not to be compared with.
            .bind(!self.is_in_doubt())
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::db("looking for old recordings"))?;
            let old = rows_to_old(&rows)?;
            let Some(last) = old.last() else { return Ok(()) };
            after = (last.key.2.0, last.key.1.code());
            let old = self.forget_given_up(old, now).await?;
            let mut going = self.going(old, now).await?;
            ending.append(&mut going.ending);
            report.expired_files += self.delete(going.plain, DeletedFor::Age, report).await?;
        }
    }

    /// Events and gaps that ended by then, with their stills. Lines in journals go with their hour's folder.
    pub(super) async fn expire_events(
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
    pub(super) async fn clear_hours(&self, camera: &CameraId, cutoff: WallTime) -> Result<(), StoreError> {
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
