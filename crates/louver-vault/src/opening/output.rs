//! The file that an export writes.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::VaultError;

/// What to do with a file that has the output's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and refuse.
    Keep,
    /// Replace it, once the new one is complete.
    Replace,
}

/// A file on its way: `NAME.part` until it is complete, removed if it never is.
pub(super) struct Output {
    file: File,
    part: PathBuf,
    out: PathBuf,
    existing: Existing,
    bytes: u64,
    hash: digest::Context,
    complete: bool,
}

impl Output {
    pub(super) fn create(out: &Path, existing: Existing) -> Result<Self, VaultError> {
        if existing == Existing::Keep && out.symlink_metadata().is_ok() {
            return Err(VaultError::OutputExists { path: out.to_owned() });
        }
        let mut part = out.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = file.map_err(|source| match source.kind() {
            // Another export that runs, or what a killed one left: the user decides.
            ErrorKind::AlreadyExists => VaultError::OutputExists { path: part.clone() },
            _ => VaultError::Output { path: out.to_owned(), source },
        })?;
        Ok(Self {
            file,
            part,
            out: out.to_owned(),
            existing,
            bytes: 0,
            hash: digest::Context::new(&digest::SHA256),
            complete: false,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), VaultError> {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the bytes so far.
    pub(super) fn sha256(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.hash.clone().finish().as_ref());
        out
    }

    /// Gives the file its name; its bytes are on the disk by then. The result is its size.
    pub(super) fn complete(mut self) -> Result<u64, VaultError> {
        self.file.sync_all().and_then(|()| self.rename()).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => VaultError::OutputExists { path: self.out.clone() },
            _ => self.failed(source),
        })?;
        self.complete = true;
        Ok(self.bytes)
    }

    fn rename(&self) -> io::Result<()> {
        if self.existing == Existing::Replace {
            return std::fs::rename(&self.part, &self.out);
        }
        match renameat_with(CWD, &self.part, CWD, &self.out, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // File systems of memory sticks know no such rename: look first, then.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                if self.out.symlink_metadata().is_ok() {
                    return Err(ErrorKind::AlreadyExists.into());
                }
                std::fs::rename(&self.part, &self.out)
            }
            Err(e) => Err(e.into()),
        }
    }

    fn failed(&self, source: io::Error) -> VaultError {
        VaultError::Output { path: self.out.clone(), source }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.complete {
            // Originals must not lie about half-written. If this fails there is nobody to tell; the next try does.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
