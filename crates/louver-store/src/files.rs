//! Blocking file work on a [`Disk`]: append, make it reach the disk, replace, delete.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::commit::{Durable, OpenFiles};
use crate::disk::{Disk, DiskFile, Open, Space};
use crate::{RecordingId, StoreError};

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

/// The store's files. Clones share what is known of the folders.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    /// Folders whose names are on the disk, up to one that was there before us. That a folder is there does not say so: whoever made
    /// it may have been killed before its name was made to reach the disk.
    known: Arc<Mutex<Known>>,
    /// What is being written.
    open: Arc<OpenFiles>,
}

#[derive(Debug, Default)]
struct Known {
    folders: HashSet<PathBuf>,
    /// Folders that others of ours lie in, and what is there as long as they are: nothing is made in the place of a disk that
    /// went away.
    tops: HashMap<PathBuf, PathBuf>,
}

/// A recording being written. Only whole fragments count in `bytes`.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: Arc<dyn DiskFile>,
    durable: Arc<Durable>,
    pub(crate) path: PathBuf,
    pub(crate) id: RecordingId,
    pub(crate) bytes: u64,
    /// Whether every write is waited for.
    at_once: bool,
}

impl OpenFile {
    /// One write; it reaches the disk with those of all cameras. Of a file that did not, nothing more is written.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.durable.told()?;
        if let Err(e) = self.file.write(bytes) {
            // Best effort: what did not fit is of no use, and recovery cuts it off as well.
            let _ = self.file.cut(self.bytes);
            return Err(StoreError::io("writing", &self.path, e));
        }
        self.bytes += bytes.len() as u64;
        self.durable.wrote(self.bytes);
        if self.at_once { self.sync() } else { Ok(()) }
    }

    /// Waits until the disk has all of it.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.durable.sync()
    }
}

fn above(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Files {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, known: Arc::default(), open: Arc::default() }
    }

    /// The files that are being written.
    pub(crate) fn open_files(&self) -> &OpenFiles {
        &self.open
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a folder that others of ours are to lie in, and those above it where they are missing.
    pub(crate) fn make_top(&self, folder: &Path) -> io::Result<()> {
        if !folder.is_dir() {
            let missing: Vec<&Path> =
                folder.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.is_dir()).collect();
            missing.iter().rev().try_for_each(|folder| self.make(folder))?;
        }
        self.take_top(folder, folder);
        Ok(())
    }

    /// Takes a folder that is there as one that others of ours lie in, as long as `sign` is there.
    pub(crate) fn take_top(&self, folder: &Path, sign: &Path) {
        self.known().tops.insert(folder.to_owned(), sign.to_owned());
    }

    /// Makes a folder and those above it, up to a top; their names survive a power cut.
    pub(crate) fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let (known, sign) = {
            let known = self.known();
            (known.folders.contains(folder), known.tops.get(folder).cloned())
        };
        match sign {
            Some(sign) if sign.exists() => return Ok(()),
            Some(_) => return Err(io::ErrorKind::NotFound.into()),
            None if known && folder.is_dir() => return Ok(()),
            None => {}
        }
        match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.make_folder(parent)?,
            // Beyond every top: it is the system's.
            _ => return Ok(()),
        }
        self.make(folder)
    }

    fn make(&self, folder: &Path) -> io::Result<()> {
        match self.disk.make_folder(folder) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        if let Err(e) = self.disk.sync_folder(above(folder)) {
            // The system may have dropped the name and say yes the next time: it is made anew then, while nothing lies in it.
            let _ = self.disk.remove_folder(folder);
            return Err(e);
        }
        self.known().folders.insert(folder.to_owned());
        Ok(())
    }

    /// Makes a new file on a disk, named by `id` or by the next free millisecond, and writes its start. `path`: where a recording of
    /// that name lies.
    pub(crate) fn create(
        &self,
        disk: i64,
        path: impl Fn(RecordingId) -> PathBuf,
        id: RecordingId,
        start: &[u8],
        sync_every: Duration,
    ) -> Result<OpenFile, StoreError> {
        let mut id = id;
        // Bounded: a clock that stands still does not make files in the same millisecond a thousand times.
        for _ in 0..1000 {
            let path = path(id);
            match self.create_new(&path) {
                Ok(file) => {
                    let file: Arc<dyn DiskFile> = file.into();
                    let durable = Durable::new(Arc::clone(&file), &path);
                    self.open.add(disk, &durable);
                    let at_once = sync_every.is_zero();
                    let mut open = OpenFile { file, durable, path, id, bytes: 0, at_once };
                    if let Err(e) = open.append(start) {
                        // Without its start the file is of no use to anyone.
                        let _ = self.disk.remove(&open.path);
                        return Err(e);
                    }
                    return Ok(open);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => id = RecordingId(id.0 + 1),
                Err(e) => return Err(StoreError::io("making", &path, e)),
            }
        }
        let taken = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(StoreError::io("making", &path(id), taken))
    }

    /// Makes a file that must not be there yet, and the folders above it; its name survives a power cut.
    pub(crate) fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let folder = above(path);
        self.make_folder(folder)?;
        let file = match self.disk.open(path, Open::New) {
            // Retention took the empty folder away in between.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.make_folder(folder)?;
                self.disk.open(path, Open::New)?
            }
            other => other?,
        };
        if let Err(e) = self.disk.sync_folder(folder) {
            // What the disk holds of the name is unknown, and a second fsync would not tell: the next file has another.
            let _ = self.disk.remove(path);
            return Err(e);
        }
        Ok(file)
    }

    /// Makes names added to or removed from a folder survive a power cut.
    pub(crate) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.sync_folder(folder)
    }

    /// Gives a whole file its name; the name survives a power cut.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)?;
        self.disk.sync_folder(above(to))
    }

    /// Removes a folder if it is empty.
    pub(crate) fn remove_folder(&self, folder: &Path) -> bool {
        let removed = self.disk.remove_folder(folder).is_ok();
        if removed {
            self.known().folders.remove(folder);
        }
        removed
    }

    /// Begins a file that gets its name when it is whole, and makes the folders above it.
    pub(crate) fn part(&self, path: &Path) -> Result<Box<dyn DiskFile>, StoreError> {
        let folder = above(path);
        let making = |e| StoreError::io("making", path, e);
        self.make_folder(folder).map_err(making)?;
        match self.disk.open(path, Open::Replace) {
            // Retention took the empty folder away in between.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.make_folder(folder).map_err(making)?;
                self.disk.open(path, Open::Replace).map_err(making)
            }
            opened => opened.map_err(making),
        }
    }

    /// Replaces a file at once: readers see the old bytes or the new ones.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let folder = above(path);
        self.make_folder(folder).map_err(|e| StoreError::io("making", folder, e))?;
        let temporary = path.with_extension("tmp");
        let written = self
            .disk
            .open(&temporary, Open::Replace)
            .and_then(|file| file.write(bytes).and_then(|()| file.sync()))
            .and_then(|()| self.rename(&temporary, path));
        written.map_err(|e| {
            let _ = self.disk.remove(&temporary);
            StoreError::io("writing", path, e)
        })
    }

    /// Appends whole lines; a write that fails half-way leaves the file as it was.
    pub(crate) fn append_lines(&self, path: &Path, lines: &str) -> Result<(), StoreError> {
        let folder = above(path);
        let open = || self.disk.open(path, Open::Append);
        let appended = open()
            .or_else(|e| match e.kind() {
                io::ErrorKind::NotFound => self.make_folder(folder).and_then(|()| open()),
                _ => Err(e),
            })
            .and_then(|file| {
                let before = file.len()?;
                file.write(lines.as_bytes()).inspect_err(|_| {
                    let _ = file.cut(before);
                })
            });
        appended.map_err(|e| StoreError::io("writing", path, e))
    }

    /// Cuts a file's torn end off, and makes that reach the disk.
    pub(crate) fn cut(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = self.disk.open(path, Open::There)?;
        file.cut(bytes)?;
        file.sync()
    }

    /// Writes a file, makes it reach the disk, and takes it away again.
    pub(crate) fn try_writing(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let file = self.disk.open(path, Open::Replace);
        let written = file.and_then(|file| file.write(bytes).and_then(|()| file.sync()));
        let _ = self.disk.remove(path);
        written
    }

    /// Deletes a file; one that is gone already is no error. Gives its bytes.
    pub(crate) fn remove(&self, path: &Path) -> Result<u64, StoreError> {
        let bytes = fs::symlink_metadata(path).map_or(0, |m| m.len());
        match self.disk.remove(path) {
            Ok(()) => Ok(bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(StoreError::io("deleting", path, e)),
        }
    }

    /// Size of a disk and what of it is free to us.
    pub(crate) fn space(&self, dir: &Path) -> Result<Space, StoreError> {
        self.disk.space(dir).map_err(|e| StoreError::io("measuring", dir, e))
    }
}
