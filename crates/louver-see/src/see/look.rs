//! Which look of the detector comes next.

use louver_base::{MediaSpan, MediaTime};
use louver_scene::{FigureKind, Rect};

use super::stir::RESTS_AFTER;
use super::{LEARNING, LITTLE, NEW, See, Sweep};
use crate::gaze::{Gaze, Kind, halves};
use crate::schedule::Need;

/// Of looks where somebody is, one in so many is at the whole picture: for who is too large for a half of it.
const WHOLE_EVERY: u32 = 8;
/// Of looks while something waits to be absorbed, one in so many is close.
const CLOSE_EVERY: u32 = 2;
/// However busy a camera is, each half is looked at this often, for small people far away where nothing is known to go on ...
const EVERYTHING: MediaSpan = MediaSpan::from_millis(10_000);
/// ... and this often by a model that finds most of them in the whole picture.
const EVERYTHING_LARGE: MediaSpan = MediaSpan::from_millis(60_000);

/// Looks so far, and what is waited for.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// The one under way.
    pub(super) gaze: Option<Gaze>,
    count: u32,
    /// When each half was looked at last.
    halves: [Option<MediaTime>; 2],
}

impl See {
    /// Whether the detector should look at the picture just given. At most one sweep is asked for at a time.
    pub fn wants(&self) -> Option<Sweep> {
        let (taken, gaze) = self.next_look()?;
        Some(Sweep { taken, parts: gaze.parts, least: self.settings.detector.mask_score })
    }

    fn next_look(&self) -> Option<(MediaTime, Gaze)> {
        // Where there is nothing to see there is nobody to find, and nothing would be learned from it.
        let now = self.last.filter(|_| self.why != louver_scene::Why::LensCovered)?;
        let need = self.need(now);
        if !self.schedule.due(need, now, &self.settings) {
            return None;
        }
        let gaze = |kind| Gaze::new(kind, self.grid.picture, self.settings.detector);
        Some((now, gaze(self.kind(need, now, gaze(Kind::All).parts.len()))))
    }

    /// The sweep was begun: no other is asked for until it is answered or has failed.
    pub fn sweep_begun(&mut self, taken: MediaTime) {
        let Some((now, gaze)) = self.next_look().filter(|(now, _)| *now == taken) else { return };
        self.schedule.begun(taken, gaze.parts.len());
        self.looks.count = self.looks.count.wrapping_add(1);
        if gaze.parts.len() > 1 {
            self.looks.halves = [Some(now); 2];
        }
        if let Kind::Half(n) = gaze.kind {
            self.looks.halves[n.min(1)] = Some(now);
        }
        self.looks.gaze = Some(gaze);
    }

    /// A parked car whose place looks as it has always done is no reason to look again at once: it is in view all day.
    fn need(&self, now: MediaTime) -> Need {
        if self.learns(now) || self.newcomer(now).is_some() {
            Need::Urgent
        } else if self.backdrop.unknown_share() > LITTLE
            || self.backdrop.departed_share() > 0.0
            || self.tracks.people().next().is_some()
            || self.tracks.stir(now, RESTS_AFTER)
            // What is shown as it is was looked at just now, or is not shown.
            || !(self.settings.show.is_nothing() || self.tracks.is_empty())
        {
            Need::Busy
        } else {
            Need::Quiet
        }
    }

    /// Whether the place is being learned, and looks bring that on.
    fn learns(&self, now: MediaTime) -> bool {
        self.backdrop.unknown_share() > LITTLE && self.learning_since.is_none_or(|l| now - l < LEARNING)
    }

    /// Where something moves that nobody has looked at yet.
    fn newcomer(&self, now: MediaTime) -> Option<Rect> {
        let before = self.schedule.answered();
        let new = |born: MediaTime| now - born >= NEW && before.is_none_or(|a| a < born + NEW);
        self.tracks.all().iter().find(|t| t.kind == FigureKind::Moving && new(t.born)).map(|t| t.rect())
    }

    fn kind(&self, need: Need, now: MediaTime, runs_of_all: usize) -> Kind {
        let (traits, size) = (self.settings.detector, self.grid.picture);
        let all = match traits.halves {
            true => Kind::All,
            false => Kind::Whole,
        };
        // Of what is shown as it is, everything must be looked at that may be before or in it.
        if !self.settings.show.is_nothing() {
            return all;
        }
        if self.learns(now) && self.schedule.affords(runs_of_all) {
            return all;
        }
        if let (true, Some(rect)) = (traits.halves, self.newcomer(now)) {
            let middle = |r: Rect| (r.left + r.right + r.top + r.bottom, r.right - r.left > r.bottom - r.top);
            let far = halves(size).map(|h| (middle(h).0 - middle(rect).0).abs());
            return Kind::Half(usize::from(far[1] < far[0]));
        }
        let has_room = Gaze::has_room(size, traits);
        if need == Need::Quiet && traits.halves && has_room && self.schedule.affords(runs_of_all) {
            return Kind::All;
        }
        let close = has_room && self.looks.count.is_multiple_of(CLOSE_EVERY);
        if let Some((x, y)) = close.then(|| self.backdrop.waits_for_close_look(now, &self.settings)).flatten()
        {
            return Kind::Close(x, y);
        }
        let turn = usize::from(self.looks.halves[1] < self.looks.halves[0]);
        // A large model finds most people in the whole picture; its false alarms in halves would keep the gate open.
        let every = if traits.halves { EVERYTHING } else { EVERYTHING_LARGE };
        if has_room && self.looks.halves[turn].is_none_or(|l| now - l >= every) {
            return Kind::Half(turn);
        }
        if !traits.halves || self.looks.count % WHOLE_EVERY == 1 {
            return Kind::Whole;
        }
        match halves(size).map(|h| self.goes_on_in(h)) {
            [true, false] => Kind::Half(0),
            [false, true] => Kind::Half(1),
            [true, true] | [false, false] => Kind::Half(turn),
        }
    }

    /// Whether anything is followed, lost, different or unknown in a part of the picture.
    fn goes_on_in(&self, part: Rect) -> bool {
        let meets = |r: Rect| r.intersection(part).area() > 0;
        let (_, departed, unknown) = self.backdrop.count(part);
        departed + unknown > 0
            || self.tracks.all().iter().any(|t| meets(t.rect()))
            || self.tracks.people().any(meets)
    }
}
