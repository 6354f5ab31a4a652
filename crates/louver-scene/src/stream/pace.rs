//! How often what is said.

use louver_base::{WallSpan, WallTime};

/// A tile is coded for cells that became known no sooner than this after it was coded last: while a place is learned they
/// come one by one. Until then the stream calls them unknown. The pause doubles each time ...
const LEARN_AFTER: WallSpan = WallSpan::from_millis(1000);
/// ... up to this: leaves and crowds are learned and forgotten all day.
const LEARN_AFTER_MOST: WallSpan = WallSpan::from_millis(30_000);
/// For something taken into the backdrop a tile is coded at most so often,
const CHANGE_EVERY: WallSpan = WallSpan::from_millis(2000);
/// ... and for slow changes (light) at most so often.
const REFRESH_EVERY: WallSpan = WallSpan::from_millis(10_000);
/// Cells that go from clear to occupied or back look the same: it is said at most so often. What is hidden is said at once.
pub(super) const CELLS_EVERY: WallSpan = WallSpan::from_millis(1000);
/// Boxes are on a coarse grid, and viewers move them on by their velocity: where the same figures are is said at most so often.
pub(super) const FIGURES_EVERY: WallSpan = WallSpan::from_millis(200);
/// Levels by which the mean of 8x8 pixels must differ for such a refresh: less is not seen beside the other tiles.
const SLOW_CHANGE: u16 = 4;
/// Levels that are no slow change: something was taken into the backdrop.
const CHANGE: u16 = 10;

/// When a tile was coded last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coded {
    at: Option<WallTime>,
    /// How long newly known cells wait for the next time.
    pause: WallSpan,
}

impl Coded {
    pub(super) const NEVER: Self = Self { at: None, pause: LEARN_AFTER };

    fn longer_ago(self, now: WallTime, span: WallSpan) -> bool {
        self.at.is_none_or(|at| past(at, now, span))
    }

    /// Whether newly known cells may be shown now.
    pub(super) fn may_learn(self, now: WallTime) -> bool {
        self.longer_ago(now, self.pause)
    }

    /// Whether it is coded for looking different by so many levels.
    pub(super) fn may_change(self, now: WallTime, levels: u16) -> bool {
        (levels >= SLOW_CHANGE && self.longer_ago(now, REFRESH_EVERY))
            || (levels >= CHANGE && self.longer_ago(now, CHANGE_EVERY))
    }

    /// It was coded now.
    pub(super) fn coded(&mut self, now: WallTime, why: Due) {
        self.at = Some(now);
        if why == Due::Cells {
            self.pause = LEARN_AFTER_MOST.min(WallSpan::from_micros(self.pause.micros() * 2));
        }
    }
}

/// Why a tile is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    No,
    /// Other cells are shown than before.
    Cells,
    /// They look different.
    Pixels,
}

/// Also when the clock went back.
pub(super) fn past(at: WallTime, now: WallTime, span: WallSpan) -> bool {
    now < at || now - at >= span
}
