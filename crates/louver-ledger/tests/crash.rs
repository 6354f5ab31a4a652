//! Power cuts and failing disks at every step: no acknowledged leaf is ever lost, and there are never two histories.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use louver_ledger::disk::{Disk, Log, Put};
use louver_ledger::leaf::Digest;
use louver_ledger::verify::{Demands, verify};
use louver_ledger::{Leaf, Ledger, LedgerError, Options, Source, SourceError};

const SITE: [u8; 16] = [0x5a; 16];

/// What happens at one act on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It is refused and nothing of it happened; later ones go well.
    Refused,
    /// It is refused although some of it happened; later ones go well.
    Half,
    /// The power fails in the middle of it; nothing happens any more.
    PowerCut,
}

#[derive(Clone, Default)]
struct FileState {
    /// What a power cut leaves; none: not even the name.
    durable: Option<Vec<u8>>,
    cached: Vec<u8>,
}

#[derive(Default)]
struct Machine {
    files: BTreeMap<String, FileState>,
    acts: u64,
    fault: Option<(u64, Fault)>,
    off: bool,
    seed: u64,
}

impl Machine {
    fn dice(&mut self, n: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % n
    }

    /// Counts an act; says how it ends.
    fn act(&mut self) -> Result<(), Fault> {
        self.acts += 1;
        match self.fault {
            _ if self.off => Err(Fault::Refused),
            Some((at, fault)) if at == self.acts => {
                self.off = fault == Fault::PowerCut;
                Err(fault)
            }
            _ => Ok(()),
        }
    }

    fn put(&mut self, path: &str, bytes: &[u8], durable: bool) {
        let file = self.files.entry(path.to_owned()).or_default();
        file.cached = bytes.to_vec();
        if durable {
            file.durable = Some(bytes.to_vec());
        }
    }

    /// The power comes back: of what was not synced anything or nothing may be there, a log's new end with holes in it.
    fn power_cycle(&mut self) {
        let names: Vec<_> = self.files.keys().cloned().collect();
        for name in names {
            let file = self.files[&name].clone();
            let unsynced = file.durable.as_ref() != Some(&file.cached);
            let after = match self.dice(4) {
                _ if !unsynced => Some(file.cached.clone()),
                0 => Some(file.cached.clone()),
                1 => file.durable.clone(),
                _ if name == "journal" => Some(self.torn(&file)),
                2 => Some(Vec::new()),
                _ => {
                    let keep = self.dice(file.cached.len() as u64 + 1) as usize;
                    Some(file.cached[..keep].to_vec())
                }
            };
            match after {
                Some(bytes) => {
                    drop(self.files.insert(name, FileState { durable: Some(bytes.clone()), cached: bytes }))
                }
                None => drop(self.files.remove(&name)),
            }
        }
        self.off = false;
        self.fault = None;
    }

    /// What was fsynced, and of the rest some 16-byte blocks.
    fn torn(&mut self, file: &FileState) -> Vec<u8> {
        let sure = file.durable.clone().unwrap_or_default();
        let mut bytes = file.cached.clone();
        let from = sure.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
        let keep = from + self.dice((bytes.len().max(from) - from) as u64 + 1) as usize;
        bytes.truncate(keep.max(sure.len().min(bytes.len())));
        for block in bytes[from..].chunks_mut(16) {
            if self.dice(3) == 0 {
                block.fill(0);
            }
        }
        bytes
    }
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Machine>>);

impl Memory {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap()
    }

    /// Does an act, or what its fault leaves of it.
    fn act(&self, whole: impl FnOnce(&mut Machine), half: impl FnOnce(&mut Machine)) -> io::Result<()> {
        let mut machine = self.machine();
        match machine.act() {
            Ok(()) => {
                whole(&mut machine);
                return Ok(());
            }
            Err(Fault::Refused) => {}
            Err(Fault::Half | Fault::PowerCut) if machine.dice(2) == 0 => whole(&mut machine),
            Err(Fault::Half | Fault::PowerCut) => half(&mut machine),
        }
        Err(io::Error::other("the disk says no"))
    }
}

impl Source for Memory {
    fn get(&self, path: &str, _: usize) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.machine().files.get(path).map(|file| file.cached.clone()))
    }
}

impl Disk for Memory {
    fn put(&self, path: &str, bytes: &[u8], how: Put) -> io::Result<()> {
        // By rename: a file of this name is the old one or the new one, never half of it, unless nobody synced it.
        self.act(|m| m.put(path, bytes, how != Put::Soon), |_| {})
    }

    fn sync(&self, paths: &[String]) -> io::Result<()> {
        let synced = |m: &mut Machine| {
            for path in paths {
                let bytes = m.files[path].cached.clone();
                m.put(path, &bytes, true);
            }
        };
        self.act(synced, |_| {})
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let renamed = |m: &mut Machine| {
            let file = m.files.remove(from).unwrap();
            m.files.insert(to.to_owned(), file);
        };
        self.act(renamed, |_| {})
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Log>> {
        self.act(|_| {}, |_| {})?;
        Ok(Box::new(OpenLog { memory: self.clone(), path: path.to_owned() }))
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        let below = format!("{path}/");
        self.act(|m| m.files.retain(|name, _| !name.starts_with(&below)), |_| {})
    }

    fn place(&self, path: &str) -> PathBuf {
        path.into()
    }
}

struct OpenLog {
    memory: Memory,
    path: String,
}

impl OpenLog {
    fn write(&self, machine: &mut Machine, at: u64, bytes: &[u8]) {
        let file = machine.files.get_mut(&self.path).unwrap();
        let (at, end) = (at as usize, at as usize + bytes.len());
        file.cached.resize(file.cached.len().max(end), 0);
        file.cached[at..end].copy_from_slice(bytes);
    }
}

impl Log for OpenLog {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let part = &bytes[..bytes.len() / 2];
        self.memory.act(|m| self.write(m, at, bytes), |m| self.write(m, at, part))
    }

    fn sync(&mut self) -> io::Result<()> {
        let synced = |m: &mut Machine| {
            let bytes = m.files[&self.path].cached.clone();
            m.put(&self.path, &bytes, true);
        };
        self.memory.act(synced, |_| {})
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        let cut = |m: &mut Machine| m.files.get_mut(&self.path).unwrap().cached.truncate(len as usize);
        self.memory.act(cut, |_| {})
    }
}

fn options() -> Options {
    Options { publish_every: Duration::ZERO, gather: Duration::ZERO, ..Options::default() }
}

fn leaf(n: u64) -> Leaf {
    Leaf::Exported { request: None, manifest: Digest::of(&n.to_be_bytes()) }
}

/// Numbers and manifests of acknowledged leaves, and checkpoints that somebody saw.
#[derive(Default)]
struct Seen {
    leaves: BTreeMap<u64, u64>,
    checkpoints: Vec<String>,
}

/// Writes some leaves, one after the other; failures are met as a caller meets them.
fn write(ledger: &Ledger, from: u64, count: u64, seen: &mut Seen) {
    for n in from..from + count {
        let wrote = if n % 3 == 0 { ledger.append_now(&leaf(n)) } else { ledger.append(&leaf(n)) };
        if let Ok(number) = wrote {
            assert_eq!(seen.leaves.insert(number, n), None, "number {number} was given twice");
        }
        let checkpoint = ledger.checkpoint();
        if !checkpoint.is_empty() && seen.checkpoints.last() != Some(&checkpoint) {
            seen.checkpoints.push(checkpoint);
        }
    }
}

/// Whatever happened before: a start goes well, every acknowledged leaf is there, and the log continues every checkpoint that was seen.
fn all_is_there(memory: &Memory, seen: &Seen, what: &str) {
    let ledger = Ledger::open_on(Arc::new(memory.clone()), &SITE, options());
    let ledger = ledger.unwrap_or_else(|e| panic!("{what}: {e}"));
    let last = ledger.append_now(&leaf(999_999)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut found = BTreeMap::new();
    let report = verify(memory, &Demands::default(), |number, bytes| {
        found.insert(number, Leaf::parse(bytes).unwrap().leaf);
    });
    let report = report.unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(report.head.size > last);
    for (number, n) in &seen.leaves {
        assert_eq!(found.get(number), Some(&leaf(*n)), "{what}: leaf {number} was acknowledged");
    }
    for checkpoint in &seen.checkpoints {
        let demands = Demands { since: Some(checkpoint.clone().into_bytes()), ..Demands::default() };
        verify(memory, &demands, |_, _| {}).unwrap_or_else(|e| panic!("{what}: two histories: {e}"));
    }
}

/// A machine with a ledger of `size` leaves, all synced.
fn prepared(size: u64, seen: &mut Seen) -> Memory {
    let memory = Memory::default();
    let ledger = Ledger::open_on(Arc::new(memory.clone()), &SITE, options()).unwrap();
    let leaves: Vec<_> = (1_000_000..1_000_000 + size).map(leaf).collect();
    for (number, n) in ledger.append_all(&leaves).unwrap().zip(1_000_000..) {
        seen.leaves.insert(number, n);
    }
    drop(ledger);
    memory
}

fn acts_of_a_run(before: u64) -> u64 {
    let mut seen = Seen::default();
    let memory = prepared(before, &mut seen);
    memory.machine().acts = 0;
    let ledger = Ledger::open_on(Arc::new(memory.clone()), &SITE, options()).unwrap();
    write(&ledger, 0, 12, &mut seen);
    drop(ledger);
    memory.machine().acts
}

fn run(before: u64, at: u64, fault: Fault, cycle: bool, seed: u64) {
    let what = format!("{fault:?} at act {at}, {before} leaves before, power cycled: {cycle}, dice {seed}");
    let mut seen = Seen::default();
    let memory = prepared(before, &mut seen);
    {
        let mut machine = memory.machine();
        (machine.acts, machine.fault, machine.seed) = (0, Some((at, fault)), seed);
    }
    // A start may fail as well; it then fails with an error and not with a new history.
    if let Ok(ledger) = Ledger::open_on(Arc::new(memory.clone()), &SITE, options()) {
        write(&ledger, 0, 12, &mut seen);
        drop(ledger);
    }
    if cycle || fault == Fault::PowerCut {
        memory.machine().power_cycle();
    }
    memory.machine().fault = None;
    all_is_there(&memory, &seen, &what);
}

#[test]
fn a_power_cut_at_every_act_loses_no_acknowledged_leaf_and_makes_no_second_history() {
    for before in [0, 250, 510] {
        for at in 1..=acts_of_a_run(before) + 4 {
            (0..3).for_each(|seed| run(before, at, Fault::PowerCut, true, seed * 7919 + at));
        }
    }
}

#[test]
fn a_disk_that_fails_at_every_act_loses_no_acknowledged_leaf_and_makes_no_second_history() {
    for before in [0, 250] {
        for at in 1..=acts_of_a_run(before) + 4 {
            for (seed, fault) in [(1, Fault::Refused), (2, Fault::Half), (3, Fault::Half)] {
                run(before, at, fault, seed == 3, seed * 104_729 + at);
            }
        }
    }
}

#[test]
fn a_full_disk_stops_leaves_until_there_is_room_and_says_so() {
    let memory = Memory::default();
    let ledger = Ledger::open_on(Arc::new(memory.clone()), &SITE, options()).unwrap();
    ledger.append_now(&leaf(0)).unwrap();
    let next = memory.machine().acts + 1;
    memory.machine().fault = Some((next, Fault::Refused));
    let refused = ledger.append(&leaf(1)).unwrap_err();
    assert!(matches!(refused, LedgerError::Write(_)), "{refused}");
    assert!(ledger.status().trouble.unwrap().contains("does not happen. Make room on its disk"));
    assert_eq!(ledger.append_now(&leaf(2)).unwrap(), 1, "the refused leaf took no number");
    assert_eq!(ledger.status().trouble, None);
}

#[test]
fn a_failed_fsync_ends_writing_until_a_restart() {
    let memory = Memory::default();
    let ledger = Ledger::open_on(Arc::new(memory.clone()), &SITE, options()).unwrap();
    ledger.append_now(&leaf(0)).unwrap();
    let next = memory.machine().acts + 2;
    memory.machine().fault = Some((next, Fault::Refused));
    assert!(matches!(ledger.append(&leaf(1)), Err(LedgerError::Failed(_))));
    assert!(matches!(ledger.append(&leaf(2)), Err(LedgerError::Failed(_))));
    assert!(ledger.offer(&leaf(3)).is_err());
    assert!(ledger.status().trouble.unwrap().contains("until Louver starts anew"));
    assert_eq!(ledger.status().omitted, 1);
}

#[test]
fn leaves_that_nothing_waited_for_and_that_were_lost_are_counted_in_the_ledger() {
    let memory = Memory::default();
    let options = Options { gather: Duration::from_millis(200), ..options() };
    let ledger = Ledger::open_on(Arc::new(memory.clone()), &SITE, options).unwrap();
    let next = memory.machine().acts + 1;
    memory.machine().fault = Some((next, Fault::Refused));
    (0..3).for_each(|n| ledger.offer(&leaf(n)).unwrap());
    assert!(ledger.append(&leaf(3)).is_err());
    ledger.append_now(&leaf(4)).unwrap();
    let mut found = Vec::new();
    verify(&memory, &Demands::default(), |_, bytes| found.push(Leaf::parse(bytes).unwrap().leaf)).unwrap();
    assert_eq!(found, [leaf(4), Leaf::Omitted { leaves: 3 }]);
}
