//! Whether a camera's sizes tell anything, and what its owner could change.

use louver_base::MediaSpan;

use super::sizes::Sizes;
use louver_media::Outside;

/// Key frames further apart are too far: somebody whom sizes miss is found at the next one.
pub(crate) const KEY_SPAN_MOST: MediaSpan = MediaSpan::from_millis(12_500);
/// Above this share of a key frame, a picture in which nothing happens costs so much only because the camera fills up a
/// constant rate with noise: then a passer-by takes bytes from the noise, and the size stays. Measured on x264: 3 to 8 %
/// at constant quality and variable rate, noise at night included, 20 % at a constant rate.
const FILLED_UP: f32 = 0.14;
/// Share of padding that says the same outright.
const PADDED: f64 = 0.02;
/// Chance must move sizes by no more than so many macroblocks of a key frame are worth. A person a quarter as high as the
/// picture covers about twenty; of each, a quarter to a half of a key frame's bytes is sent again when he moves.
const CHANCE_MOST: f32 = 6.0;

/// The middle half of the sizes lies within this share of the usual one when a rate is held: 4 % on x264.
const EVEN: f32 = 0.10;

/// What a camera's stream is to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Habit {
    /// Nothing stands against leaving out what is quiet.
    Good,
    /// The camera pads its pictures to a constant bit rate. Behind the padding sizes tell all the same.
    Padded,
    /// The camera fills up a constant bit rate with quality.
    ConstantRate,
    /// The picture is so noisy that sizes do not tell who passes.
    Noisy,
    /// Key frames are too far apart: a smart codec, or a long interval.
    LongGroups,
}

impl Habit {
    /// Whether sizes tell what happens, so that quiet pictures can be left out.
    pub const fn tells(self) -> bool {
        matches!(self, Self::Good | Self::Padded)
    }

    /// What is so, in words for the page and for `louver doctor`.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Good => {
                "the sizes of its pictures tell when something happens, so quiet pictures are left out"
            }
            Self::Padded => {
                "the camera pads its pictures to a constant bit rate: quiet ones are left out all the same, but the padding is \
                 sent and kept"
            }
            Self::ConstantRate => {
                "the camera fills up a constant bit rate even when nothing happens, so it is decoded all the time"
            }
            Self::Noisy => {
                "the picture is so noisy that the sizes of its pictures do not tell when somebody passes, so it is decoded \
                 all the time"
            }
            Self::LongGroups => {
                "key frames are more than 12 s apart (a smart codec or a long interval), so it is decoded all the time"
            }
        }
    }

    /// What to change in the camera's settings; empty if nothing.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Good => "",
            Self::Padded | Self::ConstantRate => {
                "set the sub stream's bit rate type from constant (CBR) to variable (VBR), with a medium quality"
            }
            Self::Noisy => {
                "set the camera's noise reduction (3D NR) higher, give it more light, or lower the sub stream's quality a step"
            }
            Self::LongGroups => {
                "switch the sub stream's smart codec (H.264+, Zipstream with dynamic GOP, Smart Coding) off and set its \
                 I-frame interval to 2 to 4 s"
            }
        }
    }

    /// One word for scripts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Padded => "padded",
            Self::ConstantRate => "constant-rate",
            Self::Noisy => "noisy",
            Self::LongGroups => "long-groups",
        }
    }
}

/// Judges what is known; `macroblocks` is the number of 16x16 blocks in a picture, `key_span` the usual time from one key
/// frame to the next. `None` as long as too little is known.
pub(crate) fn judge(sizes: &Sizes, macroblocks: f32, key_span: Option<MediaSpan>) -> Option<Habit> {
    if key_span.is_some_and(|s| s > KEY_SPAN_MOST) {
        return Some(Habit::LongGroups);
    }
    let (usual, sigma) = sizes.between()?;
    Some(if usual > FILLED_UP * sizes.key() {
        Habit::ConstantRate
    } else if sigma * macroblocks > CHANCE_MOST * sizes.key() {
        Habit::Noisy
    } else if sizes.padded() > PADDED {
        Habit::Padded
    } else {
        Habit::Good
    })
}

/// What a few seconds of a stream tell already, for a look at a camera: only what is beyond doubt.
pub(crate) fn at_a_glance(units: &[Outside], watched: MediaSpan) -> Option<Habit> {
    let keys: Vec<usize> = units.iter().enumerate().filter(|(_, u)| u.key).map(|(n, _)| n).collect();
    if keys.len() < 2 && watched > KEY_SPAN_MOST {
        return Some(Habit::LongGroups);
    }
    let sum = |of: fn(&Outside) -> u32| units.iter().map(|u| f64::from(of(u))).sum::<f64>();
    let (padding, slices) = (sum(|u| u.padding), sum(|u| u.slices));
    if padding > PADDED * (padding + slices) {
        return Some(Habit::Padded);
    }
    let key = units.iter().filter(|u| u.key).map(|u| u.slices).max()? as f32;
    // The first pictures behind a key frame are smaller whatever the rate control.
    let late = |n: usize| keys.iter().rfind(|k| **k <= n).is_some_and(|k| n - k > 4);
    let between = units.iter().enumerate().filter(|(n, u)| !u.droppable && late(*n));
    let mut sizes: Vec<f32> = between.map(|(_, u)| u.slices as f32).collect();
    if sizes.len() < 10 {
        return None;
    }
    sizes.sort_by(f32::total_cmp);
    let (low, usual, high) = (sizes[sizes.len() / 4], sizes[sizes.len() / 2], sizes[sizes.len() * 3 / 4]);
    // Movement makes sizes large as well, but never so even.
    (usual > FILLED_UP * key && high - low < EVEN * usual).then_some(Habit::ConstantRate)
}
