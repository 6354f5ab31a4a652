//! What the system says of a process.

use std::fs;
use std::time::Duration;

/// A process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Whether it runs or would if it were let: it does not wait for anybody, and nobody has stopped it.
    pub(crate) works: bool,
    /// What it has computed since it began.
    pub(crate) computed: Duration,
}

impl Moment {
    /// `None` where the system does not say.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Fields 3, 14 and 15 of proc_pid_stat(5), counted behind the name, which may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().take(13).collect();
        let ticks = |n: usize| fields.get(n)?.parse::<u64>().ok();
        let ticks = ticks(11)?.saturating_add(ticks(12)?);
        // D: it waits for a disk, for instance for a page of its own program.
        let works = matches!(*fields.first()?, "R" | "D");
        Some(Self { works, computed: Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_second()) })
    }
}

/// Asks the C library: before Linux 6.4 rustix reads `/proc/self/auxv` for it, which a process that is not dumpable may read as root alone,
/// and panics where it cannot.
fn ticks_per_second() -> u64 {
    // SAFETY: it takes a number and gives one.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    // What Linux shows to programs is in hundredths of a second, on every machine that decodes here.
    u64::try_from(ticks).ok().filter(|ticks| *ticks > 0).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_is_called() {
        let stat = "77 (a) R (b) T 1 77 77 0 -1 4194560 100 0 0 0 25 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(Moment::parse(stat).map(|m| m.works), Some(false));
        assert_eq!(Moment::parse(&stat.replace(") T", ") R")).map(|m| m.works), Some(true));
        assert_eq!(Moment::parse("77 (a"), None);
        assert_eq!(Moment::parse("77 (a) R 1"), None);
        assert!(Moment::of(std::process::id()).is_some());
    }
}
