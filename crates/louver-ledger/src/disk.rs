//! The acts on a disk that the ledger needs, so that tests can let each of them fail and cut the power after it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::source::{DirSource, Source, SourceError};

/// How sure a file is to be there after a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is on the disk when the call returns.
    Durable,
    /// As [`Put::Durable`], and nobody but the recorder's user may read it.
    Secret,
    /// It can be made again: the disk writes it when it likes.
    Soon,
}

/// A folder's files, by their paths in it.
pub trait Disk: Source + Send + Sync {
    /// Writes a whole file, which has its name only when it is whole; folders are made.
    ///
    /// # Errors
    /// The system's. What was there before is still there.
    fn put(&self, path: &str, bytes: &[u8], how: Put) -> io::Result<()>;
    /// Makes sure that files that were put are on the disk, and their names.
    ///
    /// # Errors
    /// The system's; it is then unknown what the disk holds.
    fn sync(&self, paths: &[String]) -> io::Result<()>;
    /// Gives a file that was put the name of another, whose place it takes; durable.
    ///
    /// # Errors
    /// The system's; it is then unknown which of the two has the name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Opens a file that is there, for writing at places of it.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, path: &str) -> io::Result<Box<dyn Log>>;
    /// Removes a folder and all in it; one that is not there is fine.
    ///
    /// # Errors
    /// The system's.
    fn remove_folder(&self, path: &str) -> io::Result<()>;
    /// Where the path lies, for messages.
    fn place(&self, path: &str) -> PathBuf;
}

/// A file that grows at its end. It stays open, since a failed fsync is told only to who had the file open.
pub trait Log: Send {
    /// Writes all bytes at this place.
    ///
    /// # Errors
    /// The system's; some of the bytes may be written.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes sure that all that was written is on the disk.
    ///
    /// # Errors
    /// The system's; it is then unknown what the disk holds, and asking again tells nothing.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file off.
    ///
    /// # Errors
    /// The system's.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct Folder {
    dir: PathBuf,
    files: DirSource,
}

impl Folder {
    /// The folder; it is made when something is put into it.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        Self { files: DirSource::new(&dir), dir }
    }

    /// The folders from the file's up to the ledger's own and the one it lies in.
    fn folders(&self, path: &Path) -> Vec<PathBuf> {
        let above = self.dir.parent().filter(|p| !p.as_os_str().is_empty());
        let within = path.ancestors().skip(1).take_while(|p| p.starts_with(&self.dir));
        within.chain(above).map(Path::to_path_buf).collect()
    }

    /// fsyncs these folders, whose new names would else be lost.
    fn sync_folders(&self, path: &Path) -> io::Result<()> {
        self.folders(path).iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }
}

impl Source for Folder {
    fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        self.files.get(path, limit)
    }
}

impl Disk for Folder {
    fn put(&self, path: &str, bytes: &[u8], how: Put) -> io::Result<()> {
        let path = self.dir.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut name = path.clone().into_os_string();
        name.push(".new");
        let mode = if how == Put::Secret { 0o600 } else { 0o644 };
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&name)?;
        file.write_all(bytes)?;
        if how != Put::Soon {
            file.sync_all()?;
        }
        drop(file);
        fs::rename(&name, &path)?;
        if how != Put::Soon {
            self.sync_folders(&path)?;
        }
        Ok(())
    }

    fn sync(&self, paths: &[String]) -> io::Result<()> {
        paths.iter().try_for_each(|path| File::open(self.dir.join(path))?.sync_all())?;
        // Each folder once, however many of the files lie in it.
        let files = paths.iter().map(|path| self.dir.join(path));
        let folders: BTreeSet<PathBuf> = files.flat_map(|file| self.folders(&file)).collect();
        folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let to = self.dir.join(to);
        fs::rename(self.dir.join(from), &to)?;
        self.sync_folders(&to)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Log>> {
        Ok(Box::new(OpenOptions::new().read(true).write(true).open(self.dir.join(path))?))
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.dir.join(path)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    fn place(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }
}

impl Log for File {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}
