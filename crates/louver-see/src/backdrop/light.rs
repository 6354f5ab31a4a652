//! The light of a whole picture: a camera's own exposure takes it up and down with each car that passes, within a second or two,
//! and nothing in the place has changed.
//!
//! One gain and one offset for all luma, and one gain for colour, are measured on cells that are known and clear; pictures are
//! compared as they would be in the light of the backdrop. Cells that are covered, occupied or unknown say nothing about the
//! light, and none is believed that does not explain most of the others, goes beyond what a camera does, or comes in one
//! picture: a lamp that is switched is another place until it is learned. While the light is another, nothing is taken into
//! the backdrop, so that a wrong measure shows nothing of anybody; once it rests, what is known is brought into it.

use louver_base::{MediaSpan, MediaTime};
use louver_media::Picture;

use crate::lanes::{Means, NO_MEANS};

/// Levels of luma within which the light counts as unchanged: half of what compression alone may do.
const SAME: i32 = 4;
/// Share of the samples that must be brighter, or darker, than known by more than [`SAME`] for the light to be measured.
const SHIFTED: f32 = 0.4;
/// Levels by which a sample may differ from what the light makes of it: what compression alone may do.
const EXPLAINED: i32 = 9;
/// Share of the samples that a light must explain: a lorry that comes in from one picture to the next is the rest.
const MOST_EXPLAINED: f32 = 0.7;
/// Share of all samples that must be known and clear for anything to be said about the light.
const ENOUGH: f32 = 0.25;
/// Samples at least.
const FEW: usize = 64;
/// Levels that the middle of the picture may go up or down from one picture to the next. Exposure takes five or so at 12
/// pictures a second; a lamp takes thirty.
const JUMP: i32 = 16;
/// Levels that the darker and the brighter half of the place must lie apart for a slope to be drawn between them.
const APART: i32 = 16;
/// Black: a gain is about it.
const BLACK: i32 = 16;
/// 256ths: a place at less than two fifths of its light, or at more than two and a half times, is to be learned anew.
const GAINS: std::ops::RangeInclusive<i32> = 102..=640;
/// Levels of chroma from which a sample has a colour, and how many of them tell of its gain.
const COLOURED: i32 = 8;
const ENOUGH_COLOURED: usize = 32;
/// A light that keeps within [`SAME`] for this long has come to rest: no car stands before a camera for longer that passes.
const RESTS: MediaSpan = MediaSpan::from_millis(5000);
/// What nothing could be measured of for this long is another place.
const LOST: MediaSpan = MediaSpan::from_millis(1500);

/// What the light makes of the known place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tone {
    /// Of luma, 256ths ...
    gain: i32,
    /// ... and what is added to it, levels times 16.
    offset: i32,
    /// Of chroma about grey, 256ths.
    colour: i32,
}

impl Tone {
    /// The light of the backdrop.
    pub(crate) const USUAL: Self = Self { gain: 256, offset: 0, colour: 256 };

    /// How something known looks in this light, levels times 16.
    fn of(self, known: i32) -> i32 {
        ((known * self.gain) >> 8) + self.offset
    }

    /// Number to multiply by, 65 536ths, and number to add, that bring luma, and then chroma, back into the light of the backdrop.
    pub(crate) fn back(self) -> [(i32, i32); 2] {
        let luma = (1 << 24) / self.gain;
        let colour = (1 << 24) / self.colour;
        [(luma, (1 << 15) - self.offset * (luma >> 4)), (colour, (1 << 15) + (128 << 16) - 128 * colour)]
    }

    /// Whether everything between two levels looks the same in both lights.
    fn like(self, other: Self, (low, high): (i32, i32), within: i32) -> bool {
        [low, high].iter().all(|level| (self.of(level * 16) - other.of(level * 16)).abs() <= within * 16)
    }

    /// Brings the means of a cell from the light of the backdrop into this one.
    pub(super) fn light(self, means: &mut Means) {
        if means[0] >= NO_MEANS[0] {
            return;
        }
        for (n, mean) in means.iter_mut().enumerate() {
            let lit = match n {
                0..4 => self.of(i32::from(*mean)),
                _ => 128 * 16 + (((i32::from(*mean) - 128 * 16) * self.colour) >> 8),
            };
            *mean = lit.clamp(0, 255 * 16) as i16;
        }
    }

    /// Brings a picture of the known place into this light.
    pub(super) fn light_picture(self, picture: &mut Picture) {
        let luma: [u8; 256] =
            std::array::from_fn(|v| ((self.of(v as i32 * 16) + 8) >> 4).clamp(0, 255) as u8);
        let chroma: [u8; 256] = std::array::from_fn(|v| {
            (128 + (((v as i32 - 128) * self.colour + 128) >> 8)).clamp(0, 255) as u8
        });
        let map = |plane: &mut [u8], to: &[u8; 256]| plane.iter_mut().for_each(|p| *p = to[usize::from(*p)]);
        map(&mut picture.y, &luma);
        map(&mut picture.u, &chroma);
        map(&mut picture.v, &chroma);
    }
}

/// What a cell that is known and clear tells of the light: luma of a quarter and both chroma means, as known and as seen, levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) luma: (u8, u8),
    pub(super) chroma: [(u8, u8); 2],
}

/// What is to be done about a picture's light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Compare it as it is.
    AsItIs,
    /// Compare it as it would be in the light of the backdrop.
    Back(Tone),
    /// What is known must be brought into this light, which has come to rest; then compare as it is.
    Rested(Tone),
    /// The light is lost: nothing is known any more.
    Lost,
}

/// The light from picture to picture.
#[derive(Clone, Debug)]
pub(super) struct Light {
    tone: Tone,
    measured: MediaTime,
    /// Since when it has been within [`SAME`] of this.
    rests: (MediaTime, Tone),
    pub(super) samples: Vec<Sample>,
}

impl Light {
    pub(super) fn new(now: MediaTime) -> Self {
        Self { tone: Tone::USUAL, measured: now, rests: (now, Tone::USUAL), samples: Vec::new() }
    }

    /// Whether it is another than the backdrop's.
    pub(super) fn is_other(&self) -> bool {
        self.tone != Tone::USUAL
    }

    /// Takes in the next picture's samples, of so many that were looked for.
    pub(super) fn follow(&mut self, looked_for: usize, now: MediaTime) -> Act {
        let enough = self.samples.len() >= FEW && self.samples.len() as f32 >= ENOUGH * looked_for as f32;
        if enough && !self.is_other() && !self.shifted() {
            return Act::AsItIs;
        }
        let measured = if enough { self.measure() } else { None };
        match measured {
            Some((tone, ends)) => {
                self.measured = now;
                self.tone = if tone.like(Tone::USUAL, ends, SAME) { Tone::USUAL } else { tone };
                if !tone.like(self.rests.1, ends, SAME) {
                    self.rests = (now, tone);
                }
            }
            None if self.is_other() && now - self.measured >= LOST => return Act::Lost,
            None => {}
        }
        if !self.is_other() {
            return Act::AsItIs;
        }
        if measured.is_some() && now - self.rests.0 >= RESTS {
            let tone = std::mem::replace(&mut self.tone, Tone::USUAL);
            self.rests = (now, Tone::USUAL);
            return Act::Rested(tone);
        }
        Act::Back(self.tone)
    }

    fn shifted(&self) -> bool {
        let (mut up, mut down) = (0u32, 0u32);
        for Sample { luma: (known, seen), .. } in &self.samples {
            let by = i32::from(*seen) - i32::from(*known);
            up += u32::from(by > SAME);
            down += u32::from(by < -SAME);
        }
        up.max(down) as f32 > SHIFTED * self.samples.len() as f32
    }

    /// The light that explains most of the samples, and the levels between which most of the place lies; none, if none explains
    /// enough or it is too far from the last picture's.
    fn measure(&self) -> Option<(Tone, (i32, i32))> {
        let pairs = || self.samples.iter().map(|s| s.luma);
        let middle = median(pairs().map(|(known, _)| known))?;
        let dark = halves(pairs().filter(|(known, _)| *known <= middle))?;
        let bright = halves(pairs().filter(|(known, _)| *known > middle)).unwrap_or(dark);
        let whole = halves(pairs())?;
        let through = |gain: i32, (known, seen): (i32, i32)| {
            GAINS.contains(&gain).then(|| Tone {
                gain,
                offset: seen * 16 - ((known * 16 * gain) >> 8),
                colour: 256,
            })
        };
        let slope = (bright.0 - dark.0 >= APART).then(|| (bright.1 - dark.1) * 256 / (bright.0 - dark.0));
        let ratio = (whole.1 - BLACK).max(1) * 256 / (whole.0 - BLACK).max(1);
        let between = ((bright.0 + dark.0) / 2, (bright.1 + dark.1) / 2);
        let tones = [slope.and_then(|gain| through(gain, between)), through(ratio, whole)];
        let (explained, tone) =
            tones.into_iter().flatten().map(|t| (self.explained(t), t)).max_by_key(|(n, _)| *n)?;
        let known = i32::from(middle) * 16;
        let near = (tone.of(known) - self.tone.of(known)).abs() <= JUMP * 16;
        (near && explained as f32 >= MOST_EXPLAINED * self.samples.len() as f32)
            .then(|| (Tone { colour: self.colour(), ..tone }, (dark.0, bright.0)))
    }

    /// How many samples look, in the light of the backdrop, as they are known.
    fn explained(&self, tone: Tone) -> usize {
        let [(by, add), _] = tone.back();
        let explains = |s: &&Sample| {
            let back = (i32::from(s.luma.1) * by + add) >> 16;
            (back - i32::from(s.luma.0)).abs() <= EXPLAINED
        };
        self.samples.iter().filter(explains).count()
    }

    fn colour(&self) -> i32 {
        let coloured = self.samples.iter().flat_map(|s| s.chroma).filter_map(|(known, seen)| {
            let (known, seen) = (i32::from(known) - 128, i32::from(seen) - 128);
            // 64ths; what has turned into its opposite has lost its colour.
            (known.abs() >= COLOURED).then(|| (seen * known.signum() * 64 / known.abs()).clamp(0, 255) as u8)
        });
        let (count, gain) = (coloured.clone().count(), median(coloured));
        let gain = gain.filter(|_| count >= ENOUGH_COLOURED).map_or(256, |g| i32::from(g) * 4);
        gain.clamp(*GAINS.start(), *GAINS.end())
    }
}

/// The middle one of the known levels, and of the seen ones: of a light that keeps their order, one is what the other became.
fn halves(pairs: impl Iterator<Item = (u8, u8)> + Clone) -> Option<(i32, i32)> {
    let (known, seen) = (median(pairs.clone().map(|p| p.0))?, median(pairs.map(|p| p.1))?);
    Some((i32::from(known), i32::from(seen)))
}

fn median(values: impl Iterator<Item = u8>) -> Option<u8> {
    let (mut counts, mut all) = ([0u32; 256], 0u32);
    for value in values {
        counts[usize::from(value)] += 1;
        all += 1;
    }
    let mut below = 0;
    (0..=u8::MAX).zip(counts).find_map(|(value, count)| {
        below += count;
        (below * 2 >= all.max(1)).then_some(value)
    })
}

#[cfg(test)]
mod tests;
