//! What can go wrong with files and catalogue, each with what to do next.

use std::io;
use std::path::{Path, PathBuf};

use louver_base::{CameraId, EventId};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the data directory. Stop it, or use another directory.
    #[error(
        "{dir} is in use by another Louver server: stop that one first, or give this one its own data directory",
        dir = .0.display()
    )]
    InUse(PathBuf),
    /// The data directory cannot be made or written to. Change its owner or the setting.
    #[error(
        "{path} cannot be written to: give the user that runs Louver the right to write there, or choose another data directory",
        path = .path.display()
    )]
    NotWritable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No space is left. Nothing was lost that had been written before; what was being written did not fit.
    /// Run a retention pass, then try again.
    #[error(
        "the disk of {path} is full: free some space there, shorten retention_hours of some cameras, or use a larger disk",
        path = .path.display()
    )]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading or writing failed (a disk error, a network share that went away). The file may be incomplete; what had
    /// been written to it before can still be read.
    #[error(
        "{doing} {path} failed: look at the disk (its cable, its health with smartctl, the kernel's messages with dmesg)",
        path = .path.display()
    )]
    Io {
        /// "reading", "writing", …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A request's entry is there already, or cannot be one. Entries are never written over.
    #[error(
        "{path} is there already, or cannot be: another program writes into the data directory; stop it",
        path = .0.display()
    )]
    OpeningExists(PathBuf),
    /// `fsync` failed: what the disk holds of the last seconds is unknown, so it is never retried. Begin a new file.
    #[error(
        "{path}: the disk did not confirm {bytes} bytes: what it holds of the last seconds is unknown; look at its health (smartctl, dmesg)",
        path = .path.display()
    )]
    Sync {
        /// The file.
        path: PathBuf,
        /// Bytes written to it so far.
        bytes: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The catalogue failed. Recordings go on; at the next start it is rebuilt if it is damaged.
    #[error("the catalogue louver.db failed while {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The catalogue was written by a newer Louver.
    #[error("louver.db has version {found}, this Louver knows {known}: start the newer Louver that made it")]
    NewerDatabase {
        /// Version in the file.
        found: i64,
        /// Newest version known.
        known: i64,
    },
    /// `site.id` or `mask.key` is missing or not what Louver wrote. Restore it from a backup: with another key no masked
    /// recording made before could be shown.
    #[error("{path} is missing or damaged: restore it from a backup; without it the recordings made so far cannot be shown or opened", path = .0.display())]
    KeyFile(PathBuf),
    /// `disks.json` of the data directory is damaged, or holds more disks than there can be. Restore it, or delete it: the disks are
    /// known again by their signs when the settings name them.
    #[error("{path} is damaged: restore it from a backup, or delete it and keep all disks of recordings in the settings", path = .0.display())]
    Disks(PathBuf),
    /// The folder of a disk holds recordings of another site.
    #[error("{path} holds recordings of another site: give this one a folder of its own", path = .0.display())]
    OthersDisk(PathBuf),
    /// A disk's folder lies in the data directory, or the other way round.
    #[error("{path} and the data directory lie within each other: give the disk a folder of its own", path = .0.display())]
    DiskWithinDisk(PathBuf),
    /// No disk takes new recordings: none is mounted.
    #[error(
        "no disk for recordings is there: mount one of those in [[storage.disk]], or name another; recording goes on by itself then"
    )]
    NoDisk,
    /// A fragment came before `begin`, or after a failure or a dropped call. Call `begin` first.
    #[error("{camera}: a fragment came while no file was open")]
    NotBegun {
        /// The camera.
        camera: CameraId,
    },
    /// A fragment is larger than any that Louver reads back.
    #[error("{camera}: a masked fragment of {bytes} bytes is too large")]
    TooLarge {
        /// The camera.
        camera: CameraId,
        /// Its size.
        bytes: usize,
    },
    /// No such recording: deleted by retention, or never made.
    #[error("{camera} has no such recording: it may have been deleted when its retention ended")]
    NoRecording {
        /// The camera.
        camera: CameraId,
    },
    /// The start of a masked file is damaged, so that no player could show the rest.
    #[error("this recording of {camera} is damaged at its start and cannot be shown")]
    Damaged {
        /// The camera.
        camera: CameraId,
    },
    /// No such event, or it is not open any more.
    #[error("there is no such event: {0}")]
    NoEvent(EventId),
    /// The key ring refused; its own words say what to do. Originals are not sealed without it.
    #[error(transparent)]
    KeyRing(#[from] louver_vault::KeyRingError),
    /// The store was closed, or a task of it was cancelled as the process ends.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether freeing space and trying again can help.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull { .. } => true,
            Self::KeyRing(e) => e.is_disk_full(),
            Self::Database { source, .. } => {
                // 13 is SQLITE_FULL.
                source.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == "13")
            }
            _ => false,
        }
    }

    /// The file or folder that it happened to.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::NotWritable { path, .. }
            | Self::DiskFull { path, .. }
            | Self::Io { path, .. }
            | Self::Sync { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Sorts what the system said about `path` while `doing` something to it.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { path, source }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            _ => Self::Io { doing, path, source },
        }
    }

    pub(crate) fn db(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match source {
            sqlx::Error::PoolClosed => Self::Closed,
            source => Self::Database { doing, source },
        }
    }
}
