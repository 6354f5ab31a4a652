//! The machine's clock: recordings are found by its time.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use louver_base::WallTime;

use super::Check;
use crate::when;

/// 2026-01-01T00:00:00Z: no Louver is older.
const EARLIEST: WallTime = WallTime::from_millis(1_767_225_600_000);
/// 2100-01-01T00:00:00Z.
const LATEST: WallTime = WallTime::from_millis(4_102_444_800_000);
/// Asking the system must not hold up the other checks.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether the time is plausible and kept by the network.
pub(super) fn check() -> Check {
    judge(WallTime::now(), synchronised())
}

fn judge(now: WallTime, synchronised: Option<bool>) -> Check {
    let says = format!("it is {}", when::show(now));
    if now < EARLIEST || now > LATEST {
        let todo =
            "set the clock (`timedatectl set-time`, or let the network set it: `timedatectl set-ntp true`)";
        return Check::trouble("clock", format!("{says}, which cannot be"), todo);
    }
    match synchronised {
        Some(true) => Check::ok("clock", format!("{says}, kept by the network")),
        Some(false) => Check::warning(
            "clock",
            format!("{says}, but no time server keeps it"),
            "let the network keep it: `timedatectl set-ntp true`, or install chrony",
        ),
        None => {
            Check::ok("clock", format!("{says}; whether a time server keeps it cannot be seen from here"))
        }
    }
}

/// Whether a time server keeps the clock, as far as is known.
pub(crate) fn is_kept() -> bool {
    synchronised() == Some(true)
}

/// What systemd knows; `None` where there is no systemd to ask.
fn synchronised() -> Option<bool> {
    if std::path::Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some(true);
    }
    let mut child = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let start = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // A word and a line end: it fits into the pipe, so the child could end before it was read.
    let said = child.wait_with_output().ok()?;
    match String::from_utf8_lossy(&said.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_of_1970_is_trouble_and_one_that_nobody_keeps_a_warning() {
        let now = WallTime::from_millis(1_795_000_000_000);
        assert_eq!(judge(WallTime::from_millis(0), Some(true)).verdict, Verdict::Trouble);
        assert_eq!(judge(now, Some(false)).verdict, Verdict::Warning);
        assert_eq!(judge(now, Some(true)).verdict, Verdict::Ok);
        assert_eq!(judge(now, None).verdict, Verdict::Ok);
    }
}
