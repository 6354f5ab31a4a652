//! What is counted of a camera since the start, for metrics: plain numbers, cheap to raise, read by whoever asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use louver_store::GapReason;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Raises it.
    pub(crate) fn add(&self, n: u64) {
        // Nothing else is read by it, so no order is needed.
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// What it is now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// Changes it.
    pub(crate) fn set(&self, n: usize) {
        self.0.store(n as u64, Ordering::Relaxed);
    }

    /// One more.
    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less, of those that were raised.
    pub(crate) fn lower(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// What it is now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often something was done, and how long that took in all.
#[derive(Debug, Default)]
pub struct Timed {
    /// How often.
    pub runs: Count,
    nanos: AtomicU64,
}

impl Timed {
    /// It was done once more.
    pub(crate) fn add(&self, took: Duration) {
        self.runs.add(1);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// How long it took in all.
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

/// What came in on one stream.
#[derive(Debug, Default)]
pub struct StreamMeters {
    /// Bytes of pictures, as they left the depacketizer; no sound.
    pub bytes: Count,
    /// Pictures.
    pub pictures: Count,
    /// How often the connection was lost or refused.
    pub lost: Count,
}

impl StreamMeters {
    /// One more picture.
    pub(crate) fn picture(&self, bytes: usize) {
        self.bytes.add(bytes as u64);
        self.pictures.add(1);
    }
}

/// Everything that is counted of one camera.
#[derive(Debug, Default)]
pub struct Meters {
    /// The stream that is sealed.
    pub main: StreamMeters,
    /// The small stream; stays at nothing where there is none.
    pub sub: StreamMeters,
    /// Groups of pictures sealed and on the disk.
    pub sealed_groups: Count,
    /// Packets of the main stream that wait to be sealed.
    pub sealing_waits: Level,
    /// Packets that wait for analysis.
    pub analysis_waits: Level,
    /// Pictures that analysis looked at.
    pub seen: Count,
    /// Packets given to the gate and, where it lets them through, to a decoding process: how long that took, waiting for the process included.
    pub decoding: Timed,
    /// Runs of the detector for this camera, those that failed too; waiting for its turn is not counted.
    pub detector: Timed,
    gaps: [Count; GapReason::ALL.len()],
}

impl Meters {
    /// A gap in the main stream is over.
    pub(crate) fn gap(&self, reason: GapReason) {
        let place = GapReason::ALL.iter().position(|r| *r == reason);
        if let Some(count) = place.and_then(|place| self.gaps.get(place)) {
            count.add(1);
        }
    }

    /// How many gaps of each reason are over since the start.
    pub fn gaps(&self) -> impl Iterator<Item = (GapReason, u64)> + '_ {
        GapReason::ALL.into_iter().zip(self.gaps.iter().map(Count::get))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own() {
        let meters = Meters::default();
        for (n, reason) in GapReason::ALL.into_iter().enumerate() {
            (0..=n).for_each(|_| meters.gap(reason));
        }
        let counted: Vec<u64> = meters.gaps().map(|(_, n)| n).collect();
        assert_eq!(counted, (1..=GapReason::ALL.len() as u64).collect::<Vec<_>>());
    }

    #[test]
    fn time_adds_up() {
        let timed = Timed::default();
        timed.add(Duration::from_millis(2));
        timed.add(Duration::from_millis(3));
        assert_eq!((timed.runs.get(), timed.took()), (2, Duration::from_millis(5)));
    }
}
