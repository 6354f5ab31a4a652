//! Shares: how many of how many.

use schemars::JsonSchema;
use serde::Serialize;

/// A share with what it was taken of.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Percent.
    pub percent: f64,
}

impl Share {
    pub(crate) fn add(&mut self, counts: bool) {
        self.count += u64::from(counts);
        self.of += 1;
    }

    pub(crate) fn done(mut self) -> Self {
        self.percent = if self.of == 0 { 0.0 } else { 100.0 * self.count as f64 / self.of as f64 };
        self
    }
}

/// Leaks of one way of drawing.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Leaks {
    /// Person-frames where more than 10 % of the head zone (top 18 % by middle 50 % of the box) leaks.
    pub head: Share,
    /// Person-frames where more than 25 % of the box leaks.
    pub body: Share,
}

impl Leaks {
    pub(crate) fn done(self) -> Self {
        Self { head: self.head.done(), body: self.body.done() }
    }
}

/// Leaks of every way of drawing, held against one idea of the empty place.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct LeaksOfAll {
    /// As drawn, with boxes for figures.
    pub shown: Leaks,
    /// Stricter: without the boxes, so that the backdrop alone must hide everyone.
    pub backdrop_alone: Leaks,
    /// The same measure of the clip itself: what would leak if nothing were masked.
    pub unmasked: Leaks,
    /// Places where a head was up to a minute ago, and nobody is now, that show what is not the empty place: somebody who was
    /// learned into the backdrop and has left. One picture in ten is looked at.
    pub ghosts: Share,
}

impl LeaksOfAll {
    pub(crate) fn done(self) -> Self {
        Self {
            shown: self.shown.done(),
            backdrop_alone: self.backdrop_alone.done(),
            unmasked: self.unmasked.done(),
            ghosts: self.ghosts.done(),
        }
    }
}
