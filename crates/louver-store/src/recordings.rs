//! Questions about recordings and gaps: the catalogue's rows with what is newer in memory laid over them.

use std::collections::BTreeMap;

use louver_base::{CameraId, WallSpan, WallTime};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::files::blocking;
use crate::fresh::{Entry, FileState};
use crate::store::Inner;
use crate::{Gap, MaskedFile, Recording, RecordingId, RecordingKind, Store, StoreError, StreamKind};
use crate::{layout, masked_file};

/// No file is longer: both writers begin a new one with every hour.
const FILE_SPAN_MAX: WallSpan = WallSpan::from_hours(2);

impl RecordingKind {
    pub(crate) fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Sealed,
            2 => Self::Scene,
            _ => Self::Masked,
        }
    }
}

fn recording(kind: RecordingKind, id: RecordingId, entry: &Entry) -> Recording {
    Recording {
        kind,
        id,
        start: id.start(),
        end: entry.end,
        bytes: entry.bytes,
        finished: entry.state != FileState::Writing,
    }
}

fn row_to_recording(row: &SqliteRow) -> Result<Recording, sqlx::Error> {
    let id = RecordingId(row.try_get("start_ms")?);
    Ok(Recording {
        kind: RecordingKind::from_code(row.try_get("kind")?),
        id,
        start: id.start(),
        end: WallTime::from_micros(row.try_get("end_us")?),
        bytes: u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or(0),
        finished: true,
    })
}

impl Inner {
    /// Where a recording may lie, the disk of its entry first: it may have been moved since that was read.
    fn paths(
        &self,
        disk: i64,
        kind: RecordingKind,
        camera: &CameraId,
        id: RecordingId,
    ) -> Vec<std::path::PathBuf> {
        let mut places: Vec<_> = self.places.there().collect();
        places.sort_by_key(|place| place.number != disk);
        places.iter().map(|place| layout::recording_path(&place.dir, kind, camera, id)).collect()
    }
}

impl Store {
    /// The camera's recordings that touch `from..to`, oldest first, the ones being written included.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn recordings(
        &self,
        camera: &CameraId,
        from: WallTime,
        to: WallTime,
    ) -> Result<Vec<Recording>, StoreError> {
        // Memory before catalogue: what a flush moves in between is then seen twice, not never.
        let newer = self.fresh_recordings(camera);
        let rows = sqlx::query(
            "SELECT kind, start_ms, end_us, bytes FROM recordings
             WHERE camera = ? AND kind IN (0, 1, 2) AND start_ms >= ? AND start_ms <= ? AND end_us >= ?",
        )
        .bind(camera.as_str())
        .bind((from - FILE_SPAN_MAX).millis())
        .bind(to.millis())
        .bind(from.micros())
        .fetch_all(&self.0.pool)
        .await
        .map_err(StoreError::db("listing recordings"))?;
        let mut found = BTreeMap::new();
        for row in &rows {
            let r = row_to_recording(row).map_err(StoreError::db("listing recordings"))?;
            found.insert((r.id, r.kind), r);
        }
        found.extend(newer.into_iter().map(|r| ((r.id, r.kind), r)));
        Ok(found.into_values().filter(|r| r.start < to && r.end >= from).collect())
    }

    fn fresh_recordings(&self, camera: &CameraId) -> Vec<Recording> {
        let fresh = self.0.fresh();
        let of_camera = fresh.recordings.iter().filter(|((c, ..), _)| c == camera);
        of_camera.map(|((_, kind, id), entry)| recording(*kind, *id, entry)).collect()
    }

    /// Until when the camera is recorded; `None` if it never was. At a start: where the gap begins.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn last_recorded(
        &self,
        camera: &CameraId,
        kind: RecordingKind,
    ) -> Result<Option<WallTime>, StoreError> {
        self.recorded_before(camera, kind, WallTime::from_micros(i64::MAX)).await
    }

    /// Until when the camera is recorded, of what began by then.
    async fn recorded_before(
        &self,
        camera: &CameraId,
        kind: RecordingKind,
        now: WallTime,
    ) -> Result<Option<WallTime>, StoreError> {
        let began = |r: &Recording| r.kind == kind && r.start <= now;
        let newer = self.fresh_recordings(camera).into_iter().filter(began).map(|r| r.end.min(now)).max();
        let stored: Option<i64> = sqlx::query_scalar(
            "SELECT end_us FROM recordings WHERE camera = ? AND kind = ? AND start_ms <= ?
             ORDER BY start_ms DESC LIMIT 1",
        )
        .bind(camera.as_str())
        .bind(kind.code())
        .bind(now.millis())
        .fetch_optional(&self.0.pool)
        .await
        .map_err(StoreError::db("looking for the last recording"))?;
        Ok(newer.max(stored.map(|us| WallTime::from_micros(us).min(now))))
    }

    /// Until when it is known what became of the camera's video: recorded, or noted as a gap of its stream. `None` if it never
    /// was recorded. At a start: where the next gap begins.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn accounted_until(
        &self,
        camera: &CameraId,
        kind: RecordingKind,
        now: WallTime,
    ) -> Result<Option<WallTime>, StoreError> {
        // What a clock that was ahead has dated later tells nothing of the time until now.
        let Some(recorded) = self.recorded_before(camera, kind, now).await? else { return Ok(None) };
        let stream = match kind {
            RecordingKind::Sealed => StreamKind::Main,
            RecordingKind::Masked | RecordingKind::Scene => StreamKind::Sub,
        };
        let gaps = self.gaps(camera, recorded, WallTime::from_micros(i64::MAX)).await?;
        let noted =
            gaps.iter().filter(|g| g.stream == stream && g.start <= now).map(|g| g.end.min(now)).max();
        Ok(noted.max(Some(recorded)))
    }

    /// What can be shown of a masked video, the one being written included. About 1 MB; 64 MiB at most.
    ///
    /// # Errors
    /// [`StoreError::NoRecording`], [`StoreError::Damaged`], [`StoreError::Io`], [`StoreError::Database`].
    pub async fn masked_file(&self, camera: &CameraId, id: RecordingId) -> Result<MaskedFile, StoreError> {
        self.masked_file_from(camera, id, WallTime::from_micros(i64::MIN)).await
    }

    /// The same without the fragments that ended before `from`.
    ///
    /// # Errors
    /// As [`masked_file`](Self::masked_file).
    pub async fn masked_file_from(
        &self,
        camera: &CameraId,
        id: RecordingId,
        from: WallTime,
    ) -> Result<MaskedFile, StoreError> {
        self.shown_file(camera, RecordingKind::Masked, id, from).await
    }

    /// What can be shown of a recorded scene stream, the one being written included: its header, then parts of about two
    /// seconds, the first of which begins with a full record. About 100 KB.
    ///
    /// # Errors
    /// As [`masked_file`](Self::masked_file).
    pub async fn scene_file(&self, camera: &CameraId, id: RecordingId) -> Result<MaskedFile, StoreError> {
        self.shown_file(camera, RecordingKind::Scene, id, WallTime::from_micros(i64::MIN)).await
    }

    async fn shown_file(
        &self,
        camera: &CameraId,
        kind: RecordingKind,
        id: RecordingId,
        from: WallTime,
    ) -> Result<MaskedFile, StoreError> {
        let (bytes, disk) = self.masked_bytes(camera, kind, id).await?;
        let paths = self.0.paths(disk, kind, camera, id);
        let (camera, keys) = (camera.clone(), self.0.keys.camera(camera));
        blocking(move || {
            for path in paths {
                match masked_file::read_start(&path, bytes) {
                    Ok(read) => {
                        return masked_file::parse(&keys, &read, from).ok_or(StoreError::Damaged { camera });
                    }
                    // It was moved just now.
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(e) => return Err(StoreError::io("reading", &path, e)),
                }
            }
            Err(StoreError::NoRecording { camera })
        })
        .await
    }

    /// Bytes of the whole parts of a masked file, and its disk: what lies behind them is being written right now.
    async fn masked_bytes(
        &self,
        camera: &CameraId,
        kind: RecordingKind,
        id: RecordingId,
    ) -> Result<(u64, i64), StoreError> {
        let key = (camera.clone(), kind, id);
        if let Some(entry) = self.0.fresh().recordings.get(&key) {
            return Ok((entry.bytes, entry.disk));
        }
        let stored: Option<(i64, i64)> = sqlx::query_as(
            "SELECT bytes, disk FROM recordings WHERE camera = ? AND kind = ? AND start_ms = ?",
        )
        .bind(camera.as_str())
        .bind(kind.code())
        .bind(id.0)
        .fetch_optional(&self.0.pool)
        .await
        .map_err(StoreError::db("looking for a recording"))?;
        let (bytes, disk) = stored.ok_or(StoreError::NoRecording { camera: camera.clone() })?;
        Ok((u64::try_from(bytes).unwrap_or(0), disk))
    }

    /// Notes a gap, or lengthens it: one with the same camera, stream and start gets the new end and reason.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`]: it is then kept in memory and written later.
    pub async fn record_gap(&self, gap: Gap) -> Result<(), StoreError> {
        let journal = crate::journal::key(&gap.camera, gap.start);
        {
            let mut fresh = self.0.fresh();
            fresh.journal(journal.clone(), crate::journal::Line::gap(&gap));
            fresh.gaps.insert((gap.camera.clone(), gap.stream, gap.start), gap);
        }
        self.0.write_journal(&journal).await
    }

    /// Gaps of a camera that touch `from..to`, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn gaps(
        &self,
        camera: &CameraId,
        from: WallTime,
        to: WallTime,
    ) -> Result<Vec<Gap>, StoreError> {
        let newer: Vec<Gap> = self.0.fresh().gaps.values().filter(|g| g.camera == *camera).cloned().collect();
        let rows = sqlx::query(
            "SELECT stream, start_us, end_us, reason FROM gaps
             WHERE camera = ? AND stream IN (0, 1) AND start_us < ? AND end_us >= ?",
        )
        .bind(camera.as_str())
        .bind(to.micros())
        .bind(from.micros())
        .fetch_all(&self.0.pool)
        .await
        .map_err(StoreError::db("listing gaps"))?;
        let mut found = BTreeMap::new();
        for row in &rows {
            let gap = row_to_gap(camera, row).map_err(StoreError::db("listing gaps"))?;
            found.insert((gap.start, gap.stream), gap);
        }
        found.extend(newer.into_iter().map(|g| ((g.start, g.stream), g)));
        Ok(found.into_values().filter(|g| g.start < to && g.end >= from).collect())
    }
}

fn row_to_gap(camera: &CameraId, row: &SqliteRow) -> Result<Gap, sqlx::Error> {
    let reason: String = row.try_get("reason")?;
    Ok(Gap {
        camera: camera.clone(),
        stream: StreamKind::from_code(row.try_get("stream")?),
        start: WallTime::from_micros(row.try_get("start_us")?),
        end: WallTime::from_micros(row.try_get("end_us")?),
        reason: reason.parse().map_err(|e: String| sqlx::Error::Decode(e.into()))?,
    })
}
