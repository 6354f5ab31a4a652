//! What is told of those who come, stay and go.

use louver_base::{Class, MediaSpan, MediaTime};
use louver_scene::{FigureKind, Grid, Rect};

use crate::Settings;
use crate::track::{Track, Tracks, snapped};

/// Something that was sure enough to make an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// The track's number, for this appearance only.
    pub track: u32,
    /// What it is.
    pub class: Class,
    /// Where it is, pixels of the picture.
    pub rect: Rect,
    /// Best score so far, 0 to 1.
    pub score: f32,
}

/// What seeing asks of its surroundings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// Something entered; it has been there since the given time.
    Enters(Sighting, MediaTime),
    /// It is still there; at most once a second. The flag asks for a new best still.
    Update(Sighting, bool),
    /// It has stayed for the settings' `stays`.
    Stays(Sighting),
    /// It left, or seeing lost it for good.
    Leaves(u32),
}

/// Sweeps that must have been sure of something before it is told of, and of something that stands where another is
/// already told of: two people side by side, or one person's second box.
const SURE_HITS: u32 = 2;
const SURE_HITS_BESIDE: u32 = 4;
/// Share of the smaller box from which two stand at one place.
const BESIDE: f32 = 0.4;

/// An event in the making.
#[derive(Clone, Copy, Debug)]
struct Told {
    sighting: Sighting,
    since: MediaTime,
    updated: MediaTime,
    stays: bool,
    best: f32,
    /// Its track is not lost at this moment.
    here: bool,
}

impl Told {
    fn new(sighting: Sighting, since: MediaTime, now: MediaTime) -> Self {
        Self { sighting, since, updated: now, stays: false, best: quality(&sighting), here: true }
    }

    fn go_on(&mut self, sighting: Sighting, now: MediaTime, settings: &Settings, acts: &mut Vec<Act>) {
        // What it was told to be it stays.
        let sighting = Sighting { class: self.sighting.class, ..sighting };
        self.sighting = sighting;
        if now - self.updated < MediaSpan::from_millis(1000) {
            return;
        }
        self.updated = now;
        let better = quality(&sighting) > self.best * 1.2;
        if better {
            self.best = quality(&sighting);
        }
        acts.push(Act::Update(sighting, better));
        if !self.stays && now - self.since >= settings.stays {
            self.stays = true;
            acts.push(Act::Stays(sighting));
        }
    }

    /// Whether it stands where another is said to be.
    fn stands_at(&self, other: &Sighting) -> bool {
        let both = self.sighting.rect.intersection(other.rect).area() as f32;
        both > BESIDE * self.sighting.rect.area().min(other.rect.area()) as f32
    }
}

/// How good a still would be: sure and large.
fn quality(sighting: &Sighting) -> f32 {
    sighting.score * (sighting.rect.area() as f32).sqrt()
}

/// The events of one camera.
#[derive(Debug)]
pub(crate) struct Events {
    grid: Grid,
    told: Vec<Told>,
}

impl Events {
    pub(crate) fn new(grid: Grid) -> Self {
        Self { grid, told: Vec::new() }
    }

    /// Everyone who is told of has left: nothing can be followed over an interruption.
    pub(crate) fn all_leave(&mut self, acts: &mut Vec<Act>) {
        acts.extend(self.told.drain(..).map(|t| Act::Leaves(t.sighting.track)));
    }

    /// Whether anybody is told of who has not left.
    pub(crate) fn anybody(&self) -> bool {
        !self.told.is_empty()
    }

    /// Tells what the tracks of one picture mean.
    pub(crate) fn tell(&mut self, tracks: &Tracks, now: MediaTime, settings: &Settings, acts: &mut Vec<Act>) {
        for told in &mut self.told {
            let track = tracks.all().iter().find(|t| t.number == told.sighting.track);
            told.here = track.is_some_and(Track::followed);
            if let Some(sighting) = track.filter(|t| t.followed()).and_then(|t| sighting(t, self.grid)) {
                told.go_on(sighting, now, settings, acts);
            }
        }
        // Whoever is told of no longer has left when his track is: a lost one may be found again until then.
        self.told.retain(|told| {
            let there = tracks.all().iter().any(|t| t.number == told.sighting.track);
            if !there {
                acts.push(Act::Leaves(told.sighting.track));
            }
            there
        });
        for track in tracks.all().iter().filter(|t| t.followed()) {
            let Some(sighting) = sighting(track, self.grid) else { continue };
            let known = self.told.iter().any(|t| t.sighting.track == track.number);
            if !known && sure(track, settings) && !self.doubles(track, &sighting) {
                self.told.push(Told::new(sighting, track.born, now));
                acts.push(Act::Enters(sighting, track.born));
                acts.push(Act::Update(sighting, true));
            }
        }
    }

    /// Whether it may be the second box of somebody who is told of: until the detector has seen both often enough.
    fn doubles(&self, track: &Track, sighting: &Sighting) -> bool {
        let two = track.sure_hits >= SURE_HITS_BESIDE && sighting.class == Class::Person;
        !two && self.told.iter().any(|t| t.here && t.stands_at(sighting))
    }
}

/// Whether a track is worth telling of: the detector was sure in several sweeps, and something is really there.
fn sure(track: &Track, settings: &Settings) -> bool {
    track.sure_hits >= SURE_HITS && track.score >= settings.detector.event_score && track.real()
}

fn sighting(track: &Track, grid: Grid) -> Option<Sighting> {
    let FigureKind::Known(class) = track.kind else { return None };
    Some(Sighting {
        track: track.number,
        class,
        rect: snapped(track.rect(), track.kind, grid),
        score: track.score,
    })
}
