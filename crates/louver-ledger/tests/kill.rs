//! `kill -9` at any moment: what was acknowledged is there, and the log only grew.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use louver_ledger::leaf::Digest;
use louver_ledger::verify::{Demands, verify};
use louver_ledger::{DirSource, Leaf, Ledger, Options};

const SITE: [u8; 16] = [0x5a; 16];
const FOLDER: &str = "LOUVER_LEDGER_KILL_FOLDER";

fn open(dir: &Path) -> Ledger {
    Ledger::open(dir, &SITE, Options { publish_every: Duration::from_millis(2), ..Options::default() })
        .unwrap()
}

/// Not a test: the process that is killed. It appends until then, and says the number of each leaf when it is acknowledged.
#[test]
#[ignore = "run by the test below, as a process of its own"]
fn appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let ledger = open(Path::new(&dir));
    loop {
        let leaf = Leaf::Exported { request: None, manifest: Digest::of(b"a") };
        let number = ledger.append(&leaf).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nacknowledged {number}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_killed_process_loses_no_acknowledged_leaf() {
    let dir = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut pinned) = (None, None);
    for round in 0..8u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "appends_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut numbers = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        acknowledged = numbers.by_ref().take(3 + 5 * round as usize).last().or(acknowledged);
        child.kill().unwrap();
        // What it said before it died counts as well.
        acknowledged = numbers.last().or(acknowledged);
        child.wait().unwrap();
        let ledger = open(dir.path());
        let size = ledger.opened().size;
        assert!(size > acknowledged.unwrap(), "leaf {acknowledged:?} was acknowledged, {size} are there");
        ledger.publish(size).unwrap();
        let demands = Demands { since: pinned, ..Demands::default() };
        let report = verify(&DirSource::new(dir.path()), &demands, |_, _| {}).unwrap();
        pinned = Some(report.checkpoint.into_bytes());
    }
}
