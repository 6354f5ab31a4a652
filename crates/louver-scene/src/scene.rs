//! The scene: backdrop, cells, figures.

use std::sync::Arc;

use louver_base::{Class, WallTime};
use louver_media::{Picture, PictureSize};

/// The cells of a picture: `columns * rows` rectangles of `cell * cell` pixels, those at the right and lower edge
/// possibly cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Size of the picture.
    pub picture: PictureSize,
    /// Side of a cell in pixels; even, so that chroma is covered exactly as luma is.
    pub cell: usize,
}

impl Grid {
    /// Cells across at most: a cell is then about 4x4 pixels at 640x360.
    pub const COLUMNS: usize = 160;

    /// The grid for a picture: the smallest even cell that gives at most [`COLUMNS`](Self::COLUMNS) columns.
    pub fn of(picture: PictureSize) -> Self {
        let longer = picture.width().max(picture.height());
        Self { picture, cell: (longer.div_ceil(Self::COLUMNS).next_multiple_of(2)).max(2) }
    }

    /// Cells across.
    pub const fn columns(self) -> usize {
        self.picture.width().div_ceil(self.cell)
    }

    /// Cells down.
    pub const fn rows(self) -> usize {
        self.picture.height().div_ceil(self.cell)
    }

    /// Cells in all.
    pub const fn len(self) -> usize {
        self.columns() * self.rows()
    }

    /// Never: a picture has at least one cell.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// What is known about a cell (DESIGN 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing: it is filled with a flat colour.
    Unknown,
    /// It shows the empty place.
    Clear,
    /// Something is or may be there; the backdrop behind it is known and is what is shown.
    Occupied,
    /// Somebody decided that this is never shown (an excluded zone): drawn as Unknown, with a pattern where there is one.
    Never,
}

/// A rectangle in pixels of the scene's picture: left, top inclusive; right, bottom exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Rect {
    /// Left edge.
    pub left: i32,
    /// Top edge.
    pub top: i32,
    /// Right edge, exclusive.
    pub right: i32,
    /// Bottom edge, exclusive.
    pub bottom: i32,
}

impl Rect {
    /// Pixels inside; 0 for an empty or inverted rectangle.
    pub fn area(self) -> i64 {
        i64::from((self.right - self.left).max(0)) * i64::from((self.bottom - self.top).max(0))
    }

    /// The smallest rectangle around both.
    pub fn around(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// What both cover.
    pub fn intersection(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }
}

/// What a figure stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureKind {
    /// The detector said what it is.
    Known(Class),
    /// Something moves there and nobody knows what: it may be a person.
    Moving,
}

/// A thing in the scene: a box, never its outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Random number for this appearance; means nothing outside it.
    pub track: u32,
    /// What it is.
    pub kind: FigureKind,
    /// Where it is, snapped to a coarse grid.
    pub rect: Rect,
    /// How it moves, pixels a second to the right and downwards, coarse; 0 also when that is not known.
    pub velocity: [i16; 2],
}

/// Real pixels of a thing that the camera's policy allows to be seen. Whoever makes one vouches that the class is sure and
/// that no person or unknown cell touches it; drawing leaves out a person's, and what lies on cells that are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Number of the figure that it shows.
    pub track: u32,
    /// What it is; a person is never shown.
    pub class: Class,
    /// Left edge in pixels of the scene's picture, even.
    pub left: u16,
    /// Top edge, even.
    pub top: u16,
    /// The pixels; its size is the window's.
    pub picture: Arc<Picture>,
}

/// Why a picture shows little or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// All is well.
    Fine,
    /// The place is not known yet.
    Starting,
    /// The light changed at once.
    LightChanged,
    /// The camera was moved.
    CameraMoved,
    /// The lens is covered.
    LensCovered,
    /// Analysis is late or has failed: what is shown is older than it says.
    AnalysisLate,
    /// The camera sends no pictures.
    StreamLost,
}

/// What may be shown at one moment. Only louver-see makes one worth drawing, but whatever stands in it, no pixel of an
/// Unknown cell is ever drawn.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Cells of the backdrop.
    pub grid: Grid,
    /// The place without people; pixels of cells that were never Clear are not looked at.
    pub backdrop: Arc<Picture>,
    /// One state a cell, row by row; `grid.len()` of them.
    pub cells: Arc<[Cell]>,
    /// Figures, farthest (highest on the picture) first.
    pub figures: Vec<Figure>,
    /// Real pixels that policy allows, over the backdrop and under the figures; at most [`Scene::WINDOWS`].
    pub windows: Vec<Window>,
    /// When the picture was taken, on the recorder's clock.
    pub wall: WallTime,
    /// Why little is shown.
    pub why: Why,
}

impl Scene {
    /// Windows of one scene at most.
    pub const WINDOWS: usize = 64;
}
