//! Which losses of a stream are worth a line in the log: a camera without power is tried every two seconds, for days. No clock inside.

use std::mem::{Discriminant, discriminant};
use std::time::{Duration, Instant};

use louver_base::Refusals;
use louver_ingest::IngestError;

/// While the same reason lasts it is told so often.
const AGAIN: Duration = Duration::from_secs(60 * 60);

/// Why a stream was lost lately.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    /// Each reason once, with when it was told; there are as many as errors have kinds.
    told: Vec<(Discriminant<IngestError>, Instant)>,
    /// Since when it runs.
    runs: Option<Instant>,
    /// The last line said that it is lost.
    said_lost: bool,
}

impl Losses {
    /// The stream runs. Whether that is worth a line, because the last one said that it is lost.
    pub(crate) fn runs(&mut self, now: Instant) -> bool {
        self.runs.get_or_insert(now);
        std::mem::take(&mut self.said_lost)
    }

    /// It was lost, or could not be had. Whether that is worth a line.
    pub(crate) fn lost(&mut self, error: &IngestError, now: Instant) -> bool {
        // It was well: what happens next is news again.
        if self.runs.take().is_some_and(|since| now.saturating_duration_since(since) >= Refusals::STEADY) {
            self.told.clear();
        }
        let kind = discriminant(error);
        match self.told.iter_mut().find(|(told, _)| *told == kind) {
            Some((_, at)) if now.saturating_duration_since(*at) < AGAIN => return false,
            Some((_, at)) => *at = now,
            None => self.told.push((kind, now)),
        }
        self.said_lost = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_is_away_for_a_day_has_a_line_an_hour_and_one_for_each_other_reason() {
        let began = Instant::now();
        let at = |s: u64| began + Duration::from_secs(s);
        let mut losses = Losses::default();
        let day: u64 = 24 * 60 * 60;
        let told = (0..day / 2).filter(|n| losses.lost(&IngestError::ConnectionRefused, at(2 * n))).count();
        assert_eq!(told, 24);
        assert!(losses.lost(&IngestError::Busy(503), at(day)), "another reason");
        assert!(!losses.lost(&IngestError::Busy(453), at(day + 1)));
        assert!(losses.lost(&IngestError::ConnectionRefused, at(day + 1)), "an hour ago");
        assert!(!losses.lost(&IngestError::ConnectionRefused, at(day + 2)));
        assert!(losses.runs(at(day + 2)), "that it is back is news");
        assert!(losses.lost(&IngestError::Closed, at(day + 62)), "it was well for a minute");
    }

    #[test]
    fn a_camera_that_comes_and_goes_every_few_seconds_fills_no_log() {
        let began = Instant::now();
        let mut losses = Losses::default();
        let mut lines = 0;
        for n in 0..600 {
            let at = began + Duration::from_secs(6 * n);
            lines += u32::from(losses.runs(at));
            lines += u32::from(losses.lost(&IngestError::Closed, at + Duration::from_secs(3)));
        }
        assert!(lines <= 3, "{lines} lines in an hour");
    }
}
