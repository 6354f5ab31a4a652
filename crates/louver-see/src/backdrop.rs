//! The cells: what is known of the empty place, and the only conditions under which a cell may be shown.

use std::sync::Arc;

use louver_base::{MediaSpan, MediaTime};
use louver_media::Picture;
use louver_scene::{Cell, Grid, Rect};

use crate::Settings;
use crate::blobs::{LOOSE, NOTHING};
use crate::features::{Features, PER_CELL};
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

/// Levels of luma by which a mean over about eight pixels must differ at the least: below, compression alone does it.
const LEAST_DEPARTURE: i32 = 9;
/// Levels of one chroma mean, likewise: chroma is coded more coarsely but moves less with light.
const LEAST_CHROMA_DEPARTURE: i32 = 7;
/// A cell departs when it differs by this many times its own usual deviation.
const DEVIATIONS: i32 = 5;
/// Beyond this many levels a difference is one whatever the cell's own noise.
const SURE_DEPARTURE: i32 = 40;
/// Levels times 16 that a cell which cannot be learned because it never rests (leaves, water) is given at each movement.
const RESTLESS: u16 = 4;
/// Levels times 16; with [`DEVIATIONS`] it reaches [`SURE_DEPARTURE`].
const MOST_DEVIATION: u16 = 7 * 16;
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
const SWAY_SHOWN: u32 = 2000;

/// One way that a cell looks, and what speaks for its being the empty place.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// Means times 16.
    means: [u16; PER_CELL],
    /// For how long in all it looked like this, milliseconds.
    shown: u32,
    /// Detector sweeps that saw nobody here while it looked like this.
    empty: u32,
    /// How many more must see nobody, for those that saw somebody.
    doubt: u32,
    /// How often it came back.
    returns: u16,
}

impl Look {
    /// Like no picture.
    const NONE: Self = Self { means: [u16::MAX; PER_CELL], shown: 0, empty: 0, doubt: 0, returns: 0 };

    fn of(f: &[u8; PER_CELL]) -> Self {
        Self { means: f.map(|v| u16::from(v) * 16), ..Self::NONE }
    }

    /// Whether the empty place is known to look so now and then, though this is not how it is shown.
    fn sways(&self, least: u32) -> bool {
        self.returns >= SWAYS && self.shown >= SWAY_SHOWN && self.swept(least, 1)
    }

    /// Whether the detector has cleared it: `least` empty sweeps, and `times` as many as there are doubts.
    fn swept(&self, least: u32, times: u32) -> bool {
        self.empty >= least.saturating_add(self.doubt.saturating_mul(times))
    }
}

/// One cell's memory. `known` holds means times 16.
#[derive(Clone, Copy, Debug)]
struct Memory {
    state: Cell,
    /// The empty place, when the state is not Unknown.
    known: [u16; PER_CELL],
    /// Usual deviation from `known`, levels times 16, of the noisiest luma quarter.
    deviation: u16,
    /// How it looks, and how it looked before something came in front of it: where people pass all day, the place is seen
    /// between them, and what was found out about it must not be lost with each. What is found out about those who
    /// pass is no word against the place.
    looks: [Look; 2],
    /// Which of them it shows now ...
    now: usize,
    /// ... and since when.
    still_since: MediaTime,
    /// Since when an occupied cell has matched `known`.
    matches_since: Option<MediaTime>,
    departed: bool,
}

impl Memory {
    const fn blank(now: MediaTime) -> Self {
        Self {
            state: Cell::Unknown,
            known: [0; PER_CELL],
            deviation: 0,
            looks: [Look::NONE; 2],
            now: 0,
            still_since: now,
            matches_since: None,
            departed: false,
        }
    }

    /// Takes in how the cell looks now, `step` after the last time.
    fn look(&mut self, f: &[u8; PER_CELL], now: MediaTime, step: u32) {
        if differs(&self.looks[self.now].means, f, self.deviation) {
            let other = 1 - self.now;
            self.still_since = now;
            if !differs(&self.looks[other].means, f, self.deviation) {
                self.now = other;
                self.looks[other].returns = self.looks[other].returns.saturating_add(1);
                follow(&mut self.looks[other].means, f);
            } else {
                if self.looks[self.now].shown >= WORTH_KEEPING || self.looks[other].shown < WORTH_KEEPING {
                    self.now = other;
                }
                self.looks[self.now] = Look::of(f);
                if self.state == Cell::Unknown {
                    self.deviation = (self.deviation + RESTLESS).min(MOST_DEVIATION);
                }
            }
            return;
        }
        let look = &mut self.looks[self.now];
        follow(&mut look.means, f);
        look.shown = look.shown.saturating_add(step);
    }
}

/// What is known of the empty place.
#[derive(Debug)]
pub(crate) struct Backdrop {
    grid: Grid,
    cells: Vec<Memory>,
    picture: Arc<Picture>,
    departed_share: f32,
    /// Since when [`MOVED_SHARE`] and more have departed.
    widely_departed_since: Option<MediaTime>,
    /// Since when most have.
    most_departed_since: Option<MediaTime>,
    looked_elsewhere: Option<MediaTime>,
    pictures: usize,
    last: Option<MediaTime>,
    near: Vec<bool>,
    /// What the last sweep saw on each cell, while its answer is taken in.
    swept: Vec<Swept>,
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
        Self {
            grid,
            cells: vec![Memory::blank(now); grid.len()],
            picture: Arc::new(Picture::flat(grid.picture, 52, 128, 128)),
            departed_share: 0.0,
            widely_departed_since: None,
            most_departed_since: None,
            looked_elsewhere: None,
            pictures: 0,
            last: None,
            near: vec![false; grid.len()],
            swept: vec![Swept::Empty; grid.len()],
        }
    }

    /// The picture of the empty place; only cells that are not Unknown mean anything.
    pub(crate) fn picture(&self) -> Arc<Picture> {
        Arc::clone(&self.picture)
    }

    pub(crate) fn states(&self) -> Arc<[Cell]> {
        self.cells.iter().map(|m| m.state).collect()
    }

    /// Cells that look different from the known place (or of which no place is known), row by row.
    pub(crate) fn departed(&self) -> impl Iterator<Item = bool> + '_ {
        self.cells.iter().map(|m| m.departed)
    }

    /// Share of cells of which nothing is known, 0 to 1.
    pub(crate) fn unknown_share(&self) -> f32 {
        let unknown = self.cells.iter().filter(|m| m.state == Cell::Unknown).count();
        unknown as f32 / self.cells.len().max(1) as f32
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
            counts.1 += usize::from(self.cells[n].departed);
            counts.2 += usize::from(self.cells[n].state == Cell::Unknown);
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
        let (mut known, mut departed) = (0u32, 0u32);
        let step = self.last.map_or(0, |l| millis((now - l).min(GAP)));
        self.last = Some(now);
        for (m, f) in self.cells.iter_mut().zip(&features.0) {
            m.look(f, now, step);
            let other = m.state != Cell::Unknown && differs(&m.known, f, m.deviation);
            m.departed = other && !m.looks[m.now].sways(s.learn_sweeps);
            if !other && m.state != Cell::Unknown {
                let worst = (0..4).map(|i| m.known[i].abs_diff(u16::from(f[i]) * 16)).max().unwrap_or(0);
                m.deviation = (m.deviation * 31 + worst.min(MOST_DEVIATION)) / 32;
            }
            known += u32::from(m.state != Cell::Unknown);
            departed += u32::from(m.departed);
        }
        let before = self.departed_share;
        self.departed_share = if known == 0 { 0.0 } else { departed as f32 / known as f32 };
        let enough = known as usize * 4 > self.cells.len();
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
        let known = |n: usize| {
            let m = &self.cells[n];
            (m.state != Cell::Unknown).then(|| m.known.map(|v| (v / 16) as u8))
        };
        if view::moved(self.grid, known, features) { Change::View } else { Change::None }
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
            let look = &mut m.looks[m.now];
            match swept {
                Swept::Empty => look.empty = look.empty.saturating_add(1),
                Swept::Edge => {}
                Swept::Seen(doubt) => look.doubt = look.doubt.saturating_add(*doubt),
            }
        }
    }

    /// Share of a box's cells that show what they have hardly ever shown.
    fn moving_share(&self, rect: Rect) -> f32 {
        let (mut cells, mut moving) = (0u32, 0u32);
        for_cells(self.grid, rect, |n| {
            let m = &self.cells[n];
            cells += 1;
            moving += u32::from(m.looks[m.now].shown < WORTH_KEEPING);
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
        let restless = self.restless(labels, now, s.absorb);
        self.mark_near(cover);
        let refresh_row = self.pictures % REFRESH_ROWS;
        let columns = self.grid.columns();
        for n in 0..self.cells.len() {
            let cover = cover.get(n).copied().unwrap_or(Cover::Covered);
            let (covered, free) = (cover == Cover::Covered, cover == Cover::Free);
            let near = self.near[n];
            // A small loose group is judged by its cells alone; one whose label is missing is not at rest.
            let rests = match labels.get(n) {
                Some(&(NOTHING | LOOSE)) => true,
                Some(&label) => restless.get(usize::from(label)) == Some(&false),
                None => false,
            };
            let m = &mut self.cells[n];
            let still = now - m.still_since;
            let look = &m.looks[m.now];
            let learned = still >= s.settle && look.shown >= millis(s.learn) && look.swept(s.learn_sweeps, 1);
            let (state, take) = match m.state {
                Cell::Unknown if free && !near && learned => (Cell::Clear, true),
                Cell::Unknown => (Cell::Unknown, false),
                Cell::Never => (Cell::Never, false),
                Cell::Clear if covered || m.departed => (Cell::Occupied, false),
                Cell::Clear => (Cell::Clear, false),
                Cell::Occupied if m.departed => {
                    m.matches_since = None;
                    let absorbed =
                        free && still >= s.absorb && rests && look.swept(s.absorb_sweeps, ABSORB_DOUBTS);
                    (if absorbed { Cell::Clear } else { Cell::Occupied }, absorbed)
                }
                Cell::Occupied => {
                    let since = *m.matches_since.get_or_insert(now);
                    let back = !covered && now - since >= s.settle;
                    (if back { Cell::Clear } else { Cell::Occupied }, false)
                }
            };
            if state != m.state {
                m.matches_since = None;
            }
            m.state = state;
            if take {
                m.known = m.looks[m.now].means;
                m.departed = false;
                copy_cell(Arc::make_mut(&mut self.picture), picture, self.grid, n, Mix::Replace);
            } else if state == Cell::Clear && !near && (n / columns) % REFRESH_ROWS == refresh_row {
                for (known, candidate) in m.known.iter_mut().zip(m.looks[m.now].means) {
                    *known = (*known * 3 + candidate) / 4;
                }
                copy_cell(Arc::make_mut(&mut self.picture), picture, self.grid, n, Mix::Blend);
            }
        }
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

    /// Marks the cells within [`KEEP_AWAY`] of one that looks different, moves or is covered.
    fn mark_near(&mut self, cover: &[Cover]) {
        let (columns, rows) = (self.grid.columns(), self.grid.rows());
        let busy = |m: &Memory, n: usize| {
            m.departed || (m.state != Cell::Unknown && cover.get(n).is_none_or(|c| *c == Cover::Covered))
        };
        // Two passes, along rows and along columns: how far away the last busy cell is.
        let mut wide = vec![false; self.cells.len()];
        for row in 0..rows {
            spread(
                columns,
                |i| busy(&self.cells[row * columns + i], row * columns + i),
                |i| wide[row * columns + i] = true,
            );
        }
        self.near.fill(false);
        let near = &mut self.near;
        for column in 0..columns {
            spread(rows, |i| wide[i * columns + column], |i| near[i * columns + column] = true);
        }
    }
}

/// Calls `mark` for every index within [`KEEP_AWAY`] of one that is `busy`.
fn spread(len: usize, busy: impl Fn(usize) -> bool, mut mark: impl FnMut(usize)) {
    let mut marked = 0;
    for i in (0..len).filter(|&i| busy(i)) {
        for near in i.saturating_sub(KEEP_AWAY).max(marked)..(i + KEEP_AWAY + 1).min(len) {
            mark(near);
        }
        marked = (i + KEEP_AWAY + 1).min(len);
    }
}

fn millis(span: MediaSpan) -> u32 {
    u32::try_from(span.ticks() / 90).unwrap_or(0)
}

/// Whether a cell looks different from `place`: two luma quarters, or one by far, or the colour.
fn differs(place: &[u16; PER_CELL], f: &[u8; PER_CELL], deviation: u16) -> bool {
    let usual = i32::from(deviation) * DEVIATIONS / 16;
    let limit = (LEAST_DEPARTURE + usual).min(SURE_DEPARTURE);
    let by = |i: usize| (i32::from(place[i]) / 16 - i32::from(f[i])).abs();
    let (mut over, mut far) = (0, false);
    for i in 0..4 {
        let d = by(i);
        over += i32::from(d > limit);
        far |= d > limit * 2;
    }
    over >= 2 || far || by(4).max(by(5)) > LEAST_CHROMA_DEPARTURE + usual / 2
}

/// An eighth of the way to what is seen.
fn follow(candidate: &mut [u16; PER_CELL], f: &[u8; PER_CELL]) {
    for (c, v) in candidate.iter_mut().zip(f) {
        *c = ((u32::from(*c) * 7 + u32::from(*v) * 16 + 4) / 8) as u16;
    }
}

#[derive(Clone, Copy)]
enum Mix {
    Replace,
    Blend,
}

/// Takes a cell's pixels, luma and chroma, into the backdrop.
fn copy_cell(to: &mut Picture, from: &Picture, grid: Grid, n: usize, mix: Mix) {
    let (x, y) = (n % grid.columns() * grid.cell, n / grid.columns() * grid.cell);
    let (w, h) = (grid.picture.width(), grid.picture.height());
    copy_block(&mut to.y, &from.y, (w, h), (x, y), grid.cell, mix);
    for (to, from) in [(&mut to.u, &from.u), (&mut to.v, &from.v)] {
        copy_block(to, from, (w / 2, h / 2), (x / 2, y / 2), grid.cell / 2, mix);
    }
}

fn copy_block(
    to: &mut [u8],
    from: &[u8],
    (w, h): (usize, usize),
    (x, y): (usize, usize),
    side: usize,
    mix: Mix,
) {
    let right = (x + side).min(w);
    for row in y..(y + side).min(h) {
        let range = row * w + x..row * w + right;
        match mix {
            Mix::Replace => to[range.clone()].copy_from_slice(&from[range]),
            Mix::Blend => {
                for (a, b) in to[range.clone()].iter_mut().zip(&from[range]) {
                    *a = ((u16::from(*a) * 3 + u16::from(*b) + 2) / 4) as u8;
                }
            }
        }
    }
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

#[cfg(test)]
mod tests;
