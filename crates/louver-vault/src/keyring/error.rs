//! What can go wrong with the key ring, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::VaultError;

/// Why the key ring did not do what it was asked. Nothing that it gave out before is lost by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// Another process holds it.
    #[error(
        "the key ring {path} is in use by another Louver: stop that one first",
        path = .0.display()
    )]
    InUse(PathBuf),
    /// There is none, though there are originals that were sealed with one.
    #[error(
        "there is no key ring in {path}, but there are originals, which open only with it: bring the folder back (is its \
         disk mounted?). If it is lost for good they cannot be opened any more by anybody: move the folder sealed/ away \
         and start again",
        path = .0.display()
    )]
    Missing(PathBuf),
    /// Its bytes are not what was written. Nothing was changed.
    #[error(
        "the key ring is damaged: {what} in {path}. Look at the disk's health (smartctl, dmesg) and put an undamaged copy of \
         the folder in its place if you have one; without it originals cannot be opened",
        path = .path.display()
    )]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// Made by a later Louver.
    #[error("the key ring {path} needs a later release of Louver ({what}): start that one", path = .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What is not known here.
        what: String,
    },
    /// No space is left; nothing was changed that counts. Free some space and try again.
    #[error("the disk of the key ring {path} is full: free some space there", path = .path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk failed. What was asked may have been done in part; the next call finds out and finishes it.
    #[error(
        "the key ring: {doing} {path} failed: look at the disk (its rights, its health with smartctl, the kernel's messages \
         with dmesg)",
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
    /// More hours than a key ring can hold: shorten the retention of some cameras.
    #[error("the key ring holds {0} records and takes no more: shorten the retention of some cameras")]
    TooMany(u64),
    /// The cryptographic library failed: treat it as a broken machine.
    #[error("the key ring's cryptography failed")]
    Crypto(#[from] VaultError),
}

impl KeyRingError {
    /// Whether freeing space and trying again can help.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    /// Sorts what the system said about `path` while `doing` something to it.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { path, source }
            }
            _ => Self::Io { doing, path, source },
        }
    }
}
