//! One thing that is followed.

use std::collections::VecDeque;

use louver_base::{Class, MediaSpan, MediaTime};
use louver_scene::{Detection, FigureKind, Rect};

use super::motion::Axis;
use crate::blobs::Blob;

/// Error of a detection's centre, sides: boxes waver by a tenth of their width, and by more where they are cut off below.
const DETECTION_ERROR: (f32, f32) = (0.10, 0.15);
/// Error of a group of cells' centre, sides: a tenth of a cell at each picture, but of the same sign for many pictures.
const BLOB_ERROR: f32 = 0.3;
/// Error of the middle of the cells that are nearest to a thing, sides: neighbours take some of them.
const LEAN_ERROR: f32 = 0.3;
/// Share of the way that a box's size goes to the detector's at each sweep: slow, so that no gait can be read.
const SIZE_GAIN: f32 = 0.4;
/// A group of cells that grows or shrinks by this factor between two pictures has joined or left another.
const SAME_BLOB: f32 = 1.4;
/// Share of speed kept over a second in which nothing was measured though the detector looked.
const COAST: f32 = 0.6;
/// How long the places it was at are remembered: an answer of the detector is not later.
const TRAIL: MediaSpan = MediaSpan::from_millis(4000);
/// ... and how many of them, at 16 a second.
const MOST_TRAIL: usize = 64;
/// Pictures in which its place looked different before a recognised thing is drawn and told of, and for how long it then counts.
pub(crate) const EVIDENCE: u32 = 3;
const EVIDENCE_LASTS: MediaSpan = MediaSpan::from_millis(1500);
/// A movement that nobody recognised is a figure after this long.
const MOVING_SHOWN: MediaSpan = MediaSpan::from_millis(400);
/// Widths across, or half heights up or down, that something must have come to have moved: boxes waver by less.
const MOVED: f32 = 1.0;
/// Sides a second below which something rests: its box wavers by as much between two sweeps.
const RESTS: f32 = 0.2;
/// The same, and sure sweeps along such a way, that are enough where nothing is known of the place: pictures on a wall stay
/// where they are.
const MOVED_FAR: f32 = 2.0;
const MOVED_HITS: u32 = 3;
/// What never moved is real where its place looked different in this share of the pictures: people who pass by it make it look
/// different now and then, and whoever came and stands there does so all the time.
const REAL_SHARE: f32 = 0.5;
/// Weight of an older vote for a class against a new one.
const VOTE_KEEPS: f32 = 0.9;
/// Where this share of the votes says that it is a person it is one: people on bicycles, in wheelchairs, behind prams.
const PERSON_SHARE: f32 = 0.3;

/// Whether a thing is followed at this moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    Followed,
    /// Behind something, or gone: what turns up within reach of its last place is taken for it.
    Lost {
        since: MediaTime,
    },
}

/// The group of cells that a track went with alone in the last picture.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// From the group's centre to the thing's, pixels.
    offset: (f32, f32),
    cells: usize,
}

/// A detection that was taken for this thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    pub(super) at: MediaTime,
    pub(super) x: f32,
    pub(super) y: f32,
}

/// One thing, followed.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) number: u32,
    pub(crate) kind: FigureKind,
    pub(crate) phase: Phase,
    pub(crate) born: MediaTime,
    pub(super) x: Axis,
    pub(super) y: Axis,
    w: f32,
    h: f32,
    anchor: Option<Anchor>,
    trail: VecDeque<(MediaTime, f32, f32)>,
    pub(super) observed: Option<Observed>,
    /// Where it was first seen, pixels, and the farthest it came from there, in [`MOVED`]'s measure.
    first: (f32, f32),
    travelled: f32,
    /// Sweeps that found it, and those that were sure of it.
    pub(crate) hits: u32,
    pub(crate) sure_hits: u32,
    /// Sweeps since the last that found it.
    pub(super) misses: u32,
    votes: [f32; Class::ALL.len()],
    /// Best score so far.
    pub(crate) score: f32,
    /// Pictures in which its place looked different from the backdrop, and all in which it was followed.
    evidence: u32,
    pictures: u32,
    pub(super) last_departed: MediaTime,
    /// Nothing is known of most of its place.
    pub(super) in_unknown: bool,
}

/// Centre of a box, pixels.
pub(super) fn centre(r: Rect) -> (f32, f32) {
    (r.left as f32 / 2.0 + r.right as f32 / 2.0, r.top as f32 / 2.0 + r.bottom as f32 / 2.0)
}

/// Width and height of a box, at least a pixel.
pub(super) fn extent(r: Rect) -> (f32, f32) {
    ((r.right as f32 - r.left as f32).max(1.0), (r.bottom as f32 - r.top as f32).max(1.0))
}

/// Errors of neighbouring pictures are alike, so that more pictures a second do not tell more: the factor by which an error at
/// ten pictures a second grows where they are `step` seconds apart.
fn often(step: f32) -> f32 {
    (0.1 / step.clamp(0.01, 1.0)).sqrt()
}

impl Track {
    pub(super) fn new(number: u32, kind: FigureKind, rect: Rect, now: MediaTime) -> Self {
        let ((x, y), (w, h)) = (centre(rect), extent(rect));
        let side = (w * h).sqrt();
        Self {
            number,
            kind,
            phase: Phase::Followed,
            born: now,
            x: Axis::new(x, DETECTION_ERROR.0 * side, side),
            y: Axis::new(y, DETECTION_ERROR.1 * side, side),
            w,
            h,
            anchor: None,
            trail: VecDeque::new(),
            observed: None,
            first: (x, y),
            travelled: 0.0,
            hits: 0,
            sure_hits: 0,
            misses: 0,
            votes: [0.0; Class::ALL.len()],
            score: 0.0,
            evidence: 0,
            pictures: 0,
            last_departed: now,
            in_unknown: false,
        }
    }

    /// Its box in pixels.
    pub(crate) fn rect(&self) -> Rect {
        Rect {
            left: (self.x.at - self.w / 2.0).floor() as i32,
            top: (self.y.at - self.h / 2.0).floor() as i32,
            right: (self.x.at + self.w / 2.0).ceil() as i32,
            bottom: (self.y.at + self.h / 2.0).ceil() as i32,
        }
    }

    pub(super) fn size(&self) -> (f32, f32) {
        (self.w, self.h)
    }

    pub(super) fn side(&self) -> f32 {
        (self.w * self.h).sqrt()
    }

    /// Seconds from when it was last found to a time.
    pub(super) fn unseen(&self, at: MediaTime) -> f32 {
        self.observed.map_or(0.0, |o| (at - o.at).seconds().max(0.0) as f32)
    }

    /// Pixels a second.
    pub(super) fn velocity(&self) -> (f32, f32) {
        (self.x.speed, self.y.speed)
    }

    /// Errors of a detection of it, pixels across and down.
    pub(super) fn errors(&self) -> (f32, f32) {
        (DETECTION_ERROR.0 * self.side(), DETECTION_ERROR.1 * self.side())
    }

    pub(crate) fn followed(&self) -> bool {
        self.phase == Phase::Followed
    }

    /// Whether it is drawn: things that were recognised at once, mere movement when it lasts.
    pub(crate) fn shown(&self, now: MediaTime, sure: f32) -> bool {
        match (self.phase, self.kind) {
            (Phase::Lost { .. }, _) => false,
            // A box where nothing differs from the known place is a false alarm: it masks, but is no figure. Where
            // nothing is known yet, people are drawn on the detector's word, if it is `sure`: the ground is flat there.
            (Phase::Followed, FigureKind::Known(class)) => {
                let real = self.evidence >= EVIDENCE && now - self.last_departed < EVIDENCE_LASTS;
                real || (class == Class::Person && self.in_unknown && self.score >= sure)
            }
            (Phase::Followed, FigureKind::Moving) => now - self.born >= MOVING_SHOWN,
        }
    }

    /// Whether something is really there, and no post or picture that the detector takes for somebody: its place looked
    /// different, and either it moved or its place did so most of the time. Where nothing is known it must have moved.
    pub(crate) fn real(&self) -> bool {
        let most = self.evidence as f32 >= REAL_SHARE * self.pictures as f32;
        let moved = self.travelled >= MOVED;
        (self.evidence >= EVIDENCE && (moved || most))
            || (self.travelled >= MOVED_FAR && self.sure_hits >= MOVED_HITS)
    }

    /// Whether it moves, looked different within `span`, or is a person and as young.
    pub(super) fn stirs(&self, now: MediaTime, span: MediaSpan) -> bool {
        match self.kind {
            FigureKind::Moving => true,
            FigureKind::Known(class) => {
                let real = self.evidence > 0 && now - self.last_departed < span;
                real || (class == Class::Person && now - self.born < span)
            }
        }
    }

    /// Whether it is a person, or moves and nobody knows what it is.
    pub(crate) fn may_be_a_person(&self) -> bool {
        matches!(self.kind, FigureKind::Moving | FigureKind::Known(Class::Person))
    }

    /// Whether it lies where it was first seen.
    pub(crate) fn rests(&self) -> bool {
        let (x, y) = self.velocity();
        self.travelled < MOVED && x.hypot(y) < RESTS * self.side()
    }

    /// Whether this detection of the picture taken at `taken` was taken for it.
    pub(crate) fn found_as(&self, taken: MediaTime, rect: Rect) -> bool {
        let (x, y) = centre(rect);
        self.observed.is_some_and(|o| o.at == taken && o.x == x && o.y == y)
    }

    /// Where its box is believed to have been at a time, pixels.
    pub(crate) fn rect_at(&self, at: MediaTime) -> Rect {
        let (now, then) = ((self.x.at, self.y.at), self.place_at(at));
        let (x, y) = ((then.0 - now.0) as i32, (then.1 - now.1) as i32);
        let r = self.rect();
        Rect { left: r.left + x, top: r.top + y, right: r.right + x, bottom: r.bottom + y }
    }

    /// A picture later, before anything is measured.
    pub(super) fn advance(&mut self, step: f32) {
        let side = self.side();
        self.x.advance(step, side);
        self.y.advance(step, side);
        if self.misses > 0 {
            let keep = COAST.powf(step);
            self.x.slow(keep);
            self.y.slow(keep);
        }
    }

    /// The group of cells that it alone goes with in this picture, if there is one.
    pub(super) fn follow(&mut self, blob: Option<Blob>, step: f32) {
        let before = self.anchor.take();
        let Some(blob) = blob else { return };
        let same = before.filter(|a| {
            let grown = blob.cells as f32 / a.cells.max(1) as f32;
            (1.0 / SAME_BLOB..SAME_BLOB).contains(&grown)
        });
        let offset = match (self.kind, same) {
            // The box of a movement is its group's.
            (FigureKind::Moving, _) => {
                (self.w, self.h) = extent(blob.rect);
                let middle = centre(blob.rect);
                (middle.0 - blob.centre.0, middle.1 - blob.centre.1)
            }
            (FigureKind::Known(_), Some(anchor)) => anchor.offset,
            (FigureKind::Known(_), None) => (self.x.at - blob.centre.0, self.y.at - blob.centre.1),
        };
        if same.is_some() {
            let (side, error) = (self.side(), BLOB_ERROR * self.side() * often(step));
            self.x.measured(blob.centre.0 + offset.0 - self.x.at, error, side);
            self.y.measured(blob.centre.1 + offset.1 - self.y.at, error, side);
        }
        self.anchor = Some(Anchor { offset, cells: blob.cells });
    }

    /// The middle of the cells that are nearest to it: in a crowd, all there is between two sweeps.
    pub(super) fn lean(&mut self, (x, y): (f32, f32), step: f32) {
        let (side, error) = (self.side(), LEAN_ERROR * self.side() * often(step));
        self.x.measured(x - self.x.at, error, side);
        self.y.measured(y - self.y.at, error, side);
    }

    /// The end of a picture: whether its place looked different, and whether nothing is known of it.
    pub(super) fn looked_at(&mut self, departed: bool, in_unknown: bool, now: MediaTime) {
        self.in_unknown = in_unknown;
        if !in_unknown {
            self.pictures = self.pictures.saturating_add(1);
        }
        if departed {
            self.evidence = self.evidence.saturating_add(1);
            self.last_departed = now;
        }
    }

    /// Keeps the place it is at for an answer that comes later.
    pub(super) fn remember(&mut self, now: MediaTime) {
        while self.trail.len() >= MOST_TRAIL || self.trail.front().is_some_and(|t| now - t.0 > TRAIL) {
            self.trail.pop_front();
        }
        self.trail.push_back((now, self.x.at, self.y.at));
    }

    /// Where it was believed to be at a time, pixels.
    pub(super) fn place_at(&self, at: MediaTime) -> (f32, f32) {
        let then = self.trail.iter().rev().find(|t| t.0 <= at);
        then.or(self.trail.front()).map_or((self.x.at, self.y.at), |t| (t.1, t.2))
    }

    /// A detection in the picture taken at `taken` was taken for it.
    pub(super) fn seen(&mut self, detection: &Detection, taken: MediaTime, sure: bool) {
        let ((x, y), (w, h)) = (centre(detection.rect), extent(detection.rect));
        let (errors, side, then) = (self.errors(), self.side(), self.place_at(taken));
        let before = (self.x.at, self.y.at);
        let lag = (before.0 - then.0, before.1 - then.1);
        let again = self.observed.filter(|_| self.misses > 0 || !self.followed());
        if let Some(last) = again.filter(|o| taken > o.at) {
            let gone = (taken - last.at).seconds() as f32;
            self.x.found_again(x + lag.0, (x - last.x) / gone, errors.0, side);
            self.y.found_again(y + lag.1, (y - last.y) / gone, errors.1, side);
        } else {
            self.x.measured(x - then.0, errors.0, side);
            self.y.measured(y - then.1, errors.1, side);
        }
        let gain = if self.kind == FigureKind::Moving { 1.0 } else { SIZE_GAIN };
        self.w += (w - self.w) * gain;
        self.h += (h - self.h) * gain;
        // What has become smaller goes slower.
        let side = self.side();
        self.x.bound(side);
        self.y.bound(side);
        if let Some(anchor) = &mut self.anchor {
            anchor.offset.0 += self.x.at - before.0;
            anchor.offset.1 += self.y.at - before.1;
        }
        self.trail.clear();
        self.count(detection, sure);
        if self.hits == 1 {
            self.first = (x, y);
        }
        let far = ((x - self.first.0).abs() / self.w).max((y - self.first.1).abs() / (self.h / 2.0));
        self.travelled = self.travelled.max(far);
        self.observed = Some(Observed { at: taken, x, y });
        self.phase = Phase::Followed;
        self.misses = 0;
    }

    fn count(&mut self, detection: &Detection, sure: bool) {
        self.hits += 1;
        self.sure_hits += u32::from(sure);
        self.score = self.score.max(detection.score);
        for (vote, class) in self.votes.iter_mut().zip(Class::ALL) {
            *vote =
                *vote * VOTE_KEEPS + if class == detection.class { detection.score.max(0.01) } else { 0.0 };
        }
        let all: f32 = self.votes.iter().sum();
        let most = self.votes.iter().zip(Class::ALL).max_by(|a, b| a.0.total_cmp(b.0)).map(|(_, c)| c);
        let person =
            self.votes.iter().zip(Class::ALL).any(|(v, c)| c == Class::Person && *v >= PERSON_SHARE * all);
        self.kind = FigureKind::Known(if person { Class::Person } else { most.unwrap_or(detection.class) });
    }
}
