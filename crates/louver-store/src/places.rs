//! The disks that recordings lie on: the data directory's own, and those that the settings name.
//!
//! A disk of recordings has a sign, the file `louver.disk` with the site and a random name; `disks.json` in the data directory remembers
//! which there are and gives each a number that the catalogue uses. A folder without its sign is a disk that is not mounted: nothing is
//! written there, and nothing is said to be gone that lay on it. A disk that the settings name no more is forgotten when nothing lies on it.

mod known;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use louver_vault::SiteId;

use crate::disk::Space;
use crate::files::Files;
use crate::{DiskWatermark, StoreError};

pub use known::disks_away;
pub(crate) use known::folders;
use known::{Remembered, SIGN, know, remembered, sign_of, write};

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

/// A mounted disk that cannot be used is looked through again at the next look, then after so long, then after twice as long each time: a
/// look through a large disk that ends at its one bad folder keeps other work on recordings waiting.
const REST_FIRST: Duration = Duration::from_secs(120);
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
        let pause = rests.map_or(Duration::ZERO, |(_, pause)| (pause * 2).clamp(REST_FIRST, REST_LONGEST));
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
