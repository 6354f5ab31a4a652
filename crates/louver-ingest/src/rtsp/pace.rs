//! Media times from a camera's RTP clock, and from the arrival of its pictures where that clock is of no use; no clock inside.
//!
//! Jumps are left as they are: opening puts them right by the arrivals (louver-vault). A clock that *runs* wrongly is another
//! matter: times that stand still, or run at a rate that is not the one announced, would make every picture's duration wrong.

use louver_base::{MEDIA_TICKS_PER_SECOND, MediaTime, WallTime};

/// How long the clock is watched at a time.
const WINDOW_US: i64 = 5_000_000;
/// Windows in a row in which it ran wrongly: a jump spoils one.
const WRONG_MAX: u32 = 2;

/// One stream's clock.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Ticks a second, as announced.
    rate: u32,
    /// RTP ticks of the first picture.
    origin: i64,
    /// Arrival of the first picture of this window, and the latest media time until then.
    since: (WallTime, i64),
    /// The latest media time, in 1/90,000 s.
    latest: i64,
    wrong: u32,
    /// From when on arrivals count: media time of that moment.
    by_arrival: Option<(WallTime, i64)>,
}

impl Pace {
    /// With the first picture, at time zero.
    pub(crate) fn new(rate: u32, ticks: i64, wall: WallTime) -> Self {
        Self { rate, origin: ticks, since: (wall, 0), latest: 0, wrong: 0, by_arrival: None }
    }

    /// Whether the camera's clock is no longer looked at.
    pub(crate) fn is_by_arrival(&self) -> bool {
        self.by_arrival.is_some()
    }

    /// The time of the next picture.
    pub(crate) fn time(&mut self, ticks: i64, wall: WallTime) -> MediaTime {
        if let Some((from, media)) = self.by_arrival {
            // The recorder's clock may be set back: time goes on all the same.
            let passed = ticks_of((wall - from).micros());
            self.latest = self.latest.saturating_add(1).max(media.saturating_add(passed));
            return MediaTime::from_ticks(self.latest);
        }
        let media = rescaled(ticks.saturating_sub(self.origin), self.rate);
        self.watch(media, wall);
        MediaTime::from_ticks(media)
    }

    fn watch(&mut self, media: i64, wall: WallTime) {
        let (began, then) = self.since;
        let passed = (wall - began).micros();
        // A clock of the recorder that was set back starts another window.
        if (0..WINDOW_US).contains(&passed) {
            self.latest = self.latest.max(media);
            return;
        }
        let (ran, passed) = (media.max(self.latest).saturating_sub(then), ticks_of(passed));
        let right = passed <= 0 || (ran >= passed / 2 && ran <= passed.saturating_mul(2));
        self.wrong = if right { 0 } else { self.wrong + 1 };
        // Forward again from here after a jump back.
        (self.since, self.latest) = ((wall, media), media);
        if self.wrong >= WRONG_MAX {
            self.by_arrival = Some((wall, media));
        }
    }
}

/// To 90,000 ticks a second, to the nearest.
pub(crate) fn rescaled(ticks: i64, rate: u32) -> i64 {
    let (ticks, rate) = (i128::from(ticks), i128::from(rate.max(1)));
    let exact = (ticks * i128::from(MEDIA_TICKS_PER_SECOND) + rate / 2).div_euclid(rate);
    exact.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Microseconds to ticks.
pub(crate) fn ticks_of(us: i64) -> i64 {
    rescaled(us, 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture every 40 ms for `seconds`, of a clock that gives these ticks; media milliseconds.
    fn played(rate: u32, seconds: i64, ticks: impl Fn(i64) -> i64) -> (Vec<i64>, bool) {
        let wall = |n: i64| WallTime::from_millis(1_000_000 + n * 40);
        let mut pace = Pace::new(rate, ticks(0), wall(0));
        let times = (0..seconds * 25).map(|n| pace.time(ticks(n), wall(n)).ticks() / 90).collect();
        (times, pace.is_by_arrival())
    }

    #[test]
    fn other_clock_rates_become_ninety_thousand() {
        assert_eq!(rescaled(1000, 1000), 90_000);
        assert_eq!(rescaled(-90_000, 90_000), -90_000);
        assert_eq!(rescaled(i64::MAX, 1), i64::MAX);
    }

    #[test]
    fn a_clock_that_runs_is_believed_whatever_its_rate_and_although_it_drifts() {
        for (rate, step) in [(90_000, 3600), (1000, 40), (90_000, 3000), (90_000, 4500)] {
            let (times, by_arrival) = played(rate, 60, |n| n * step);
            assert!(!by_arrival, "{rate} {step}");
            assert_eq!(times[100], 100 * step * 1000 / i64::from(rate));
        }
    }

    #[test]
    fn reordered_pictures_and_one_jump_either_way_are_no_reason_to_doubt_it() {
        let order = [0, 3, 1, 2];
        let (times, by_arrival) = played(90_000, 60, |n| (n / 4 * 4 + order[(n % 4) as usize]) * 3600);
        assert!(!by_arrival && times[1] > times[2]);
        for jump in [90_000 * 3600, -90_000 * 3600] {
            let (_, by_arrival) = played(90_000, 60, |n| n * 3600 + if n > 300 { jump } else { 0 });
            assert!(!by_arrival, "{jump}");
        }
    }

    #[test]
    fn a_clock_that_stands_still_or_runs_wrongly_gives_way_to_the_arrivals() {
        // Says 90,000 and counts milliseconds; counts pictures; stands still; runs ten times too fast.
        for ticks in [40_i64, 1, 0, 36_000] {
            let (times, by_arrival) = played(90_000, 30, |n| n * ticks);
            assert!(by_arrival, "{ticks}");
            let (before, after) = (times[300], times[700]);
            assert_eq!(after - before, 400 * 40, "{ticks}");
            assert!(times.windows(2).all(|w| w[0] <= w[1]), "time never runs back");
        }
    }

    #[test]
    fn a_recorder_whose_clock_is_set_back_does_not_turn_time_round() {
        let mut pace = Pace::new(90_000, 0, WallTime::from_millis(0));
        for n in 0..500 {
            pace.time(0, WallTime::from_millis(n * 40));
        }
        let before = pace.time(0, WallTime::from_millis(20_000));
        assert!(pace.is_by_arrival() && pace.time(0, WallTime::from_millis(5_000)) > before);
    }
}
