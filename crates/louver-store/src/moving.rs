//! Recordings that grow old go from hot disks to cold ones: copied, synced, named, entered, and only then deleted where they were.
//!
//! A reader finds a recording by its entry, and on another disk if it has just gone from there. After a crash in between it
//! lies on two disks; both copies are whole, since a copy has no name before it is synced.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use louver_base::{CameraId, WallTime};

use crate::files::{Files, blocking};
use crate::layout::{hours, recording_path, recordings_in};
use crate::places::{Place, Places};
use crate::retention::Old;
use crate::store::Inner;
use crate::{DiskRole, RecordingId, RecordingKind, Store, StoreError};

/// Ends the name of a copy that is not whole.
const PART: &str = "moving";
/// Copied at once.
const CHUNK: usize = 1 << 20;

/// What a turn of moving did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Recordings that lie on a cold disk now.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Store {
    /// Moves finished recordings that ended before `before` from hot disks to cold ones, oldest first, until `bytes` are moved:
    /// call it now and then with what may be copied in that time. What is held stays where it is, and so does all where no
    /// cold disk has room.
    ///
    /// # Errors
    /// The disks'; what could not be moved is where it was.
    pub async fn move_old(&self, before: WallTime, now: WallTime, bytes: u64) -> Result<Moved, StoreError> {
        let inner = &self.0;
        let _turn = inner.maintenance.lock().await;
        // What the catalogue does not have yet cannot be found there.
        inner.flush_in_turn().await?;
        let mut moved = Moved::default();
        for hot in inner.places.there().filter(|p| p.role == Some(DiskRole::Hot)) {
            while moved.bytes < bytes {
                let oldest = inner.oldest_finished(hot.number, before).await?;
                let oldest = inner.may_go(oldest, now)?;
                if oldest.is_empty() {
                    break;
                }
                let before = moved.files;
                for old in oldest {
                    if moved.bytes >= bytes || !inner.move_one(hot, old, &mut moved).await? {
                        break;
                    }
                }
                if moved.files == before {
                    break;
                }
            }
        }
        Ok(moved)
    }
}

impl Inner {
    /// The cold disk with most room, if it has enough for so many bytes above what stays free.
    fn cold(&self, bytes: u64) -> Option<&Place> {
        let room = |p: &&Place| {
            let free = self.files.space(&p.dir).ok()?;
            let kept = p.min_free.map_or(0, |watermark| watermark.bytes_of(free.total));
            free.free.checked_sub(kept.saturating_add(bytes))
        };
        let cold = self.places.there().filter(|p| p.role == Some(DiskRole::Cold) && !p.is_failing());
        cold.filter(|p| room(p).is_some()).max_by_key(room)
    }

    /// Moves one recording to a cold disk; `false` where none has room.
    pub(crate) async fn move_one(
        &self,
        hot: &Place,
        old: Old,
        moved: &mut Moved,
    ) -> Result<bool, StoreError> {
        let Some(cold) = self.cold(old.bytes) else { return Ok(false) };
        let (camera, kind, id) = &old.key;
        let from = recording_path(&hot.dir, *kind, camera, *id);
        let to = recording_path(&cold.dir, *kind, camera, *id);
        let (files, source, target) = (self.files.clone(), from.clone(), to);
        let copied = blocking(move || copy(&files, &source, &target)).await;
        let bytes = match copied {
            Ok(bytes) => bytes,
            Err(e) => {
                self.disk_failed(cold.number, &e);
                return Err(e);
            }
        };
        sqlx::query("UPDATE recordings SET disk = ? WHERE camera = ? AND kind = ? AND start_ms = ?")
            .bind(cold.number)
            .bind(camera.as_str())
            .bind(kind.code())
            .bind(id.0)
            .execute(&self.pool)
            .await
            .map_err(StoreError::db("noting that a recording was moved"))?;
        // Finished long ago: if memory still has it, then only because the catalogue was not written.
        if let Some(entry) = self.fresh().recordings.get_mut(&old.key) {
            entry.disk = cold.number;
        }
        let files = self.files.clone();
        blocking(move || crate::retention::remove_all(&files, &[from]).map(drop)).await?;
        *moved = Moved { files: moved.files + 1, bytes: moved.bytes + bytes };
        Ok(true)
    }
}

/// Copies a file; the copy has its name when it is whole and on the disk.
fn copy(files: &Files, from: &Path, to: &Path) -> Result<u64, StoreError> {
    let reading = |e| StoreError::io("reading", from, e);
    let part = to.with_extension(PART);
    let mut source = File::open(from).map_err(reading)?;
    let copy = files.part(&part)?;
    let copied = (|| {
        let mut chunk = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            let read = source.read(&mut chunk).map_err(reading)?;
            if read == 0 {
                break;
            }
            let chunk = chunk.get(..read).unwrap_or_default();
            copy.write(chunk).map_err(|e| StoreError::io("writing", &part, e))?;
            bytes += read as u64;
        }
        copy.sync().map_err(|source| StoreError::Sync { path: part.clone(), bytes, source })?;
        files.rename(&part, to).map_err(|e| StoreError::io("writing", to, e))?;
        Ok(bytes)
    })();
    copied.inspect_err(|_| {
        // Where the name may not be on the disk, the file that it names is not what to rely on.
        let _ = files.remove(&part);
        let _ = files.remove(to);
    })
}

/// Disk and path of a recording.
type Lies = (i64, PathBuf);

/// The camera's recordings on all disks that are there. One that a crash left on two is taken from the first, and copies that are not whole are deleted.
pub(crate) fn one_of_each(
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

fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
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
