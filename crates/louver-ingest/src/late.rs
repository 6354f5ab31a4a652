//! Reading late, where nobody waits for a picture: a stream that is only sealed may lie in the system's buffer for a moment, and one
//! look takes what came since the last. A look costs the same whether it finds a packet or a hundred.

use std::sync::OnceLock;
use std::time::Duration;

use louver_base::{MediaTime, WallTime};
use tokio::time::Instant;

/// When what a camera sent is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// As it arrives.
    #[default]
    AtOnce,
    /// At moments this far apart. Times of arrival are then told from the camera's clock, which is off by no more than that.
    Late(Duration),
}

/// Bytes read since the last pause from which there is none: the system's buffer may be too small for what this camera sends (64 KiB
/// at first, of which it grows), and TCP would hold the camera back.
const MOST_AT_A_TIME: usize = 256 << 10;

/// Between two looks at one session.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    read: usize,
}

impl Pauses {
    /// So many bytes were there.
    pub(crate) fn read(&mut self, bytes: usize) {
        self.read = self.read.saturating_add(bytes);
    }

    /// Nothing is left to be read: waits for the next moment. The moments are the same for all sessions, so that the processor is
    /// woken once for all of them.
    pub(crate) async fn pause(&mut self, every: Duration) {
        if std::mem::take(&mut self.read) < MOST_AT_A_TIME {
            tokio::time::sleep_until(next_moment(Instant::now(), every)).await;
        }
    }
}

fn next_moment(now: Instant, every: Duration) -> Instant {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let first = *FIRST.get_or_init(|| now);
    let every = every.max(Duration::from_millis(1)).as_nanos();
    let passed = now.saturating_duration_since(first).as_nanos();
    let wait = u64::try_from(every - passed % every).unwrap_or(0);
    now + Duration::from_nanos(wait)
}

/// A picture that comes so much later than expected was late on its way, or the camera's clock jumped, microseconds.
const ASTRAY: i64 = 1_000_000;
/// The camera's clock may run slower than ours: of the time by which pictures are late so much is taken over, a 512th each.
const DRIFT: i64 = 512;

/// When pictures that are read together came, one after the other: on the camera's clock, behind which the earliest arrivals stay by
/// the same time.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// From media time to the earliest arrival, microseconds.
    offset: Option<i64>,
    last: Option<WallTime>,
}

impl Arrivals {
    /// When the picture of this time came, which is read now.
    pub(crate) fn of(&mut self, media: MediaTime, now: WallTime) -> WallTime {
        let media = media.ticks().saturating_mul(100) / 9;
        let behind = now.micros().saturating_sub(media);
        let offset = match self.offset {
            Some(offset) if (offset..offset.saturating_add(ASTRAY)).contains(&behind) => {
                offset + (behind - offset) / DRIFT
            }
            _ => behind,
        };
        self.offset = Some(offset);
        let came = WallTime::from_micros(media.saturating_add(offset)).min(now);
        // Never back, unless our own clock was set back.
        let came = self.last.filter(|last| *last <= now).map_or(came, |last| came.max(last));
        self.last = Some(came);
        came
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP_MS: i64 = 66;

    #[test]
    fn moments_are_the_same_for_all_and_lie_ahead() {
        let (now, every) = (Instant::now(), Duration::from_millis(200));
        let next = next_moment(now, every);
        assert!(next > now && next <= now + every);
        assert_eq!(next_moment(now + (next - now) / 2, every), next);
        assert_eq!(next_moment(next, every), next + every);
    }

    #[test]
    fn pictures_read_five_times_a_second_are_given_the_times_at_which_they_came() {
        let mut arrivals = Arrivals::default();
        for n in 0..10_000_i64 {
            // A camera whose clock is slow by a hundred parts in a million.
            let sent = 1_000_000 + n * STEP_MS;
            let read = sent.div_euclid(200) * 200 + 200;
            let media = MediaTime::from_ticks(n * STEP_MS * 90 - n * STEP_MS * 90 / 10_000);
            let came = arrivals.of(media, WallTime::from_millis(read)).micros() / 1000;
            assert!(n < 100 || (came - sent).abs() <= 200, "picture {n}: {} ms off", came - sent);
        }
    }

    #[test]
    fn a_clock_that_jumps_and_a_camera_that_stalls_are_followed() {
        let mut arrivals = Arrivals::default();
        let mut off = |media_ms: i64, read_ms: i64| {
            let came = arrivals.of(MediaTime::from_ticks(media_ms * 90), WallTime::from_millis(read_ms));
            read_ms - came.micros() / 1000
        };
        assert_eq!(off(0, 1000), 0);
        assert_eq!(off(66, 1200), 134);
        assert_eq!(off(100_000_000, 1400), 0, "forward");
        assert_eq!(off(132, 1600), 0, "and back");
        assert_eq!(off(198, 61_600), 0, "a minute of nothing");
    }

    proptest! {
        #[test]
        fn no_picture_comes_before_the_last_nor_after_it_is_read(
            pictures in prop::collection::vec((any::<i32>(), 0i64..2_000_000), 1..100),
        ) {
            let (mut arrivals, mut now, mut last) = (Arrivals::default(), 0, WallTime::from_micros(0));
            for (media, passed) in pictures {
                now += passed;
                let came = arrivals.of(MediaTime::from_ticks(i64::from(media)), WallTime::from_micros(now));
                prop_assert!(came >= last && came <= WallTime::from_micros(now));
                last = came;
            }
        }
    }
}
