//! The data directory, read without following links: what stands on the list is found and opened step by step from the
//! directory itself, so that no name on it can lead into the key ring.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, openat};
use rustix::io::Errno;

use super::list::{Name, Wanted, lines};

/// What files of the key ring begin with, wherever they lie.
const KEY_RING_FILES: [&[u8; 8]; 2] = [b"LOUVROOT", b"LOUVRING"];
/// Folders below each other at most, where their depth is not fixed.
const DEPTH_MAX: usize = 8;

/// The data directory.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    folder: OwnedFd,
    /// Device and inode of every file in the key ring: other names of them are refused too.
    key_ring: BTreeSet<(u64, u64)>,
}

/// A file to copy.
#[derive(Debug)]
pub(super) struct Found {
    /// From the data directory.
    pub(super) path: PathBuf,
    /// Its size now.
    pub(super) bytes: u64,
}

impl Source {
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(data, flags, Mode::empty())?;
        Ok(Self { path: data.to_owned(), folder, key_ring: inodes(&data.join("keyring"))? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that is wanted and there, but for the ledger.
    pub(super) fn find(&self, wanted: Wanted) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for line in lines(wanted) {
            found.append(&mut self.of(line)?);
        }
        Ok(found)
    }

    /// What is there of a line.
    pub(super) fn of(&self, line: &[Name]) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        walk(&self.folder, Path::new(""), line, DEPTH_MAX, &mut found)?;
        Ok(found)
    }

    /// Opens a file for reading. `None`: it went in between (retention), or is one of the key ring by another name.
    pub(super) fn read(&self, found: &Found) -> io::Result<Option<File>> {
        let mut folder: Option<OwnedFd> = None;
        let mut steps = found.path.iter().peekable();
        while let Some(step) = steps.next() {
            let at = folder.as_ref().unwrap_or(&self.folder);
            let kind = if steps.peek().is_some() { OFlags::DIRECTORY } else { OFlags::NONBLOCK };
            match openat(at, step, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | kind, Mode::empty())
            {
                Ok(opened) => folder = Some(opened),
                Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
        let Some(file) = folder.map(File::from) else { return Ok(None) };
        let metadata = file.metadata()?;
        if !metadata.is_file() || self.key_ring.contains(&(metadata.dev(), metadata.ino())) {
            return Ok(None);
        }
        let mut first = [0; 8];
        match file.read_exact_at(&mut first, 0) {
            Err(e) if e.kind() != io::ErrorKind::UnexpectedEof => Err(e),
            Ok(()) if KEY_RING_FILES.contains(&&first) => Ok(None),
            _ => Ok(Some(file)),
        }
    }
}

/// Files of a folder that may be a link itself, and need not be there.
fn inodes(folder: &Path) -> io::Result<BTreeSet<(u64, u64)>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        other => other?,
    };
    let mut inodes = BTreeSet::new();
    for entry in entries {
        // One that goes in between is gone.
        if let Ok(metadata) = fs::metadata(entry?.path()) {
            inodes.insert((metadata.dev(), metadata.ino()));
        }
    }
    Ok(inodes)
}

fn walk(
    folder: &OwnedFd,
    path: &Path,
    line: &[Name],
    depth: usize,
    found: &mut Vec<Found>,
) -> io::Result<()> {
    let Some((name, rest)) = line.split_first() else { return Ok(()) };
    let mut entries = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        entries.extend(entry.file_name().to_str().ok().map(str::to_owned));
    }
    entries.sort();
    for entry in entries.iter().filter(|e| !matches!(e.as_str(), "." | "..")) {
        let fits = match name {
            Name::Is(this) => entry == this,
            Name::Fits(fits) | Name::Below(fits) => fits(entry),
        };
        if !fits {
            continue;
        }
        let path = path.join(entry);
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        let stat = match rustix::fs::statat(folder, entry.as_str(), flags) {
            Err(Errno::NOENT) => continue,
            other => other?,
        };
        // A link is neither a file nor a folder.
        match (FileType::from_raw_mode(stat.st_mode), name) {
            (FileType::RegularFile, _) if rest.is_empty() => {
                found.push(Found { path, bytes: u64::try_from(stat.st_size).unwrap_or(0) });
            }
            (FileType::Directory, Name::Below(_)) if depth > 0 => {
                step(folder, entry, &path, line, depth - 1, found)?;
            }
            (FileType::Directory, Name::Is(_) | Name::Fits(_)) => {
                step(folder, entry, &path, rest, depth, found)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn step(
    folder: &OwnedFd,
    entry: &str,
    path: &Path,
    rest: &[Name],
    depth: usize,
    found: &mut Vec<Found>,
) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(folder, entry, flags, Mode::empty()) {
        Ok(below) => walk(&below, path, rest, depth, found),
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
