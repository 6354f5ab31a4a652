//! Recordings: which are there, and what is in those that are not finished or not known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use louver_base::{CameraId, WallTime};
use louver_vault::{SegmentInfo, Tail, VaultError};
use sqlx::{Row as _, SqlitePool};

use super::{Recovery, copies};
use crate::files::{Files, blocking};
use crate::flush::put_recording;
use crate::fresh::{Entry, FileState};
use crate::masked_file::{self, Scan};
use crate::places::{DATA, Places};
use crate::setup::{CameraKeys, Keys};
use crate::{RecordingId, RecordingKind, StoreError};

/// Recordings of one camera and kind, on all disks that are there.
pub(crate) struct Of<'a> {
    pub(crate) files: &'a Files,
    pub(crate) places: &'a Arc<Places>,
    pub(crate) camera: &'a CameraId,
    pub(crate) kind: RecordingKind,
    /// On this disk alone: it came back while the others are being written to.
    pub(crate) only: Option<i64>,
    /// Recordings that are being written, and left alone.
    pub(crate) busy: BTreeSet<RecordingId>,
}

/// Brings the entries in line with the files.
pub(crate) async fn recover_files(
    of: &Of<'_>,
    keys: &Keys,
    pool: &SqlitePool,
    recovery: &mut Recovery,
) -> Result<(), StoreError> {
    let (camera, kind) = (of.camera, of.kind);
    let doing = || StoreError::db("comparing recordings with their files");
    let rows = sqlx::query("SELECT start_ms, finished, disk FROM recordings WHERE camera = ? AND kind = ?")
        .bind(camera.as_str())
        .bind(kind.code())
        .fetch_all(pool)
        .await
        .map_err(doing())?;
    let mut known = BTreeMap::new();
    for row in &rows {
        let id = RecordingId(row.try_get("start_ms").map_err(doing())?);
        let finished = row.try_get("finished").map_err(doing())?;
        known.insert(id, Known { finished, disk: row.try_get("disk").map_err(doing())? });
    }
    let found = look(of, keys, known).await?;
    recovery.recordings += found.there;
    recovery.scanned += found.looked_at.len() as u64;
    recovery.missing += found.missing.len() as u64;
    let mut tx = pool.begin().await.map_err(doing())?;
    let mut gone = found.missing;
    for (id, disk, outcome) in found.looked_at {
        let put =
            |end, bytes| Entry { disk, end, bytes, state: FileState::Finished, change: 0, dirty: false };
        let entry = match outcome {
            Outcome::Whole { end, bytes } => put(end, bytes),
            Outcome::Torn { end, bytes } => {
                recovery.torn += 1;
                put(end, bytes)
            }
            Outcome::Unreadable { bytes } => {
                recovery.unreadable += 1;
                put(id.start(), bytes)
            }
            Outcome::Moved => {
                sqlx::query("UPDATE recordings SET disk = ? WHERE camera = ? AND kind = ? AND start_ms = ?")
                    .bind(disk)
                    .bind(camera.as_str())
                    .bind(kind.code())
                    .bind(id.0)
                    .execute(&mut *tx)
                    .await
                    .map_err(doing())?;
                continue;
            }
            // Not finished, so that it is looked at again.
            Outcome::Failing { bytes } => {
                recovery.unreadable += 1;
                Entry { state: FileState::Abandoned, ..put(id.start(), bytes) }
            }
            Outcome::Empty => {
                recovery.empty += 1;
                recovery.recordings -= 1;
                gone.push(id);
                continue;
            }
        };
        put_recording(&mut tx, &(camera.clone(), kind, id), &entry).await.map_err(doing())?;
    }
    for id in gone {
        sqlx::query("DELETE FROM recordings WHERE camera = ? AND kind = ? AND start_ms = ?")
            .bind(camera.as_str())
            .bind(kind.code())
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .map_err(doing())?;
    }
    tx.commit().await.map_err(doing())
}

/// What the files of one camera and kind say.
struct Found {
    /// Files on disk.
    there: u64,
    looked_at: Vec<(RecordingId, i64, Outcome)>,
    /// Entries without a file on a disk that is there.
    missing: Vec<RecordingId>,
}

/// An entry.
#[derive(Clone, Copy)]
struct Known {
    finished: bool,
    disk: i64,
}

/// What became of a file that was not finished or not known.
enum Outcome {
    Whole {
        end: WallTime,
        bytes: u64,
    },
    Torn {
        end: WallTime,
        bytes: u64,
    },
    Unreadable {
        bytes: u64,
    },
    /// The disk does not give it.
    Failing {
        bytes: u64,
    },
    /// It is whole, and on another disk than its entry says.
    Moved,
    Empty,
}

async fn look(
    of: &Of<'_>,
    keys: &Keys,
    mut known: BTreeMap<RecordingId, Known>,
) -> Result<Found, StoreError> {
    let (files, places, camera, kind) = (of.files.clone(), Arc::clone(of.places), of.camera.clone(), of.kind);
    let (keys, only, busy) = (keys.camera(&camera), of.only, of.busy.clone());
    let wanted =
        move |disk: i64, id: &RecordingId| only.is_none_or(|only| only == disk) && !busy.contains(id);
    blocking(move || {
        let mut found = Found { there: 0, looked_at: Vec::new(), missing: Vec::new() };
        for (id, (disk, path)) in copies::one_of_each(&files, &places, &camera, kind, only)? {
            found.there += 1;
            if !wanted(disk, &id) {
                known.remove(&id);
                continue;
            }
            let outcome = match known.remove(&id) {
                Some(Known { finished: true, disk: said }) if said == disk => continue,
                Some(Known { finished: true, .. }) => Outcome::Moved,
                _ => match look_at(&files, &path, id, kind, &keys) {
                    // One file on a disk besides the data directory's keeps no start from working.
                    Err(error) if disk != DATA => {
                        tracing::error!(file = %path.display(), error = &error as &dyn std::error::Error, "a recording cannot be brought in order; the next start tries again");
                        Outcome::Failing { bytes: path.metadata().map_or(0, |m| m.len()) }
                    }
                    looked => looked?,
                },
            };
            found.looked_at.push((id, disk, outcome));
        }
        // What lies on a disk that is away is not missing.
        let there = |disk: i64| places.get(disk).is_some_and(|place| place.is_there());
        let missing = known.into_iter().filter(|(id, of)| there(of.disk) && wanted(of.disk, id));
        found.missing = missing.map(|(id, _)| id).collect();
        Ok(found)
    })
    .await
}

/// One file that the disk does not give must not keep the others from being shown.
fn look_at(
    files: &Files,
    path: &Path,
    id: RecordingId,
    kind: RecordingKind,
    keys: &CameraKeys,
) -> Result<Outcome, StoreError> {
    let looked = match kind {
        RecordingKind::Sealed => look_at_sealed(files, path, id),
        RecordingKind::Masked | RecordingKind::Scene => look_at_masked(files, path, keys),
    };
    match looked {
        Err(StoreError::Io { doing: "reading", source, .. })
            if source.kind() != std::io::ErrorKind::NotFound =>
        {
            tracing::error!(file = %path.display(), error = %source, "a recording cannot be read: look at its disk");
            Ok(Outcome::Failing { bytes: path.metadata().map_or(0, |m| m.len()) })
        }
        other => other,
    }
}

/// A torn end of masked video is cut off: it can never be shown, and players choke on it.
fn look_at_masked(files: &Files, path: &Path, keys: &CameraKeys) -> Result<Outcome, StoreError> {
    let scan = masked_file::scan(keys, path).map_err(|e| StoreError::io("reading", path, e))?;
    Ok(match scan {
        Scan::Fragments { end, bytes, of } if bytes == of => Outcome::Whole { end, bytes },
        Scan::Fragments { end, bytes, of: _ } => {
            files.cut(path, bytes).map_err(|e| StoreError::io("cutting", path, e))?;
            Outcome::Torn { end, bytes }
        }
        Scan::Empty => {
            files.remove(path)?;
            Outcome::Empty
        }
        Scan::Unreadable { bytes } => Outcome::Unreadable { bytes },
    })
}

/// A torn end of an original stays: readers stop before it by themselves, and whether it is a torn end or damage with
/// whole fragments behind is nothing to bet evidence on.
fn look_at_sealed(files: &Files, path: &Path, id: RecordingId) -> Result<Outcome, StoreError> {
    let reading = |e| StoreError::io("reading", path, e);
    let mut file = File::open(path).map_err(reading)?;
    let size = file.metadata().map_err(reading)?.len();
    let info = match SegmentInfo::inspect(&mut file) {
        Ok(info) => info,
        Err(VaultError::HeaderCutOff { .. }) => {
            files.remove(path)?;
            return Ok(Outcome::Empty);
        }
        Err(VaultError::Read { source, .. }) => return Err(reading(source)),
        Err(_) => return Ok(Outcome::Unreadable { bytes: size }),
    };
    let end = info.fragments.iter().map(|f| f.last).fold(id.start(), WallTime::max);
    Ok(match info.tail {
        Tail::Finished { .. } | Tail::Open if info.fragments.is_empty() => {
            files.remove(path)?;
            Outcome::Empty
        }
        Tail::Torn { .. } if info.fragments.is_empty() => {
            files.remove(path)?;
            Outcome::Empty
        }
        Tail::Finished { .. } | Tail::Open => Outcome::Whole { end, bytes: size },
        Tail::Torn { keep } => Outcome::Torn { end, bytes: keep },
        // Whole fragments may follow, so all of it counts.
        Tail::Damaged { .. } => Outcome::Torn { end, bytes: size },
    })
}
