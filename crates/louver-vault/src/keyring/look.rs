//! Reading the key ring of a recorder that may be running: the emergency way of `louver open`. Nothing is locked, made or changed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::KeyRingError;
use super::disk::Disk;
use super::generation::{Generation, numbers};
use super::record::{CameraHour, is_missing};
use crate::HourSecret;

/// Times that reading is begun anew when the recorder writes meanwhile.
const ATTEMPTS: usize = 3;

/// Secrets of those of `hours` that have one.
pub(super) fn look(
    folder: &Path,
    hours: &[CameraHour],
) -> Result<BTreeMap<CameraHour, HourSecret>, KeyRingError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match once(&Looking(folder), folder, hours) {
            // A record or a generation that is half-written: the next look finds it whole.
            Ok(None) | Err(KeyRingError::Damaged { .. } | KeyRingError::Io { .. }) if attempt < ATTEMPTS => {}
            Ok(None) => return Err(KeyRingError::Missing(folder.to_owned())),
            Ok(Some(found)) => return Ok(found),
            Err(e) => return Err(e),
        }
    }
}

fn once(
    disk: &Looking<'_>,
    folder: &Path,
    hours: &[CameraHour],
) -> Result<Option<BTreeMap<CameraHour, HourSecret>>, KeyRingError> {
    // The highest that is whole is the one in use.
    for number in numbers(disk, folder)?.into_iter().rev() {
        let Some(generation) = Generation::load(disk, folder, number)? else { continue };
        let slot = |(camera, hour): &CameraHour| generation.index.get(camera)?.get(hour).copied();
        let mut found = BTreeMap::new();
        for of in hours {
            if let Some(slot) = slot(of) {
                found.insert(of.clone(), generation.record(disk, folder, slot.record)?.secret());
            }
        }
        return Ok(Some(found));
    }
    Ok(None)
}

/// A folder that is looked into.
struct Looking<'a>(&'a Path);

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for Looking<'_> {
    type File = File;

    fn names(&self) -> io::Result<Vec<String>> {
        match fs::read_dir(self.0) {
            Err(e) if is_missing(&e) => Ok(Vec::new()),
            entries => {
                entries?.filter_map(|e| e.map(|e| e.file_name().into_string().ok()).transpose()).collect()
            }
        }
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlags::NOFOLLOW.bits() as i32).open(self.0.join(name))
    }

    fn len(&self, file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    fn read_at(&self, file: &File, out: &mut [u8], at: u64) -> io::Result<()> {
        file.read_exact_at(out, at)
    }

    fn create(&self, _: &str) -> io::Result<File> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn sync_names(&self) -> io::Result<()> {
        refused()
    }

    fn write_at(&self, _: &mut File, _: &[u8], _: u64) -> io::Result<()> {
        refused()
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Absent, Hour, KeyRing};

    #[test]
    fn a_key_ring_in_use_is_read_and_nothing_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("keyring");
        let nowhere = look(&folder, &[]).unwrap_err();
        assert!(matches!(nowhere, KeyRingError::Missing(_)) && !folder.exists());
        let ring = KeyRing::open(&folder, Absent::Make).unwrap();
        let [one, other] = [0, 1].map(|n| ("gate".parse().unwrap(), Hour::from_number(n)));
        let secret = ring.secret(&one.0, one.1).unwrap();
        let found = look(&folder, &[one.clone(), other]).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(one, secret)]);
    }
}
