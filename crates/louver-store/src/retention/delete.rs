//! Deleting: files, folders, entries.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use louver_base::{CameraId, WallTime};
use louver_vault::{Hour, KeyRing};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::RetentionReport;
use crate::files::{Files, blocking};
use crate::fresh::{FileState, RecordingKey};
use crate::gone::DeletedFor;
use crate::layout::recording_path;
use crate::places::DATA;
use crate::store::Inner;
use crate::{RecordingId, RecordingKind, StoreError};

/// Rows taken at once.
pub(super) const PAGE: i64 = 256;

/// A file that may go.
#[derive(Clone, Debug)]
pub(crate) struct Old {
    pub(crate) key: RecordingKey,
    /// The disk it lies on.
    pub(crate) disk: i64,
    pub(super) end: WallTime,
    pub(crate) bytes: u64,
}

/// Start, camera and kind of the last recording that was come by: the next are asked for from there on.
pub(crate) type After = (i64, String, i64);
/// Before all.
pub(crate) const FIRST: After = (i64::MIN, String::new(), -1);

impl Old {
    /// Where it stands among all, oldest first.
    pub(crate) fn place_in_order(&self) -> After {
        let (camera, kind, id) = &self.key;
        (id.0, camera.as_str().to_owned(), kind.code())
    }
}

impl Inner {
    /// Those that nobody is writing and nobody holds, on disks that are there.
    pub(crate) async fn may_go(&self, old: Vec<Old>, now: WallTime) -> Result<Vec<Old>, StoreError> {
        let disks: BTreeSet<i64> = old.iter().map(|o| o.disk).collect();
        let there = self.mounted(disks).await?;
        let key_ring = self.key_ring()?;
        let fresh = self.fresh();
        let writing =
            |key: &RecordingKey| fresh.recordings.get(key).is_some_and(|e| e.state == FileState::Writing);
        Ok(old
            .into_iter()
            .filter(|o| there.contains(&o.disk) && !writing(&o.key) && !is_held(&key_ring, o, now))
            .collect())
    }

    /// Those of the disks that are there, as far as is known, and mounted at this moment.
    async fn mounted(&self, mut disks: BTreeSet<i64>) -> Result<BTreeSet<i64>, StoreError> {
        let (places, site) = (Arc::clone(&self.places), self.site_id);
        blocking(move || {
            disks.retain(|n| places.get(*n).is_some_and(|p| p.is_there() && p.is_mounted(&site)));
            Ok(disks)
        })
        .await
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
        let mounted = self.mounted(old.iter().map(|o| o.disk).collect()).await?;
        let lost = old.iter().enumerate().filter(|(_, o)| o.disk != DATA && !mounted.contains(&o.disk));
        removed.failed.extend(lost.map(|(n, _)| n));
        report.bytes += removed.bytes;
        report.failed_files += removed.failed.len() as u64;
        let gone: Vec<&Old> =
            old.iter().enumerate().filter(|(n, _)| !removed.failed.contains(n)).map(|(_, o)| o).collect();
        for old in &gone {
            let (camera, kind, id) = &old.key;
            self.gone().note_deleted((camera.clone(), *kind, why), id.start(), old.end);
        }
        self.delete_entries(&gone).await?;
        Ok(gone.len() as u64)
    }

    /// Entries alone.
    async fn delete_entries(&self, gone: &[&Old]) -> Result<(), StoreError> {
        let doing = || StoreError::db("deleting entries of old recordings");
        let mut tx = self.pool.begin().await.map_err(doing())?;
        for o in gone {
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
        for o in gone {
            fresh.recordings.remove(&o.key);
        }
        Ok(())
    }

    /// Forgets those that lie on disks that are away and that the settings name no more: nobody waits for them. Gives the others. What is
    /// held is not forgotten.
    pub(super) async fn forget_given_up(&self, old: Vec<Old>, now: WallTime) -> Result<Vec<Old>, StoreError> {
        let given_up = |o: &Old| self.places.get(o.disk).is_none_or(|p| p.is_unnamed() && !p.is_there());
        let (given_up, others): (Vec<Old>, Vec<Old>) = old.into_iter().partition(given_up);
        if !given_up.is_empty() {
            let key_ring = self.key_ring()?;
            let gone = given_up.iter().filter(|o| !is_held(&key_ring, o, now)).collect::<Vec<_>>();
            self.delete_entries(&gone).await?;
        }
        Ok(others)
    }
}

fn is_held(key_ring: &KeyRing, old: &Old, now: WallTime) -> bool {
    let (camera, _, id) = &old.key;
    key_ring.held_until(camera, Hour::of(id.start())).is_some_and(|until| until > now)
}

pub(super) fn rows_to_old(rows: &[SqliteRow]) -> Result<Vec<Old>, StoreError> {
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

impl Removed {
    /// Whether none of them is there any more.
    pub(crate) fn all_went(&self) -> bool {
        self.failed.is_empty()
    }
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
