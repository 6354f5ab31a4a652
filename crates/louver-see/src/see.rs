//! One camera's seeing, put together.

use std::sync::Arc;

use louver_base::{Class, MediaSpan, MediaTime, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{Cell, Detection, Grid, Rect, Scene, Why, Zone, ZoneKind, ZoneMap};

use crate::Settings;
use crate::backdrop::{Backdrop, Change, Cover, for_cells};
use crate::blobs::{self, Blobs};
use crate::events::{Act, Events};
use crate::features::Features;
use crate::schedule::Schedule;
use crate::track::{Tracks, padded};
use crate::windows::{self, Around, Windows};

mod crowd;
mod look;
mod stir;
use look::Looks;
pub use stir::Stir;

/// What the detector is asked to look at: the newest picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// When the picture was taken: give it back with the answer.
    pub taken: MediaTime,
    /// Parts of the picture to look at one by one, pixels.
    pub parts: Vec<Rect>,
    /// Lowest score to report, 0 to 1.
    pub least: f32,
}

/// Cells of movement that make a figure: a cat at 640x360.
const LEAST_BLOB: usize = 6;
/// Room around a person's box, share of its sides: boxes lag by a picture and heads stick out.
pub(crate) const PERSON_ROOM: f32 = 0.15;
/// Boxes that are remembered at most; cells mask for themselves.
const MOST_MASKED: usize = 1024;
/// A gap between pictures after which nothing can be said about what happened between: stream lost, analysis late.
pub(crate) const GAP: MediaSpan = MediaSpan::from_millis(5000);

/// A place is looked at more often for this long while it is learned. What is not known by then (leaves, a false alarm
/// that never goes) is worth no more.
const LEARNING: MediaSpan = MediaSpan::from_millis(30_000);
/// Share of unknown cells that is worth no hurry: leaves, and what always looks like somebody.
const LITTLE: f32 = 0.02;
/// A movement that lasts this long is looked at by the detector as soon as may be.
const NEW: MediaSpan = MediaSpan::from_millis(300);
/// Room around who is followed where the place is known: there the cells themselves tell what sticks out of a box.
const KNOWN_ROOM: f32 = 0.05;

/// The seeing of one camera.
#[derive(Debug)]
pub struct See {
    settings: Settings,
    grid: Grid,
    features: Features,
    backdrop: Backdrop,
    tracks: Tracks,
    cover: Vec<Cover>,
    /// Padded boxes of the last sweeps, events or not, until the place is looked at again: nothing is learned there. Those of
    /// the last one, from `fresh` on, have covered no picture yet.
    masked: Vec<Rect>,
    fresh: usize,
    last: Option<MediaTime>,
    schedule: Schedule,
    looks: Looks,
    learning_since: Option<MediaTime>,
    why: Why,
    events: Events,
    zones: Arc<ZoneMap>,
    windows: Windows,
}

impl See {
    /// Seeing that knows nothing yet, for pictures of one size.
    pub fn new(size: PictureSize, settings: Settings) -> Self {
        Self::with_zones(size, settings, &[])
    }

    /// The same with zones. Every picture must go through [`blank`](Self::blank) before anything else sees it.
    pub fn with_zones(size: PictureSize, settings: Settings, zones: &[Zone]) -> Self {
        let grid = Grid::of(size);
        let zones = Arc::new(ZoneMap::new(grid, zones));
        Self {
            settings,
            grid,
            features: Features::default(),
            backdrop: Backdrop::new(grid, MediaTime::ZERO),
            tracks: Tracks::new(Arc::clone(&zones), &settings),
            cover: vec![Cover::Free; grid.len()],
            masked: Vec::new(),
            fresh: 0,
            last: None,
            schedule: Schedule::new(settings.detector),
            looks: Looks::default(),
            learning_since: None,
            why: Why::Starting,
            events: Events::new(grid),
            zones,
            windows: Windows::new(),
        }
    }

    /// Makes the excluded zones of a picture flat: before it is given to [`picture`](Self::picture), to the detector or to
    /// anything else.
    pub fn blank(&self, picture: &mut Picture) {
        self.zones.blank(picture);
    }

    /// The size of pictures it takes.
    pub fn size(&self) -> PictureSize {
        self.grid.picture
    }

    /// Takes a picture and says what may be shown of it, and what happened.
    ///
    /// Pictures must be of [`size`](Self::size); at one of another size nothing is shown, and all is learned anew.
    pub fn picture(&mut self, picture: &Picture, media: MediaTime, wall: WallTime) -> (Scene, Vec<Act>) {
        let mut acts = Vec::new();
        if picture.size != self.grid.picture {
            let acts = self.interrupted();
            return (self.scene(media, wall), acts);
        }
        let step = self.last.map_or(0.0, |l| (media - l).seconds() as f32);
        if self.last.is_some_and(|l| media <= l || media - l > GAP) {
            self.start_again(media, Why::Starting, &mut acts);
        }
        let step = step.clamp(0.0, GAP.seconds() as f32);
        if self.last.is_none() {
            self.backdrop.forget(media);
            self.learning_since = Some(media);
        }
        self.last = Some(media);
        self.schedule.advance(media, &self.settings);
        self.features.compute(picture, self.grid);
        let change = self.backdrop.compare(&mut self.features, media, &self.settings);
        let why = match change {
            Change::None => None,
            Change::Light => Some(Why::LightChanged),
            Change::View => Some(Why::CameraMoved),
            Change::Blind => Some(Why::LensCovered),
        };
        if self.why == Why::LensCovered && why.is_none() {
            self.why = Why::Starting;
        }
        if let Some(why) = why {
            self.start_again(media, why, &mut acts);
            // What is learned anew begins with this picture, in its own light.
            self.features.compute(picture, self.grid);
            self.backdrop.compare(&mut self.features, media, &self.settings);
        }
        let blobs = blobs::find(self.grid, self.backdrop.departed(), LEAST_BLOB);
        self.tracks.advance(&blobs, &self.backdrop, step, media);
        self.lay_cover();
        self.backdrop.decide(picture, &self.cover, &blobs.labels, media, &self.settings);
        // Known well enough to say that all is well; single cells may take longer (leaves, a parked bus).
        if self.backdrop.unknown_share() < 0.25 {
            self.why = Why::Fine;
        }
        self.events.tell(&self.tracks, media, &self.settings, &mut acts);
        acts.retain_mut(|act| self.may_tell(act));
        if !self.settings.show.is_nothing() {
            self.look_through_windows(picture, blobs, media);
        }
        (self.scene(media, wall), acts)
    }

    /// The detector could not answer: nothing is learned from it, and nothing becomes clear.
    pub fn sweep_failed(&mut self) {
        self.schedule.failed();
        self.looks.gaze = None;
        self.windows.failed();
    }

    /// The detector's answer for the picture taken at `taken`. One that is not waited for says nothing: it is a second one,
    /// or about a picture from before an interruption, whose clock was another.
    pub fn sweep_done(&mut self, taken: MediaTime, found: &[Detection]) {
        if !self.schedule.done(taken) || self.last.is_none_or(|l| taken > l) {
            return;
        }
        let Some(gaze) = self.looks.gaze.take() else { return };
        let found: &[Detection] = &self.heeded(found);
        let people: Vec<Rect> = found.iter().filter(|d| d.class == Class::Person).map(|d| d.rect).collect();
        self.backdrop.sweep(taken, &people, &gaze);
        self.masked.retain(|r| !gaze.tells_of(*r));
        self.fresh = self.masked.len();
        self.masked.extend(people.into_iter().map(|r| padded(r, PERSON_ROOM)));
        let over = self.masked.len().saturating_sub(MOST_MASKED);
        self.masked.drain(..over);
        self.fresh = self.fresh.saturating_sub(over);
        let whole: Vec<Detection> = found.iter().filter(|d| !gaze.cuts(d)).copied().collect();
        self.tracks.sweep(&whole, &self.backdrop, taken, &gaze);
        if let (false, Some(now)) = (self.settings.show.is_nothing(), self.last) {
            let cells = self.states();
            let around = around(self.grid, &cells, &self.tracks, &self.masked, &self.settings);
            self.windows.answered(taken, found, self.settings.show, now, &around);
        }
    }

    /// The stream broke off: what is followed has left, and everything must be learned again.
    pub fn interrupted(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        let now = self.last.unwrap_or(MediaTime::ZERO);
        self.start_again(now, Why::Starting, &mut acts);
        self.last = None;
        acts
    }

    fn start_again(&mut self, now: MediaTime, why: Why, acts: &mut Vec<Act>) {
        self.backdrop.forget(now);
        self.tracks.clear();
        self.windows.clear();
        self.masked.clear();
        self.fresh = 0;
        self.looks.gaze = None;
        self.schedule.start_again();
        self.learning_since = Some(now);
        self.why = why;
        self.events.all_leave(acts);
    }

    /// Ends the windows that something touches, and keeps the picture if the detector is to look at it.
    fn look_through_windows(&mut self, picture: &Picture, blobs: Blobs, now: MediaTime) {
        if self.backdrop.in_other_light() {
            // Real pixels only where nothing is in doubt.
            self.windows.clear();
            return;
        }
        let cells = self.states();
        let around = around(self.grid, &cells, &self.tracks, &self.masked, &self.settings);
        self.windows.look(&blobs, now, &around);
        if self.wants().is_some() {
            self.windows.keep(picture, blobs, now);
        }
    }

    /// What is told of the cells. An excluded one is flat and rests; of an always-masked one it is not told what is known.
    fn states(&self) -> Arc<[Cell]> {
        let states = self.backdrop.states();
        if !self.zones.any() {
            return states;
        }
        let told = |(n, state): (usize, &Cell)| match self.zones.at(n) {
            Some(ZoneKind::Mask) => Cell::Unknown,
            Some(ZoneKind::Exclude) => Cell::Never,
            None => *state,
        };
        states.iter().enumerate().map(told).collect()
    }

    /// Of an answer what counts: nothing that lies in an excluded zone whole, and parcels only where they may be seen and
    /// nobody carries them.
    fn heeded(&self, found: &[Detection]) -> Vec<Detection> {
        let carried = |d: &Detection| {
            found.iter().any(|p| {
                let both = padded(p.rect, PERSON_ROOM).intersection(d.rect).area();
                p.class == Class::Person && both * 2 > d.rect.area()
            })
        };
        let heeds = |d: &&Detection| {
            let parcel = d.class == Class::Parcel;
            let looked_for = !parcel || (self.settings.show.allows(Class::Parcel) && !carried(d));
            looked_for && self.zones.cut(d.rect).is_some()
        };
        found.iter().filter(heeds).copied().collect()
    }

    /// Cuts off what would tell of an excluded zone; `false` if nothing is left to tell.
    fn may_tell(&self, act: &mut Act) -> bool {
        match act {
            Act::Enters(sighting, _) | Act::Update(sighting, _) | Act::Stays(sighting) => {
                self.zones.cut(sighting.rect).map(|rect| sighting.rect = rect).is_some()
            }
            Act::Leaves(_) => true,
        }
    }

    fn lay_cover(&mut self) {
        self.cover.fill(Cover::Free);
        let fresh = std::mem::replace(&mut self.fresh, self.masked.len());
        for (n, rect) in self.masked.iter().enumerate() {
            let swept = if n < fresh { Cover::Held } else { Cover::Covered };
            for_cells(self.grid, *rect, |n| self.cover[n] = self.cover[n].max(swept));
        }
        // Departed cells are masked whatever stands there; a cover also keeps still ones from being learned, which a parked
        // car must not.
        let people: Vec<Rect> = self.tracks.people().collect();
        for rect in people.iter().map(|r| padded(*r, PERSON_ROOM)) {
            for_cells(self.grid, rect, |n| self.cover[n] = self.cover[n].max(Cover::Held));
        }
        let alone = people.iter().map(|r| padded(*r, KNOWN_ROOM));
        for rect in alone.chain(crowd::between(&people)) {
            for_cells(self.grid, rect, |n| self.cover[n] = Cover::Covered);
        }
    }

    fn scene(&self, now: MediaTime, wall: WallTime) -> Scene {
        let mut figures = self.tracks.figures(self.grid, now, self.settings.detector.event_score);
        figures.retain_mut(|f| self.zones.cut(f.rect).map(|rect| f.rect = rect).is_some());
        Scene {
            grid: self.grid,
            backdrop: self.backdrop.picture(),
            cells: self.states(),
            figures,
            windows: self.windows.shown(&self.tracks, self.grid),
            wall,
            why: self.why,
        }
    }
}

/// What windows must not touch now.
fn around<'a>(
    grid: Grid,
    cells: &'a [Cell],
    tracks: &'a Tracks,
    masked: &[Rect],
    settings: &'a Settings,
) -> Around<'a> {
    Around { grid, cells, people: windows::people_now(tracks, masked), tracks, settings }
}
