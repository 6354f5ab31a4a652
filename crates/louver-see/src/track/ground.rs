//! Which cells of a picture are whose.

use louver_scene::{FigureKind, Rect};

use super::one::{Track, centre, extent};
use super::padded;
use crate::backdrop::for_cells;
use crate::blobs::{Blobs, NOTHING};

/// Share of a thing's cells that must belong to a group of cells for the thing to be part of it.
const PART_OF: f32 = 0.15;
/// Room around a box in which its cells are looked for, share of its sides.
const ROOM: f32 = 0.2;
/// Share of a thing's cells that must be its own for their middle to say where it is.
const FILLED: f32 = 0.25;
/// A group of cells larger than this many times the thing's box is several things, or a shadow: it says nothing of one.
const MOST_TIMES: i64 = 3;

/// What the cells of one picture say of one track.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    /// Cells under its box.
    pub(super) cells: usize,
    /// Those that look different and lie nearer to it than to any other track.
    pub(super) own: usize,
    /// The group of cells that it goes with and nothing else does.
    pub(super) alone: Option<usize>,
    /// The middle of its cells, those a little beyond its box included, pixels.
    pub(super) middle: Option<(f32, f32)>,
}

/// The shares of all tracks, in their order; nothing for those that are lost.
pub(super) fn shares(tracks: &[Track], blobs: &Blobs) -> Vec<Share> {
    let rects: Vec<Option<Rect>> = tracks.iter().map(|t| t.followed().then(|| t.rect())).collect();
    let mut shares = vec![Share::default(); tracks.len()];
    let mut groups: Vec<Option<usize>> = vec![None; tracks.len()];
    let mut members = vec![0u32; blobs.list.len()];
    let mut counts = vec![0usize; blobs.list.len()];
    for (n, rect) in rects.iter().enumerate() {
        let Some(rect) = *rect else { continue };
        let others: Vec<Rect> = rects
            .iter()
            .enumerate()
            .filter_map(|(o, r)| r.filter(|r| o != n && r.intersection(padded(rect, ROOM)).area() > 0))
            .collect();
        let mut touched: Vec<usize> = Vec::new();
        let (mut wide, mut sum) = (0usize, (0.0, 0.0));
        for_cells(blobs.grid, padded(rect, ROOM), |cell| {
            let place = place(blobs, cell);
            let inside = (rect.left as f32..rect.right as f32).contains(&place.0)
                && (rect.top as f32..rect.bottom as f32).contains(&place.1);
            shares[n].cells += usize::from(inside);
            let label = blobs.labels[cell];
            if label == NOTHING {
                return;
            }
            let own = others.iter().all(|o| nearer(rect, *o, place));
            shares[n].own += usize::from(own && inside);
            if own {
                wide += 1;
                sum = (sum.0 + place.0, sum.1 + place.1);
            }
            if !inside {
                return;
            }
            if let Some(count) = counts.get_mut(usize::from(label)) {
                if *count == 0 {
                    touched.push(usize::from(label));
                }
                *count += 1;
            }
        });
        shares[n].middle = (shares[n].own as f32 > FILLED * shares[n].cells as f32)
            .then(|| (sum.0 / wide as f32, sum.1 / wide as f32));
        // A movement has no group that anything recognised has; it takes part only where it is most of the group.
        let least = PART_OF * shares[n].cells as f32;
        let part = |b: &&usize| counts[**b] as f32 > least;
        groups[n] = touched.iter().filter(part).copied().max_by_key(|&b| (counts[b], std::cmp::Reverse(b)));
        for &b in touched.iter().filter(part) {
            members[b] += 1;
        }
        touched.iter().for_each(|&b| counts[b] = 0);
    }
    for ((share, group), track) in shares.iter_mut().zip(groups).zip(tracks) {
        let fits = |b: &usize| {
            let blob = blobs.list[*b].rect.area();
            track.kind == FigureKind::Moving || blob < track.rect().area() * MOST_TIMES
        };
        share.alone = group.filter(|&b| members[b] == 1).filter(fits);
    }
    shares
}

/// The middle of a cell, pixels.
fn place(blobs: &Blobs, cell: usize) -> (f32, f32) {
    let (side, columns) = (blobs.grid.cell as f32, blobs.grid.columns());
    ((cell % columns) as f32 * side + side / 2.0, (cell / columns) as f32 * side + side / 2.0)
}

/// Whether a place is nearer to `mine` than to `other`, in their own measures.
fn nearer(mine: Rect, other: Rect, (x, y): (f32, f32)) -> bool {
    let away = |r: Rect| {
        let ((w, h), c) = (extent(r), centre(r));
        ((x - c.0) / w).powi(2) + ((y - c.1) / h).powi(2)
    };
    away(mine) <= away(other)
}
