//! The system's own disk, of which chosen acts are refused and which is as large as a test says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use louver_store::disk::{Disk, DiskFile, Open, RealDisk, Space};

use super::files;

/// Clones share what is refused.
#[derive(Clone, Debug, Default)]
pub struct Faulty(Arc<Mutex<Faults>>);

#[derive(Debug, Default)]
struct Faults {
    /// An act, and what a path must have in it.
    refused: Vec<(&'static str, String)>,
    /// Bytes of a folder's disk; `None`: the system does not say.
    sizes: BTreeMap<PathBuf, Option<u64>>,
}

impl Faulty {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.0.lock().unwrap()
    }

    /// From now on this act fails wherever the path has that in it.
    pub fn refuse(&self, act: &'static str, path: &str) {
        self.faults().refused.push((act, path.to_owned()));
    }

    /// Nothing is refused any more.
    pub fn mend(&self) {
        self.faults().refused.clear();
    }

    /// A folder is a disk with so many bytes more than its files have now; `None`: how full it is cannot be said.
    pub fn leave_free(&self, dir: &Path, bytes: Option<u64>) {
        self.faults().sizes.insert(dir.to_owned(), bytes.map(|bytes| used(dir) + bytes));
    }

    fn may(&self, act: &'static str, path: &Path) -> io::Result<()> {
        let path = path.to_string_lossy();
        let refused = self.faults().refused.iter().any(|(of, part)| *of == act && path.contains(part));
        if refused { Err(io::Error::other("refused")) } else { Ok(()) }
    }
}

fn used(dir: &Path) -> u64 {
    files(dir, "").iter().filter_map(|path| path.metadata().ok()).map(|m| m.len()).sum()
}

impl Disk for Faulty {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        self.may("open", path)?;
        RealDisk.open(path, how)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.may("rename", to)?;
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.may("remove", path)?;
        RealDisk.remove(path)
    }
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.make_folder(path)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_folder(path)
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.may("sync folder", path)?;
        RealDisk.sync_folder(path)
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        let size = self.faults().sizes.iter().find(|(dir, _)| path.starts_with(dir)).map(|(_, size)| *size);
        match size {
            Some(Some(total)) => Ok(Space { total, free: total.saturating_sub(used(path)) }),
            Some(None) => Err(io::Error::other("refused")),
            None => RealDisk.space(path),
        }
    }
}
