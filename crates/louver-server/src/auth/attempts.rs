//! A limit on guessing, for the whole server: after a few wrong tries each further one waits twice as long.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tries that cost nothing: people mistype.
const FREE: u32 = 5;
/// The longest wait, so that nobody can lock the owner out for good.
const LONGEST: Duration = Duration::from_secs(60);

/// Counts tries. A core: it is told the time.
#[derive(Clone, Copy, Debug, Default)]
struct Backoff {
    tries: u32,
    open_from: Option<Instant>,
}

impl Backoff {
    /// Takes a try, which counts as wrong until it is known to be right, so that many at once gain nothing;
    /// or says how long to wait.
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(wait) =
            self.open_from.and_then(|t| t.checked_duration_since(now)).filter(|w| !w.is_zero())
        {
            return Err(wait);
        }
        self.tries = self.tries.saturating_add(1);
        if self.tries >= FREE {
            // 1, 2, 4 … s; the shift is bounded before it can overflow.
            let wait = Duration::from_secs(1 << (self.tries - FREE).min(6)).min(LONGEST);
            self.open_from = now.checked_add(wait);
        }
        Ok(())
    }
}

/// A limit that handlers share.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Backoff>);

impl Attempts {
    /// A try, or the whole seconds to wait before the next.
    pub(crate) fn take(&self) -> Result<(), u64> {
        let mut backoff = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        backoff.take(Instant::now()).map_err(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// The try was right: all is forgotten.
    pub(crate) fn right(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Backoff::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_five_tries_each_waits_twice_as_long_up_to_a_minute() {
        let mut now = Instant::now();
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            assert_eq!(backoff.take(now), Ok(()));
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert_eq!(backoff.take(now), Err(Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
            assert_eq!(backoff.take(now), Ok(()));
        }
    }

    #[test]
    fn a_right_try_forgives_the_wrong_ones() {
        let attempts = Attempts::default();
        for _ in 0..4 {
            attempts.take().unwrap();
        }
        attempts.right();
        for _ in 0..5 {
            attempts.take().unwrap();
        }
        assert_eq!(attempts.take(), Err(1));
    }
}
