//! Blocking file work: append, make it reach the disk, delete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use louver_base::{CameraId, WallTime};

use crate::layout::{id_at, recording_path};
use crate::{RecordingId, RecordingKind, StoreError};

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) if e.is_panic() => std::panic::resume_unwind(e.into_panic()),
        Err(_) => Err(StoreError::Closed),
    }
}

/// A recording being written. Only whole fragments count in `bytes`.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    pub(crate) path: PathBuf,
    pub(crate) id: RecordingId,
    pub(crate) bytes: u64,
    synced: Instant,
    sync_every: Duration,
}

impl OpenFile {
    /// Makes a new file named by `at`, or by the next free millisecond, and writes its start.
    pub(crate) fn create(
        dir: &Path,
        kind: RecordingKind,
        camera: &CameraId,
        at: WallTime,
        start: &[u8],
        sync_every: Duration,
    ) -> Result<Self, StoreError> {
        let mut id = id_at(at);
        // Bounded: a clock that stands still does not make files in the same millisecond a thousand times.
        for _ in 0..1000 {
            let path = recording_path(dir, kind, camera, id);
            match create_new(&path) {
                Ok(file) => {
                    let mut open = Self { file, path, id, bytes: 0, synced: Instant::now(), sync_every };
                    if let Err(e) = open.append(start) {
                        // Without its start the file is of no use to anyone.
                        let _ = fs::remove_file(&open.path);
                        return Err(e);
                    }
                    return Ok(open);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => id = RecordingId(id.0 + 1),
                Err(e) => return Err(StoreError::io("making", &path, e)),
            }
        }
        Err(StoreError::io("making", dir, io::Error::from(io::ErrorKind::AlreadyExists)))
    }

    /// One write; every few seconds the file is made to reach the disk.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if let Err(e) = self.file.write_all(bytes) {
            // Best effort: what did not fit is of no use, and recovery cuts it off as well.
            let _ = self.file.set_len(self.bytes);
            return Err(StoreError::io("writing", &self.path, e));
        }
        self.bytes += bytes.len() as u64;
        if self.synced.elapsed() >= self.sync_every {
            self.sync()?;
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|source| StoreError::Sync {
            path: self.path.clone(),
            bytes: self.bytes,
            source,
        })?;
        self.synced = Instant::now();
        Ok(())
    }
}

/// Makes a file that must not be there yet, and the folders above it; its name survives a power cut.
fn create_new(path: &Path) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut options = OpenOptions::new();
    options.append(true).create_new(true).mode(0o600);
    let file = match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            make_folder(folder)?;
            // Again if retention took the empty folder away in between.
            match options.open(path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    make_folder(folder)?;
                    options.open(path)?
                }
                other => other?,
            }
        }
        other => other?,
    };
    sync_folder(folder)?;
    Ok(file)
}

/// Makes a folder and those above it, readable by its owner alone; their names survive a power cut.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    sync_folder(above)
}

/// Makes names added to or removed from a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|f| f.sync_all()) {
        // Some network shares cannot do that for folders, and say so.
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

/// Replaces a file at once: readers see the old bytes or the new ones.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder).map_err(|e| StoreError::io("making", folder, e))?;
    let temporary = path.with_extension("tmp");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_folder(folder));
    written.map_err(|e| {
        let _ = fs::remove_file(&temporary);
        StoreError::io("writing", path, e)
    })
}

/// Appends whole lines; a write that fails half-way leaves the file as it was.
pub(crate) fn append_lines(path: &Path, lines: &str) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let appended = open()
        .or_else(|e| match e.kind() {
            io::ErrorKind::NotFound => make_folder(folder).and_then(|()| open()),
            _ => Err(e),
        })
        .and_then(|mut file| {
            let before = file.metadata()?.len();
            file.write_all(lines.as_bytes()).inspect_err(|_| {
                let _ = file.set_len(before);
            })
        });
    appended.map_err(|e| StoreError::io("writing", path, e))
}

/// Deletes a file; one that is gone already is no error. Gives its bytes.
pub(crate) fn remove(path: &Path) -> Result<u64, StoreError> {
    let bytes = fs::symlink_metadata(path).map_or(0, |m| m.len());
    match fs::remove_file(path) {
        Ok(()) => Ok(bytes),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(StoreError::io("deleting", path, e)),
    }
}

/// Size of a disk and what of it is free to us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    pub(crate) total: u64,
    pub(crate) free: u64,
}

pub(crate) fn space(dir: &Path) -> Result<Space, StoreError> {
    let s = rustix::fs::statvfs(dir).map_err(|e| StoreError::io("measuring", dir, e.into()))?;
    let block = s.f_frsize.max(1);
    Ok(Space { total: s.f_blocks.saturating_mul(block), free: s.f_bavail.saturating_mul(block) })
}
