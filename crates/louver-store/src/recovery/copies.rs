//! Recordings that a crash left on two disks while they were moved.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use louver_base::CameraId;

use crate::files::Files;
use crate::layout::{hours, recording_path, recordings_in};
use crate::moving::PART;
use crate::places::Places;
use crate::{DiskRole, RecordingId, RecordingKind, StoreError};

/// Disk and path of a recording.
type Lies = (i64, PathBuf);

/// The camera's recordings on all disks that are there. One that a crash left on two is taken from the first, and copies that are not whole are deleted.
pub(super) fn one_of_each(
    files: &Files,
    places: &Arc<Places>,
    camera: &CameraId,
    kind: RecordingKind,
) -> Result<BTreeMap<RecordingId, Lies>, StoreError> {
    let mut found: BTreeMap<RecordingId, Lies> = BTreeMap::new();
    for place in places.there() {
        let reading = |e| StoreError::io("reading", &place.dir, e);
        for hour in hours(&place.dir, kind, camera).map_err(reading)? {
            if place.role != Some(DiskRole::Hot) {
                remove_parts(files, &hour.path).map_err(reading)?;
            }
            for id in recordings_in(&hour, kind).map_err(reading)? {
                let path = recording_path(&place.dir, kind, camera, id);
                match found.get(&id) {
                    Some((_, first)) => drop_copy(files, first, &path)?,
                    None => {
                        found.insert(id, (place.number, path));
                    }
                }
            }
        }
    }
    Ok(found)
}

fn remove_parts(files: &Files, folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == PART) {
            let _ = files.remove(&path);
        }
    }
    Ok(())
}

/// Deletes the second of two copies. Where they differ neither is deleted: which of them is damaged is nothing to bet evidence on.
fn drop_copy(files: &Files, first: &Path, second: &Path) -> Result<(), StoreError> {
    let same = same_bytes(first, second).map_err(|e| StoreError::io("reading", second, e))?;
    if same {
        files.remove(second)?;
        let folder = second.parent().unwrap_or(second);
        return files.sync_folder(folder).map_err(|e| StoreError::io("syncing", folder, e));
    }
    tracing::error!(used = %first.display(), other = %second.display(), "a recording lies on two disks and differs: the first is used, look at both");
    Ok(())
}

/// Whether two files hold the same.
pub(crate) fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let hash = |file: &mut File| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map(|h| h.finalize())
    };
    Ok(hash(&mut one)? == hash(&mut other)?)
}
