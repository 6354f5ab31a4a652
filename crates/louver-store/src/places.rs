//! The disks that recordings lie on: the data directory's own, and those that the settings name.
//!
//! A disk of recordings has a sign, the file `louver.disk` with the site and a random name; `disks.json` in the data directory remembers
//! which there are and gives each a number that the catalogue uses. A folder without its sign is a disk that is not mounted: nothing is
//! written there, and nothing is said to be gone that lay on it.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use louver_vault::SiteId;
use serde::{Deserialize, Serialize};

use crate::disk::Space;
use crate::files::Files;
use crate::{DiskWatermark, StoreError};

/// What is kept on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskRole {
    /// New recordings.
    Hot,
    /// Recordings that have grown old; new ones where no hot disk takes any.
    Cold,
}

/// A disk that the settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskSettings {
    /// Its folder; it must be Louver's alone.
    pub path: PathBuf,
    /// What is kept there.
    pub role: DiskRole,
    /// How much of it stays free.
    pub min_free: DiskWatermark,
}

/// Remembers the disks, in the data directory.
const DISKS: &str = "disks.json";
/// The sign of a disk.
const SIGN: &str = "louver.disk";
const SIGN_BYTES_MAX: u64 = 1 << 12;
const DISKS_BYTES_MAX: u64 = 1 << 20;
/// Disks at most, those included that are in the settings no more.
const DISKS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    number: i64,
    name: String,
    path: PathBuf,
}

/// The data directory's number.
pub(crate) const DATA: i64 = 0;

/// A disk.
#[derive(Debug)]
pub(crate) struct Place {
    /// What the catalogue calls it.
    pub(crate) number: i64,
    pub(crate) dir: PathBuf,
    /// `None`: nothing new is put there.
    pub(crate) role: Option<DiskRole>,
    /// How much stays free, where its settings say so.
    pub(crate) min_free: Option<DiskWatermark>,
    name: String,
    /// It was missing, and what lies on it is not compared with the catalogue yet.
    away: AtomicBool,
    /// Writing there failed since it was looked at last.
    failing: AtomicBool,
    /// It is below its watermark, and nothing may be deleted.
    full: AtomicBool,
    /// It came back and is being looked through: nobody writes there meanwhile.
    looked_through: AtomicBool,
}

impl Place {
    fn new(
        number: i64,
        name: String,
        dir: PathBuf,
        role: Option<DiskRole>,
        min_free: Option<DiskWatermark>,
    ) -> Self {
        let (away, failing, full, looked_through) = Default::default();
        Self { number, dir, role, min_free, name, away, failing, full, looked_through }
    }

    /// Whether the disk itself is mounted.
    pub(crate) fn is_mounted(&self, site: &SiteId) -> bool {
        self.number == DATA
            || sign_of(&self.dir).is_some_and(|sign| sign == (site.to_string(), self.name.clone()))
    }

    /// Whether its recordings can be read, as far as is known.
    pub(crate) fn is_there(&self) -> bool {
        !self.away.load(Ordering::Relaxed)
    }

    /// Gives whether that is news.
    pub(crate) fn set_there(&self, there: bool) -> bool {
        self.away.swap(!there, Ordering::Relaxed) == there
    }

    pub(crate) fn set_looked_through(&self, now: bool) {
        self.looked_through.store(now, Ordering::Relaxed);
    }

    pub(crate) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }
}

/// All of them, the data directory's first.
#[derive(Debug)]
pub(crate) struct Places(Vec<Place>);

impl Places {
    /// Finds the disks of the settings and those that were in them before; a new one gets its sign.
    pub(crate) fn open(
        files: &Files,
        data: &Path,
        site: &SiteId,
        settings: &[DiskSettings],
    ) -> Result<Self, StoreError> {
        let mut known = remembered(data)?;
        let before = known.clone();
        for disk in settings {
            know(files, data, site, &mut known, disk)?;
        }
        if known != before {
            let text = serde_json::to_vec_pretty(&known).unwrap_or_default();
            files.replace(&data.join(DISKS), &text)?;
        }
        let hot = settings.iter().any(|d| d.role == DiskRole::Hot);
        let role = if hot { None } else { Some(DiskRole::Hot) };
        let mut places = vec![Place::new(DATA, String::new(), data.to_owned(), role, None)];
        for Remembered { number, name, path } in known {
            let set = settings.iter().find(|d| d.path == path);
            let place = Place::new(number, name, path, set.map(|s| s.role), set.map(|s| s.min_free));
            let there = place.is_mounted(site);
            place.set_there(there);
            files.take_top(&place.dir, &place.dir.join(SIGN));
            if !there {
                tracing::error!(disk = %place.dir.display(), "a disk of recordings is not there: what lies on it is kept in the catalogue, new recordings go elsewhere");
            }
            places.push(place);
        }
        Ok(Self(places))
    }

    /// All, those that are away too.
    pub(crate) fn all(&self) -> &[Place] {
        &self.0
    }

    /// Those whose recordings can be read.
    pub(crate) fn there(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter(|p| p.is_there())
    }

    /// Folders of those that are there.
    pub(crate) fn dirs(&self) -> Vec<PathBuf> {
        self.there().map(|p| p.dir.clone()).collect()
    }

    pub(crate) fn get(&self, number: i64) -> Option<&Place> {
        self.0.iter().find(|p| p.number == number)
    }

    /// Whether some disk is not there.
    pub(crate) fn any_away(&self) -> bool {
        self.0.iter().any(|p| !p.is_there())
    }

    /// Where a new recording goes, best first: hot disks before cold ones, those that failed last, and the one with most room.
    pub(crate) fn for_new(&self, files: &Files) -> Vec<&Place> {
        let mut found: Vec<_> = self
            .there()
            .filter(|p| p.role.is_some() && !p.is_full() && !p.looked_through.load(Ordering::Relaxed))
            .map(|p| {
                let free = files.space(&p.dir).map_or(0, |s| s.free.saturating_sub(stays_free(p, s)));
                ((p.is_failing(), p.role != Some(DiskRole::Hot), std::cmp::Reverse(free)), p)
            })
            .collect();
        // What is in a place is compared before how much room there is.
        found.sort_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, place)| place).collect()
    }
}

/// Bytes that the settings keep free there.
fn stays_free(place: &Place, space: Space) -> u64 {
    place.min_free.map_or(0, |watermark| watermark.bytes_of(space.total))
}

/// Folders in which recordings of this data directory may lie and that are there, for those who have no catalogue.
pub(crate) fn folders(data: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut all = vec![data.to_owned()];
    let there = |of: &Remembered| sign_of(&of.path).is_some_and(|(_, name)| name == of.name);
    all.extend(remembered(data)?.into_iter().filter(there).map(|of| of.path));
    Ok(all)
}

fn remembered(data: &Path) -> Result<Vec<Remembered>, StoreError> {
    let path = data.join(DISKS);
    let text = match fs::File::open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => {
            let mut text = String::new();
            let read = file.and_then(|file| file.take(DISKS_BYTES_MAX).read_to_string(&mut text));
            read.map_err(|e| StoreError::io("reading", &path, e))?;
            text
        }
    };
    let known: Vec<Remembered> = serde_json::from_str(&text).map_err(|_| StoreError::Disks(path.clone()))?;
    let distinct = known
        .iter()
        .enumerate()
        .all(|(n, of)| of.number > DATA && known.iter().take(n).all(|before| before.number != of.number));
    if distinct && known.len() <= DISKS_MAX { Ok(known) } else { Err(StoreError::Disks(path)) }
}

/// Site and name that a disk's sign says.
fn sign_of(dir: &Path) -> Option<(String, String)> {
    let mut text = String::new();
    fs::File::open(dir.join(SIGN)).ok()?.take(SIGN_BYTES_MAX).read_to_string(&mut text).ok()?;
    let rest = text.trim().strip_prefix("louver disk 1 ")?;
    rest.split_once(' ').map(|(site, name)| (site.to_owned(), name.to_owned()))
}

fn know(
    files: &Files,
    data: &Path,
    site: &SiteId,
    known: &mut Vec<Remembered>,
    disk: &DiskSettings,
) -> Result<(), StoreError> {
    if let Some((of, name)) = sign_of(&disk.path) {
        if of != site.to_string() {
            return Err(StoreError::OthersDisk(disk.path.clone()));
        }
        // Whoever made it may have been killed before its name was on the disk.
        if let Err(error) = files.sync_folder(&disk.path) {
            tracing::error!(%error, disk = %disk.path.display(), "a disk of recordings does not confirm its names");
        }
        // A disk may have another path than before; and another disk may be where it was.
        if let Some(same) = known.iter().position(|k| k.name == name) {
            known[same].path.clone_from(&disk.path);
        } else {
            remember(known, name, &disk.path)?;
        }
        return Ok(());
    }
    if known.iter().any(|k| k.path == disk.path) {
        return Ok(());
    }
    let failed = |e| StoreError::io("making", &disk.path, e);
    if disk.path.starts_with(data) || data.starts_with(&disk.path) {
        return Err(StoreError::DiskWithinDisk(disk.path.clone()));
    }
    let name = hex::encode(rand::random::<[u8; 8]>());
    files.make_top(&disk.path).map_err(failed)?;
    // First the sign: a disk that is remembered and has none is one that is not mounted.
    let sign = disk.path.join(SIGN);
    // One whose name may not be on the disk is not what recordings are put under: the next start makes another.
    files.replace(&sign, format!("louver disk 1 {site} {name}\n").as_bytes()).inspect_err(|_| {
        let _ = files.remove(&sign);
    })?;
    remember(known, name, &disk.path)
}

fn remember(known: &mut Vec<Remembered>, name: String, path: &Path) -> Result<(), StoreError> {
    if known.len() >= DISKS_MAX {
        return Err(StoreError::Disks(path.to_owned()));
    }
    let number = known.iter().map(|k| k.number).max().unwrap_or(DATA) + 1;
    // Two of the same path: the one before is not there any more.
    known.push(Remembered { number, name, path: path.to_owned() });
    Ok(())
}
