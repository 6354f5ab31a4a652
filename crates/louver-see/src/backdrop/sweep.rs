//! What the detector's answers say about cells.

use louver_base::MediaTime;
use louver_scene::Rect;

use super::memory::WORTH_KEEPING;
use super::{Backdrop, for_cells};
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
    /// A detector sweep of the picture taken at `taken`: `people` are the boxes of everyone it saw.
    pub(crate) fn sweep(&mut self, taken: MediaTime, people: &[Rect]) {
        self.swept.fill(Swept::Empty);
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
        for (m, swept) in self.cells.iter_mut().zip(&self.swept) {
            // What it looked like then is known only if it has not changed since.
            if m.still_since > taken {
                continue;
            }
            match swept {
                Swept::Empty => m.tally.empty = m.tally.empty.saturating_add(1),
                Swept::Edge => {}
                Swept::Seen(doubt) => m.tally.doubt = m.tally.doubt.saturating_add(*doubt),
            }
        }
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
