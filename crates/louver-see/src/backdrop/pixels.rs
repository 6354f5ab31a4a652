//! Pixels into the picture of the empty place.

use std::ops::Range;

use louver_media::Picture;
use louver_scene::Grid;

/// How pixels are taken over.
#[derive(Clone, Copy)]
pub(super) enum Mix {
    Replace,
    /// A quarter of the way, but no more than so many levels.
    Approach(i16),
}

/// Takes the pixels of neighbouring cells of a row, luma and chroma, into the backdrop.
pub(super) fn copy_cells(to: &mut Picture, from: &Picture, grid: Grid, cells: Range<usize>, mix: Mix) {
    let (columns, side) = (grid.columns(), grid.cell);
    let (w, h) = (grid.picture.width(), grid.picture.height());
    let row = cells.start / columns;
    let (left, right) = ((cells.start - row * columns) * side, (cells.end - row * columns) * side);
    copy_block(&mut to.y, &from.y, (w, h), left..right, row * side..(row + 1) * side, mix);
    for (to, from) in [(&mut to.u, &from.u), (&mut to.v, &from.v)] {
        copy_block(to, from, (w / 2, h / 2), left / 2..right / 2, row * side / 2..(row + 1) * side / 2, mix);
    }
}

fn copy_block(
    to: &mut [u8],
    from: &[u8],
    (w, h): (usize, usize),
    columns: Range<usize>,
    rows: Range<usize>,
    mix: Mix,
) {
    let right = columns.end.min(w);
    for row in rows.start..rows.end.min(h) {
        let range = row * w + columns.start..row * w + right;
        match mix {
            Mix::Replace => to[range.clone()].copy_from_slice(&from[range]),
            Mix::Approach(most) => {
                for (a, b) in to[range.clone()].iter_mut().zip(&from[range]) {
                    let step = (i16::from(*b) - i16::from(*a) + 2) >> 2;
                    *a = (i16::from(*a) + step.clamp(-most, most)) as u8;
                }
            }
        }
    }
}
