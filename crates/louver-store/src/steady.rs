//! The time that retention goes by: a clock that jumped ahead deletes nothing before its time.
//!
//! Wall clocks jump: a battery dies, a time server lies, somebody mistypes a year. What a jump back does can be mended; what is deleted at
//! a jump ahead is gone, and its secrets with it. So a jump is not believed at once. While it is in doubt, retention goes by the time
//! that was believed before, which goes on with the machine's monotonic clock, or by the wall clock where that is behind. A doubt ends
//! when the clock comes back, or when it has gone on steadily for a day under a time server, or for a week without one; and a
//! difference of up to a week is believed at once where a time server keeps the clock, or where the machine was off, since that may be
//! how long it was. Summer time does not matter (times are UTC), nor does a leap second.

use std::time::Duration;

use louver_base::{WallSpan, WallTime};

use crate::store::Inner;
use crate::{Store, StoreError};

/// What a system's clocks say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The wall clock.
    pub wall: WallTime,
    /// Since the machine's start, sleep included; no one sets it.
    pub awake: Duration,
    /// Tells one start of the machine from another.
    pub boot: u64,
    /// Whether a time server keeps the wall clock, as far as is known.
    pub kept: bool,
}

impl ClockReading {
    /// Reads this machine's clocks.
    pub fn now(kept: bool) -> Self {
        let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let awake = Duration::new(since.tv_sec.unsigned_abs(), u32::try_from(since.tv_nsec).unwrap_or(0));
        // Where the system does not say, every start counts as one of its own: the doubt is the larger.
        let boot = std::fs::read("/proc/sys/kernel/random/boot_id")
            .map_or_else(|_| rand::random(), |id| short(blake3::hash(&id)));
        Self { wall: WallTime::now(), awake, boot, kept }
    }
}

fn short(hash: blake3::Hash) -> u64 {
    hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// What is remembered between readings, and over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Believed {
    /// The time that was believed,
    pub(crate) time: WallTime,
    /// at this moment
    pub(crate) awake: Duration,
    /// of this start of the machine.
    pub(crate) boot: u64,
    /// A wall clock that says otherwise.
    pub(crate) doubt: Option<Doubt>,
}

/// A wall clock that is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// How far it is ahead of what is believed.
    pub(crate) ahead: WallSpan,
    /// How long it has been so, while the machine was on.
    pub(crate) lasted: Duration,
}

/// The time to go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionTime {
    /// What is older than its time by this goes.
    pub now: WallTime,
    /// How far the wall clock is ahead of what can be believed; negative where it is behind.
    pub doubt: Option<WallSpan>,
}

/// Readings are not taken at one instant, and clocks are steered.
const TOLERANCE: WallSpan = WallSpan::from_millis(60_000);
/// How long a machine may have been off, or a time server may have had to step, without a doubt.
const PLAUSIBLE: WallSpan = WallSpan::from_hours(7 * 24);
/// Under a time server a steady clock is believed after that,
const STEADY_KEPT: Duration = Duration::from_secs(24 * 3600);
/// without one after that.
const STEADY: Duration = Duration::from_secs(7 * 24 * 3600);

impl Store {
    /// The time that retention goes by, judged by what this and earlier runs have seen of the clocks. Call it at every pass.
    ///
    /// # Errors
    /// [`StoreError::Database`]: go by nothing until it can be said.
    pub async fn retention_time(&self, read: ClockReading) -> Result<RetentionTime, StoreError> {
        let before = match self.fact("clock_time_us").await? {
            Some(time) => Some(self.believed(WallTime::from_micros(time)).await?),
            // A catalogue that was made anew: recordings tell the least that it can be.
            None => self.newest().await?.map(|time| Believed {
                time,
                awake: Duration::ZERO,
                boot: 0,
                doubt: None,
            }),
        };
        let (believed, time) = judge(before, read);
        let doubt_ends = before.is_some_and(|b| b.doubt.is_some()) && believed.doubt.is_none();
        self.keep_believed(&believed, doubt_ends).await?;
        *self.0.doubt.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = time.doubt;
        Ok(time)
    }

    async fn believed(&self, time: WallTime) -> Result<Believed, StoreError> {
        let micros = |us: Option<i64>| Duration::from_micros(us.unwrap_or(0).unsigned_abs());
        let ahead = self.fact("clock_ahead_us").await?.filter(|ahead| *ahead != 0).map(WallSpan::from_micros);
        let lasted = micros(self.fact("clock_doubted_us").await?);
        Ok(Believed {
            time,
            awake: micros(self.fact("clock_awake_us").await?),
            boot: self.fact("clock_boot").await?.unwrap_or(0).cast_unsigned(),
            doubt: ahead.map(|ahead| Doubt { ahead, lasted }),
        })
    }

    /// `doubt_ends`: what was dated ahead of the time that was believed is counted anew from the time that is believed now; between the two
    /// may lie years.
    async fn keep_believed(&self, believed: &Believed, doubt_ends: bool) -> Result<(), StoreError> {
        let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        let doubt = believed.doubt.map_or((0, 0), |d| (d.ahead.micros(), micros(d.lasted)));
        let failed = || StoreError::db("noting the time");
        let mut tx = self.0.pool.begin().await.map_err(failed())?;
        for (name, value) in [
            ("clock_time_us", believed.time.micros()),
            ("clock_awake_us", micros(believed.awake)),
            ("clock_boot", believed.boot.cast_signed()),
            ("clock_ahead_us", doubt.0),
            ("clock_doubted_us", doubt.1),
        ] {
            sqlx::query("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)")
                .bind(name)
                .bind(value)
                .execute(&mut *tx)
                .await
                .map_err(failed())?;
        }
        if doubt_ends {
            let renewed = sqlx::query("UPDATE recordings SET ahead_us = NULL WHERE ahead_us IS NOT NULL");
            renewed.execute(&mut *tx).await.map_err(failed())?;
        }
        tx.commit().await.map_err(failed())
    }

    async fn fact(&self, name: &str) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar("SELECT value FROM facts WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.0.pool)
            .await
            .map_err(StoreError::db("reading the time"))
    }

    /// When the newest recording ended.
    async fn newest(&self) -> Result<Option<WallTime>, StoreError> {
        let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(end_us) FROM recordings")
            .fetch_one(&self.0.pool)
            .await
            .map_err(StoreError::db("reading the time"))?;
        Ok(newest.map(WallTime::from_micros))
    }
}

impl Inner {
    /// Whether the wall clock is not believed, as of the last reading.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.doubt.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some()
    }
}

/// Judges a reading by what was believed before; gives what is believed now.
pub(crate) fn judge(before: Option<Believed>, read: ClockReading) -> (Believed, RetentionTime) {
    let believe = Believed { time: read.wall, awake: read.awake, boot: read.boot, doubt: None };
    let believed = (believe, RetentionTime { now: read.wall, doubt: None });
    let Some(before) = before else { return believed };
    let same_boot = before.boot == read.boot && read.awake >= before.awake;
    let passed = if same_boot { read.awake - before.awake } else { Duration::ZERO };
    let expected = before.time + WallSpan::from_micros(i64::try_from(passed.as_micros()).unwrap_or(i64::MAX));
    let ahead = read.wall - expected;
    if ahead.micros().abs() <= TOLERANCE.micros() {
        return believed;
    }
    let off = !same_boot && ahead > WallSpan::default();
    let plausible = ahead.micros().abs() <= PLAUSIBLE.micros();
    if plausible && (read.kept || (off && before.doubt.is_none())) {
        return believed;
    }
    let steady = before.doubt.filter(|d| (d.ahead.micros() - ahead.micros()).abs() <= TOLERANCE.micros());
    let lasted = steady.map_or(Duration::ZERO, |d| d.lasted.saturating_add(passed));
    if lasted >= if read.kept { STEADY_KEPT } else { STEADY } {
        return believed;
    }
    let doubt = Some(Doubt { ahead, lasted });
    let believed = Believed { time: expected, awake: read.awake, boot: read.boot, doubt };
    (believed, RetentionTime { now: expected.min(read.wall), doubt: Some(ahead) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;
    const YEAR: i64 = 365 * DAY;

    /// A machine whose clock can be set, that is looked at every minute.
    struct Machine {
        believed: Option<Believed>,
        true_s: i64,
        awake_s: i64,
        set_s: i64,
        boot: u64,
        kept: bool,
    }

    impl Machine {
        fn new(kept: bool) -> Self {
            let mut machine = Self { believed: None, true_s: 0, awake_s: 0, set_s: 0, boot: 1, kept };
            machine.look();
            machine
        }

        fn look(&mut self) -> RetentionTime {
            let read = ClockReading {
                wall: at(self.true_s + self.set_s),
                awake: Duration::from_secs(self.awake_s.unsigned_abs()),
                boot: self.boot,
                kept: self.kept,
            };
            let (believed, time) = judge(self.believed, read);
            self.believed = Some(believed);
            time
        }

        fn run(&mut self, seconds: i64) -> RetentionTime {
            for _ in 0..seconds / 60 {
                self.true_s += 60;
                self.awake_s += 60;
                self.look();
            }
            self.look()
        }

        fn restart(&mut self, off_s: i64) -> RetentionTime {
            self.true_s += off_s;
            (self.boot, self.awake_s) = (self.boot + 1, 5);
            self.look()
        }

        fn late_by(&self, time: RetentionTime) -> i64 {
            (at(self.true_s) - time.now).micros() / 1_000_000
        }
    }

    fn at(s: i64) -> WallTime {
        WallTime::from_millis(1_795_000_000_000 + s * 1000)
    }

    #[test]
    fn a_clock_that_jumps_ten_years_ahead_is_not_gone_by_until_it_has_been_so_for_long() {
        for (kept, days) in [(true, 1), (false, 7)] {
            let mut machine = Machine::new(kept);
            machine.run(DAY);
            machine.set_s = 10 * YEAR;
            let time = machine.look();
            assert_eq!((machine.late_by(time), time.doubt.unwrap().micros()), (0, 10 * YEAR * 1_000_000));
            let time = machine.run(days * DAY - 120);
            assert_eq!(machine.late_by(time), 0, "old recordings go when their time has come");
            machine.restart(3600);
            assert!(machine.look().doubt.is_some(), "a restart does not make it right");
            let time = machine.run(days * DAY);
            assert_eq!((machine.late_by(time), time.doubt), (-10 * YEAR, None));
        }
    }

    #[test]
    fn a_clock_that_comes_back_is_believed_at_once() {
        let mut machine = Machine::new(false);
        for step in [3600, -3600, 10 * YEAR, -10 * YEAR] {
            machine.set_s = step;
            assert!(machine.look().doubt.is_some());
            machine.run(7200);
            machine.set_s = 0;
            assert_eq!(machine.look(), RetentionTime { now: at(machine.true_s), doubt: None });
        }
    }

    #[test]
    fn an_hour_ahead_without_a_time_server_deletes_nothing_an_hour_early() {
        let mut machine = Machine::new(false);
        machine.set_s = 3600;
        for _ in 0..24 {
            let time = machine.run(3600);
            assert_eq!(machine.late_by(time), 0);
        }
        machine.kept = true;
        machine.set_s = 0;
        machine.look();
        machine.set_s = 3600;
        assert_eq!(machine.look().doubt, None, "a time server may step");
    }

    #[test]
    fn a_machine_that_was_off_goes_on_with_its_clock() {
        let mut machine = Machine::new(false);
        let time = machine.restart(5 * DAY);
        assert_eq!((machine.late_by(time), time.doubt), (0, None));
        let time = machine.restart(60 * DAY);
        assert_eq!(machine.late_by(time), 60 * DAY, "two months may be a wrong clock");
        let time = machine.run(8 * DAY);
        assert_eq!((machine.late_by(time), time.doubt), (0, None));
    }

    #[test]
    fn leap_seconds_and_a_clock_that_is_steered_are_no_doubt() {
        let mut machine = Machine::new(false);
        for second in 0..400 {
            machine.set_s = second % 3 - 1 + second / 20;
            assert_eq!(machine.run(600).doubt, None);
        }
    }

    proptest! {
        /// Whatever the clock does for less than a day, nothing is older by more than it really is, and a tolerance for each step.
        #[test]
        fn nothing_goes_early(steps in proptest::collection::vec((-20 * YEAR..20 * YEAR, 60..3600_i64, any::<bool>()), 1..12)) {
            let mut machine = Machine::new(false);
            machine.run(DAY);
            for (n, (set_s, seconds, back)) in steps.into_iter().enumerate() {
                machine.set_s = if back { 0 } else { set_s };
                let time = machine.run(seconds);
                prop_assert!(machine.late_by(time) >= -60 * (n as i64 + 1), "{time:?}");
            }
        }
    }
}
