//! The tiles of a picture, and which of them a cell touches.

use louver_media::PictureSize;

use crate::{Grid, Rect};

/// A picture in squares, those at the right and lower edge possibly cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiles {
    picture: PictureSize,
    side: usize,
}

impl Tiles {
    /// `side` is not 0.
    pub(super) const fn new(picture: PictureSize, side: usize) -> Self {
        Self { picture, side }
    }

    pub(super) const fn side(self) -> usize {
        self.side
    }

    const fn columns(self) -> usize {
        self.picture.width().div_ceil(self.side)
    }

    pub(super) const fn len(self) -> usize {
        self.columns() * self.picture.height().div_ceil(self.side)
    }

    /// Where a tile lies; `n` is below [`len`](Self::len).
    pub(super) fn rect(self, n: usize) -> Rect {
        let (left, top) = (n % self.columns() * self.side, n / self.columns() * self.side);
        let right = (left + self.side).min(self.picture.width());
        let bottom = (top + self.side).min(self.picture.height());
        Rect { left: left as i32, top: top as i32, right: right as i32, bottom: bottom as i32 }
    }

    /// The tiles that cell `n` of `grid` touches.
    pub(super) fn of_cell(self, grid: Grid, n: usize) -> impl Iterator<Item = usize> + Clone {
        let (left, top) = (n % grid.columns() * grid.cell, n / grid.columns() * grid.cell);
        let right = (left + grid.cell).min(self.picture.width()) - 1;
        let bottom = (top + grid.cell).min(self.picture.height()) - 1;
        let columns = self.columns();
        let across = left / self.side..=right / self.side;
        (top / self.side..=bottom / self.side).flat_map(move |y| across.clone().map(move |x| y * columns + x))
    }
}

impl Rect {
    /// The size of a rectangle that can be a picture.
    pub(super) fn size(self) -> Option<PictureSize> {
        let side = |from: i32, to: i32| u32::try_from(to - from).ok().filter(|n| n.is_multiple_of(2));
        PictureSize::new(side(self.left, self.right)?, side(self.top, self.bottom)?)
    }
}
