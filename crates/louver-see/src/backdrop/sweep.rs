//! What the detector's answers say about cells.

use louver_base::MediaTime;
use louver_scene::{Cell, Rect};

use super::memory::{ABSORB_DOUBTS, WORTH_KEEPING};
use super::{Backdrop, for_cells};
use crate::Settings;
use crate::gaze::Gaze;
use crate::see::PERSON_ROOM;
use crate::track::padded;

/// A still person is found in some sweeps and missed in others. For each sweep that saw somebody on a cell while it looked
/// as it does, so many more must have seen nobody: whoever is found in more than every fifth sweep is never learned ...
const DOUBT_SWEEPS: u32 = 4;
/// ... but for one whose box is full of movement: the detector saw a passer-by, and the ground around him has little to do
/// with it. Who moves on one spot and is found in every second sweep is not learned either.
const DOUBT_SWEEPS_MOVING: u32 = 1;
/// Share of a box's cells that must show something new for it to be full of movement.
const MOVING_SHARE: f32 = 0.2;
/// A change that has been still for this part of `absorb` is worth close looks.
const CLOSE_AFTER: i64 = 4;
/// Room around a box within which somebody is taken to have been seen, share of its sides: a head that sticks out.
const SEEN_ROOM: f32 = 0.05;

/// What a sweep says about a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swept {
    /// Nobody is here.
    Empty,
    /// The edge of somebody's box: says nothing.
    Edge,
    /// Somebody is here: so many more sweeps must see nobody.
    Seen(u32),
}

impl Backdrop {
    /// A detector sweep of the picture taken at `taken`: `people` are the boxes of everyone it saw where it looked.
    pub(crate) fn sweep(&mut self, taken: MediaTime, people: &[Rect], gaze: &Gaze) {
        self.swept.fill(Swept::Edge);
        self.closely.fill(false);
        for part in gaze.tells() {
            for_cells(self.grid, part, |n| self.swept[n] = Swept::Empty);
        }
        for part in gaze.tells_closely() {
            for_cells(self.grid, part, |n| self.closely[n] = true);
        }
        for rect in people {
            for_cells(self.grid, padded(*rect, PERSON_ROOM), |n| self.swept[n] = Swept::Edge);
        }
        // Where two boxes meet, the greater doubt counts.
        let (still, moving): (Vec<Rect>, Vec<Rect>) = people
            .iter()
            .map(|rect| padded(*rect, SEEN_ROOM))
            .partition(|rect| self.moving_share(*rect) < MOVING_SHARE);
        for (rects, doubt) in [(moving, DOUBT_SWEEPS_MOVING), (still, DOUBT_SWEEPS)] {
            for rect in rects {
                for_cells(self.grid, rect, |n| self.swept[n] = Swept::Seen(doubt));
            }
        }
        for ((m, swept), closely) in self.cells.iter_mut().zip(&self.swept).zip(&self.closely) {
            // What it looked like then is known only if it has not changed since.
            if m.still_since > taken {
                continue;
            }
            match swept {
                Swept::Empty => {
                    m.tally.empty = m.tally.empty.saturating_add(gaze.worth());
                    m.tally.close = m.tally.close.saturating_add(u16::from(*closely));
                }
                Swept::Edge => {}
                Swept::Seen(doubt) => {
                    m.tally.doubt = m.tally.doubt.saturating_add(*doubt);
                    m.tally.close = 0;
                }
            }
        }
    }

    /// The middle of what waits for close looks longest, pixels: it has departed and is still, and the detector has not looked
    /// closely often enough yet.
    pub(crate) fn waits_for_close_look(&self, now: MediaTime, s: &Settings) -> Option<(i32, i32)> {
        let waits = |n: &usize| {
            let m = &self.cells[*n];
            self.states[*n] == Cell::Occupied
                && self.departed[*n]
                && (now - m.still_since).ticks() * CLOSE_AFTER >= s.absorb.ticks()
                && (m.tally.close < s.absorb_close
                    || (s.detector.halves && !m.tally.swept(s.absorb_sweeps, ABSORB_DOUBTS)))
        };
        let first = (0..self.cells.len()).filter(waits).min_by_key(|n| self.cells[*n].tally.close)?;
        let (cell, columns) = (self.grid.cell as i32, self.grid.columns());
        let place =
            |n: usize| ((n % columns) as i32 * cell + cell / 2, (n / columns) as i32 * cell + cell / 2);
        let ((x, y), reach) = (place(first), s.detector.side as i32 * 3 / 8);
        // With as much as possible of what waits around it.
        let (mut left, mut right, mut bottom) = (x, x, y);
        for (cx, cy) in (0..self.cells.len()).filter(waits).map(place) {
            if (cx - x).abs() < reach && (0..reach).contains(&(cy - y)) {
                (left, right, bottom) = (left.min(cx), right.max(cx), bottom.max(cy));
            }
        }
        Some(((left + right) / 2, (y + bottom) / 2))
    }

    /// Share of a box's cells that show what they have hardly ever shown.
    fn moving_share(&self, rect: Rect) -> f32 {
        let (mut cells, mut moving) = (0u32, 0u32);
        for_cells(self.grid, rect, |n| {
            cells += 1;
            moving += u32::from(self.cells[n].tally(self.clock).shown < WORTH_KEEPING);
        });
        moving as f32 / cells.max(1) as f32
    }
}
