//! Whether sizes have told of those who came.

use louver_base::{MediaSpan, MediaTime};

/// Sizes have told of somebody when they departed this long before seeing was sure of him, or less: two sweeps of the detector
/// at one a second, three pictures, and the way from the edge to where he is seen whole.
const TOLD_BEFORE: MediaSpan = MediaSpan::from_millis(6000);
/// After a miss everything is decoded for this long; doubled with each further miss up to the most, halved with every ten
/// who were caught.
const AFTER_MISS: MediaSpan = MediaSpan::from_millis(5 * 60_000);
const DOUBLED_MOST: u32 = 5;
const CAUGHT_FOR_HALF: u32 = 10;

/// What experience says.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// Nothing is left out until then.
    lost_until: Option<MediaTime>,
    doubled: u32,
    caught: u32,
}

impl Trust {
    /// Somebody came; `departed` is when sizes last departed. Says whether they told of him.
    pub(crate) fn comes(&mut self, now: MediaTime, departed: Option<MediaTime>) -> bool {
        let told = departed.is_some_and(|d| now - d <= TOLD_BEFORE);
        if told {
            self.caught += 1;
            if self.caught >= CAUGHT_FOR_HALF {
                self.caught = 0;
                self.doubled = self.doubled.saturating_sub(1);
            }
        } else {
            self.caught = 0;
            let span = AFTER_MISS.ticks() << self.doubled;
            self.lost_until = Some(now + MediaSpan::from_ticks(span));
            self.doubled = (self.doubled + 1).min(DOUBLED_MOST);
        }
        told
    }

    /// Whether it is too soon after a miss.
    pub(crate) fn lost(&mut self, now: MediaTime) -> bool {
        if self.lost_until.is_some_and(|until| now >= until) {
            self.lost_until = None;
        }
        self.lost_until.is_some()
    }

    /// Times before mean nothing any more: what was left of a wait begins anew with the next miss.
    pub(crate) fn clock_jumped(&mut self) {
        self.lost_until = None;
    }
}
