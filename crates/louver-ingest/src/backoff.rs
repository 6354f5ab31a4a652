//! How long to wait before the next attempt; no clock inside.

use std::time::Duration;

use louver_base::Refusals;

/// A session that lasted this long was a good one: the next failure starts from the shortest wait again.
pub(crate) const STEADY: Duration = Refusals::STEADY;
/// At most between attempts while nobody answers: one costs a packet or two, and a camera that has started again should be
/// recorded again within three seconds.
const AWAY: Duration = Duration::from_secs(2);
/// When only a change of settings, here or in the camera, can help.
const SETTINGS: Duration = Duration::from_secs(60);

/// What kind of trouble it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// May pass by itself.
    Soon,
    /// Nobody answers: it has no power or starts.
    Away,
    /// The camera refused the password.
    Password,
    /// The camera offers what cannot be recorded, or wants a sign-in that the settings lack.
    Settings,
}

/// Waits that double with every failure in a row.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    /// In a row, of the same kind.
    failures: u32,
    last: Option<Patience>,
    refusals: Refusals,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0, last: None, refusals: Refusals::default() }
    }

    /// After a good session.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
        self.refusals.worked();
    }

    /// The wait before the next attempt. `dice` from 0 to 1 moves it up to a fifth either way, so that a hundred
    /// cameras do not come back at one instant after a power cut.
    pub(crate) fn next(&mut self, patience: Patience, dice: f64) -> Duration {
        // A camera that was away and now answers otherwise has got further: it is not made to wait for what was before.
        if self.last.replace(patience) != Some(patience) {
            self.failures = 0;
        }
        let doubled = self.first.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        let wait = match patience {
            Patience::Soon => doubled,
            Patience::Away => doubled.min(AWAY),
            Patience::Password => self.refusals.refused(),
            Patience::Settings => SETTINGS,
        };
        self.failures = self.failures.saturating_add(1);
        let moved = wait.mul_f64(0.8 + 0.4 * dice.clamp(0.0, 1.0));
        match patience {
            Patience::Soon | Patience::Away => moved.min(self.longest),
            Patience::Password | Patience::Settings => moved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_secs(1), Duration::from_secs(30))
    }

    #[test]
    fn waits_double_from_one_second_to_thirty_and_start_again_after_a_good_session() {
        let mut b = backoff();
        let waits: Vec<_> =
            (0..7).map(|_| b.next(Patience::Soon, 0.5).as_secs_f64().round() as u64).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        b.reset();
        assert_eq!(b.next(Patience::Soon, 0.5).as_secs(), 1);
    }

    #[test]
    fn a_camera_that_is_away_is_asked_every_two_seconds_and_one_that_comes_back_busy_is_not_made_to_wait() {
        let mut b = backoff();
        let waits: Vec<_> = (0..6).map(|_| b.next(Patience::Away, 0.5).as_secs_f64()).collect();
        assert_eq!(waits, [1.0, 2.0, 2.0, 2.0, 2.0, 2.0]);
        assert_eq!(
            b.next(Patience::Soon, 0.5).as_secs(),
            1,
            "it answers again, if only to say that it is busy"
        );
        assert_eq!(b.next(Patience::Soon, 0.5).as_secs(), 2);
    }

    /// Whatever the dice say, two streams of one camera stay under five wrong passwords in any half hour.
    #[test]
    fn a_refused_password_is_tried_so_rarely_that_no_account_is_locked() {
        for worked in [false, true] {
            let mut b = backoff();
            if worked {
                b.reset();
            }
            let mut at = Duration::ZERO;
            let mut tries = vec![at];
            for _ in 0..10 {
                at += b.next(Patience::Password, 0.0);
                tries.push(at);
            }
            for from in &tries {
                let window = *from..*from + Duration::from_secs(30 * 60);
                let many = tries.iter().filter(|t| window.contains(t)).count();
                assert!(many * 2 < 5, "{many} tries of each stream from {from:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(failures in 0_u32..5000, dice in 0.0..1.0_f64) {
            let mut b = backoff();
            (b.failures, b.last) = (failures, Some(Patience::Soon));
            let wait = b.next(Patience::Soon, dice);
            prop_assert!(wait <= Duration::from_secs(30) && wait >= Duration::from_millis(800));
        }
    }
}
