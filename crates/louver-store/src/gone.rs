//! What was deleted and destroyed, until somebody has written it down.
//!
//! Destroyed hours are kept in the file `destroyed` of the data directory from before their secrets go until they were told: a crash in
//! between must not leave a destruction that stands nowhere. Deleted files are only counted, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

use louver_base::{CameraId, WallTime};
use louver_vault::{CameraHour, Hour, KeyRing};

use crate::files::{Files, blocking};
use crate::layout::DESTROYED;
use crate::store::Inner;
use crate::{RecordingKind, Store, StoreError};

/// Fifty bytes an hour and camera; more is not ours.
const LONGEST: u64 = 16 << 20;

/// Why files were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeletedFor {
    /// Their retention ended.
    Age,
    /// The disk was too full.
    Room,
}

/// Files that are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// How many.
    pub files: u64,
    /// When the first of them began.
    pub from: WallTime,
    /// When the last of them ended.
    pub to: WallTime,
}

/// Files that are gone, of each camera and kind, by why.
pub type DeletedFiles = BTreeMap<(CameraId, RecordingKind, DeletedFor), Deleted>;

#[derive(Debug, Default)]
pub(crate) struct Gone {
    /// Hours whose secrets are destroyed, not told yet.
    hours: BTreeSet<CameraHour>,
    /// Hours whose secrets perhaps are: an attempt failed half-way. A later one says so.
    perhaps: BTreeSet<CameraHour>,
    files: DeletedFiles,
}

impl Gone {
    /// What a start finds: hours that were to be destroyed before a crash, and were. `also`: hours whose files were found without a
    /// secret.
    pub(crate) fn at_start(dir: &Path, key_ring: &KeyRing, also: BTreeSet<CameraHour>) -> Self {
        let mut hours = read(dir).unwrap_or_else(|error| {
            tracing::warn!(%error, "which secrets were destroyed before the last stop cannot be read, and is not told");
            BTreeSet::new()
        });
        hours.retain(|(camera, hour)| !key_ring.contains(camera, *hour));
        hours.extend(also);
        Self { hours, ..Self::default() }
    }

    /// Makes the hours known to the next start.
    pub(crate) fn write(&self, files: &Files, dir: &Path) -> Result<(), StoreError> {
        write(files, dir, self.hours.union(&self.perhaps))
    }

    /// Hours that are destroyed or perhaps are, and were not told.
    pub(crate) fn listed(&self) -> BTreeSet<CameraHour> {
        self.hours.union(&self.perhaps).cloned().collect()
    }

    pub(crate) fn note_deleted(
        &mut self,
        of: (CameraId, RecordingKind, DeletedFor),
        from: WallTime,
        to: WallTime,
    ) {
        let deleted = self.files.entry(of).or_insert(Deleted { files: 0, from, to });
        *deleted = Deleted { files: deleted.files + 1, from: deleted.from.min(from), to: deleted.to.max(to) };
    }
}

/// Hours that stand in the file.
pub(crate) fn read(dir: &Path) -> io::Result<BTreeSet<CameraHour>> {
    let mut text = String::new();
    match fs::File::open(dir.join(DESTROYED)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        file => file?.take(LONGEST).read_to_string(&mut text)?,
    };
    let line = |line: &str| {
        let (camera, hour) = line.split_once(' ')?;
        Some((camera.parse().ok()?, Hour::from_number(hour.parse().ok()?)))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Writes the file; away with it when there is nothing to say.
fn write<'a>(
    files: &Files,
    dir: &Path,
    hours: impl Iterator<Item = &'a CameraHour>,
) -> Result<(), StoreError> {
    let text: String = hours.map(|(camera, hour)| format!("{camera} {}\n", hour.number())).collect();
    match text.as_str() {
        // Come back after a power cut it says what stands in the ledger already; it is told once more.
        "" => files.remove(&dir.join(DESTROYED)).map(drop),
        text => files.replace(&dir.join(DESTROYED), text.as_bytes()),
    }
}

impl Inner {
    pub(crate) fn gone(&self) -> MutexGuard<'_, Gone> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Destroys secrets of hours; gives those that are gone.
    pub(crate) async fn destroy(
        &self,
        hours: Vec<CameraHour>,
        now: WallTime,
    ) -> Result<Vec<CameraHour>, StoreError> {
        let (dir, files, key_ring) = (self.dir.clone(), self.files.clone(), self.key_ring()?);
        let asked: BTreeSet<CameraHour> = {
            let mut gone = self.gone();
            gone.perhaps.extend(hours.iter().cloned());
            gone.listed()
        };
        let destroyed = blocking(move || {
            // Deletion must be real before it is written down everywhere: a full disk, above all, must not keep it from happening.
            if let Err(error) = write(&files, &dir, asked.iter()) {
                tracing::warn!(%error, "should this stop now, the ledger would not be told of secrets that are destroyed");
            }
            Ok(key_ring.destroy(&hours, now)?)
        })
        .await?;
        let mut gone = self.gone();
        gone.perhaps.clear();
        gone.hours.extend(destroyed.iter().cloned());
        Ok(destroyed)
    }
}

impl Store {
    /// Hours whose secrets are destroyed and that [`told`](Self::told) has not been called for: also those of before a crash.
    pub fn destroyed(&self) -> Vec<CameraHour> {
        self.0.gone().hours.iter().cloned().collect()
    }

    /// Says that the destruction of these hours' secrets is written down.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::DiskFull`]: the next start tells of them once more.
    pub async fn told(&self, hours: &[CameraHour]) -> Result<(), StoreError> {
        let _turn = self.0.maintenance.lock().await;
        let rest: Vec<CameraHour> = {
            let mut gone = self.0.gone();
            gone.hours.retain(|of| !hours.contains(of));
            gone.hours.union(&gone.perhaps).cloned().collect()
        };
        let (dir, files) = (self.0.dir.clone(), self.0.files.clone());
        blocking(move || write(&files, &dir, rest.iter())).await
    }

    /// Files that retention deleted since this was asked last.
    pub fn take_deleted(&self) -> DeletedFiles {
        std::mem::take(&mut self.0.gone().files)
    }
}
