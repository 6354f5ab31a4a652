//! Whether the camera looks elsewhere: the known place is found again some way off, or there is nothing to look at.
//!
//! A camera that is bumped leaves grass on grass and road on road: few cells depart, and none of them ever matches again. A
//! lasting share of departed cells makes it worth looking for the place elsewhere in the picture.

use louver_scene::Grid;

use crate::features::{Features, PER_CELL};

/// How far the place is looked for, in halves of a cell: 16 are a twentieth of the picture's width.
const REACH: isize = 16;
/// One in so many points across and down is compared: a few thousand tell enough ...
const EVERY: usize = 3;
/// ... and a few hundred tell which of the thousand shifts are worth that: a crowd must not cost more than seeing does.
const EVERY_FIRST: usize = 9;
/// Levels of luma beyond which a difference counts no more: people in the picture must not outvote the place.
const MOST: u32 = 40;
/// Mean levels of difference below which the place is where it was.
const LEAST: f32 = 3.0;
/// The place is somewhere else if it differs there by less than this share of how it differs where it was.
const FOUND: f32 = 0.6;
/// The same for the few hundred, which err more.
const FOUND_FIRST: f32 = 0.75;

/// Luma of the four quarters of every cell, as a picture of twice the grid's size.
fn quarters(grid: Grid, mut of: impl FnMut(usize) -> Option<[u8; PER_CELL]>) -> Vec<Option<u8>> {
    let columns = grid.columns();
    let mut out = vec![None; grid.len() * 4];
    for n in 0..grid.len() {
        let Some(means) = of(n) else { continue };
        let at = n / columns * 4 * columns + n % columns * 2;
        for (part, value) in means.iter().take(4).enumerate() {
            out[at + part / 2 * 2 * columns + part % 2] = Some(*value);
        }
    }
    out
}

/// Whether what is `known` (means of a cell, where there are any) is found some way off in the picture.
pub(crate) fn moved(
    grid: Grid,
    known: impl FnMut(usize) -> Option<[u8; PER_CELL]>,
    features: &Features,
) -> bool {
    let (w, h) = (grid.columns() * 2, grid.rows() * 2);
    let known = quarters(grid, known);
    let seen = quarters(grid, |n| Some(features.cell(n)));
    let difference = |dx: isize, dy: isize, every: usize| {
        let (mut sum, mut points) = (0u32, 0u32);
        for y in (0..h).step_by(every) {
            for x in (0..w).step_by(every) {
                let (Some(x2), Some(y2)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) else {
                    continue;
                };
                if x2 >= w || y2 >= h {
                    continue;
                }
                if let (Some(a), Some(b)) = (known[y * w + x], seen[y2 * w + x2]) {
                    sum += u32::from(a.abs_diff(b)).min(MOST);
                    points += 1;
                }
            }
        }
        // Too little of it in the picture says nothing.
        (points as usize * every * every * 4 > w * h).then(|| sum as f32 / points as f32)
    };
    let Some(here) = difference(0, 0, EVERY).filter(|d| *d >= LEAST) else { return false };
    let far = |dx: isize, dy: isize| dx.abs() + dy.abs() > 2;
    (-REACH..=REACH)
        .flat_map(|dy| (-REACH..=REACH).map(move |dx| (dx, dy)))
        .filter(|(dx, dy)| far(*dx, *dy))
        .filter(|(dx, dy)| difference(*dx, *dy, EVERY_FIRST).is_some_and(|d| d < here * FOUND_FIRST))
        .filter_map(|(dx, dy)| difference(dx, dy, EVERY))
        .any(|d| d < here * FOUND)
}

/// Levels of luma by which neighbouring cells differ where there is an edge of anything.
const EDGE: u8 = 6;
/// Share of neighbours with an edge below which a picture shows nothing: a hand or a cap before the lens, or no light.
const NO_EDGES: f32 = 0.001;

/// Whether the picture shows nothing at all.
pub(crate) fn blind(grid: Grid, features: &Features) -> bool {
    let columns = grid.columns();
    // A row has far fewer than 65 536 cells.
    let edges =
        |row: &[u8]| row.iter().zip(&row[1..]).map(|(a, b)| u16::from(a.abs_diff(*b) > EDGE)).sum::<u16>();
    let rows = features.upper_left()[..grid.len()].chunks_exact(columns);
    let edges: usize = rows.map(|row| usize::from(edges(row))).sum();
    (edges as f32) < NO_EDGES * grid.len() as f32
}

#[cfg(test)]
mod tests {
    use louver_media::{Picture, PictureSize};

    use super::*;

    fn place(shift: usize) -> Features {
        let size = PictureSize::new(320, 180).unwrap();
        let mut p = Picture::flat(size, 100, 128, 128);
        for y in 0..180 {
            for x in 0..320 {
                // Patches of 12 pixels whose tones follow no pattern.
                let patch = ((x + shift) / 12 * 1000 + y / 12) as u32;
                let tone = patch.wrapping_mul(0x9e37_79b9).rotate_right(15).wrapping_mul(0x85eb_ca6b) >> 24;
                p.y[y * 320 + x] = 60 + (tone / 2) as u8;
            }
        }
        let mut f = Features::default();
        f.compute(&p, Grid::of(size));
        f
    }

    #[test]
    fn a_place_is_found_again_some_way_off_and_not_where_it_still_is() {
        let grid = Grid::of(PictureSize::new(320, 180).unwrap());
        let known = place(0);
        let there: Vec<_> = (0..grid.len()).map(|n| known.cell(n)).collect();
        assert!(!moved(grid, |n| Some(there[n]), &known));
        for shift in [4, 8, 14] {
            assert!(moved(grid, |n| Some(there[n]), &place(shift)), "{shift} pixels");
        }
        // Another place altogether is found nowhere; nor is one of which nothing is known.
        assert!(!moved(grid, |n| Some(there[n]), &place(5000)));
        assert!(!moved(grid, |_| None, &place(8)));
    }

    #[test]
    fn a_covered_lens_shows_nothing_whatever_little_light_comes_through() {
        let size = PictureSize::new(320, 180).unwrap();
        let grid = Grid::of(size);
        let mut p = Picture::flat(size, 20, 128, 128);
        for (n, y) in p.y.iter_mut().enumerate() {
            *y = 16 + (n % 320 / 8) as u8;
        }
        let mut f = Features::default();
        f.compute(&p, grid);
        assert!(blind(grid, &f));
        assert!(!blind(grid, &place(0)));
    }
}
