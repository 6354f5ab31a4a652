//! The cells: what is known of the empty place, and the only conditions under which a cell may be shown.

use std::sync::Arc;

use louver_base::{MediaSpan, MediaTime};
use louver_media::Picture;
use louver_scene::{Cell, Grid, Rect};

pub use self::change::Change;
use self::light::Light;
pub(crate) use self::light::Tone;
use self::marks::spread;
use self::memory::{ABSORB_DOUBTS, Memory};
use self::pixels::{Mix, copy_cells};
use self::sweep::Swept;
use crate::Settings;
use crate::blobs::{LOOSE, NOTHING};
use crate::lanes::{LANES, Lanes, Share};

/// What stands on a cell at this moment, by detections and tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// Nothing.
    Free,
    /// Somebody was seen here by the last sweep: nothing new is shown. A cell whose place is known may be clear once the
    /// track that came of it has gone on.
    Held,
    /// A padded track, or a detection that was just made: the cell is masked.
    Covered,
}

/// Cells around an occupied one that are not refreshed: a person's edge blends into them (8 to 12 pixels at 640x360).
const KEEP_AWAY: usize = 3;
/// A clear row of cells is blended into the backdrop at each 16th picture.
const REFRESH_ROWS: usize = 16;
/// Levels that a pixel of the backdrop may go towards what is seen at its first refresh, half as many at its second, a third at
/// its third: such steps end at the median of what was seen, as H. Robbins and S. Monro showed (1951). A mean, or the last
/// look, of what sways (tape, leaves) is what the place hardly ever shows ...
const FIRST_STEP: u8 = 64;
/// ... and never fewer than these, so that slow light is followed: about a level a second. Somebody who is not told from a dark
/// place leaves no more of himself in it while he passes.
const LEAST_STEP: u8 = 2;
/// What was covered so lately is not blended in: in the dark somebody may look like the place, and his cover lags behind him.
const REFRESH_AFTER: MediaSpan = MediaSpan::from_millis(1000);
/// Of a group of departed cells, no more than this share may have changed lately for the others to be taken into the backdrop:
/// somebody who stands still moves his head, his hands, his weight; a parked car does not.
const RESTLESS_SHARE: f32 = 0.1;

/// What is known of the empty place.
#[derive(Debug)]
pub(crate) struct Backdrop {
    grid: Grid,
    lanes: Vec<Lanes>,
    cells: Vec<Memory>,
    /// One a cell, as the three below; those are filled up to whole groups.
    states: Vec<Cell>,
    /// Whether the empty place is known.
    knows: Vec<bool>,
    /// Whether it looks different from the empty place.
    departed: Vec<bool>,
    /// ... and those among them, too, that sway: they are no departure, but nothing of them is shown either.
    unlike: Vec<bool>,
    near: Vec<bool>,
    /// The states, to give away.
    shared: Arc<[Cell]>,
    unknown: usize,
    picture: Arc<Picture>,
    departed_share: f32,
    /// Since when [`MOVED_SHARE`] and more have departed.
    widely_departed_since: Option<MediaTime>,
    /// Since when most have.
    most_departed_since: Option<MediaTime>,
    looked_elsewhere: Option<MediaTime>,
    light: Light,
    pictures: usize,
    last: Option<MediaTime>,
    /// Milliseconds looked at; a gap counts as no more than [`GAP`].
    clock: u64,
    /// What the last sweep saw on each cell, while its answer is taken in.
    swept: Vec<Swept>,
    /// ... and which cells it saw in the picture's own resolution.
    closely: Vec<bool>,
    scratch: Vec<bool>,
}

/// What is said about a cell when its state is decided.
struct Now<'a> {
    picture: &'a Picture,
    cover: Cover,
    /// Whether it has been still for `absorb`, and the group of departed cells that it belongs to is at rest.
    rests: bool,
    at: MediaTime,
}

impl Backdrop {
    pub(crate) fn new(grid: Grid, now: MediaTime) -> Self {
        let (cells, whole) = (grid.len(), grid.len().next_multiple_of(LANES));
        Self {
            grid,
            lanes: vec![Lanes::BLANK; whole / LANES],
            cells: vec![Memory::blank(now); cells],
            states: vec![Cell::Unknown; cells],
            knows: vec![false; whole],
            departed: vec![false; whole],
            unlike: vec![false; whole],
            near: vec![false; whole],
            shared: vec![Cell::Unknown; cells].into(),
            unknown: cells,
            picture: Arc::new(Picture::flat(grid.picture, 52, 128, 128)),
            departed_share: 0.0,
            widely_departed_since: None,
            most_departed_since: None,
            looked_elsewhere: None,
            light: Light::new(now),
            pictures: 0,
            last: None,
            clock: 0,
            swept: vec![Swept::Empty; cells],
            closely: vec![false; cells],
            scratch: Vec::new(),
        }
    }

    /// The picture of the empty place; only cells that are not Unknown mean anything.
    pub(crate) fn picture(&self) -> Arc<Picture> {
        Arc::clone(&self.picture)
    }

    pub(crate) fn states(&self) -> Arc<[Cell]> {
        Arc::clone(&self.shared)
    }

    /// Cells that look different from the known place (or of which no place is known), row by row.
    pub(crate) fn departed(&self) -> &[bool] {
        &self.departed[..self.cells.len()]
    }

    /// Share of cells of which nothing is known, 0 to 1.
    pub(crate) fn unknown_share(&self) -> f32 {
        self.unknown as f32 / self.cells.len().max(1) as f32
    }

    pub(crate) fn departed_share(&self) -> f32 {
        self.departed_share
    }

    /// Whether the light is another than the backdrop's: nothing is taken into it.
    pub(crate) fn in_other_light(&self) -> bool {
        self.light.is_other()
    }

    /// Of the cells in `rect`: how many there are, how many look different, and of how many nothing is known.
    pub(crate) fn count(&self, rect: Rect) -> (usize, usize, usize) {
        self.count_outside(rect, &[])
    }

    /// The same without the cells whose middle lies in one of `others`; the first number counts all cells.
    pub(crate) fn count_outside(&self, rect: Rect, others: &[Rect]) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        let (cell, columns) = (self.grid.cell as i32, self.grid.columns());
        for_cells(self.grid, rect, |n| {
            counts.0 += 1;
            let x = (n % columns) as i32 * cell + cell / 2;
            let y = (n / columns) as i32 * cell + cell / 2;
            if others.iter().any(|r| (r.left..r.right).contains(&x) && (r.top..r.bottom).contains(&y)) {
                return;
            }
            counts.1 += usize::from(self.departed[n]);
            counts.2 += usize::from(self.states[n] == Cell::Unknown);
        });
        counts
    }

    /// Forgets everything: each cell must be learned again.
    pub(crate) fn forget(&mut self, now: MediaTime) {
        *self = Self::new(self.grid, now);
    }

    /// Decides every cell's state. The conditions of DESIGN 4 stand here and nowhere else.
    pub(crate) fn decide(
        &mut self,
        picture: &Picture,
        cover: &[Cover],
        labels: &[u16],
        now: MediaTime,
        s: &Settings,
    ) {
        self.pictures += 1;
        let mut restless = None;
        self.mark_near(cover);
        let mut different = false;
        for at in (0..self.cells.len()).step_by(LANES) {
            let group = at..(at + LANES).min(self.cells.len());
            // Clear, nothing stands there, and it looks as it should: nothing to decide.
            let clear = self.states[group.clone()].iter().fold(true, |all, c| all & (*c == Cell::Clear));
            let departed = self.departed[group.clone()].iter().fold(false, |any, d| any | d);
            let free = cover
                .get(group.clone())
                .is_some_and(|c| c.iter().fold(true, |all, c| all & (*c != Cover::Covered)));
            if clear & free & !departed {
                continue;
            }
            for n in group {
                let cover = cover.get(n).copied().unwrap_or(Cover::Covered);
                let (was, departed) = (self.states[n], self.departed[n]);
                if was == Cell::Clear && cover != Cover::Covered && !departed {
                    continue;
                }
                // A small loose group is judged by its cells alone; one whose label is missing is not at rest. Few cells have
                // been still for long enough that the question comes up.
                let rests = was == Cell::Occupied
                    && departed
                    && now - self.cells[n].still_since >= s.absorb
                    && match labels.get(n) {
                        Some(&(NOTHING | LOOSE)) => true,
                        Some(&label) => {
                            let restless =
                                restless.get_or_insert_with(|| self.restless(labels, now, s.absorb));
                            restless.get(usize::from(label)) == Some(&false)
                        }
                        None => false,
                    };
                different |= self.decide_cell(n, Now { picture, cover, rests, at: now }, s);
            }
        }
        if different {
            self.shared = self.states.as_slice().into();
        }
        if !self.light.is_other() {
            self.refresh(picture, now);
        }
    }

    /// Whether its state is another now.
    fn decide_cell(&mut self, n: usize, is: Now<'_>, s: &Settings) -> bool {
        let Now { picture, cover, rests, at: now } = is;
        let (covered, free) = (cover == Cover::Covered, cover == Cover::Free);
        let (near, departed, was) = (self.near[n], self.departed[n], self.states[n]);
        let steady = !self.light.is_other();
        let (m, clock) = (&mut self.cells[n], self.clock);
        if covered {
            m.covered = Some(now);
        }
        let learned = |m: &Memory| {
            let tally = m.tally(clock);
            now - m.still_since >= s.settle
                && tally.shown >= millis(s.learn)
                && tally.swept(s.learn_sweeps, 1)
        };
        let (state, take) = match was {
            Cell::Unknown if free && steady && !near && learned(m) => (Cell::Clear, true),
            Cell::Unknown => (Cell::Unknown, false),
            Cell::Never => (Cell::Never, false),
            Cell::Clear if departed => {
                m.matches_since = None;
                (Cell::Occupied, false)
            }
            // It matches as it did: when the cover goes there is nothing to wait for.
            Cell::Clear if covered => (Cell::Occupied, false),
            Cell::Clear => (Cell::Clear, false),
            Cell::Occupied if departed => {
                m.matches_since = None;
                let absorbed = free
                    && steady
                    && rests
                    && m.tally.close >= s.absorb_close
                    && m.tally(clock).swept(s.absorb_sweeps, ABSORB_DOUBTS);
                (if absorbed { Cell::Clear } else { Cell::Occupied }, absorbed)
            }
            Cell::Occupied => {
                let since = *m.matches_since.get_or_insert(now);
                let back = !covered && now - since >= s.settle;
                (if back { Cell::Clear } else { Cell::Occupied }, false)
            }
        };
        if take {
            self.lanes[n / LANES].learn(n % LANES, Share::Whole);
            self.departed[n] = false;
            m.matches_since = Some(now);
            m.refreshed = 0;
            copy_cells(Arc::make_mut(&mut self.picture), picture, self.grid, n..n + 1, Mix::Replace);
        }
        if state != was {
            // No cell becomes unknown again but by forgetting all of them.
            self.unknown -= usize::from(was == Cell::Unknown);
            self.states[n] = state;
            self.knows[n] = matches!(state, Cell::Clear | Cell::Occupied);
        }
        state != was
    }

    /// For every group of departed cells, whether more of it has changed lately than of a thing.
    fn restless(&self, labels: &[u16], now: MediaTime, absorb: MediaSpan) -> Vec<bool> {
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for (m, label) in self.cells.iter().zip(labels).filter(|(_, l)| **l < LOOSE) {
            let group = usize::from(*label);
            if group >= counts.len() {
                counts.resize(group + 1, (0, 0));
            }
            counts[group].0 += 1;
            counts[group].1 += u32::from(now - m.still_since < absorb);
        }
        counts.iter().map(|(cells, changed)| *changed as f32 > *cells as f32 * RESTLESS_SHARE).collect()
    }

    /// Blends the clear cells of some rows into the backdrop: slow light, and what compression did to the first picture.
    fn refresh(&mut self, picture: &Picture, now: MediaTime) {
        let columns = self.grid.columns();
        for row in (self.pictures % REFRESH_ROWS..self.grid.rows()).step_by(REFRESH_ROWS) {
            let (mut at, end) = (row * columns, (row + 1) * columns);
            while at < end {
                let rests = |n: usize| self.cells[n].covered.is_none_or(|c| now - c >= REFRESH_AFTER);
                let fresh = |n: &usize| {
                    self.states[*n] == Cell::Clear && !self.near[*n] && !self.unlike[*n] && rests(*n)
                };
                let from = (at..end).find(fresh).unwrap_or(end);
                // Neighbours that have been refreshed as often go together.
                let times = self.cells.get(from).map_or(0, |m| m.refreshed);
                let to = (from..end).find(|n| !fresh(n) || self.cells[*n].refreshed != times).unwrap_or(end);
                let times = (times + 1).min(FIRST_STEP / LEAST_STEP);
                if from < to {
                    for n in from..to {
                        self.lanes[n / LANES].learn(n % LANES, Share::Quarter);
                        self.cells[n].refreshed = (self.cells[n].refreshed + 1).min(FIRST_STEP / LEAST_STEP);
                    }
                    copy_cells(
                        Arc::make_mut(&mut self.picture),
                        picture,
                        self.grid,
                        from..to,
                        Mix::Approach(i16::from(FIRST_STEP / times)),
                    );
                }
                at = to;
            }
        }
    }

    /// Marks the cells within [`KEEP_AWAY`] of one that looks different, moves or is covered.
    fn mark_near(&mut self, cover: &[Cover]) {
        // A cell that nobody gave a cover for is covered.
        self.near.copy_from_slice(&self.knows);
        for (near, cover) in self.near.iter_mut().zip(cover) {
            *near &= *cover == Cover::Covered;
        }
        for (near, departed) in self.near.iter_mut().zip(&self.departed) {
            *near |= departed;
        }
        spread(&mut self.near[..self.grid.len()], self.grid.columns(), KEEP_AWAY, &mut self.scratch);
    }
}

fn millis(span: MediaSpan) -> u32 {
    u32::try_from(span.ticks() / 90).unwrap_or(0)
}

/// Calls `act` for every cell that `rect` touches.
pub(crate) fn for_cells(grid: Grid, rect: Rect, mut act: impl FnMut(usize)) {
    let cell = grid.cell as i32;
    let clip = |n: i32, most: usize| (n.max(0) as usize).min(most);
    let (left, top) =
        (clip(rect.left.div_euclid(cell), grid.columns()), clip(rect.top.div_euclid(cell), grid.rows()));
    let last = |n: i32, most: usize| clip(n.saturating_add(cell - 1).div_euclid(cell), most);
    let (right, bottom) = (last(rect.right, grid.columns()), last(rect.bottom, grid.rows()));
    for row in top..bottom {
        for column in left..right {
            act(row * grid.columns() + column);
        }
    }
}

mod change;
mod light;
mod marks;
mod memory;
mod pixels;
mod sweep;
#[cfg(test)]
mod tests;
