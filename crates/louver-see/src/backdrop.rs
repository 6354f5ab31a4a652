//! The cells: what is known of the empty place, and the only conditions under which a cell may be shown.

use std::sync::Arc;

use louver_base::{MediaSpan, MediaTime};
use louver_media::Picture;
use louver_scene::{Cell, Grid, Rect};

use self::marks::{count, spread};
use self::pixels::{Mix, copy_cells};
use crate::Settings;
use crate::blobs::{LOOSE, NOTHING};
use crate::features::{Features, PER_CELL};
use crate::lanes::{LANES, Lanes, Means, NO_MEANS, Share, differs, followed, means};
use crate::see::{GAP, PERSON_ROOM};
use crate::track::padded;
use crate::view;

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

/// A change of the whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// None.
    None,
    /// Most known cells departed from one picture to the next.
    Light,
    /// The known place is somewhere else in the picture, or most of it has been gone for a while.
    View,
    /// The picture shows nothing: the lens is covered, or there is no light. Nothing is learned from it.
    Blind,
}

/// Levels times 16 that a cell which cannot be learned because it never rests (leaves, water) is given at each movement.
const RESTLESS: i16 = 4;
/// Cells around an occupied one that are not refreshed: a person's edge blends into them (8 to 12 pixels at 640x360).
const KEEP_AWAY: usize = 3;
/// A clear row of cells is blended into the backdrop at each 16th picture.
const REFRESH_ROWS: usize = 16;
/// A still person is found in some sweeps and missed in others. For each sweep that saw somebody on a cell while it looked
/// as it does, so many more must have seen nobody: whoever is found in more than every fifth sweep is never learned ...
const DOUBT_SWEEPS: u32 = 4;
/// ... but for one whose box is full of movement: the detector saw a passer-by, and the ground around him has little to do
/// with it. Who moves on one spot and is found in every second sweep is not learned either.
const DOUBT_SWEEPS_MOVING: u32 = 1;
/// Share of a box's cells that must show something new for it to be full of movement.
const MOVING_SHARE: f32 = 0.2;
/// For a lasting change doubts count so many times as much: found in more than every twenty-first sweep, it stays masked.
const ABSORB_DOUBTS: u32 = 5;
/// Room around a box within which somebody is taken to have been seen, share of its sides: a head that sticks out.
const SEEN_ROOM: f32 = 0.05;
/// What was seen for this long in all, milliseconds, is remembered while something else passes in front of it; for less, forgotten.
const WORTH_KEEPING: u32 = 1000;
/// A changed view is believed after this long.
const VIEW_CHANGE: MediaSpan = MediaSpan::from_millis(1500);
/// Share of the known cells that must depart for the place to be looked for elsewhere in the picture, 0 to 1 ...
const MOVED_SHARE: f32 = 0.08;
/// ... and how often that is done meanwhile.
const LOOK_ELSEWHERE: MediaSpan = MediaSpan::from_millis(500);
/// Of a group of departed cells, no more than this share may have changed lately for the others to be taken into the backdrop:
/// somebody who stands still moves his head, his hands, his weight; a parked car does not.
const RESTLESS_SHARE: f32 = 0.1;
/// How often a cell must have gone back and forth between two looks for the second to be the place's too (leaves, a
/// flag, a flickering lamp) ...
const SWAYS: u16 = 8;
/// ... and for how long, in all, it must have been seen, milliseconds. Nothing of it is ever shown.
const SWAY_SHOWN: u32 = 10_000;
/// ... and how many sweeps must have seen nobody meanwhile, besides those that doubts ask for.
const SWAY_SWEEPS: u32 = 10;

/// One way that a cell looks, and what speaks for its being the empty place.
#[derive(Clone, Copy, Debug)]
struct Look {
    means: Means,
    tally: Tally,
}

/// What is found out about one way that a cell looks.
#[derive(Clone, Copy, Debug)]
struct Tally {
    /// For how long in all it looked like this, milliseconds.
    shown: u32,
    /// Detector sweeps that saw nobody here while it looked like this.
    empty: u32,
    /// How many more must see nobody, for those that saw somebody.
    doubt: u32,
    /// How often it came back.
    returns: u16,
}

impl Tally {
    /// Of something new.
    const NONE: Self = Self { shown: 0, empty: 0, doubt: 0, returns: 0 };

    /// Whether the empty place is known to look so now and then, though this is not how it is shown.
    fn sways(&self) -> bool {
        self.returns >= SWAYS && self.shown >= SWAY_SHOWN && self.swept(SWAY_SWEEPS, ABSORB_DOUBTS)
    }

    /// Whether the detector has cleared it: `least` empty sweeps, and `times` as many as there are doubts.
    fn swept(&self, least: u32, times: u32) -> bool {
        self.empty >= least.saturating_add(self.doubt.saturating_mul(times))
    }
}

/// One cell's memory, but for what is compared at every picture: that stands in [`Lanes`].
#[derive(Clone, Copy, Debug)]
struct Memory {
    /// Of how it looks now; `shown` less the time since `counted`.
    tally: Tally,
    /// How it looked before something came in front of it: where people pass all day, the place is seen between them, and
    /// what was found out about it must not be lost with each. What is found out about those who pass is no word
    /// against the place.
    other: Look,
    /// Since when it looks as it does.
    still_since: MediaTime,
    /// The clock of looking at the time up to which `tally` has counted.
    counted: u64,
    /// Since when an occupied cell has matched the empty place.
    matches_since: Option<MediaTime>,
}

impl Memory {
    const fn blank(now: MediaTime) -> Self {
        Self {
            tally: Tally::NONE,
            other: Look { means: NO_MEANS, tally: Tally::NONE },
            still_since: now,
            counted: 0,
            matches_since: None,
        }
    }

    /// What is found out about how it looks now, up to `clock`.
    fn tally(&self, clock: u64) -> Tally {
        let since = u32::try_from(clock - self.counted).unwrap_or(u32::MAX);
        Tally { shown: self.tally.shown.saturating_add(since), ..self.tally }
    }
}

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
    pictures: usize,
    last: Option<MediaTime>,
    /// Milliseconds looked at; a gap counts as no more than [`GAP`].
    clock: u64,
    /// What the last sweep saw on each cell, while its answer is taken in.
    swept: Vec<Swept>,
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

/// What a sweep says about a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swept {
    /// Nobody is here.
    Empty,
    /// The edge of somebody's box: says nothing.
    Edge,
    /// Somebody is here: so many more sweeps must see nobody.
    Seen(u32),
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
            pictures: 0,
            last: None,
            clock: 0,
            swept: vec![Swept::Empty; cells],
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

    /// Compares one picture with what is known. No cell is cleared here.
    pub(crate) fn compare(&mut self, features: &Features, now: MediaTime, s: &Settings) -> Change {
        if view::blind(self.grid, features) {
            return Change::Blind;
        }
        let step = self.last.map_or(0, |l| millis((now - l).min(GAP)));
        self.last = Some(now);
        let before_this = self.clock;
        self.clock += u64::from(step);
        for (group, picture) in features.groups().enumerate().take(self.lanes.len()) {
            let at = group * LANES;
            let Some(knows) = self.knows[at..].first_chunk() else { break };
            let seen = self.lanes[group].see(picture, knows);
            self.departed[at..at + LANES].copy_from_slice(&seen.departed);
            self.unlike[at..at + LANES].copy_from_slice(&seen.departed);
            if seen.changed != [false; LANES] {
                for n in (at..self.cells.len().min(at + LANES)).filter(|n| seen.changed[n - at]) {
                    let seen = (features.cell(n), seen.deviation[n - at]);
                    self.changed(n, seen, now, before_this);
                }
            }
            if seen.departed != [false; LANES] {
                let cells = self.departed[at..].iter_mut().zip(&self.cells[at..]).take(LANES);
                for (departed, m) in cells.filter(|(departed, _)| **departed) {
                    *departed = !m.tally(self.clock).sways();
                }
            }
        }
        let (known, departed) = (count(&self.knows), count(&self.departed));
        let before = self.departed_share;
        self.departed_share = if known == 0 { 0.0 } else { departed as f32 / known as f32 };
        let enough = known * 4 > self.cells.len();
        if !enough || self.departed_share < MOVED_SHARE {
            self.widely_departed_since = None;
            return Change::None;
        }
        if self.departed_share - before > s.global_change / 2.0 && self.departed_share >= s.global_change {
            return Change::Light;
        }
        self.view(features, now, s)
    }

    /// Whether the camera looks elsewhere, when much has departed.
    fn view(&mut self, features: &Features, now: MediaTime, s: &Settings) -> Change {
        let since = *self.widely_departed_since.get_or_insert(now);
        if self.departed_share < s.global_change {
            self.most_departed_since = None;
        } else if now - *self.most_departed_since.get_or_insert(now) > VIEW_CHANGE {
            return Change::View;
        }
        if now - since < VIEW_CHANGE || self.looked_elsewhere.is_some_and(|l| now - l < LOOK_ELSEWHERE) {
            return Change::None;
        }
        self.looked_elsewhere = Some(now);
        let known =
            |n: usize| self.knows[n].then(|| self.lanes[n / LANES].known(n % LANES).map(|v| (v >> 4) as u8));
        if view::moved(self.grid, known, features) { Change::View } else { Change::None }
    }

    /// A cell looks otherwise than at the picture before, up to which its time is counted: `f`, judged by a usual deviation.
    fn changed(&mut self, n: usize, (f, deviation): ([u8; PER_CELL], i16), now: MediaTime, before: u64) {
        let (lanes, lane, m) = (&mut self.lanes[n / LANES], n % LANES, &mut self.cells[n]);
        let seen = means(f);
        let was = Look { means: lanes.look(lane), tally: m.tally(before) };
        m.still_since = now;
        m.counted = self.clock;
        if differs(&m.other.means, &seen, deviation) {
            if was.tally.shown >= WORTH_KEEPING || m.other.tally.shown < WORTH_KEEPING {
                m.other = was;
            }
            m.tally = Tally::NONE;
            lanes.set_look(lane, &seen);
            if self.states[n] == Cell::Unknown {
                lanes.excuse(lane, RESTLESS);
            }
        } else {
            let again = std::mem::replace(&mut m.other, was);
            m.tally = again.tally;
            m.tally.returns = m.tally.returns.saturating_add(1);
            lanes.set_look(lane, &std::array::from_fn(|i| followed(again.means[i], seen[i])));
        }
    }

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
                // A small loose group is judged by its cells alone; one whose label is missing is not at rest. Few cells have
                // been still for long enough that the question comes up.
                let rests = now - self.cells[n].still_since >= s.absorb
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
        self.refresh(picture);
    }

    /// Whether its state is another now.
    fn decide_cell(&mut self, n: usize, is: Now<'_>, s: &Settings) -> bool {
        let Now { picture, cover, rests, at: now } = is;
        let (covered, free) = (cover == Cover::Covered, cover == Cover::Free);
        let (near, departed, was) = (self.near[n], self.departed[n], self.states[n]);
        let (m, clock) = (&mut self.cells[n], self.clock);
        let learned = |m: &Memory| {
            let tally = m.tally(clock);
            now - m.still_since >= s.settle
                && tally.shown >= millis(s.learn)
                && tally.swept(s.learn_sweeps, 1)
        };
        let (state, take) = match was {
            Cell::Unknown if free && !near && learned(m) => (Cell::Clear, true),
            Cell::Unknown => (Cell::Unknown, false),
            Cell::Never => (Cell::Never, false),
            Cell::Clear if covered || departed => (Cell::Occupied, false),
            Cell::Clear => (Cell::Clear, false),
            Cell::Occupied if departed => {
                m.matches_since = None;
                let absorbed = free
                    && now - m.still_since >= s.absorb
                    && rests
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
            copy_cells(Arc::make_mut(&mut self.picture), picture, self.grid, n..n + 1, Mix::Replace);
        }
        if state != was {
            m.matches_since = None;
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
    fn refresh(&mut self, picture: &Picture) {
        let columns = self.grid.columns();
        for row in (self.pictures % REFRESH_ROWS..self.grid.rows()).step_by(REFRESH_ROWS) {
            let (mut at, end) = (row * columns, (row + 1) * columns);
            while at < end {
                let fresh = |n: &usize| self.states[*n] == Cell::Clear && !self.near[*n] && !self.unlike[*n];
                let from = (at..end).find(fresh).unwrap_or(end);
                let to = (from..end).find(|n| !fresh(n)).unwrap_or(end);
                if from < to {
                    for n in from..to {
                        self.lanes[n / LANES].learn(n % LANES, Share::Quarter);
                    }
                    copy_cells(Arc::make_mut(&mut self.picture), picture, self.grid, from..to, Mix::Blend);
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

mod marks;
mod pixels;
#[cfg(test)]
mod tests;
