//! The acts on a disk that the store needs. A trait, so that tests can let each of them fail and cut the power after it.
//!
//! Reading is not among them, but for how much room there is: what is read is checked wherever it is used. The catalogue
//! (SQLite), the key ring and the ledger do their own file work; the latter two have traits of their own for the same reason.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// How a file is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It must not be there yet.
    New,
    /// Made if it is not there; what is there stays.
    Append,
    /// Made if it is not there; what is there goes.
    Replace,
    /// It must be there; what is there stays.
    There,
}

/// A file that is open for writing at its end.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Bytes in it.
    ///
    /// # Errors
    /// The system's.
    fn len(&self) -> io::Result<u64>;
    /// Whether it holds nothing.
    ///
    /// # Errors
    /// The system's.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
    /// Writes all of `bytes` at the end.
    ///
    /// # Errors
    /// The system's; some of the bytes may be written.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts it off, or lengthens it with zeros.
    ///
    /// # Errors
    /// The system's.
    fn cut(&self, len: u64) -> io::Result<()>;
    /// Makes sure that its bytes are on the disk.
    ///
    /// # Errors
    /// The system's; it is then unknown what the disk holds, and asking again tells nothing.
    fn sync(&self) -> io::Result<()>;
    /// Makes the system begin to write what was written, so that a later [`sync`](Self::sync) waits for less; nothing is promised.
    fn start_writing(&self) {}
}

/// Size of a disk and what of it is free to us, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// In all.
    pub total: u64,
    /// What may still be written.
    pub free: u64,
}

/// A file system.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens a file for writing; one that is made can be read by its owner alone.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file the name of another, whose place it takes at once. Both names lie on the same file system.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a file's name away.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes one folder, for its owner alone; the one above is there.
    ///
    /// # Errors
    /// The system's; `AlreadyExists` where it is there.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    ///
    /// # Errors
    /// The system's.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes sure that names added to and removed from a folder are on the disk.
    ///
    /// # Errors
    /// The system's; as with [`DiskFile::sync`].
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Room on the file system that `path` lies on.
    ///
    /// # Errors
    /// The system's.
    fn space(&self, path: &Path) -> io::Result<Space>;
}

/// The system's own file systems.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.append(true).mode(0o600);
        match how {
            Open::New => options.create_new(true),
            Open::Append => options.create(true),
            // Truncating and appending do not go together in OpenOptions.
            Open::Replace => options.append(false).write(true).create(true).truncate(true),
            Open::There => &mut options,
        };
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        match File::open(path).and_then(|f| f.sync_all()) {
            // Some network shares cannot do that for folders, and say so.
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let s = rustix::fs::statvfs(path)?;
        let block = s.f_frsize.max(1);
        Ok(Space { total: s.f_blocks.saturating_mul(block), free: s.f_bavail.saturating_mul(block) })
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    /// Linux begins to write what it is told to let go of (`mm/fadvise.c`), and keeps what is not written yet. What goes from its cache
    /// is read again from the disk.
    fn start_writing(&self) {
        let _ = rustix::fs::fadvise(self, 0, None, rustix::fs::Advice::DontNeed);
    }
}
