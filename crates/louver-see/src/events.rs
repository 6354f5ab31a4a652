//! What is told of those who come, stay and go.

use louver_base::{Class, MediaSpan, MediaTime};
use louver_scene::{FigureKind, Grid, Rect};

use crate::Settings;
use crate::track::{EVIDENCE, Track, Tracks, snapped};

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

/// A thing is told to have left when it has been lost for this long.
const LINGER: MediaSpan = MediaSpan::from_millis(3000);

/// An event in the making.
#[derive(Clone, Copy, Debug)]
struct Told {
    sighting: Sighting,
    since: MediaTime,
    updated: MediaTime,
    stays: bool,
    best: f32,
    /// When its track ended.
    lost: Option<MediaTime>,
}

impl Told {
    fn new(sighting: Sighting, since: MediaTime, now: MediaTime) -> Self {
        Self { sighting, since, updated: now, stays: false, best: quality(&sighting), lost: None }
    }

    fn go_on(&mut self, sighting: Sighting, now: MediaTime, settings: &Settings, acts: &mut Vec<Act>) {
        self.sighting = sighting;
        self.lost = None;
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

    /// Whether a new track takes up where this one's was lost: less than a body's height away.
    fn continued_by(&self, new: &Sighting) -> bool {
        let (a, b) = (self.sighting.rect, new.rect);
        let height = (a.bottom - a.top).max(b.bottom - b.top);
        let apart = |a0: i32, a1: i32, b0: i32, b1: i32| ((a0 + a1) - (b0 + b1)).abs() / 2;
        self.lost.is_some()
            && self.sighting.class == new.class
            && apart(a.left, a.right, b.left, b.right) < height
            && apart(a.top, a.bottom, b.top, b.bottom) < height / 2
    }

    /// Whether it stands where another is said to be: its second box, until it moves away.
    fn stands_at(&self, other: &Sighting) -> bool {
        let both = self.sighting.rect.intersection(other.rect).area();
        both * 5 > self.sighting.rect.area().min(other.rect.area()) * 2
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

    /// Tells what the tracks of one picture mean.
    pub(crate) fn tell(
        &mut self,
        tracks: &mut Tracks,
        now: MediaTime,
        settings: &Settings,
        acts: &mut Vec<Act>,
    ) {
        let sightings: Vec<Sighting> =
            tracks.all.iter().filter_map(|t| sighting(t, self.grid, settings)).collect();
        for sighting in sightings {
            if let Some(told) = self.told.iter_mut().find(|t| t.sighting.track == sighting.track) {
                told.go_on(sighting, now, settings, acts);
            } else if let Some(told) = self.told.iter_mut().find(|t| t.continued_by(&sighting)) {
                // Lost for a moment, in a crowd or behind a post: the same appearance goes on under its number.
                let number = told.sighting.track;
                tracks.renumber(sighting.track, number);
                told.go_on(Sighting { track: number, ..sighting }, now, settings, acts);
            } else if !self.told.iter().any(|t| t.stands_at(&sighting)) {
                let since = tracks.born(sighting.track).unwrap_or(now);
                self.told.push(Told::new(sighting, since, now));
                acts.push(Act::Enters(sighting, since));
                acts.push(Act::Update(sighting, true));
            }
        }
        let all = &tracks.all;
        self.told.retain_mut(|told| {
            if all.iter().any(|t| t.number == told.sighting.track) {
                told.lost = None;
                return true;
            }
            let lost = *told.lost.get_or_insert(now);
            let gone = now - lost >= LINGER;
            if gone {
                acts.push(Act::Leaves(told.sighting.track));
            }
            !gone
        });
    }
}

/// A track is an event when the detector was sure once, saw it twice, and its place really looks different.
fn sighting(track: &Track, grid: Grid, settings: &Settings) -> Option<Sighting> {
    let FigureKind::Known(class) = track.kind else { return None };
    let sure = track.score >= settings.detector.event_score && track.hits >= 2 && track.evidence >= EVIDENCE;
    let rect = snapped(track.rect(), grid);
    sure.then_some(Sighting { track: track.number, class, rect, score: track.score })
}
