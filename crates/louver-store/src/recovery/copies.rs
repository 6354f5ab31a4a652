//! Recordings that a crash left on two disks while they were moved.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use louver_base::CameraId;

use crate::files::Files;
use crate::layout::{hours, recording_path, recordings_in};
use crate::moving::PART;
use crate::places::{Place, Places};
use crate::{DiskRole, RecordingId, RecordingKind, StoreError};

/// Bytes of each file that are compared at once.
const COMPARED: usize = 1 << 18;

/// Disk and path of a recording.
type Lies = (i64, PathBuf);

/// The camera's recordings on all disks that are there. One that a crash left on two is taken from the first, and copies that are not whole are
/// deleted: at a start everywhere, and of a disk that came back (`only`) on that one, since on others some may be being made.
pub(super) fn one_of_each(
    files: &Files,
    places: &Arc<Places>,
    camera: &CameraId,
    kind: RecordingKind,
    only: Option<i64>,
) -> Result<BTreeMap<RecordingId, Lies>, StoreError> {
    let mut found: BTreeMap<RecordingId, Lies> = BTreeMap::new();
    for place in places.there() {
        let left = place.role != Some(DiskRole::Hot) && only.is_none_or(|number| number == place.number);
        let ids = match on(files, place, camera, kind, left) {
            Ok(ids) => ids,
            Err(e) => {
                places.lose(place, StoreError::io("reading", &place.dir, e))?;
                continue;
            }
        };
        for id in ids {
            let path = recording_path(&place.dir, kind, camera, id);
            match found.get(&id) {
                Some((_, first)) => drop_copy(files, first, &path),
                None => {
                    found.insert(id, (place.number, path));
                }
            }
        }
    }
    Ok(found)
}

/// The camera's recordings on a disk; `left`: whether copies that are not whole are left there by a crash.
fn on(
    files: &Files,
    place: &Place,
    camera: &CameraId,
    kind: RecordingKind,
    left: bool,
) -> io::Result<Vec<RecordingId>> {
    let mut ids = Vec::new();
    for hour in hours(&place.dir, kind, camera)? {
        if left {
            remove_parts(files, &hour.path)?;
        }
        ids.extend(recordings_in(&hour, kind)?);
    }
    Ok(ids)
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

/// Deletes the second of two copies. Where they differ, or cannot be compared, neither is deleted: which of them is damaged is nothing to bet
/// evidence on.
fn drop_copy(files: &Files, first: &Path, second: &Path) {
    let (used, other) = (first.display(), second.display());
    match same_bytes(first, second, |_| true) {
        Ok(true) => {}
        Ok(false) => {
            tracing::error!(%used, %other, "a recording lies on two disks and differs: the first is used, look at both");
            return;
        }
        Err(error) => {
            tracing::error!(%used, %other, %error, "a recording lies on two disks and cannot be compared: the first is used, look at both");
            return;
        }
    }
    let folder = second.parent().unwrap_or(second);
    let removed = files
        .remove(second)
        .and_then(|_| files.sync_folder(folder).map_err(|e| StoreError::io("syncing", folder, e)));
    if let Err(error) = removed {
        tracing::error!(%used, %other, error = &error as &dyn std::error::Error, "a recording lies on two disks, and the second copy cannot be deleted; the next start tries again");
    }
}

/// Whether two files hold the same. `go_on` is told how many bytes were read of both together, and may end it: then they do not, as far as
/// was seen.
pub(crate) fn same_bytes(one: &Path, other: &Path, mut go_on: impl FnMut(usize) -> bool) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let bytes = one.metadata()?.len();
    if bytes != other.metadata()?.len() {
        return Ok(false);
    }
    let mut buffers = [vec![0; COMPARED], vec![0; COMPARED]];
    let mut left = bytes;
    while left > 0 {
        let next = usize::try_from(left).map_or(COMPARED, |left| left.min(COMPARED));
        let [first, second] = buffers.each_mut().map(|buffer| buffer.get_mut(..next).unwrap_or_default());
        one.read_exact(first)?;
        other.read_exact(second)?;
        if first != second || !go_on(2 * next) {
            return Ok(false);
        }
        left -= next as u64;
    }
    Ok(true)
}
