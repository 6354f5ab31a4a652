//! Following things within one camera, for one appearance.
//!
//! Ten pictures a second show which cells differ from the empty place; once a second the detector says what stands where. A
//! thing that goes alone with a group of cells is followed by them; in a crowd each keeps its own speed until the detector
//! looks again. `motion` holds place and speed, `sweep` decides which detection belongs to whom.

mod assign;
mod ground;
mod motion;
mod one;
mod sweep;

use std::sync::Arc;

use louver_base::{Class, MediaSpan, MediaTime};
use louver_scene::{Detection, Figure, FigureKind, Grid, Rect, ZoneMap};

use crate::Settings;
use crate::backdrop::Backdrop;
use crate::blobs::Blobs;
use crate::gaze::Gaze;
pub(crate) use one::{Phase, Track};

/// Sweeps without a detection that a thing outlives where nothing tells of it: a detector blinks.
const BLINKS: u32 = 1;
/// ... and where nothing is known: the detector is all there is.
const BLINKS_UNKNOWN: u32 = 8;
/// ... and where somebody else hides it: longer, and it has gone another way.
const BLINKS_HIDDEN: u32 = 3;
/// ... and where its cells still look different: a person whom the detector cannot find in what he does. After that it is no
/// longer taken for what it was (a chair that was once a person); its cells stay masked until they are absorbed.
const BLINKS_PRESENT: u32 = 40;
/// Share of a thing's cells that must look different, and be no one else's, for it to be there though it was not found.
const PRESENT: f32 = 0.35;
/// Share of cells that look different from which a place is not empty, and a recognised thing no false alarm.
const DIFFERENT: f32 = 0.08;
/// What was lost may be found again for this long: behind a post or a van, or in a crowd.
pub(crate) const LOST: MediaSpan = MediaSpan::from_millis(4000);
/// A movement is gone this long after its cells are.
const MOVING_GONE: MediaSpan = MediaSpan::from_millis(600);
/// Sweeps that must find the place of a lost person empty before it stops being masked.
const EMPTY_SWEEPS: u32 = 2;
/// Share of a box that lies in the picture at the least.
const WITHIN: f32 = 0.2;
/// Tracks at most: a crowd beyond it is masked by its cells.
const MOST_TRACKS: usize = 200;
/// Places of lost people at most; the oldest is let go, and its cells remain.
const MOST_LEFT: usize = 200;
/// Figures snap to this many cells, so that a box's edge says nothing about an outline.
const SNAP_CELLS: i32 = 2;

/// A box with room: heads stick out of boxes, and boxes lag.
pub(crate) fn padded(rect: Rect, share: f32) -> Rect {
    let (w, h) = ((rect.right - rect.left) as f32, (rect.bottom - rect.top) as f32);
    let (x, y) = ((w * share).ceil() as i32, (h * share).ceil() as i32);
    Rect { left: rect.left - x, top: rect.top - y, right: rect.right + x, bottom: rect.bottom + y }
}

/// A box on the coarse grid that figures are drawn on, within the picture: outwards, but a movement's box, which is that of its
/// cells, to the nearest lines.
pub(crate) fn snapped(rect: Rect, kind: FigureKind, grid: Grid) -> Rect {
    let step = grid.cell as i32 * SNAP_CELLS;
    let (less, more) = match kind {
        FigureKind::Known(_) => (0, step - 1),
        FigureKind::Moving => (step / 2, step / 2),
    };
    let on = |n: i32, room: i32| n.saturating_add(room).div_euclid(step) * step;
    let (left, top) = (on(rect.left, less), on(rect.top, less));
    let (w, h) = (grid.picture.width() as i32, grid.picture.height() as i32);
    Rect {
        left: left.clamp(0, w),
        top: top.clamp(0, h),
        right: on(rect.right, more).max(left + step).clamp(0, w),
        bottom: on(rect.bottom, more).max(top + step).clamp(0, h),
    }
}

/// Whether enough of a box lies in what is looked at of the picture: what lies outside, or in an excluded zone, has left.
fn within(rect: Rect, zones: &ZoneMap) -> bool {
    zones.seen_area(rect) as f32 > WITHIN * rect.area() as f32
}

/// A velocity in steps as coarse as boxes are, pixels a second: no gait can be read from it.
fn coarse((x, y): (f32, f32), grid: Grid) -> [i16; 2] {
    let step = (grid.cell as i32 * SNAP_CELLS / 2) as f32;
    [x, y].map(|v| ((v / step).round() * step).clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16)
}

/// A place where somebody was lost keeps the gate open for so many sweeps; what is not decided by then is masked all the same,
/// and looks decide it.
const SOUGHT_SWEEPS: u32 = 20;

/// Where a person was lost: masked until it is proven that nobody is there.
#[derive(Clone, Copy, Debug)]
struct Left {
    rect: Rect,
    /// Whose place it is, where he had a figure: it stays for as long as something there looks different from the known place.
    number: Option<u32>,
    /// Sweeps in a row that found nobody there, over cells that match the known place.
    empty: u32,
    sweeps: u32,
}

/// All tracks of one camera.
#[derive(Debug)]
pub(crate) struct Tracks {
    all: Vec<Track>,
    left: Vec<Left>,
    random: u64,
    /// Score from which a detection is sure, 0 to 1.
    sure: f32,
    zones: Arc<ZoneMap>,
}

impl Tracks {
    pub(crate) fn new(zones: Arc<ZoneMap>, settings: &Settings) -> Self {
        Self {
            all: Vec::new(),
            left: Vec::new(),
            random: settings.seed,
            sure: settings.detector.event_score,
            zones,
        }
    }

    /// Forgets everything but which numbers were given.
    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.left.clear();
    }

    /// Whether nothing is followed, lost or left to be masked.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.left.is_empty()
    }

    /// What is followed now, and what may still be found again.
    pub(crate) fn all(&self) -> &[Track] {
        &self.all
    }

    /// Boxes of people, without room: those who are followed, and those who were lost where nothing proves them gone.
    pub(crate) fn people(&self) -> impl Iterator<Item = Rect> + '_ {
        let followed = self.all.iter().filter(|t| t.followed() && t.kind == FigureKind::Known(Class::Person));
        followed.map(Track::rect).chain(self.left.iter().map(|l| l.rect))
    }

    /// Whether anything is followed that moves or looked different within `span`, or a person who is as young; or somebody was
    /// lost and sweeps still look for him. A thing that is found while its place looks like the known one (a parked
    /// car, a statue) is at rest.
    pub(crate) fn stir(&self, now: MediaTime, span: MediaSpan) -> bool {
        let missed = self.left.iter().any(|l| l.sweeps < SOUGHT_SWEEPS);
        missed || self.all.iter().filter(|t| t.followed()).any(|t| t.stirs(now, span))
    }

    /// What is drawn of them, furthest first; recognised on the detector's word alone from the score `sure` on.
    pub(crate) fn figures(&self, grid: Grid, now: MediaTime, sure: f32) -> Vec<Figure> {
        let shown: Vec<&Track> = self.all.iter().filter(|t| t.shown(now, sure)).collect();
        let mut figures: Vec<Figure> = shown
            .iter()
            .map(|t| Figure {
                track: t.number,
                kind: t.kind,
                rect: snapped(t.rect(), t.kind, grid),
                velocity: coarse(t.velocity(), grid),
            })
            .collect();
        let hidden = self.left.iter().filter_map(|l| Some((l.number?, l.rect))).filter(|(number, rect)| {
            let drawn =
                |t: &&Track| t.number == *number || t.rect().intersection(*rect).area() * 2 > rect.area();
            !shown.iter().any(drawn)
        });
        figures.extend(hidden.map(|(track, rect)| Figure {
            track,
            kind: FigureKind::Known(Class::Person),
            rect: snapped(rect, FigureKind::Known(Class::Person), grid),
            velocity: [0, 0],
        }));
        figures.sort_by_key(|f| (f.rect.bottom, f.track));
        figures
    }

    /// splitmix64: numbers that mean nothing and repeat with the seed. None is given to two things at once.
    fn number(&mut self) -> u32 {
        loop {
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.random;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let number = ((z ^ (z >> 31)) >> 32) as u32;
            let given = self.all.iter().any(|t| t.number == number);
            if !given && !self.left.iter().any(|l| l.number == Some(number)) {
                return number;
            }
        }
    }

    fn start(&mut self, kind: FigureKind, rect: Rect, now: MediaTime) -> Option<&mut Track> {
        if self.all.len() >= MOST_TRACKS {
            return None;
        }
        let number = self.number();
        self.all.push(Track::new(number, kind, rect, now));
        self.all.last_mut()
    }

    /// Moves every track by one picture, `step` seconds after the last: by the group of cells it goes with, or by its speed.
    pub(crate) fn advance(&mut self, blobs: &Blobs, backdrop: &Backdrop, step: f32, now: MediaTime) {
        self.all.iter_mut().for_each(|t| t.advance(step));
        let shares = ground::shares(&self.all, blobs);
        for (track, share) in self.all.iter_mut().zip(&shares) {
            if !track.followed() {
                track.remember(now);
                continue;
            }
            track.follow(share.alone.map(|n| blobs.list[n]), step);
            if let (FigureKind::Known(_), Some(middle)) = (track.kind, share.middle) {
                track.lean(middle, step);
            }
            let (cells, _, unknown) = backdrop.count(track.rect());
            let departed = share.own as f32 > DIFFERENT * share.cells as f32;
            track.looked_at(departed, unknown * 2 > cells, now);
            track.remember(now);
        }
        self.start_moving(blobs, now);
        let zones = &self.zones;
        self.all.retain(|t| {
            let alive = match (t.phase, t.kind) {
                (Phase::Lost { since }, _) => now - since <= LOST,
                (Phase::Followed, FigureKind::Moving) => now - t.last_departed <= MOVING_GONE,
                (Phase::Followed, FigureKind::Known(_)) => true,
            };
            alive && within(t.rect(), zones)
        });
    }

    fn start_moving(&mut self, blobs: &Blobs, now: MediaTime) {
        let rects: Vec<Rect> =
            self.all.iter().filter(|t| t.followed()).map(|t| padded(t.rect(), 0.25)).collect();
        for blob in &blobs.list {
            let covered: i64 = rects.iter().map(|r| r.intersection(blob.rect).area()).sum();
            if covered * 3 < blob.rect.area() {
                self.start(FigureKind::Moving, blob.rect, now);
            }
        }
    }

    /// Takes in one sweep of the detector over the picture taken at `taken`.
    /// What it did not find it missed only where it looked.
    pub(crate) fn sweep(&mut self, found: &[Detection], backdrop: &Backdrop, taken: MediaTime, gaze: &Gaze) {
        let inside: Vec<Detection> = found.iter().filter(|d| within(d.rect, &self.zones)).copied().collect();
        let found = &sweep::without_parts(&inside);
        let matched = sweep::pair(&self.all, found, taken, self.sure);
        let mut seen = vec![false; self.all.len()];
        for (t, d) in matched.pairs {
            seen[t] = true;
            self.all[t].seen(&found[d], taken, found[d].score >= self.sure);
        }
        for (track, _) in self.all.iter_mut().zip(seen).filter(|(_, seen)| !seen) {
            track.misses = track.misses.saturating_add(u32::from(gaze.tells_of(track.rect_at(taken))));
        }
        for d in matched.new.into_iter().map(|d| found[d]) {
            let sure = d.score >= self.sure;
            if let Some(track) = self.start(FigureKind::Known(d.class), d.rect, taken) {
                track.seen(&d, taken, sure);
            }
        }
        let fresh: Vec<Rect> =
            self.all.iter().filter(|t| t.misses == 0 && t.hits > 0).map(|t| padded(t.rect(), 0.1)).collect();
        // A movement in the place of something recognised is that thing's.
        let same = |t: &Track| fresh.iter().any(|f| f.intersection(t.rect()).area() * 2 > t.rect().area());
        self.all.retain(|t| t.kind != FigureKind::Moving || !same(t));
        self.prove_empty(found, backdrop, gaze);
        self.lose(&fresh, backdrop, taken, gaze);
    }

    /// Lets go of tracks that were not found, and that nothing else tells of: cells under those just found are theirs.
    fn lose(&mut self, fresh: &[Rect], backdrop: &Backdrop, taken: MediaTime, gaze: &Gaze) {
        let missed = |t: &&mut Track| {
            t.followed() && t.kind != FigureKind::Moving && t.misses > 0 && gaze.tells_of(t.rect_at(taken))
        };
        for track in self.all.iter_mut().filter(missed) {
            let (cells, departed, unknown) = backdrop.count_outside(track.rect(), fresh);
            // Whoever has just been found before him hides him, and his cells with him.
            let hidden = fresh.iter().any(|f| f.intersection(track.rect()).area() * 2 > track.rect().area());
            let (all, _, nothing) = backdrop.count(track.rect());
            let unknown = if hidden { nothing * 2 > all } else { unknown * 2 > cells };
            let most = match (departed as f32 > PRESENT * cells as f32, unknown, hidden) {
                (true, _, _) => BLINKS_PRESENT,
                (false, true, _) => BLINKS_UNKNOWN,
                (false, false, true) => BLINKS_HIDDEN,
                (false, false, false) => BLINKS,
            };
            if track.misses > most {
                // Where nothing is known nothing can look different: there sweeps alone tell.
                let different = departed as f32 > DIFFERENT * cells as f32;
                let drawn = track.shown(taken, self.sure) && (different || unknown);
                track.phase = Phase::Lost { since: taken };
                if track.kind == FigureKind::Known(Class::Person) {
                    let number = drawn.then_some(track.number);
                    // Nobody is drawn at two places.
                    self.left.iter_mut().filter(|l| l.number == number).for_each(|l| l.number = None);
                    self.left.push(Left { rect: track.rect(), number, empty: 0, sweeps: 0 });
                }
            }
        }
        let over = self.left.len().saturating_sub(MOST_LEFT);
        self.left.drain(..over);
    }

    /// The detector looked: where it found nobody, and the cells match the known place, nobody was left behind.
    fn prove_empty(&mut self, found: &[Detection], backdrop: &Backdrop, gaze: &Gaze) {
        self.left.retain_mut(|left| {
            if !gaze.tells_of(left.rect) {
                return true;
            }
            let (cells, departed, unknown) = backdrop.count(left.rect);
            let somebody = found.iter().any(|d| {
                d.class == Class::Person
                    && d.rect.intersection(left.rect).area() * 4 > left.rect.area().min(d.rect.area())
            });
            left.sweeps += 1;
            let empty = !somebody && departed as f32 <= DIFFERENT * cells as f32;
            left.empty = if empty { left.empty + 1 } else { 0 };
            // Where nothing is known the cells are masked for themselves, and one sweep proves nothing.
            let unknown = unknown * 2 > cells;
            left.number = left.number.filter(|_| !empty || unknown);
            let most = if unknown { BLINKS_UNKNOWN } else { BLINKS_PRESENT };
            left.empty < EMPTY_SWEEPS && left.sweeps < most
        });
    }
}

#[cfg(test)]
mod tests;
