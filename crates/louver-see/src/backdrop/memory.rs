//! What is remembered of one cell, and what of it speaks for the empty place.

use louver_base::MediaTime;

use crate::gaze::WHOLE_WORTH;
use crate::lanes::{Means, NO_MEANS};

/// What was seen for this long in all, milliseconds, is remembered while something else passes in front of it; for less, forgotten.
pub(super) const WORTH_KEEPING: u32 = 1000;
/// For a lasting change doubts count so many times as much: found in more than every twenty-first sweep, it stays masked.
pub(super) const ABSORB_DOUBTS: u32 = 5;
/// How often a cell must have gone back and forth between two looks for the second to be the place's too (leaves, a
/// flag, a flickering lamp) ...
const SWAYS: u16 = 8;
/// ... and for how long, in all, it must have been seen, milliseconds. Nothing of it is ever shown.
const SWAY_SHOWN: u32 = 10_000;
/// ... and how many sweeps must have seen nobody meanwhile, besides those that doubts ask for.
const SWAY_SWEEPS: u32 = 10;

/// One way that a cell looks, and what speaks for its being the empty place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) means: Means,
    pub(super) tally: Tally,
}

/// What is found out about one way that a cell looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    /// For how long in all it looked like this, milliseconds.
    pub(super) shown: u32,
    /// Detector sweeps that saw nobody here while it looked like this, by what they are worth ([`WHOLE_WORTH`] a sweep).
    pub(super) empty: u32,
    /// How many more must see nobody, for those that saw somebody.
    pub(super) doubt: u32,
    /// Close ones in a row that saw nobody.
    pub(super) close: u16,
    /// How often it came back.
    pub(super) returns: u16,
}

impl Tally {
    /// Of something new.
    pub(super) const NONE: Self = Self { shown: 0, empty: 0, doubt: 0, close: 0, returns: 0 };

    /// Whether the empty place is known to look so now and then, though this is not how it is shown.
    pub(super) fn sways(&self) -> bool {
        self.returns >= SWAYS && self.shown >= SWAY_SHOWN && self.swept(SWAY_SWEEPS, ABSORB_DOUBTS)
    }

    /// Whether the detector has cleared it: `least` empty sweeps, and `times` as many as there are doubts.
    pub(super) fn swept(&self, least: u32, times: u32) -> bool {
        self.empty >= least.saturating_add(self.doubt.saturating_mul(times)).saturating_mul(WHOLE_WORTH)
    }
}

/// One cell's memory, but for what is compared at every picture: that stands in [`Lanes`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// Of how it looks now; `shown` less the time since `counted`.
    pub(super) tally: Tally,
    /// How it looked before something came in front of it: where people pass all day, the place is seen between them, and
    /// what was found out about it must not be lost with each. What is found out about those who pass is no word
    /// against the place.
    pub(super) other: Look,
    /// Since when it looks as it does.
    pub(super) still_since: MediaTime,
    /// The clock of looking at the time up to which `tally` has counted.
    pub(super) counted: u64,
    /// When it was last covered.
    pub(super) covered: Option<MediaTime>,
    /// Since when an occupied cell has matched the empty place.
    pub(super) matches_since: Option<MediaTime>,
    /// How often the backdrop was refreshed here since it was taken in, up to what still makes a difference.
    pub(super) refreshed: u8,
}

impl Memory {
    pub(super) const fn blank(now: MediaTime) -> Self {
        Self {
            tally: Tally::NONE,
            other: Look { means: NO_MEANS, tally: Tally::NONE },
            still_since: now,
            counted: 0,
            covered: None,
            matches_since: None,
            refreshed: 0,
        }
    }

    /// What is found out about how it looks now, up to `clock`.
    pub(super) fn tally(&self, clock: u64) -> Tally {
        let since = u32::try_from(clock - self.counted).unwrap_or(u32::MAX);
        Tally { shown: self.tally.shown.saturating_add(since), ..self.tally }
    }
}
