//! What a holder or an observer signs to sign in: random bytes that are good once, for a minute (docs/opening.md).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::TryRngCore;
use rand::rngs::OsRng;

/// How long one is good.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// Outstanding at once. Beyond it the oldest is forgotten, not the newest refused: a program answers within a moment, so that who wanted to
/// keep holders out would have to ask thousands of times in that moment, again and again.
const OUTSTANDING: usize = 4096;

/// What was given out and not used yet. Kept in memory alone.
#[derive(Debug, Default)]
pub(crate) struct Challenges(Mutex<VecDeque<([u8; 32], Instant)>>);

impl Challenges {
    /// A new one.
    pub(crate) fn issue(&self, now: Instant) -> Result<[u8; 32], rand::rand_core::OsError> {
        let mut bytes = [0; 32];
        OsRng.try_fill_bytes(&mut bytes)?;
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() >= OUTSTANDING {
            list.pop_front();
        }
        list.push_back((bytes, now));
        Ok(bytes)
    }

    /// Uses one up: `true` once, within its minute.
    pub(crate) fn take(&self, challenge: &[u8; 32], now: Instant) -> bool {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while list.front().is_some_and(|(_, since)| now.duration_since(*since) >= GOOD_FOR) {
            list.pop_front();
        }
        // No secret: whoever asked was told it.
        let found = list.iter().position(|(bytes, _)| bytes == challenge);
        found.and_then(|n| list.remove(n)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_good_once_and_for_a_minute() {
        let (challenges, now) = (Challenges::default(), Instant::now());
        let (one, two) = (challenges.issue(now).unwrap(), challenges.issue(now).unwrap());
        assert_ne!(one, two);
        assert!(challenges.take(&one, now + Duration::from_secs(59)));
        assert!(!challenges.take(&one, now + Duration::from_secs(59)), "used");
        assert!(!challenges.take(&two, now + GOOD_FOR), "too late");
        assert!(!challenges.take(&[0; 32], now), "never given out");
    }

    #[test]
    fn beyond_the_bound_the_oldest_is_forgotten() {
        let (challenges, now) = (Challenges::default(), Instant::now());
        let first = challenges.issue(now).unwrap();
        let second = challenges.issue(now).unwrap();
        for _ in 0..OUTSTANDING - 1 {
            challenges.issue(now).unwrap();
        }
        assert!(!challenges.take(&first, now));
        assert!(challenges.take(&second, now));
    }
}
