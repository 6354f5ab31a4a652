//! The key ring: the recorder's half of what opens originals, one secret for each camera and hour, and how it is destroyed
//! for good. docs/keys.md, "Key ring".

mod disk;
mod error;
mod generation;
mod look;
mod record;
mod ring;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use louver_base::{CameraId, WallTime};

use crate::{Hour, HourSecret};
use disk::{Folder, NoFolder};
use ring::Ring;

pub use error::KeyRingError;
pub use record::CameraHour;

/// What to do where there is no key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Make the first one.
    Make,
    /// Refuse: there are originals that were sealed with one, and a new one opens none of them.
    Refuse,
}

/// The hour secrets of all cameras, in a folder of its own that one process owns and no backup holds.
///
/// All calls wait for the disk: keep them off async threads. Secrets are read from the disk when they are asked for, and
/// wiped from memory when they are dropped; the key that opens the folder's records stays in memory.
pub struct KeyRing {
    ring: Mutex<Ring<Folder>>,
    /// Hours that somebody waits for, so that whoever has the ring next adds them all at once.
    wanted: Mutex<BTreeSet<CameraHour>>,
    /// Hours that are being sealed, and how often.
    in_use: Arc<Mutex<BTreeMap<CameraHour, usize>>>,
}

/// An hour that is being sealed: as long as this is kept, its secret is not destroyed.
#[derive(Debug)]
pub struct HourInUse {
    of: CameraHour,
    all: Arc<Mutex<BTreeMap<CameraHour, usize>>>,
}

impl Drop for HourInUse {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uses) = all.get_mut(&self.of) {
            *uses -= 1;
            if *uses == 0 {
                all.remove(&self.of);
            }
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")
    }
}

impl KeyRing {
    /// Opens the key ring in `folder` and finishes what a crash left half-done. The folder is made where it is missing, is
    /// its owner's alone (0700, files 0600), and is locked until this is dropped.
    ///
    /// # Errors
    /// [`KeyRingError::InUse`], [`KeyRingError::Missing`], [`KeyRingError::Damaged`], [`KeyRingError::Newer`],
    /// [`KeyRingError::Io`]: each says what to do. Nothing is changed then. A full disk is no error here, but later.
    pub fn open(folder: &Path, absent: Absent) -> Result<Self, KeyRingError> {
        let disk = Folder::take(folder).map_err(|e| match e {
            NoFolder::InUse => KeyRingError::InUse(folder.to_owned()),
            NoFolder::Io(e) => KeyRingError::io("opening", folder, e),
        })?;
        let ring = Ring::open(disk, folder, absent)?;
        Ok(Self { ring: Mutex::new(ring), wanted: Mutex::default(), in_use: Arc::default() })
    }

    /// Secrets of those of `hours` that have one, from a folder that another process may be using. Nothing is locked or
    /// changed: what is drawn or destroyed meanwhile may or may not be seen.
    ///
    /// # Errors
    /// [`KeyRingError::Missing`], [`KeyRingError::Damaged`], [`KeyRingError::Newer`], [`KeyRingError::Io`].
    pub fn look(
        folder: &Path,
        hours: &[CameraHour],
    ) -> Result<BTreeMap<CameraHour, HourSecret>, KeyRingError> {
        look::look(folder, hours)
    }

    fn ring(&self) -> MutexGuard<'_, Ring<Folder>> {
        // What a panic left half-done is in doubt, and read anew.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the secret of a camera's hour from being destroyed for as long as what is given is kept. To be taken before
    /// [`secret`](Self::secret): whatever the clock says meanwhile, what is sealed with the secret opens.
    pub fn use_hour(&self, camera: &CameraId, hour: Hour) -> HourInUse {
        let of = (camera.clone(), hour);
        *self.in_use().entry(of.clone()).or_default() += 1;
        HourInUse { of, all: Arc::clone(&self.in_use) }
    }

    /// Whether an hour is being sealed.
    pub fn is_in_use(&self, camera: &CameraId, hour: Hour) -> bool {
        self.in_use().contains_key(&(camera.clone(), hour))
    }

    fn in_use(&self) -> MutexGuard<'_, BTreeMap<CameraHour, usize>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret of a camera's hour, drawn and on the disk before this returns; always the same for the same hour.
    ///
    /// # Errors
    /// [`KeyRingError::DiskFull`], [`KeyRingError::Io`]: record nothing for this hour yet, and ask again.
    pub fn secret(&self, camera: &CameraId, hour: Hour) -> Result<HourSecret, KeyRingError> {
        let of = (camera.clone(), hour);
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).insert(of.clone());
        let mut ring = self.ring();
        let mut wanted = std::mem::take(&mut *self.wanted.lock().unwrap_or_else(PoisonError::into_inner));
        wanted.insert(of.clone());
        ring.add(&wanted)?;
        ring.get_added(&of)
    }

    /// The secret of a camera's hour, if there is one (still).
    ///
    /// # Errors
    /// [`KeyRingError::Io`], [`KeyRingError::Damaged`].
    pub fn get(&self, camera: &CameraId, hour: Hour) -> Result<Option<HourSecret>, KeyRingError> {
        self.ring().get(&(camera.clone(), hour))
    }

    /// Whether a camera's hour has a secret.
    pub fn contains(&self, camera: &CameraId, hour: Hour) -> bool {
        self.ring().contains(&(camera.clone(), hour))
    }

    /// Destroys secrets for good, all of them in one rewriting; gives those that are gone by it (or by an
    /// earlier call that failed). When this returns, nothing on the
    /// disk opens what was sealed with them, whatever copies of the ring there are: the root that they were kept under
    /// has been overwritten. Hours that are held at `now` or being sealed are left alone; those without a secret are no error.
    ///
    /// # Errors
    /// As [`secret`](Self::secret); they may be destroyed or not: ask again until it is done, and keep their files until then.
    pub fn destroy(&self, hours: &[CameraHour], now: WallTime) -> Result<Vec<CameraHour>, KeyRingError> {
        let mut ring = self.ring();
        // Looked at with the ring in hand: whoever takes an hour into use from here on gets a secret that is drawn anew.
        let free: Vec<CameraHour> = {
            let in_use = self.in_use();
            hours.iter().filter(|of| !in_use.contains_key(*of)).cloned().collect()
        };
        ring.destroy(&free, now)
    }

    /// Holds hours until `until` (legal hold): [`destroy`](Self::destroy) leaves them alone before. A later call counts. Gives
    /// how many of them have a secret; the others are not held.
    ///
    /// # Errors
    /// As [`secret`](Self::secret); some may be held and some not.
    pub fn hold(&self, hours: &[CameraHour], until: WallTime) -> Result<usize, KeyRingError> {
        self.ring().hold(hours, Some(until))
    }

    /// Ends a hold; gives how many of them have a secret.
    ///
    /// # Errors
    /// As [`hold`](Self::hold).
    pub fn release(&self, hours: &[CameraHour]) -> Result<usize, KeyRingError> {
        self.ring().hold(hours, None)
    }

    /// Until when an hour is held, if it is; the time may have passed.
    pub fn held_until(&self, camera: &CameraId, hour: Hour) -> Option<WallTime> {
        self.ring().held_until(&(camera.clone(), hour))
    }

    /// Every hour that has a secret, by camera and hour.
    pub fn hours(&self) -> Vec<CameraHour> {
        self.ring().hours().map(|(camera, hour)| (camera.clone(), hour)).collect()
    }
}
