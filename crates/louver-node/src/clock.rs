//! Whether the wall clock is set while a camera is recorded; no clock inside.

use std::time::{Duration, Instant};

use louver_base::{WallSpan, WallTime};

/// What a clock is set ahead by less than that is not worth an entry.
const CLOCK_JUMP: WallSpan = WallSpan::from_millis(10_000);

/// Both clocks, read together at each packet: a packet may have waited long for a disk that hangs, and its time of arrival says nothing then.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    read: Option<(WallTime, Instant)>,
    set_ahead: bool,
}

impl Clock {
    /// The wall clock and the one that no one sets, now.
    pub(crate) fn read(&mut self, now: (WallTime, Instant)) {
        if let Some((wall, at)) = self.read.replace(now) {
            let passed = span(now.1.saturating_duration_since(at));
            self.set_ahead |= now.0 - (wall + passed) > CLOCK_JUMP;
        }
    }

    /// Whether it was set ahead between the last group of pictures, which ended at `until`, and this one: the timeline has a hole then that
    /// no one else tells of. Asked once for each group.
    pub(crate) fn was_set_ahead(&mut self, until: Option<WallTime>, first: WallTime) -> bool {
        let set_ahead = std::mem::take(&mut self.set_ahead);
        set_ahead && until.is_some_and(|until| first - until > CLOCK_JUMP)
    }
}

fn span(passed: Duration) -> WallSpan {
    WallSpan::from_micros(i64::try_from(passed.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_795_000_000_000;

    fn at(s: i64) -> WallTime {
        WallTime::from_millis(START + s * 1000)
    }

    /// A group that ended at second 0, then the first packet of another, both read by the wall clock and after so many seconds; it came at
    /// `first`.
    fn jumped(wall: [i64; 2], passed: u64, first: i64) -> bool {
        let (mut clock, now) = (Clock::default(), Instant::now());
        clock.read((at(wall[0]), now));
        assert!(!clock.was_set_ahead(None, at(0)));
        clock.read((at(wall[1]), now + Duration::from_secs(passed)));
        clock.was_set_ahead(Some(at(0)), at(first))
    }

    #[test]
    fn a_clock_that_is_set_ahead_is_told_from_a_camera_that_is_silent() {
        assert!(!jumped([0, 2], 2, 0), "the next group");
        assert!(!jumped([0, 3600], 3600, 3600), "a silent camera has a reason of its own");
        assert!(jumped([0, 3600], 2, 3600));
        assert!(!jumped([0, -3600], 2, -3600), "backwards there is no hole");
        assert!(!jumped([0, 5], 2, 5), "a time server's step");
        assert!(!jumped([0, 3600], 2, 0), "within a group there is no hole between two");
    }

    #[test]
    fn a_disk_that_hangs_is_no_clock_that_is_set() {
        // The last packet of a group waited in the queue for a minute, and so did the camera.
        assert!(!jumped([60, 60], 0, 60));
        assert!(!jumped([0, 60], 60, 60));
    }
}
