//! Pixels of one picture against another's.

use louver_media::{Picture, PictureSize};

use super::tiles::Tiles;
use crate::Rect;

/// Takes a rectangle with even edges over from another picture of the same size.
pub(super) fn take_pixels(to: &mut Picture, from: &Picture, rect: Rect) {
    each_row(to.size, rect, |plane, range| match plane {
        0 => to.y[range.clone()].copy_from_slice(&from.y[range]),
        1 => to.u[range.clone()].copy_from_slice(&from.u[range]),
        _ => to.v[range.clone()].copy_from_slice(&from.v[range]),
    });
}

/// Rows of a rectangle with even edges, as ranges of luma (0) and both chroma planes.
fn each_row(size: PictureSize, rect: Rect, mut act: impl FnMut(u8, std::ops::Range<usize>)) {
    let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom].map(|n| n as usize);
    for row in top..bottom {
        act(0, row * size.width() + left..row * size.width() + right);
    }
    let half = size.width() / 2;
    for row in top / 2..bottom / 2 {
        act(1, row * half + left / 2..row * half + right / 2);
        act(2, row * half + left / 2..row * half + right / 2);
    }
}

/// By how many levels the means of 8x8 samples differ, luma or chroma: for each tile the most. Means, so that a camera's noise
/// does not count.
pub(super) fn departures(a: &Picture, b: &Picture, tiles: Tiles) -> Vec<u16> {
    let mut most = vec![0; tiles.len()];
    let width = a.size.width();
    plane_departures(&a.y, &b.y, width, tiles.side(), &mut most);
    plane_departures(&a.u, &b.u, width / 2, tiles.side() / 2, &mut most);
    plane_departures(&a.v, &b.v, width / 2, tiles.side() / 2, &mut most);
    most
}

/// `side` is a multiple of 8, so blocks lie within tiles. Those that the edge cuts have fewer samples; as the sum is divided by 64
/// they count less, never more.
fn plane_departures(a: &[u8], b: &[u8], width: usize, side: usize, most: &mut [u16]) {
    let columns = width.div_ceil(side);
    // Sums down the columns first: no branch, and at most 8 * 255.
    let mut sums = vec![0_i16; width];
    for (band, (a, b)) in a.chunks(8 * width).zip(b.chunks(8 * width)).enumerate() {
        sums.fill(0);
        for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
            for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                *sum += i16::from(*a) - i16::from(*b);
            }
        }
        let row = band * 8 / side * columns;
        for (block, sums) in sums.chunks(8).enumerate() {
            let departure = (sums.iter().map(|s| i32::from(*s)).sum::<i32>().unsigned_abs() / 64) as u16;
            let most = &mut most[row + block * 8 / side];
            *most = departure.max(*most);
        }
    }
}
