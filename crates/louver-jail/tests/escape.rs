//! Attempts to get out, made by a child that has given up its rights in the way in which decoding does.
#![allow(clippy::unwrap_used)] // What cannot be set up here fails its test.

use std::time::{Duration, Instant};

use louver_jail::{Ended, Files, Jailed, LEFT, MESSAGE_BYTES, Message, Program, Starter};
use rustix::process::{Pid, Signal, kill_process};

const MEMORY: usize = 1 << 20;

/// `examples/inmate.rs`, which stands beside this file's own program. (A test itself has threads of its harness, whose calls
/// would be taken for attempts.)
fn program(words: &[&'static str]) -> Starter {
    let tests = std::env::current_exe().unwrap();
    let inmate = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/inmate");
    Starter::new(Program::at(inmate, words.iter().copied())).unwrap()
}

fn starter() -> Starter {
    program(&[])
}

fn start() -> (Starter, Jailed) {
    let starter = starter();
    let jailed = starter.start(MEMORY).unwrap();
    (starter, jailed)
}

fn message(what: u8, number: u32) -> Message {
    let mut message = [0; MESSAGE_BYTES];
    message[0] = what;
    message[4..8].copy_from_slice(&number.to_le_bytes());
    message
}

const ECHO: u8 = 1;
const COPY: u8 = 2;
const CALL: u8 = 3;
const SPIN: u8 = 4;
const PANIC: u8 = 5;
const LONG: u8 = 6;
const TWICE: u8 = 7;
const ATTEMPT: u8 = 8;
const ALLOCATE: u8 = 9;

/// What the attempts of `examples/inmate.rs` try, in their order.
const ATTEMPTS: &[&str] = &[
    "read a file",
    "write a file",
    "read what /proc knows of the parent",
    "list a folder",
    "write to an inherited descriptor",
    "open a socket to the network",
    "open a socket for datagrams",
    "open a socket of the system's own",
    "start a program",
    "become another program",
    "start a thread",
    "kill its parent",
    "kill everybody",
    "look into another process",
    "read another process's memory",
    "get memory that can be run",
    "make memory runnable",
    "map a file",
    "read the shared memory's file through another call",
    "make the shared memory smaller under the parent",
    "send to another socket",
    "give itself other rights",
    "outlive its parent",
];

fn killed_by(ended: &Ended, signal: i32) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    matches!(ended, Ended::Over(Some(status)) if status.signal() == Some(signal))
}

#[test]
fn whoever_runs_code_of_his_own_in_a_decoding_process_is_killed_at_his_first_way_out() {
    let starter = starter();
    for (n, what) in ATTEMPTS.iter().enumerate() {
        let mut jailed = starter.start(MEMORY).unwrap();
        let ended = jailed.exchange(&message(ATTEMPT, n as u32)).expect_err(what);
        assert!(killed_by(&ended, libc::SIGSYS), "{what}: {ended}");
        assert_eq!(ended.to_string(), "the process ended (it asked the system for what it may not)");
    }
    assert!(!std::path::Path::new("/tmp/louver-jail-escape").exists());
}

/// `uretprobe` and `uprobe` of x86: the kernel's own way back out of tracing, which it lets past every filter; made anywhere
/// else they do nothing but fail.
const TRACED: &[u32] = if cfg!(target_arch = "x86_64") { &[335, 336] } else { &[] };

#[test]
fn every_system_call_but_those_on_the_list_ends_a_decoding_process() {
    let starter = starter();
    let mut jailed = starter.start(MEMORY).unwrap();
    let (mut tried, mut let_through) = (0, Vec::new());
    // Beyond the newest that this kernel can have.
    for number in 0..600_u32 {
        if LEFT.iter().any(|call| call.number == i64::from(number)) || TRACED.contains(&number) {
            continue;
        }
        tried += 1;
        match jailed.exchange(&message(CALL, number)) {
            Ok(_) => let_through.push(number),
            Err(ended) => {
                assert!(killed_by(&ended, libc::SIGSYS), "call {number}: {ended}");
                jailed = starter.start(MEMORY).unwrap();
            }
        }
    }
    assert!(let_through.is_empty(), "{let_through:?}");
    assert_eq!(tried, 600 - LEFT.len() - TRACED.len());
}

#[test]
fn the_list_of_system_calls_in_security_md_is_the_one_that_holds() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../SECURITY.md")).unwrap();
    let (_, rest) = text.split_once("It may ask the system for ").expect("the sentence with the list");
    let (list, _) = rest.split_once('.').unwrap();
    let mut written: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    let mut held: Vec<&str> = LEFT.iter().map(|call| call.name).collect();
    written.sort_unstable();
    held.sort_unstable();
    assert_eq!(written, held);
}

#[test]
fn a_decoding_process_leaves_it_to_its_parent_when_it_ends() {
    let (_starter, mut jailed) = start();
    let pid = Pid::from_raw(i32::try_from(jailed.pid()).unwrap()).unwrap();
    // As Ctrl-C, an ordinary stop, and a terminal that is closed.
    for (n, signal) in [Signal::INT, Signal::TERM, Signal::HUP].into_iter().enumerate() {
        kill_process(pid, signal).unwrap();
        let echo = message(ECHO, n as u32);
        assert_eq!(jailed.exchange(&echo).expect("it goes on"), echo, "{signal:?}");
    }
}

#[test]
fn a_decoding_process_has_no_rights_that_the_system_knows_of() {
    let (_starter, mut jailed) = start();
    let echo = message(ECHO, 7);
    assert_eq!(jailed.exchange(&echo).unwrap(), echo);
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", jailed.pid())).unwrap();
    let status = read("status");
    let line = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!((line("Seccomp:").as_str(), line("NoNewPrivs:").as_str()), ("2", "1"), "{status}");
    let limits = read("limits");
    for name in ["Max core file size", "Max file size", "Max open files"] {
        let line = limits.lines().find(|l| l.starts_with(name)).unwrap();
        assert_eq!(line[name.len()..].split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"], "{line}");
    }
    // Files of a process that is not dumpable belong to root, whoever runs it.
    let maps = std::fs::metadata(format!("/proc/{}/maps", jailed.pid())).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&maps), 0);
    if std::fs::read_dir("/sys/kernel/security/landlock").is_ok() {
        assert_ne!(jailed.files(), Files::CallsAlone);
    }
}

#[test]
fn memory_is_shared_both_ways_and_nobody_reads_beyond_it() {
    let (_starter, mut jailed) = start();
    let there: Vec<u8> = (0..MEMORY / 2).map(|n| (n * 7) as u8).collect();
    jailed.put(0, &there).unwrap();
    jailed.exchange(&message(COPY, 0)).unwrap();
    assert!(jailed.take(MEMORY / 2, there.len()).unwrap() == there);
    assert!(jailed.put(MEMORY / 2 + 1, &there).is_err());
    assert!(jailed.put(usize::MAX, &there).is_err());
    assert!(jailed.take(MEMORY / 2 + 1, there.len()).is_err());
    assert!(jailed.take(usize::MAX, 2).is_err());
    // None of it was the child's fault.
    jailed.exchange(&message(ECHO, 0)).unwrap();
}

#[test]
fn one_that_computes_for_ever_or_was_stopped_is_killed_after_half_a_second() {
    let starter = starter();
    for stop in [false, true] {
        let mut jailed = starter.start(MEMORY).unwrap();
        if stop {
            let pid = Pid::from_raw(jailed.pid() as i32).unwrap();
            kill_process(pid, Signal::STOP).unwrap();
        }
        let begun = Instant::now();
        let ended = jailed.exchange(&message(if stop { ECHO } else { SPIN }, 0)).unwrap_err();
        assert!(matches!(ended, Ended::Hung(_)), "{ended}");
        assert!(begun.elapsed() >= Duration::from_millis(490), "{:?}", begun.elapsed());
        if stop {
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        }
        assert!(!std::path::Path::new(&format!("/proc/{}", jailed.pid())).exists(), "it is dead and buried");
    }
}

#[test]
fn one_that_ended_before_the_message_is_told_from_one_that_ended_over_it() {
    let starter = starter();
    let mut jailed = starter.start(MEMORY).unwrap();
    let ended = jailed.exchange(&message(PANIC, 0)).unwrap_err();
    // Its words go to standard error, which it may not write to.
    assert!(matches!(ended, Ended::Over(Some(_))), "{ended}");
    assert!(matches!(jailed.exchange(&message(ECHO, 0)).unwrap_err(), Ended::Before));

    let mut jailed = starter.start(MEMORY).unwrap();
    let pid = Pid::from_raw(jailed.pid() as i32).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let since = Instant::now();
    let zombie = || std::fs::read_to_string(format!("/proc/{}/stat", jailed.pid())).unwrap().contains(") Z");
    while !zombie() {
        assert!(since.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    assert!(matches!(jailed.exchange(&message(ECHO, 0)).unwrap_err(), Ended::Before));
}

#[test]
fn what_is_no_message_or_one_too_many_is_noticed() {
    let (starter, mut jailed) = start();
    let ended = jailed.exchange(&message(LONG, 0)).unwrap_err();
    assert!(matches!(ended, Ended::Lied(_)), "{ended}");
    let mut jailed2 = starter.start(MEMORY).unwrap();
    let twice = message(TWICE, 0);
    assert_eq!(jailed2.exchange(&twice).unwrap(), twice);
    // The second answer to the first message is not the answer to this one: that is for the caller to see.
    assert_eq!(jailed2.exchange(&message(ECHO, 5)).unwrap(), twice);
}

#[test]
fn one_that_takes_memory_without_end_is_ended_by_its_limit() {
    let (_starter, mut jailed) = start();
    jailed.exchange(&message(ALLOCATE, 4)).unwrap();
    // Untouched pages cost nothing, so these are asked for only.
    let ended = jailed.exchange(&message(ALLOCATE, 400)).unwrap_err();
    assert!(matches!(ended, Ended::Over(_) | Ended::Hung(_)), "{ended}");
}

#[test]
fn no_child_outlives_its_starter_or_its_parents_end_of_the_socket() {
    let starter = starter();
    let jailed = starter.start(MEMORY).unwrap();
    let gone = |pid: u32, why: &str| {
        let since = Instant::now();
        // One that is dead and not yet buried has no memory any more.
        let dead =
            || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |s| s.contains(") Z"));
        while !dead() {
            assert!(since.elapsed() < Duration::from_secs(10), "{why}");
            std::thread::yield_now();
        }
    };
    drop(starter);
    gone(jailed.pid(), "its starter's thread is gone");
    let (_starter, jailed) = start();
    let pid = jailed.pid();
    drop(jailed);
    gone(pid, "nobody wants it any more");
}

#[test]
fn a_program_that_is_none_of_ours_is_not_waited_for() {
    let starter = program(&["--nothing"]);
    let begun = Instant::now();
    starter.start(MEMORY).expect_err("it ends at once");
    assert!(begun.elapsed() < Duration::from_secs(5));
}
