//! The disks that recordings lie on: the data directory's own, and those that the settings name.
//!
//! A disk of recordings has a sign, the file `louver.disk` with the site and a random name; `disks.json` in the data directory remembers
//! which there are and gives each a number that the catalogue uses. A folder without its sign is a disk that is not mounted: nothing is
//! written there, and nothing is said to be gone that lay on it. A disk that the settings name no more is forgotten when nothing lies on it.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// Folders that a disk was in before, remembered at most.
const BEFORE_MAX: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    number: i64,
    /// Empty: no disk was seen there since the one that was is in another folder, so the one that is to be there is not mounted.
    name: String,
    path: PathBuf,
    /// Folders that it was in before: where one of them is empty, a disk is not mounted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<PathBuf>,
}

impl Remembered {
    fn is_at(&mut self, path: &Path) {
        if self.path == path {
            return;
        }
        self.before.retain(|before| before != path);
        self.before.push(std::mem::replace(&mut self.path, path.to_owned()));
        if self.before.len() > BEFORE_MAX {
            self.before.remove(0);
        }
    }
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
    /// The settings name it no more, and nothing lies on it.
    forgotten: AtomicBool,
    /// It is mounted and could not be used: until when it is left alone, and for how long that was.
    rests: Mutex<Option<(Instant, Duration)>>,
}

/// A disk that is back and cannot be used is looked through again after so long, then after twice as long each time: a look through a
/// large disk that ends at its one bad folder keeps other work on recordings waiting.
const REST_FIRST: Duration = Duration::from_secs(60);
const REST_LONGEST: Duration = Duration::from_secs(3600);

impl Place {
    fn new(
        number: i64,
        name: String,
        dir: PathBuf,
        role: Option<DiskRole>,
        min_free: Option<DiskWatermark>,
    ) -> Self {
        let (away, failing, full, looked_through, forgotten, rests) = Default::default();
        Self { number, dir, role, min_free, name, away, failing, full, looked_through, forgotten, rests }
    }

    /// Whether the disk itself is mounted.
    pub(crate) fn is_mounted(&self, site: &SiteId) -> bool {
        self.number == DATA
            || sign_of(&self.dir).is_some_and(|sign| sign == (site.to_string(), self.name.clone()))
    }

    /// Whether it is one of recordings alone that the settings name no more.
    pub(crate) fn is_unnamed(&self) -> bool {
        self.number != DATA && self.role.is_none()
    }

    /// It could not be used although it is mounted: it rests.
    pub(crate) fn rest(&self) {
        let mut rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = rests.map_or(REST_FIRST, |(_, pause)| (pause * 2).min(REST_LONGEST));
        *rests = Some((Instant::now() + pause, pause));
    }

    /// It is used, or not mounted any more.
    pub(crate) fn end_rest(&self) {
        *self.rests.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Since it became mounted it could not be used; whether it still rests.
    pub(crate) fn rests(&self) -> Option<bool> {
        let rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        rests.map(|(until, _)| Instant::now() < until)
    }

    /// Whether its recordings can be read, as far as is known.
    pub(crate) fn is_there(&self) -> bool {
        !self.away.load(Ordering::Relaxed)
    }

    /// Gives whether that is news.
    pub(crate) fn set_there(&self, there: bool) -> bool {
        self.away.swap(!there, Ordering::Relaxed) == there
    }

    /// Whether it came back and is looked through just now.
    pub(crate) fn is_looked_through(&self) -> bool {
        self.looked_through.load(Ordering::Relaxed)
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
pub(crate) struct Places {
    all: Vec<Place>,
    /// What `disks.json` says. Held while it is written.
    known: Mutex<Vec<Remembered>>,
}

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
        let numbers = know(files, data, site, &mut known, settings)?;
        if known != before {
            write(files, data, &known)?;
        }
        let hot = settings.iter().any(|d| d.role == DiskRole::Hot);
        let role = if hot { None } else { Some(DiskRole::Hot) };
        let mut all = vec![Place::new(DATA, String::new(), data.to_owned(), role, None)];
        for Remembered { number, name, path, .. } in &known {
            let set = settings.iter().zip(&numbers).find(|(d, of)| *of == number && d.path == *path);
            let (role, min_free) = (set.map(|(d, _)| d.role), set.map(|(d, _)| d.min_free));
            let place = Place::new(*number, name.clone(), path.clone(), role, min_free);
            place.set_there(place.is_mounted(site));
            files.take_top(&place.dir, &place.dir.join(SIGN));
            all.push(place);
        }
        let places = Self { all, known: Mutex::new(known) };
        for place in places.all().filter(|p| !p.is_there()) {
            let meanwhile = places.meanwhile(place);
            tracing::error!(disk = %place.dir.display(), "a disk of recordings is not there: what lies on it is kept in the catalogue{meanwhile}");
        }
        Ok(places)
    }

    /// All, those that are away too.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Place> {
        self.all.iter().filter(|p| !p.forgotten.load(Ordering::Relaxed))
    }

    /// Those whose recordings can be read.
    pub(crate) fn there(&self) -> impl Iterator<Item = &Place> {
        self.all().filter(|p| p.is_there())
    }

    pub(crate) fn get(&self, number: i64) -> Option<&Place> {
        self.all().find(|p| p.number == number)
    }

    /// Whether some disk is not there.
    pub(crate) fn any_away(&self) -> bool {
        self.all().any(|p| !p.is_there())
    }

    /// What becomes of new recordings while a disk is away, as the end of a sentence.
    pub(crate) fn meanwhile(&self, away: &Place) -> &'static str {
        match away.role {
            None => "",
            Some(_) if self.there().any(|p| p.role.is_some()) => "; new recordings go elsewhere",
            Some(_) => "; recording stops until it is back",
        }
    }

    /// A disk that does not give its folders is as good as away.
    ///
    /// # Errors
    /// The error itself where it is the data directory's disk: without it nothing goes.
    pub(crate) fn lose(&self, place: &Place, error: StoreError) -> Result<(), StoreError> {
        if place.number == DATA {
            return Err(error);
        }
        if place.set_there(false) {
            let meanwhile = self.meanwhile(place);
            tracing::error!(disk = %place.dir.display(), error = &error as &dyn std::error::Error, "a disk of recordings cannot be read and counts as away: what lies on it is kept in the catalogue{meanwhile}");
        }
        Ok(())
    }

    /// Forgets a disk that the settings name no more and that nothing lies on.
    pub(crate) fn forget(&self, files: &Files, data: &Path, number: i64) -> Result<(), StoreError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = known.clone();
        left.retain(|of| of.number != number);
        write(files, data, &left)?;
        *known = left;
        if let Some(place) = self.get(number) {
            tracing::info!(disk = %place.dir.display(), "a disk that the settings name no more and that nothing lies on is forgotten");
            place.forgotten.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Where a new recording goes, best first: hot disks before cold ones, those that failed last, and the one with most room.
    pub(crate) fn for_new(&self, files: &Files) -> Vec<&Place> {
        let mut found: Vec<_> = self
            .there()
            .filter(|p| p.role.is_some() && !p.is_full() && !p.is_looked_through())
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
    all.extend(remembered(data)?.into_iter().filter(is_there).map(|of| of.path));
    Ok(all)
}

/// Folders of disks of recordings that are not there: what lies on them is in no list that is made without the catalogue.
///
/// # Errors
/// [`StoreError::Disks`]; [`StoreError::Io`] when it cannot be read which disks there are.
pub fn disks_away(data: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let seen = remembered(data)?.into_iter().filter(|of| !of.name.is_empty());
    Ok(seen.filter(|of| !is_there(of)).map(|of| of.path).collect())
}

fn is_there(of: &Remembered) -> bool {
    sign_of(&of.path).is_some_and(|(_, name)| name == of.name)
}

fn write(files: &Files, data: &Path, known: &[Remembered]) -> Result<(), StoreError> {
    let path = data.join(DISKS);
    // A folder's name may be no text.
    let text = serde_json::to_vec_pretty(known).map_err(|e| StoreError::io("writing", &path, e.into()))?;
    files.replace(&path, &text)
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

/// Which disks the settings name, in their order, by their signs and by where they were.
fn know(
    files: &Files,
    data: &Path,
    site: &SiteId,
    known: &mut Vec<Remembered>,
    settings: &[DiskSettings],
) -> Result<Vec<i64>, StoreError> {
    let signed: Vec<Option<i64>> =
        settings.iter().map(|disk| by_its_sign(files, site, known, &disk.path)).collect::<Result<_, _>>()?;
    let mut found: Vec<i64> = signed.iter().flatten().copied().collect();
    let mut numbers = Vec::with_capacity(settings.len());
    for (disk, signed) in settings.iter().zip(signed) {
        let number = match signed {
            Some(number) => number,
            None => without_sign(files, data, site, known, &found, &disk.path)?,
        };
        found.push(number);
        numbers.push(number);
    }
    known.retain(|of| !of.name.is_empty() || numbers.contains(&of.number));
    Ok(numbers)
}

/// The disk whose sign a folder has.
fn by_its_sign(
    files: &Files,
    site: &SiteId,
    known: &mut Vec<Remembered>,
    path: &Path,
) -> Result<Option<i64>, StoreError> {
    let Some((of, name)) = sign_of(path) else { return Ok(None) };
    if of != site.to_string() {
        return Err(StoreError::OthersDisk(path.to_owned()));
    }
    // Whoever made it may have been killed before its name was on the disk.
    if let Err(error) = files.sync_folder(path) {
        tracing::error!(%error, disk = %path.display(), "a disk of recordings does not confirm its names");
    }
    // A disk may have another path than before; and another disk may be where it was.
    if let Some(same) = known.iter_mut().find(|k| k.name == name) {
        same.is_at(path);
        return Ok(Some(same.number));
    }
    remember(known, name, path).map(Some)
}

/// The disk that is to be in a folder without a sign: one that is not mounted, or a new one. `found`: those that are elsewhere.
fn without_sign(
    files: &Files,
    data: &Path,
    site: &SiteId,
    known: &mut Vec<Remembered>,
    found: &[i64],
    path: &Path,
) -> Result<i64, StoreError> {
    let missing = |k: &Remembered| !found.contains(&k.number);
    if let Some(same) = known.iter().find(|k| k.path == path && missing(k)) {
        return Ok(same.number);
    }
    if known.iter().any(|k| k.before.iter().any(|before| before == path)) {
        // A disk was mounted here that is elsewhere now: what is to be here is not mounted. That may be the one whose folder it took.
        let taken = |k: &Remembered| known.iter().any(|other| !missing(other) && other.path == k.path);
        let turned_out = known.iter().position(|k| missing(k) && !k.name.is_empty() && taken(k));
        if let Some(other) = turned_out.and_then(|n| known.get_mut(n)) {
            other.is_at(path);
            return Ok(other.number);
        }
        return remember(known, String::new(), path);
    }
    let failed = |e| StoreError::io("making", path, e);
    if path.starts_with(data) || data.starts_with(path) {
        return Err(StoreError::DiskWithinDisk(path.to_owned()));
    }
    let name = hex::encode(rand::random::<[u8; 8]>());
    files.make_top(path).map_err(failed)?;
    // First the sign: a disk that is remembered and has none is one that is not mounted.
    let sign = path.join(SIGN);
    // One whose name may not be on the disk is not what recordings are put under: the next start makes another.
    files.replace(&sign, format!("louver disk 1 {site} {name}\n").as_bytes()).inspect_err(|_| {
        let _ = files.remove(&sign);
    })?;
    remember(known, name, path)
}

fn remember(known: &mut Vec<Remembered>, name: String, path: &Path) -> Result<i64, StoreError> {
    if known.len() >= DISKS_MAX {
        return Err(StoreError::Disks(path.to_owned()));
    }
    let number = known.iter().map(|k| k.number).max().unwrap_or(DATA) + 1;
    // Two of the same path: the one before is not there any more.
    known.push(Remembered { number, name, path: path.to_owned(), before: Vec::new() });
    Ok(number)
}
