//! The few things the key ring asks of a file system. A trait, so that tests can cut the power after each of them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

/// One folder of files.
pub(crate) trait Disk {
    /// A file that is open.
    type File;
    /// Names of everything in the folder.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Opens a file that is there.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Makes a file that must not be there yet.
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Takes a file's name away.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names added and removed survive a power cut.
    fn sync_names(&self) -> io::Result<()>;
    /// Bytes of a file.
    fn len(&self, file: &Self::File) -> io::Result<u64>;
    /// Fills `out` from byte `at`.
    fn read_at(&self, file: &Self::File, out: &mut [u8], at: u64) -> io::Result<()>;
    /// Writes all of `bytes` at byte `at`.
    fn write_at(&self, file: &mut Self::File, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Makes a file's bytes survive a power cut.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
}

/// A folder of the real file system, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Of the folder itself: carries the lock, and makes names reach the disk.
    handle: File,
}

/// Why a folder cannot be had.
#[derive(Debug)]
pub(crate) enum NoFolder {
    /// Another key ring has it.
    InUse,
    /// The system said so.
    Io(io::Error),
}

impl Folder {
    /// Opens the folder, making it where it is missing, for its owner alone, and locks it.
    pub(crate) fn take(path: &Path) -> Result<Self, NoFolder> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => sync_parent(path).map_err(NoFolder::Io)?,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(NoFolder::Io(e)),
        }
        let handle = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::DIRECTORY.bits() as i32)
            .open(path)
            .map_err(NoFolder::Io)?;
        match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(NoFolder::InUse),
            Err(e) => return Err(NoFolder::Io(e.into())),
        }
        // A volume of its own is mounted with whatever rights it has.
        let mode = handle.metadata().map_err(NoFolder::Io)?.permissions().mode();
        if mode & 0o077 != 0 {
            handle.set_permissions(fs::Permissions::from_mode(0o700)).map_err(NoFolder::Io)?;
        }
        Ok(Self { path: path.to_owned(), handle })
    }

    fn options() -> OpenOptions {
        let mut options = OpenOptions::new();
        // A link could lead a write, or the overwriting of a root, somewhere else.
        options.read(true).write(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits() as i32);
        options
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

impl Disk for Folder {
    type File = File;

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // What is not Unicode is not ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        Self::options().open(self.path.join(name))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        Self::options().create_new(true).open(self.path.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn len(&self, file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    fn read_at(&self, file: &File, out: &mut [u8], at: u64) -> io::Result<()> {
        file.read_exact_at(out, at)
    }

    fn write_at(&self, file: &mut File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }
}
