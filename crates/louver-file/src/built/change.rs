//! What happens to a whole picture: light, view, night.

use louver_media::{Picture, PictureSize};

/// The same in another light: luma above black, and chroma, times `gain`.
pub(super) fn lit(picture: &Picture, gain: f32) -> Picture {
    let table = |black: f32, low: f32, high: f32| -> Vec<u8> {
        (0..=255u8).map(|n| ((f32::from(n) - black) * gain + black).round().clamp(low, high) as u8).collect()
    };
    let (luma, chroma) = (table(16.0, 16.0, 235.0), table(128.0, 16.0, 240.0));
    let map = |plane: &[u8], table: &[u8]| plane.iter().map(|n| table[usize::from(*n)]).collect();
    Picture {
        size: picture.size,
        y: map(&picture.y, &luma),
        u: map(&picture.u, &chroma),
        v: map(&picture.v, &chroma),
    }
}

/// The part of a picture of `size` that begins `left` pixels from its left edge: another view of the same place.
pub(super) fn view(picture: &Picture, left: usize, size: PictureSize) -> Picture {
    let plane = |from: &[u8], half: usize| -> Vec<u8> {
        let (w, h) = (size.width() / half, size.height() / half);
        from.chunks_exact(picture.size.width() / half)
            .take(h)
            .flat_map(|row| &row[left / half..left / half + w])
            .copied()
            .collect()
    };
    Picture { size, y: plane(&picture.y, 1), u: plane(&picture.u, 2), v: plane(&picture.v, 2) }
}

/// Noise of a sensor, the same each time.
#[derive(Debug)]
pub(crate) struct Noise {
    /// About normal, of deviation 1, times 32.
    table: Vec<i8>,
    dice: Dice,
}

impl Noise {
    pub(crate) fn new() -> Self {
        let mut dice = Dice::new(1);
        // The sum of twelve even numbers from 0 to 1, less 6, is nearly normal.
        let normal = |dice: &mut Dice| (0..12).map(|_| dice.next()).sum::<f64>() - 6.0;
        let table = (0..1 << 16).map(|_| (normal(&mut dice) * 32.0).clamp(-127.0, 127.0) as i8).collect();
        Self { table, dice }
    }

    /// Adds noise of `sigma` levels to luma and half as much to chroma.
    pub(crate) fn add(&mut self, picture: &mut Picture, sigma: f32) {
        for (plane, sigma) in
            [(&mut picture.y, sigma), (&mut picture.u, sigma / 2.0), (&mut picture.v, sigma / 2.0)]
        {
            let levels = (sigma * 8.0).round() as i32;
            for part in plane.chunks_mut(4096) {
                let from = (self.dice.next() * (self.table.len() - 4096) as f64) as usize;
                for (pixel, noise) in part.iter_mut().zip(&self.table[from..]) {
                    *pixel =
                        (i32::from(*pixel) + ((i32::from(*noise) * levels + 128) >> 8)).clamp(16, 240) as u8;
                }
            }
        }
    }
}

/// Random numbers that are the same each time (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 to 1, without 1.
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_deviation_that_was_asked_for() {
        let size = PictureSize::new(320, 240).unwrap();
        let mut picture = Picture::flat(size, 128, 128, 128);
        Noise::new().add(&mut picture, 12.0);
        let square = |plane: &[u8]| {
            plane.iter().map(|y| (f64::from(*y) - 128.0).powi(2)).sum::<f64>() / plane.len() as f64
        };
        assert!((square(&picture.y).sqrt() - 12.0).abs() < 0.6, "{}", square(&picture.y).sqrt());
        assert!((square(&picture.u).sqrt() - 6.0).abs() < 0.4, "{}", square(&picture.u).sqrt());
    }

    #[test]
    fn light_changes_about_black_and_grey_and_a_view_keeps_its_pixels() {
        let size = PictureSize::new(8, 4).unwrap();
        let mut picture = Picture::flat(size, 116, 108, 168);
        picture.y[5] = 16;
        let brighter = lit(&picture, 1.4);
        assert_eq!((brighter.y[0], brighter.y[5], brighter.u[0], brighter.v[0]), (156, 16, 100, 184));
        let part = view(&picture, 4, PictureSize::new(4, 4).unwrap());
        assert_eq!((part.y[0], part.y[1], part.y.len(), part.u.len()), (116, 16, 16, 4));
    }
}
