//! What every cell goes through at every picture, many cells at once: whether it looks as it did, and as the empty place does.
//!
//! The numbers of [`LANES`] cells stand side by side, one row for each of a cell's means, so that the compiler makes one
//! instruction of what is done to eight of them. Everything fits 16 bits with their sign; nothing here branches.

use crate::features::PER_CELL;

/// Cells in one group.
pub(crate) const LANES: usize = 16;

/// Levels of luma by which a mean over about eight pixels must differ at the least: below, compression alone does it.
const LEAST_DEPARTURE: i16 = 9;
/// Levels of one chroma mean, likewise: chroma is coded more coarsely but moves less with light.
const LEAST_CHROMA_DEPARTURE: i16 = 7;
/// A cell departs when it differs by this many times its own usual deviation.
const DEVIATIONS: i16 = 5;
/// Beyond this many levels a difference is one whatever the cell's own noise.
const SURE_DEPARTURE: i16 = 40;
/// Levels times 16; with [`DEVIATIONS`] it reaches [`SURE_DEPARTURE`].
pub(crate) const MOST_DEVIATION: i16 = 7 * 16;

/// One number of each cell.
pub(crate) type Row = [i16; LANES];
/// A flag of each cell.
pub(crate) type Flags = [bool; LANES];
/// The means of one cell, times 16.
pub(crate) type Means = [i16; PER_CELL];

/// Like no picture: no mean is that far.
pub(crate) const NO_MEANS: Means = [2000 * 16; PER_CELL];

/// A group of cells.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    /// How they look, means times 16.
    look: [Row; PER_CELL],
    /// The empty place, likewise, where it is known.
    known: [Row; PER_CELL],
    /// Usual deviation from `known`, levels times 16, of the noisiest luma quarter.
    deviation: Row,
}

/// What a picture did to a group.
pub(crate) struct Seen {
    /// Cells that look otherwise than they did.
    pub(crate) changed: Flags,
    /// Cells that look otherwise than the empty place, where it is known.
    pub(crate) departed: Flags,
    /// Usual deviations that this was judged by.
    pub(crate) deviation: Row,
}

impl Lanes {
    /// Cells that have never been seen.
    pub(crate) const BLANK: Self =
        Self { look: [[NO_MEANS[0]; LANES]; PER_CELL], known: [[0; LANES]; PER_CELL], deviation: [0; LANES] };

    /// Takes a picture in. Cells that look as they did follow it by an eighth of the way; where they look like the empty place,
    /// their usual deviation follows too, if the light is `steady`: what a change of light leaves over is no noise of theirs.
    pub(crate) fn see(&mut self, picture: [&[u8; LANES]; PER_CELL], knows: &Flags, steady: bool) -> Seen {
        let seen: [Row; PER_CELL] = picture.map(|row| row.map(|v| i16::from(v) * 16));
        let (mut changed, mut departed, deviation) = ([false; LANES], [false; LANES], self.deviation);
        for n in 0..LANES {
            let of = |rows: &[Row; PER_CELL]| -> Means { std::array::from_fn(|i| rows[i][n]) };
            let f = of(&seen);
            changed[n] = differs(&of(&self.look), &f, self.deviation[n]);
            departed[n] = knows[n] & differs(&of(&self.known), &f, self.deviation[n]);
        }
        for (look, f) in self.look.iter_mut().zip(&seen) {
            for n in 0..LANES {
                let next = followed(look[n], f[n]);
                look[n] = if changed[n] { look[n] } else { next };
            }
        }
        for n in 0..LANES {
            let by = |i: usize| (self.known[i][n] - seen[i][n]).abs();
            let worst = by(0).max(by(1)).max(by(2).max(by(3))).min(MOST_DEVIATION);
            let next = (self.deviation[n] * 31 + worst) >> 5;
            self.deviation[n] = if steady & knows[n] & !departed[n] { next } else { self.deviation[n] };
        }
        Seen { changed, departed, deviation }
    }

    /// How a cell looks.
    pub(crate) fn look(&self, lane: usize) -> Means {
        std::array::from_fn(|i| self.look[i][lane])
    }

    /// The empty place of a cell, where it is known.
    pub(crate) fn known(&self, lane: usize) -> Means {
        std::array::from_fn(|i| self.known[i][lane])
    }

    /// Changes how a cell looks and what is known of it alike.
    pub(crate) fn change_means(&mut self, lane: usize, change: impl Fn(&mut Means)) {
        for rows in [&mut self.look, &mut self.known] {
            let mut means: Means = std::array::from_fn(|i| rows[i][lane]);
            change(&mut means);
            rows.iter_mut().zip(means).for_each(|(row, mean)| row[lane] = mean);
        }
    }

    /// A cell looks otherwise from now on.
    pub(crate) fn set_look(&mut self, lane: usize, means: &Means) {
        for (row, mean) in self.look.iter_mut().zip(means) {
            row[lane] = *mean;
        }
    }

    /// Takes `share` quarters of how a cell looks into what is known of it.
    pub(crate) fn learn(&mut self, lane: usize, share: Share) {
        for (known, look) in self.known.iter_mut().zip(&self.look) {
            known[lane] = match share {
                Share::Whole => look[lane],
                Share::Quarter => (known[lane] * 3 + look[lane]) >> 2,
            };
        }
    }

    /// A cell that does not rest is given so much more room, levels times 16.
    pub(crate) fn excuse(&mut self, lane: usize, more: i16) {
        self.deviation[lane] = (self.deviation[lane] + more).min(MOST_DEVIATION);
    }
}

/// How much of what is seen is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Quarter,
    Whole,
}

/// A picture's means of one cell, times 16.
pub(crate) fn means(seen: [u8; PER_CELL]) -> Means {
    seen.map(|v| i16::from(v) * 16)
}

/// An eighth of the way to what is seen. [`NO_MEANS`] wraps around here, but is never followed.
pub(crate) fn followed(mean: i16, seen: i16) -> i16 {
    mean.wrapping_mul(7).wrapping_add(seen + 4) >> 3
}

/// Whether a cell looks different from `place`: two luma quarters, or one by far, or the colour. Means are times 16.
pub(crate) fn differs(place: &Means, seen: &Means, deviation: i16) -> bool {
    let usual = (deviation * DEVIATIONS) >> 4;
    let limit = (LEAST_DEPARTURE + usual).min(SURE_DEPARTURE);
    let by = |i: usize| ((place[i] >> 4) - (seen[i] >> 4)).abs();
    let (a, b, c, d) = (by(0), by(1), by(2), by(3));
    let over = i16::from(a > limit) + i16::from(b > limit) + i16::from(c > limit) + i16::from(d > limit);
    let far = a.max(b).max(c.max(d)) > limit * 2;
    let colour = by(4).max(by(5)) > LEAST_CHROMA_DEPARTURE + (usual >> 1);
    (over >= 2) | far | colour
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One cell at a time, in whole numbers, as the words say it.
    struct Plain {
        look: [i32; PER_CELL],
        known: [i32; PER_CELL],
        deviation: i32,
    }

    impl Plain {
        fn differs(&self, place: &[i32; PER_CELL], f: &[u8; PER_CELL]) -> bool {
            let usual = self.deviation * 5 / 16;
            let limit = (9 + usual).min(40);
            let by: Vec<i32> = place.iter().zip(f).map(|(p, f)| (p / 16 - i32::from(*f)).abs()).collect();
            let over = by[..4].iter().filter(|d| **d > limit).count();
            over >= 2 || by[..4].iter().any(|d| *d > 2 * limit) || by[4].max(by[5]) > 7 + usual / 2
        }

        fn see(&mut self, f: &[u8; PER_CELL], knows: bool) -> (bool, bool) {
            let changed = self.differs(&self.look, f);
            let departed = knows && self.differs(&self.known, f);
            if !changed {
                for (look, f) in self.look.iter_mut().zip(f) {
                    *look = (*look * 7 + i32::from(*f) * 16 + 4) / 8;
                }
            }
            if knows && !departed {
                let worst = (0..4).map(|i| (self.known[i] - i32::from(f[i]) * 16).abs()).max().unwrap();
                self.deviation = (self.deviation * 31 + worst.min(112)) / 32;
            }
            (changed, departed)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn many_cells_at_once_go_the_way_of_each_alone(
            pictures in prop::collection::vec((any::<[u8; PER_CELL]>(), 0u8..40, any::<u16>()), 1..40),
        ) {
            let mut lanes = Lanes::BLANK;
            let mut plain: Vec<Plain> = (0..LANES)
                .map(|_| Plain { look: NO_MEANS.map(i32::from), known: [0; PER_CELL], deviation: 0 })
                .collect();
            let mut knows = [false; LANES];
            for (middle, noise, which) in pictures {
                let cell = |n: usize| middle.map(|m| m.saturating_add(((n as u8).wrapping_mul(97) % 7) * noise / 7));
                let rows: [[u8; LANES]; PER_CELL] = std::array::from_fn(|i| std::array::from_fn(|n| cell(n)[i]));
                let seen = lanes.see(rows.each_ref(), &knows, true);
                for (n, plain) in plain.iter_mut().enumerate() {
                    let told = plain.see(&cell(n), knows[n]);
                    prop_assert_eq!((seen.changed[n], seen.departed[n]), told, "cell {}", n);
                    if told.0 {
                        lanes.set_look(n, &means(cell(n)));
                        plain.look = means(cell(n)).map(i32::from);
                        lanes.excuse(n, 4);
                        plain.deviation = (plain.deviation + 4).min(112);
                    } else if which >> n & 1 == 1 {
                        let share = if knows[n] { Share::Quarter } else { Share::Whole };
                        lanes.learn(n, share);
                        for (known, look) in plain.known.iter_mut().zip(plain.look) {
                            *known = if knows[n] { (*known * 3 + look) / 4 } else { look };
                        }
                        knows[n] = true;
                    }
                    prop_assert_eq!(lanes.look(n).map(i32::from), plain.look);
                    prop_assert_eq!(i32::from(lanes.deviation[n]), plain.deviation);
                }
            }
        }
    }
}
