//! When the detector looks: where it pays, and no more than a camera's share of it.

use louver_base::MediaTime;
use louver_scene::DetectorTraits;

use crate::Settings;

/// Why the detector should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Nothing is there, as far as anyone can tell.
    Quiet,
    /// Somebody is followed, or something that moves, or it does not look as the empty place does. A parked car is none of it.
    Busy,
    /// The place is being learned, or something is there that nobody has looked at yet.
    Urgent,
}

/// Runs a camera may have for each `sweep_busy` that passes: together with the credit, less than one a second over a minute
/// and more.
const SHARE: f64 = 0.9;
/// Runs that may be saved up, for somebody who comes in.
const CREDIT: f64 = 6.0;
/// Runs for learning a place: twelve looks at everything with a small model, half as many at the whole with another. With
/// fewer, much of a busy place is unknown for long (vtest, default model: over-mask 9.4 in place of 7.3 %).
const LEARN: f64 = 6.0;
const LEARN_HALVES: f64 = 36.0;
/// They are given this often at most, seconds: a lamp that flickers must not keep the detector to itself.
const LEARN_AGAIN: f64 = 30.0;
/// What is merely busy leaves so many for what is urgent.
const RESERVE: f64 = 1.0;

/// One camera's turn at the detector.
#[derive(Debug)]
pub(crate) struct Schedule {
    asked: Option<MediaTime>,
    answered: Option<MediaTime>,
    credit: f64,
    /// What learning a place is worth, and seconds seen since it was given.
    learning: f64,
    since_start: f64,
    last: Option<MediaTime>,
}

impl Schedule {
    pub(crate) const fn new(traits: DetectorTraits) -> Self {
        let learning = if traits.halves { LEARN_HALVES } else { LEARN };
        Self { asked: None, answered: None, credit: learning, learning, since_start: 0.0, last: None }
    }

    /// A picture came.
    pub(crate) fn advance(&mut self, now: MediaTime, s: &Settings) {
        let passed = self.last.map_or(0.0, |l| (now - l).seconds().max(0.0));
        self.last = Some(now);
        self.since_start += passed;
        let more = passed * SHARE / s.sweep_busy.seconds().max(1e-3);
        self.credit = self.credit.max((self.credit + more).min(CREDIT));
    }

    /// Whether a sweep of the picture taken `now` is due. At most one is under way.
    pub(crate) fn due(&self, need: Need, now: MediaTime, s: &Settings) -> bool {
        let (pause, left) = match need {
            Need::Urgent => (s.sweep_learning, 0.0),
            Need::Busy => (s.sweep_busy, RESERVE),
            Need::Quiet => (s.sweep_quiet, RESERVE),
        };
        self.asked.is_none()
            && self.credit >= left + 1.0
            && self.answered.is_none_or(|a| now - a >= pause || now < a)
    }

    /// When the last sweep that was answered looked.
    pub(crate) const fn answered(&self) -> Option<MediaTime> {
        self.answered
    }

    /// Whether so many runs are left to it, whatever for.
    pub(crate) fn affords(&self, runs: usize) -> bool {
        self.credit >= runs as f64
    }

    pub(crate) fn begun(&mut self, taken: MediaTime, runs: usize) {
        self.asked = Some(taken);
        self.credit = (self.credit - runs as f64).max(0.0);
    }

    pub(crate) fn failed(&mut self) {
        self.asked = None;
        self.answered = self.last;
    }

    /// Whether an answer about the picture taken then is waited for.
    pub(crate) fn done(&mut self, taken: MediaTime) -> bool {
        if self.asked != Some(taken) {
            return false;
        }
        self.asked = None;
        self.answered = Some(taken);
        true
    }

    /// Pictures from before say nothing any more: everything must be learned anew, for which there is credit again, but not
    /// at every flash of a light.
    pub(crate) fn start_again(&mut self) {
        if self.since_start >= LEARN_AGAIN {
            self.credit = self.learning;
            self.since_start = 0.0;
        }
        (self.asked, self.answered, self.last) = (None, None, None);
    }
}

#[cfg(test)]
mod tests {
    use louver_base::MediaSpan;

    use super::*;

    /// Sweeps in a minute of ten pictures a second, each answered at once.
    fn in_a_minute(need: impl Fn(i64) -> Need) -> usize {
        let s =
            Settings::new(DetectorTraits { mask_score: 0.2, event_score: 0.4, halves: false, side: 416 }, 1);
        let mut schedule = Schedule::new(s.detector);
        let mut sweeps = 0;
        for n in 0..600 {
            let now = MediaTime::ZERO + MediaSpan::from_millis(n * 100);
            schedule.advance(now, &s);
            if schedule.due(need(n), now, &s) {
                schedule.begun(now, 1);
                assert!(schedule.done(now) && !schedule.done(now));
                sweeps += 1;
            }
        }
        sweeps
    }

    #[test]
    fn a_camera_has_no_more_than_one_sweep_a_second_however_busy_or_urgent() {
        assert!((50..=60).contains(&in_a_minute(|_| Need::Busy)));
        assert!((50..=60).contains(&in_a_minute(|_| Need::Urgent)));
        assert_eq!(in_a_minute(|_| Need::Quiet), 6);
    }

    #[test]
    fn what_comes_in_is_looked_at_within_half_a_second_even_on_a_busy_camera() {
        let s =
            Settings::new(DetectorTraits { mask_score: 0.2, event_score: 0.4, halves: false, side: 416 }, 1);
        let mut schedule = Schedule::new(s.detector);
        let mut last = MediaTime::ZERO;
        for n in 0..600 {
            let now = MediaTime::ZERO + MediaSpan::from_millis(n * 100);
            schedule.advance(now, &s);
            if schedule.due(Need::Busy, now, &s) {
                schedule.begun(now, 1);
                schedule.done(now);
                last = now;
            }
            assert!(now - last < MediaSpan::from_millis(500) || schedule.due(Need::Urgent, now, &s), "{now}");
        }
    }
}
