//! Two clocks, two types: a camera's media clock and the recorder's wall clock.
//!
//! A camera's clock drifts, jumps and lies, so media times of one session are only ever compared with each
//! other; a wall time is the recorder's own reading at arrival. Neither converts into the other by itself.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Ticks a second of [`MediaTime`], the RTP clock of video (RFC 6184 section 8.2.1).
pub const MEDIA_TICKS_PER_SECOND: i64 = 90_000;

/// Media clock, 90 000 ticks a second, zero at the session's first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaTime(i64);

impl MediaTime {
    /// The session's first packet.
    pub const ZERO: Self = Self(0);

    /// From ticks of 1/90 000 s.
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    /// Ticks of 1/90 000 s.
    pub const fn ticks(self) -> i64 {
        self.0
    }
}

/// Distance between two media times, ticks of 1/90 000 s; may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MediaSpan(i64);

impl MediaSpan {
    /// From ticks of 1/90 000 s.
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    /// From milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(MEDIA_TICKS_PER_SECOND / 1000))
    }

    /// Ticks of 1/90 000 s.
    pub const fn ticks(self) -> i64 {
        self.0
    }

    /// Seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / MEDIA_TICKS_PER_SECOND as f64
    }
}

impl Sub for MediaTime {
    type Output = MediaSpan;
    fn sub(self, earlier: Self) -> MediaSpan {
        MediaSpan(self.0.saturating_sub(earlier.0))
    }
}

impl Add<MediaSpan> for MediaTime {
    type Output = Self;
    fn add(self, span: MediaSpan) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// Wall clock of the recorder, microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(i64);

impl WallTime {
    /// From microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads the system's clock. For shells only: cores are given the time.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// Distance between two wall times, microseconds; may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallSpan(i64);

impl WallSpan {
    /// From microseconds.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// From milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// From whole hours.
    pub const fn from_hours(hours: u32) -> Self {
        Self(hours as i64 * 3_600_000_000)
    }

    /// Microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Sub for WallTime {
    type Output = WallSpan;
    fn sub(self, earlier: Self) -> WallSpan {
        WallSpan(self.0.saturating_sub(earlier.0))
    }
}

impl Add<WallSpan> for WallTime {
    type Output = Self;
    fn add(self, span: WallSpan) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<WallSpan> for WallTime {
    type Output = Self;
    fn sub(self, span: WallSpan) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for WallTime {
    /// RFC 3339 in UTC, such as `2026-05-04T10:20:30.125Z`: what `--from` and `--to` take. Nothing is rounded away:
    /// microseconds are printed where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, us) = (self.0.div_euclid(86_400_000_000), self.0.rem_euclid(86_400_000_000));
        let (year, month, day) = civil(days);
        let (s, us) = (us / 1_000_000, us % 1_000_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)?;
        if us % 1000 == 0 { write!(f, ".{:03}Z", us / 1000) } else { write!(f, ".{us:06}Z") }
    }
}

/// Year, month and day of a day counted from 1970-01-01, proleptic Gregorian. Years start in March, so that the leap
/// day is the last of its year; 400 years are 146 097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march_0000 = days + 719_468;
    let (era, day) = (from_march_0000.div_euclid(146_097), from_march_0000.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.0 as f64 / MEDIA_TICKS_PER_SECOND as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_time_prints_as_utc_with_nothing_rounded_away() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (1_798_761_600_001, "2027-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(WallTime::from_millis(ms).to_string(), text);
        }
        assert_eq!(WallTime::from_micros(1_000_001).to_string(), "1970-01-01T00:00:01.000001Z");
        // The ends of the range must not panic.
        let _ = (WallTime::from_micros(i64::MIN).to_string(), WallTime::from_micros(i64::MAX).to_string());
    }
}
