//! A picture as the few numbers that analysis works on.

use louver_media::Picture;
use louver_scene::Grid;

/// Numbers a cell: four luma means (2x2) and two chroma means.
pub(crate) const PER_CELL: usize = 6;

/// Means of one picture, [`PER_CELL`] a cell, row by row: luma of the upper left, upper right, lower left and lower right
/// quarter, then Cb, Cr.
#[derive(Clone, Debug, Default)]
pub(crate) struct Features(pub(crate) Vec<[u8; PER_CELL]>);

impl Features {
    /// Computes the means; reuses the memory of an earlier picture.
    pub(crate) fn compute(&mut self, picture: &Picture, grid: Grid) {
        let (columns, half) = (grid.columns(), grid.cell / 2);
        let (width, height) = (picture.size.width(), picture.size.height());
        self.0.clear();
        self.0.resize(grid.len(), [0; PER_CELL]);
        let mut sums = vec![[0u32; PER_CELL]; columns];
        for row in 0..grid.rows() {
            sums.fill([0; PER_CELL]);
            for part in 0..2 {
                let top = row * grid.cell + part * half;
                for y in top..(top + half).min(height) {
                    let line = &picture.y[y * width..][..width];
                    for (sum, pixels) in sums.iter_mut().zip(line.chunks(grid.cell)) {
                        let cut = half.min(pixels.len());
                        sum[part * 2] += total(&pixels[..cut]);
                        sum[part * 2 + 1] += total(&pixels[cut..]);
                    }
                }
            }
            let (c_width, c_top) = (width / 2, row * half);
            for y in c_top..(c_top + half).min(height / 2) {
                for (plane, at) in [(&picture.u, 4), (&picture.v, 5)] {
                    let line = &plane[y * c_width..][..c_width];
                    for (sum, pixels) in sums.iter_mut().zip(line.chunks(half)) {
                        sum[at] += total(pixels);
                    }
                }
            }
            self.average(row, grid, &sums);
        }
    }

    fn average(&mut self, row: usize, grid: Grid, sums: &[[u32; PER_CELL]]) {
        let (columns, half) = (grid.columns(), grid.cell / 2);
        let size = grid.picture;
        let rows_of = |from: usize, most: usize| half.min(most.saturating_sub(from));
        for (column, sum) in sums.iter().enumerate() {
            let out = &mut self.0[row * columns + column];
            let (x, y) = (column * grid.cell, row * grid.cell);
            for part in 0..4 {
                let w = rows_of(x + (part % 2) * half, size.width());
                let h = rows_of(y + (part / 2) * half, size.height());
                // A quarter beyond the picture's edge takes the value of its neighbour, so that it never departs alone.
                out[part] = match w * h {
                    0 if part > 0 => out[part & !(if w == 0 { 1 } else { 2 })],
                    0 => 0,
                    n => (sum[part] / n as u32) as u8,
                };
            }
            let n = rows_of(x / 2, size.width() / 2) * rows_of(y / 2, size.height() / 2);
            for at in 4..6 {
                out[at] = if n == 0 { 128 } else { (sum[at] / n as u32) as u8 };
            }
        }
    }
}

fn total(pixels: &[u8]) -> u32 {
    pixels.iter().map(|&p| u32::from(p)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use louver_media::PictureSize;

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
        for (n, cell) in f.0.iter().enumerate() {
            let column = (n % grid.columns()) as u8;
            assert_eq!(*cell, [column, column, column, column, 90, 200], "cell {n}");
        }
    }
}
