//! Parts of a camera's picture that somebody decided about: never looked at, or never shown.

use louver_media::Picture;

use crate::{Grid, Rect, render};

/// What a zone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneKind {
    /// Never analysed, never shown: its pixels are made flat before anything looks at them.
    Exclude,
    /// Analysed and counted, never shown.
    Mask,
}

impl ZoneKind {
    /// The word used in settings and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exclude => "exclude",
            Self::Mask => "mask",
        }
    }
}

/// Why a zone cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneError {
    /// The name is empty, or longer than [`Zone::LONGEST_NAME`].
    #[error("a zone needs a name of 1 to {} letters", Zone::LONGEST_NAME)]
    Name,
    /// A polygon needs three corners.
    #[error(
        "a polygon of {0} points encloses nothing: at least 3 are needed, for instance [[0, 0], [30, 0], [0, 30]]"
    )]
    FewPoints(usize),
    /// More than [`Zone::MOST_POINTS`].
    #[error("a polygon of {0} points is too fine: {most} at most", most = Zone::MOST_POINTS)]
    ManyPoints(usize),
    /// Outside of the picture, or no number.
    #[error(
        "point {number} lies outside the picture: x and y are per cent of its width and height, 0 to 100"
    )]
    OutOfRange {
        /// Which point, from 1.
        number: usize,
    },
    /// All points lie on one line.
    #[error("the polygon's points lie on one line, so it encloses nothing")]
    Flat,
}

/// A zone of a camera's picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
    kind: ZoneKind,
    polygon: Vec<[f32; 2]>,
}

impl Zone {
    /// Zones of one camera at most.
    pub const MOST: usize = 32;
    /// Corners of one zone at most.
    pub const MOST_POINTS: usize = 64;
    /// Letters of a name at most.
    pub const LONGEST_NAME: usize = 64;

    /// A zone. The polygon's points are per cent of the picture's width and height, 0 to 100; the last is joined to
    /// the first. Where it crosses itself, everything that it goes around belongs to it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(name: &str, kind: ZoneKind, polygon: Vec<[f32; 2]>) -> Result<Self, ZoneError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > Self::LONGEST_NAME {
            return Err(ZoneError::Name);
        }
        if polygon.len() < 3 {
            return Err(ZoneError::FewPoints(polygon.len()));
        }
        if polygon.len() > Self::MOST_POINTS {
            return Err(ZoneError::ManyPoints(polygon.len()));
        }
        // A number that is none is in no range.
        let inside = |n: f32| (0.0..=100.0).contains(&n);
        if let Some(at) = polygon.iter().position(|p| !p.iter().all(|n| inside(*n))) {
            return Err(ZoneError::OutOfRange { number: at + 1 });
        }
        let [a, rest @ ..] = polygon.as_slice() else { return Err(ZoneError::Flat) };
        let turns = |b: &[f32; 2], c: &[f32; 2]| {
            ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])).abs() > 1e-3
        };
        if !rest.iter().any(|b| rest.iter().any(|c| turns(b, c))) {
            return Err(ZoneError::Flat);
        }
        Ok(Self { name: name.to_owned(), kind, polygon })
    }

    /// Its name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is for.
    pub const fn kind(&self) -> ZoneKind {
        self.kind
    }

    /// Its corners, per cent of the picture's width and height.
    pub fn polygon(&self) -> &[[f32; 2]] {
        &self.polygon
    }
}

/// Pixels around a cell within which a zone counts as touching it: scaling a large stream down mixes two neighbours in.
const MARGIN: f64 = 2.0;

/// The zones of one camera laid on its cells. A cell that a zone touches belongs to it whole; of two zones the stricter holds.
#[derive(Clone, Debug)]
pub struct ZoneMap {
    grid: Grid,
    /// One a cell, or none at all where there is no zone.
    cells: Box<[Option<ZoneKind>]>,
    excluded: usize,
}

impl ZoneMap {
    /// Lays zones on a grid.
    pub fn new(grid: Grid, zones: &[Zone]) -> Self {
        let mut cells = vec![None; if zones.is_empty() { 0 } else { grid.len() }];
        for zone in zones {
            let outline = Outline::new(grid, &zone.polygon);
            for (n, cell) in cells.iter_mut().enumerate() {
                if *cell != Some(ZoneKind::Exclude) && outline.touches(place(grid, n)) {
                    *cell = Some(zone.kind);
                }
            }
        }
        let excluded = cells.iter().filter(|c| **c == Some(ZoneKind::Exclude)).count();
        Self { grid, cells: cells.into(), excluded }
    }

    /// What holds for a cell.
    pub fn at(&self, cell: usize) -> Option<ZoneKind> {
        self.cells.get(cell).copied().flatten()
    }

    /// The cells that the zones are laid on.
    pub const fn grid(&self) -> Grid {
        self.grid
    }

    /// Whether there is any zone.
    pub fn any(&self) -> bool {
        !self.cells.is_empty()
    }

    /// Cells that are never looked at.
    pub const fn excluded(&self) -> usize {
        self.excluded
    }

    /// Makes the excluded parts flat, luma and chroma, so that nothing behind them is ever analysed. Comes before anything
    /// else looks at the picture. One of another size than the grid's becomes flat whole: which part is which cannot be told.
    pub fn blank(&self, picture: &mut Picture) {
        if self.excluded == 0 {
            return;
        }
        if picture.size != self.grid.picture {
            *picture = render::blank(picture.size);
            return;
        }
        let columns = self.grid.columns();
        for row in 0..self.grid.rows() {
            let mut column = 0;
            while column < columns {
                let out = |c: usize| self.at(row * columns + c) == Some(ZoneKind::Exclude);
                let run = (column..columns).take_while(|c| out(*c)).count();
                if run > 0 {
                    let (first, last) = (row * columns + column, row * columns + column + run - 1);
                    let rect = Rect { right: place(self.grid, last).right, ..place(self.grid, first) };
                    render::flatten(picture, rect);
                }
                column += run.max(1);
            }
        }
    }

    /// Pixels of a box that lie in the picture and in no excluded part.
    pub fn seen_area(&self, rect: Rect) -> i64 {
        let rect = rect.intersection(self.whole());
        let mut area = rect.area();
        if self.excluded > 0 {
            self.for_cells(rect, |cell, kind| {
                if kind == Some(ZoneKind::Exclude) {
                    area -= cell.intersection(rect).area();
                }
            });
        }
        area
    }

    /// The smallest box around what of `rect` lies in no excluded part; `None` if nothing does. It tells nothing about such a
    /// part but where it ends.
    pub fn cut(&self, rect: Rect) -> Option<Rect> {
        let within = rect.intersection(self.whole());
        if self.excluded == 0 || within.area() == 0 {
            return Some(rect);
        }
        let mut left: Option<Rect> = None;
        self.for_cells(within, |cell, kind| {
            if kind != Some(ZoneKind::Exclude) {
                let part = cell.intersection(within);
                left = Some(left.map_or(part, |all| all.around(part)));
            }
        });
        left
    }

    fn whole(&self) -> Rect {
        let size = self.grid.picture;
        Rect { left: 0, top: 0, right: size.width() as i32, bottom: size.height() as i32 }
    }

    /// Every cell that a box within the picture touches.
    fn for_cells(&self, rect: Rect, mut act: impl FnMut(Rect, Option<ZoneKind>)) {
        let cell = self.grid.cell as i32;
        if rect.area() == 0 {
            return;
        }
        for row in rect.top / cell..=(rect.bottom - 1) / cell {
            for column in rect.left / cell..=(rect.right - 1) / cell {
                let n = row as usize * self.grid.columns() + column as usize;
                act(place(self.grid, n), self.at(n));
            }
        }
    }
}

/// A cell's place in pixels; it may reach beyond the picture at the right and lower edge.
fn place(grid: Grid, n: usize) -> Rect {
    let (column, row) = ((n % grid.columns()) as i32, (n / grid.columns()) as i32);
    let cell = grid.cell as i32;
    Rect { left: column * cell, top: row * cell, right: (column + 1) * cell, bottom: (row + 1) * cell }
}

/// A polygon in pixels.
struct Outline {
    edges: Vec<[(f64, f64); 2]>,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Outline {
    fn new(grid: Grid, polygon: &[[f32; 2]]) -> Self {
        let (w, h) = (grid.picture.width() as f64 / 100.0, grid.picture.height() as f64 / 100.0);
        let points: Vec<(f64, f64)> =
            polygon.iter().map(|p| (f64::from(p[0]) * w, f64::from(p[1]) * h)).collect();
        let next = points.iter().skip(1).chain(points.first());
        let edges = points.iter().zip(next).map(|(a, b)| [*a, *b]).collect();
        let over =
            |f: fn(f64, f64) -> f64, of: fn(&(f64, f64)) -> f64, from| points.iter().map(of).fold(from, f);
        Self {
            edges,
            left: over(f64::min, |p| p.0, f64::MAX),
            top: over(f64::min, |p| p.1, f64::MAX),
            right: over(f64::max, |p| p.0, f64::MIN),
            bottom: over(f64::max, |p| p.1, f64::MIN),
        }
    }

    /// Whether the polygon, its edges included, has a point within [`MARGIN`] of a cell.
    fn touches(&self, cell: Rect) -> bool {
        let low = (f64::from(cell.left) - MARGIN, f64::from(cell.top) - MARGIN);
        let high = (f64::from(cell.right) + MARGIN, f64::from(cell.bottom) + MARGIN);
        if low.0 > self.right || high.0 < self.left || low.1 > self.bottom || high.1 < self.top {
            return false;
        }
        // A cell that no edge crosses lies inside or outside whole, so one point of it says which.
        self.edges.iter().any(|e| crosses(*e, low, high))
            || self.goes_around(((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0))
    }

    /// Whether the polygon goes around a point at all (non-zero winding): more than every second time.
    fn goes_around(&self, (x, y): (f64, f64)) -> bool {
        let mut turns = 0;
        for [a, b] in &self.edges {
            let side = (b.0 - a.0) * (y - a.1) - (x - a.0) * (b.1 - a.1);
            if a.1 <= y && b.1 > y && side > 0.0 {
                turns += 1;
            } else if a.1 > y && b.1 <= y && side < 0.0 {
                turns -= 1;
            }
        }
        turns != 0
    }
}

/// Whether a line has a point in a box (Liang and Barsky, 1984).
fn crosses([a, b]: [(f64, f64); 2], low: (f64, f64), high: (f64, f64)) -> bool {
    let (mut from, mut to) = (0.0f64, 1.0f64);
    for (start, way, low, high) in [(a.0, b.0 - a.0, low.0, high.0), (a.1, b.1 - a.1, low.1, high.1)] {
        if way == 0.0 {
            if start < low || start > high {
                return false;
            }
            continue;
        }
        let (one, other) = ((low - start) / way, (high - start) / way);
        from = from.max(one.min(other));
        to = to.min(one.max(other));
    }
    from <= to
}

#[cfg(test)]
mod tests;
