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

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.0 as f64 / MEDIA_TICKS_PER_SECOND as f64)
    }
}
