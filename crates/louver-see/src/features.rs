//! A picture as the few numbers that analysis works on.

use louver_media::Picture;
use louver_scene::Grid;

use crate::backdrop::Tone;
use crate::lanes::LANES;

/// Numbers a cell: four luma means (2x2) and two chroma means.
pub(crate) const PER_CELL: usize = 6;

/// Means of one picture, cells row by row: luma of the upper left, upper right, lower left and lower right quarter, then Cb,
/// Cr; each number in a row of its own, which is filled up to whole groups of [`LANES`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Features {
    rows: [Vec<u8>; PER_CELL],
    lines: Lines,
}

/// Memory of the work on one row of cells, kept between pictures.
#[derive(Clone, Debug, Default)]
struct Lines {
    /// Sums of columns of pixels.
    sums: Vec<u16>,
    /// Means of the quarters (luma, two a cell) or of the cells (chroma) of a row.
    means: Vec<u8>,
}

impl Features {
    /// The numbers of each group of cells.
    pub(crate) fn groups(&self) -> impl Iterator<Item = [&[u8; LANES]; PER_CELL]> {
        let [a, b, c, d, e, f] = self.rows.each_ref().map(|row| row.as_chunks::<LANES>().0.iter());
        let luma = a.zip(b).zip(c.zip(d));
        luma.zip(e.zip(f)).map(|(((a, b), (c, d)), (e, f))| [a, b, c, d, e, f])
    }

    /// The numbers of a cell.
    pub(crate) fn cell(&self, n: usize) -> [u8; PER_CELL] {
        self.rows.each_ref().map(|row| row[n])
    }

    /// Luma of the upper left quarter of each cell.
    pub(crate) fn upper_left(&self) -> &[u8] {
        &self.rows[0]
    }

    /// Brings the means from a light back into that of the backdrop.
    pub(crate) fn bring_back(&mut self, light: Tone) {
        let [luma, chroma] = light.back();
        for (n, row) in self.rows.iter_mut().enumerate() {
            let (by, add) = if n < 4 { luma } else { chroma };
            for mean in row {
                *mean = ((i32::from(*mean) * by + add) >> 16).clamp(0, 255) as u8;
            }
        }
    }

    /// Computes the means; reuses the memory of an earlier picture.
    pub(crate) fn compute(&mut self, picture: &Picture, grid: Grid) {
        let (columns, half) = (grid.columns(), grid.cell / 2);
        let (width, height) = (picture.size.width(), picture.size.height());
        let Lines { sums, means } = &mut self.lines;
        for row in &mut self.rows {
            row.resize(grid.len().next_multiple_of(LANES), 0);
        }
        let [upper_left, upper_right, lower_left, lower_right, cb, cr] = &mut self.rows;
        for row in 0..grid.rows() {
            let (top, at) = (row * grid.cell, row * columns);
            let (middle, bottom) = ((top + half).min(height), (top + grid.cell).min(height));
            // No cell of this row is cut off by an edge, as in sub streams of 320 and of 640 pixels.
            let whole = bottom == top + grid.cell && width == columns * grid.cell;
            for (left, right, from, to) in [
                (&mut *upper_left, &mut *upper_right, top, middle),
                (&mut *lower_left, &mut *lower_right, middle, bottom),
            ] {
                let (left, right) = (&mut left[at..][..columns], &mut right[at..][..columns]);
                let lines = &picture.y[from * width..to * width];
                match half {
                    1 if whole => {
                        halves_of_one(lines, left, right);
                        continue;
                    }
                    2 if whole => {
                        halves_of_two(lines, left, right);
                        continue;
                    }
                    _ => {}
                }
                if from < to {
                    block_means(lines, width, half, sums, means);
                    // A quarter beyond the picture's edge takes the value of its neighbour, so that it never departs alone.
                    means.resize(columns * 2, means.last().copied().unwrap_or(0));
                }
                // ... and where a whole line of them lies beyond it, `means` still holds the line above.
                for ((left, right), pair) in left.iter_mut().zip(right).zip(means.as_chunks::<2>().0) {
                    [*left, *right] = *pair;
                }
            }
            for (plane, to) in [(&picture.u, &mut *cb), (&picture.v, &mut *cr)] {
                let (lines, to) =
                    (&plane[top / 2 * (width / 2)..bottom / 2 * (width / 2)], &mut to[at..][..columns]);
                match half {
                    1 if whole => {
                        to.copy_from_slice(lines);
                        continue;
                    }
                    2 if whole => {
                        blocks_of_two(lines, to);
                        continue;
                    }
                    _ => {}
                }
                block_means(lines, width / 2, half, sums, means);
                to.copy_from_slice(means);
            }
        }
    }
}

/// The two halves, each of one pixel, of cells on a line.
fn halves_of_one(line: &[u8], left: &mut [u8], right: &mut [u8]) {
    for ((left, right), pair) in left.iter_mut().zip(right).zip(line.as_chunks::<2>().0) {
        let pair = u16::from_le_bytes(*pair);
        (*left, *right) = (pair as u8, (pair >> 8) as u8);
    }
}

/// Means of the two halves, each of 2x2 pixels, of cells on two lines. Four pixels are one word, so that nothing is moved from
/// one lane to another before the means are there.
fn halves_of_two(lines: &[u8], left: &mut [u8], right: &mut [u8]) {
    let (upper, lower) = lines.split_at(lines.len() / 2);
    let (upper, lower) = (upper.as_chunks::<4>().0, lower.as_chunks::<4>().0);
    for (((left, right), upper), lower) in left.iter_mut().zip(right).zip(upper).zip(lower) {
        let pairs = |four: &[u8; 4]| {
            let four = u32::from_le_bytes(*four);
            (four & 0x00ff_00ff) + (four >> 8 & 0x00ff_00ff)
        };
        let sums = pairs(upper) + pairs(lower);
        (*left, *right) = ((sums >> 2) as u8, (sums >> 18) as u8);
    }
}

/// Means of blocks of 2x2 pixels on two lines.
fn blocks_of_two(lines: &[u8], means: &mut [u8]) {
    let (upper, lower) = lines.split_at(lines.len() / 2);
    let (upper, lower) = (upper.as_chunks::<2>().0, lower.as_chunks::<2>().0);
    for ((mean, upper), lower) in means.iter_mut().zip(upper).zip(lower) {
        let pair = |two: &[u8; 2]| {
            let two = u16::from_le_bytes(*two);
            (two & 0xff) + (two >> 8)
        };
        *mean = ((pair(upper) + pair(lower)) >> 2) as u8;
    }
}

/// Means of blocks of `side` pixels' width over all of `lines` (at most `side` lines of `width` pixels); the last block may
/// be narrower.
fn block_means(lines: &[u8], width: usize, side: usize, sums: &mut Vec<u16>, means: &mut Vec<u8>) {
    means.clear();
    if lines.len() == side * width {
        // The usual sides with their number known to the compiler: it then needs no division and works on many at once.
        match side {
            1 => return means.extend_from_slice(lines),
            2 => return whole_blocks::<2>(lines, width, sums, means),
            3 => return whole_blocks::<3>(lines, width, sums, means),
            4 => return whole_blocks::<4>(lines, width, sums, means),
            5 => return whole_blocks::<5>(lines, width, sums, means),
            6 => return whole_blocks::<6>(lines, width, sums, means),
            _ => {}
        }
    }
    add_lines(lines, width, sums);
    cut_blocks(sums, lines.len() / width, side, means);
}

fn whole_blocks<const SIDE: usize>(lines: &[u8], width: usize, sums: &mut Vec<u16>, means: &mut Vec<u8>) {
    add_lines(lines, width, sums);
    let (blocks, rest) = sums.as_chunks::<SIDE>();
    // 36 pixels at most: their sum fits 16 bits.
    means.extend(blocks.iter().map(|b| (b.iter().sum::<u16>() / (SIDE * SIDE) as u16) as u8));
    cut_blocks(rest, SIDE, SIDE, means);
}

fn cut_blocks(sums: &[u16], lines: usize, side: usize, means: &mut Vec<u8>) {
    means.extend(sums.chunks(side).filter(|_| lines > 0).map(|block| {
        let sum: u32 = block.iter().map(|&s| u32::from(s)).sum();
        (sum / (block.len() * lines) as u32) as u8
    }));
}

/// Sums of the columns. No cell is higher than 52 pixels (the largest picture has 160 cells across), so 16 bits suffice.
fn add_lines(lines: &[u8], width: usize, sums: &mut Vec<u16>) {
    sums.clear();
    let mut lines = lines.chunks_exact(width);
    match (lines.next(), lines.next()) {
        (Some(first), Some(second)) => {
            sums.extend(first.iter().zip(second).map(|(&a, &b)| u16::from(a) + u16::from(b)));
        }
        (Some(only), None) => sums.extend(only.iter().map(|&p| u16::from(p))),
        (None, _) => {}
    }
    for line in lines {
        for (sum, &pixel) in sums.iter_mut().zip(line) {
            *sum += u16::from(pixel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use louver_media::PictureSize;
    use proptest::prelude::*;

    #[test]
    fn means_are_those_of_the_pixels_also_at_cut_edges() {
        // 646 pixels are 107 cells of 6 and a rest of 4.
        let size = PictureSize::new(646, 362).unwrap();
        let mut p = Picture::flat(size, 0, 90, 200);
        for (n, y) in p.y.iter_mut().enumerate() {
            *y = (n % 646 / 6) as u8;
        }
        let grid = Grid::of(size);
        assert_eq!(grid.cell, 6);
        let mut f = Features::default();
        f.compute(&p, grid);
        for n in 0..grid.len() {
            let column = (n % grid.columns()) as u8;
            assert_eq!(f.cell(n), [column, column, column, column, 90, 200], "cell {n}");
        }
    }

    /// Mean of the pixels of a rectangle that lie in the plane; `None` where none does.
    fn mean(plane: &[u8], (w, h): (usize, usize), (x, y): (usize, usize), side: usize) -> Option<u8> {
        let (mut sum, mut n) = (0u32, 0);
        for y in y..(y + side).min(h) {
            for x in x..(x + side).min(w) {
                sum += u32::from(plane[y * w + x]);
                n += 1;
            }
        }
        (n > 0).then(|| (sum / n) as u8)
    }

    #[test]
    fn a_half_beyond_the_lower_edge_takes_the_value_of_the_one_above() {
        let size = PictureSize::new(8, 6).unwrap();
        let mut p = Picture::flat(size, 0, 90, 200);
        p.y.iter_mut().enumerate().for_each(|(n, y)| *y = 10 * (n / 16) as u8);
        let mut f = Features::default();
        f.compute(&p, Grid { picture: size, cell: 4 });
        assert_eq!((f.cell(0), f.cell(2)), ([0, 0, 10, 10, 90, 200], [20, 20, 20, 20, 90, 200]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn each_number_is_the_mean_of_its_pixels_whatever_the_size_and_cell(
            width in 2u32..90, height in 2u32..90, cell in 1usize..10, seed in any::<u32>(),
        ) {
            let size = PictureSize::new(width, height).unwrap();
            let grid = Grid { picture: size, cell: cell * 2 };
            let mut noise = seed;
            let mut p = Picture::flat(size, 0, 0, 0);
            for byte in p.y.iter_mut().chain(&mut p.u).chain(&mut p.v) {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (noise >> 24) as u8;
            }
            let mut f = Features::default();
            f.compute(&p, grid);
            let (w, h) = (size.width(), size.height());
            for n in 0..grid.len() {
                let (x, y) = (n % grid.columns() * grid.cell, n / grid.columns() * grid.cell);
                let quarter = |right: usize, down: usize| mean(&p.y, (w, h), (x + right * cell, y + down * cell), cell);
                let first = quarter(0, 0).unwrap();
                let (right, down) = (quarter(1, 0).unwrap_or(first), quarter(0, 1).unwrap_or(first));
                let last = quarter(1, 1).unwrap_or(if quarter(1, 0).is_none() { down } else { right });
                let chroma = |plane| mean(plane, (w / 2, h / 2), (x / 2, y / 2), cell).unwrap();
                prop_assert_eq!(f.cell(n), [first, right, down, last, chroma(&p.u), chroma(&p.v)], "cell {}", n);
            }
        }
    }
}
