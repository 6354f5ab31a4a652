//! Departed cells that hang together.

use louver_scene::{Grid, Rect};

/// A connected group of departed cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blob {
    /// Bounding box in pixels.
    pub(crate) rect: Rect,
    /// Departed cells in it.
    pub(crate) cells: usize,
    /// Mean place of its cells, pixels.
    pub(crate) centre: (f32, f32),
}

/// The groups of one picture, and which cell belongs to which.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    pub(crate) grid: Grid,
    /// In reading order.
    pub(crate) list: Vec<Blob>,
    /// One a cell: [`NOTHING`] where nothing departed, [`LOOSE`] where too little did, else a place in `list`.
    pub(crate) labels: Vec<u16>,
}

/// A cell that looks as the empty place does, or of which nothing is known.
pub(crate) const NOTHING: u16 = u16::MAX;
/// A cell that looks different, in too small a group to be looked at.
pub(crate) const LOOSE: u16 = u16::MAX - 1;

/// Cells apart at which two departed cells still belong together: a belt of the background's colour cuts a person in two.
const REACH: usize = 2;

/// Finds the groups of at least `least` departed cells, at most [`MOST`] of them, in reading order.
pub(crate) fn find(grid: Grid, departed: &[bool], least: usize) -> Blobs {
    let (columns, rows) = (grid.columns(), grid.rows());
    let mut open = departed.to_vec();
    let mut labels: Vec<u16> = departed.iter().map(|d| if *d { LOOSE } else { NOTHING }).collect();
    let mut members = Vec::new();
    let mut blobs = Vec::new();
    let mut todo = Vec::new();
    let mut from = 0;
    while let Some(start) = next(&open, from).filter(|_| blobs.len() < MOST) {
        from = start;
        open[start] = false;
        todo.push(start);
        members.clear();
        let (mut left, mut right, mut top, mut bottom) = (columns, 0, rows, 0);
        let (mut cells, mut x_sum, mut y_sum) = (0usize, 0usize, 0usize);
        while let Some(n) = todo.pop() {
            let (x, y) = (n % columns, n / columns);
            (left, right, top, bottom) = (left.min(x), right.max(x + 1), top.min(y), bottom.max(y + 1));
            cells += 1;
            members.push(n);
            x_sum += x;
            y_sum += y;
            let (near, far) = (x.saturating_sub(REACH), (x + REACH + 1).min(columns));
            for row in y.saturating_sub(REACH)..(y + REACH + 1).min(rows) {
                let first = row * columns + near;
                for (n, open) in open[first..first + far - near].iter_mut().enumerate() {
                    if std::mem::take(open) {
                        todo.push(first + n);
                    }
                }
            }
        }
        if cells >= least {
            let cell = grid.cell as i32;
            let rect = Rect {
                left: left as i32 * cell,
                top: top as i32 * cell,
                right: right as i32 * cell,
                bottom: bottom as i32 * cell,
            };
            let mean = |sum: usize| (sum as f32 / cells as f32 + 0.5) * grid.cell as f32;
            members.iter().for_each(|&n| labels[n] = blobs.len() as u16);
            blobs.push(Blob { rect, cells, centre: (mean(x_sum), mean(y_sum)) });
        }
    }
    Blobs { grid, list: blobs, labels }
}

/// The next cell that is open. Most are not: sixteen are looked at at once.
fn next(open: &[bool], from: usize) -> Option<usize> {
    let (chunks, rest) = open.get(from..)?.as_chunks::<16>();
    let skipped = chunks.iter().take_while(|chunk| **chunk == [false; 16]).count() * 16;
    let chunk = chunks.get(skipped / 16).map_or(rest, |chunk| chunk.as_slice());
    chunk.iter().position(|open| *open).map(|n| from + skipped + n)
}

/// Groups looked at in one picture at most: in a picture that falls apart into more, everything is masked anyway.
const MOST: usize = 256;
