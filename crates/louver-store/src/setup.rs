//! The data directory itself: lock, keys, whether it can be written to.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use louver_base::CameraId;
use louver_scene::{CameraTagKey, TagKey};
use louver_vault::{Absent, KeyRing, SiteId};
use rustix::fs::{FlockOperation, flock};

use crate::files::Files;
use crate::layout::{DATABASE, KEY_RING};
use crate::{RecordingKind, StoreError, reserve, shred};

/// What a start needs of the directory before anything else.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) lock: File,
    pub(crate) site_id: SiteId,
    pub(crate) keys: Keys,
    pub(crate) key_ring: KeyRing,
}

/// What the masked store's keys are made of: nothing is tagged with it itself.
#[derive(Clone)]
pub(crate) struct Keys([u8; 32]);

/// Keys of one camera's part of the masked store: a file in another camera's folder is as one that is not ours.
#[derive(Clone)]
pub(crate) struct CameraKeys {
    /// Tags fragments and stills.
    pub(crate) tag: CameraTagKey,
    /// Binds wall times to fragments.
    pub(crate) wall: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl std::fmt::Debug for CameraKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CameraKeys")
    }
}

impl Keys {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn camera(&self, camera: &CameraId) -> CameraKeys {
        let mut material = self.0.to_vec();
        material.extend_from_slice(camera.as_str().as_bytes());
        let wall = blake3::derive_key("louver 2026 masked store wall times", &material);
        CameraKeys { tag: TagKey::new(self.0).camera(camera), wall }
    }
}

/// Makes what is missing and takes the lock.
pub(crate) fn prepare(files: &Files, dir: &Path) -> Result<Ground, StoreError> {
    files.make_top(dir).map_err(|e| StoreError::io("making", dir, e))?;
    let lock = take_lock(dir)?;
    probe(files, dir)?;
    reserve::make(files, dir);
    let site = key_file(files, dir, "site.id", |text| text.trim().parse().ok())?;
    let mask = key_file(files, dir, "mask.key", |text| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).ok().map(|()| bytes)
    })?;
    // Whoever made them may have been killed before their names were on the disk.
    files.sync_folder(dir).map_err(|e| StoreError::io("syncing", dir, e))?;
    // A new key ring in place of a lost one, or of one whose disk is not mounted, would make originals look shredded.
    let absent = if shred::has_originals(dir)? { Absent::Refuse } else { Absent::Make };
    let key_ring = KeyRing::open(&dir.join(KEY_RING), absent)?;
    for kind in RecordingKind::ALL {
        let folder = dir.join(kind.folder());
        files.make_folder(&folder).map_err(|e| StoreError::io("making", &folder, e))?;
    }
    Ok(Ground { lock, site_id: site, keys: Keys::new(mask), key_ring })
}

/// The lock goes with the process, however it ends.
fn take_lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| StoreError::io("opening", &path, e))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse(dir.to_owned())),
        Err(e) => Err(StoreError::io("locking", &path, e.into())),
    }
}

/// Writes and deletes a file, so that a full or read-only disk is said at the start and not by the first camera.
/// Where recordings exist a full disk is let through: retention makes room.
fn probe(files: &Files, dir: &Path) -> Result<(), StoreError> {
    let path = dir.join("probe.tmp");
    let written = files.try_writing(&path, &[0x55; 65536]);
    match written.map_err(|e| StoreError::io("writing", &path, e)) {
        Err(StoreError::DiskFull { .. }) if dir.join(DATABASE).exists() => Ok(()),
        Err(StoreError::DiskFull { source, .. }) => {
            Err(StoreError::DiskFull { path: dir.to_owned(), source })
        }
        Err(StoreError::NotWritable { source, .. }) => {
            Err(StoreError::NotWritable { path: dir.to_owned(), source })
        }
        other => other,
    }
}

/// Reads a small secret file, or makes it with random bytes at first start.
fn key_file<T>(
    files: &Files,
    dir: &Path,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let path = dir.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => parse(&text).ok_or(StoreError::KeyFile(path)),
        // A new key in place of a lost one would make everything recorded so far unreadable without a word.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && has_recordings(dir) => {
            Err(StoreError::KeyFile(path))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let bytes: [u8; 32] = rand::random();
            let wanted = if name == "site.id" { &bytes[..16] } else { &bytes[..] };
            let text = hex::encode(wanted) + "\n";
            // One whose name may not be on the disk is not what recordings are made with: the next start makes another.
            files.replace(&path, text.as_bytes()).inspect_err(|_| {
                let _ = files.remove(&path);
            })?;
            parse(&text).ok_or(StoreError::KeyFile(path))
        }
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => Err(StoreError::KeyFile(path)),
        Err(e) => Err(StoreError::io("reading", &path, e)),
    }
}

fn has_recordings(dir: &Path) -> bool {
    RecordingKind::ALL
        .iter()
        .any(|kind| fs::read_dir(dir.join(kind.folder())).is_ok_and(|mut entries| entries.next().is_some()))
}
