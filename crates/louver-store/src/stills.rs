//! Stills that a kill cut off from their line in the journal: the file is on the disk before the line, so that no line names a file that is
//! not there.

use std::path::{Path, PathBuf};

use louver_base::{CameraId, EventId, WallTime};
use louver_scene::Masked;
use sqlx::{Row as _, SqlitePool};

use crate::events::STILL_BYTES_MAX;
use crate::files::{Files, blocking};
use crate::journal::{self, Line};
use crate::layout::{self, hour_of, journal_path};
use crate::masked_file::read_start;
use crate::setup::CameraKeys;
use crate::{RecordingKind, StoreError, recovery};

/// Gives stills of this camera that no line names their lines, if there is an event for them and they are ours; gives how many. What is
/// neither stays as it is, and goes with its hour's folder.
pub(crate) async fn name_them(
    files: &Files,
    dir: &Path,
    keys: CameraKeys,
    pool: &SqlitePool,
    camera: &CameraId,
    since: Option<WallTime>,
) -> Result<u64, StoreError> {
    let mut unnamed = Vec::new();
    for (id, path) in stills(dir, camera, since).await? {
        let doing = || StoreError::db("looking for events of stills");
        let event = sqlx::query("SELECT start_us FROM events WHERE id = ? AND camera = ? AND still = 0")
            .bind(id.to_string())
            .bind(camera.as_str())
            .fetch_optional(pool)
            .await
            .map_err(doing())?;
        if let Some(row) = event {
            unnamed.push((id, WallTime::from_micros(row.try_get("start_us").map_err(doing())?), path));
        }
    }
    let (files, place, of) = (files.clone(), dir.to_owned(), camera.clone());
    let named = blocking(move || {
        unnamed.retain(|(id, start, path)| {
            *path == layout::still_path(&place, &of, *start, *id)
                && read_start(path, STILL_BYTES_MAX as u64)
                    .is_ok_and(|bytes| Masked::read_back(&keys.tag, bytes).is_ok())
        });
        for (id, start, _) in &unnamed {
            let line = journal::text(&[Line::Still { id: *id }]);
            if let Err(error) = files.append_lines(&journal_path(&place, &of, hour_of(*start)), &line) {
                // A full disk must not keep the server from starting; a rebuild would find it in the same way.
                tracing::warn!(%error, "the line of an event's still is not in its journal");
            }
        }
        Ok(unnamed)
    })
    .await?;
    for (id, ..) in &named {
        sqlx::query("UPDATE events SET still = 1 WHERE id = ?")
            .bind(id.to_string())
            .execute(pool)
            .await
            .map_err(StoreError::db("noting a still that a crash cut off"))?;
    }
    Ok(named.len() as u64)
}

/// Stills in hour folders that changed since then.
async fn stills(
    dir: &Path,
    camera: &CameraId,
    since: Option<WallTime>,
) -> Result<Vec<(EventId, PathBuf)>, StoreError> {
    let (dir, camera) = (dir.to_owned(), camera.clone());
    blocking(move || {
        let reading = |e| StoreError::io("reading", &dir, e);
        let mut found = Vec::new();
        for hour in layout::hours(&dir, RecordingKind::Masked, &camera).map_err(reading)? {
            if recovery::changed_since(&hour.path, since) {
                found.extend(layout::stills_in(&hour).map_err(reading)?);
            }
        }
        Ok(found)
    })
    .await
}
