//! How a camera's stream behaves: one that ends its decoding process again and again is set aside. No I/O; times are given.

use std::time::{Duration, Instant};

/// From so many ends on, a stream is decoded in a process of its own.
const ALONE_FROM: u32 = 2;
/// So long without an end, and they are forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);
/// The longest rest between two tries.
const REST_MOST: Duration = Duration::from_secs(60);

/// The ends that one camera's stream was the last to be decoded before.
#[derive(Debug, Default)]
pub(super) struct Conduct {
    ends: u32,
    last: Option<Instant>,
}

/// Where a stream may be decoded now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With others.
    WithOthers,
    /// In a process of its own.
    Alone,
    /// Nowhere for so long.
    Rests(Duration),
}

impl Conduct {
    /// Its process ended or was killed over it.
    pub(super) fn ended(&mut self, now: Instant) {
        self.forgive(now);
        self.ends = self.ends.saturating_add(1);
        self.last = Some(now);
    }

    /// How often, since all was well.
    pub(super) fn ends(&self) -> u32 {
        self.ends
    }

    pub(super) fn verdict(&mut self, now: Instant) -> Verdict {
        self.forgive(now);
        let since = self.last.map_or(Duration::MAX, |last| now.saturating_duration_since(last));
        match self.ends {
            0..ALONE_FROM => Verdict::WithOthers,
            ends => match rest(ends).checked_sub(since).filter(|left| !left.is_zero()) {
                Some(left) => Verdict::Rests(left),
                None => Verdict::Alone,
            },
        }
    }

    fn forgive(&mut self, now: Instant) {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) >= FORGIVEN_AFTER) {
            *self = Self::default();
        }
    }
}

/// One second after the second end, twice as long after each further one.
fn rest(ends: u32) -> Duration {
    Duration::from_secs(1 << (ends - ALONE_FROM).min(6)).min(REST_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_end_is_an_accident_and_more_set_a_stream_aside_for_longer_and_longer() {
        let (mut conduct, mut now) = (Conduct::default(), Instant::now());
        assert_eq!(conduct.verdict(now), Verdict::WithOthers);
        conduct.ended(now);
        assert_eq!(conduct.verdict(now), Verdict::WithOthers);
        for wanted in [1, 2, 4, 8, 16, 32, 60, 60] {
            conduct.ended(now);
            assert_eq!(conduct.verdict(now), Verdict::Rests(Duration::from_secs(wanted)));
            now += Duration::from_secs(wanted);
            assert_eq!(conduct.verdict(now), Verdict::Alone);
        }
        now += FORGIVEN_AFTER;
        assert_eq!((conduct.verdict(now), conduct.ends()), (Verdict::WithOthers, 0));
    }
}
