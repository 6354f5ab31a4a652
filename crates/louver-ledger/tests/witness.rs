//! A witness of our own, over real HTTP, that signs only what continues the last it signed ([tlog-witness](https://c2sp.org/tlog-witness)).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use louver_ledger::checkpoint::Checkpoint;
use louver_ledger::leaf::Digest;
use louver_ledger::note::{KeyKind, VerifierKey};
use louver_ledger::proof::{Inclusion, InclusionError};
use louver_ledger::tree::{Head, check_consistency};
use louver_ledger::verify::{Demands, verify};
use louver_ledger::witness::{Answer, Post, Witness};
use louver_ledger::{DirSource, Hash, Leaf, Ledger, Options, SiteKey};

const SITE: [u8; 16] = [0x5a; 16];

/// What the witness remembers: for each log that it knows, the key and the latest head that it signed.
struct Memory {
    key: SiteKey,
    logs: BTreeMap<String, (VerifierKey, Option<Head>)>,
}

impl Memory {
    /// Status and body.
    fn add_checkpoint(&mut self, body: &str) -> (u16, String) {
        let status = |code| (code, String::new());
        let Some((head, checkpoint)) = body.split_once("\n\n") else { return status(400) };
        let mut lines = head.lines();
        let Some(old) = lines.next().and_then(|l| l.strip_prefix("old ")?.parse::<u64>().ok()) else {
            return status(400);
        };
        let Ok(proof) = lines.map(Hash::from_base64).collect::<Result<Vec<_>, _>>() else {
            return status(400);
        };
        let origin = checkpoint.lines().next().unwrap_or_default();
        let Some((log, last)) = self.logs.get_mut(origin) else { return status(404) };
        let Ok((new, note)) = Checkpoint::open(checkpoint.as_bytes(), log) else { return status(403) };
        if old > new.head.size || proof.len() > 63 {
            return status(400);
        }
        let known = last.unwrap_or(Head { size: 0, root: Hash::EMPTY });
        if old != known.size || (old == new.head.size && known.root != new.head.root) {
            return (409, format!("{}\n", known.size));
        }
        if check_consistency(&proof, known, new.head).is_err() {
            return status(422);
        }
        *last = Some(new.head);
        (200, self.key.cosign(note.text(), 1_772_000_000).to_string())
    }
}

struct TestWitness {
    address: SocketAddr,
    memory: Arc<Mutex<Memory>>,
}

impl TestWitness {
    fn start(name: &str) -> Self {
        let key = SiteKey::from_seed(&[9; 32], name, KeyKind::Witness).unwrap();
        let memory = Arc::new(Mutex::new(Memory { key, logs: BTreeMap::new() }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&memory);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                drop(answer(stream, &shared));
            }
        });
        Self { address, memory }
    }

    fn knows(&self, log: &VerifierKey) {
        self.memory.lock().unwrap().logs.insert(log.name().to_owned(), (log.clone(), None));
    }

    fn key(&self) -> VerifierKey {
        self.memory.lock().unwrap().key.verifier().clone()
    }

    fn options(&self) -> Options {
        Options {
            publish_every: Duration::from_millis(5),
            witnesses: vec![Witness { url: format!("http://{}/w/", self.address), key: self.key() }],
            post: Some(Box::new(PlainHttp)),
            witness_every: Duration::from_millis(20),
            ..Options::default()
        }
    }
}

fn answer(mut stream: TcpStream, memory: &Mutex<Memory>) -> io::Result<()> {
    let (head, body) = message(&stream)?;
    let (status, body) = if head.starts_with("POST /w/add-checkpoint HTTP/1.1\r\n") {
        memory.lock().unwrap().add_checkpoint(&body)
    } else {
        (404, String::new())
    };
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Head and body of an HTTP message with a Content-Length.
fn message(stream: &TcpStream) -> io::Result<(String, String)> {
    let (mut reader, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let length = head.lines().find_map(|l| l.strip_prefix("Content-Length: ")?.parse::<u64>().ok());
    let mut body = String::new();
    reader.take(length.unwrap_or(0)).read_to_string(&mut body)?;
    Ok((head, body))
}

struct PlainHttp;

impl Post for PlainHttp {
    fn post(&self, url: &str, body: &str) -> Result<Answer, String> {
        let rest = url.strip_prefix("http://").ok_or("no http address")?;
        let (host, path) = rest.split_once('/').ok_or("no path")?;
        let ask = || {
            let mut stream = TcpStream::connect(host)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            write!(
                stream,
                "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            message(&stream)
        };
        let (head, body) = ask().map_err(|e: io::Error| e.to_string())?;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or("no status")?;
        Ok(Answer { status, body })
    }
}

fn leaf(n: u64) -> Leaf {
    Leaf::Exported { request: None, manifest: Digest::of(&n.to_be_bytes()) }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn trouble(ledger: &Ledger) -> String {
    ledger.status().witnesses[0].trouble.clone().unwrap_or_default()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).map(|_| ()).unwrap()
        }
    }
}

#[test]
fn a_witness_signs_each_checkpoint_and_its_signature_stands_in_checkpoint_and_proof() {
    let (dir, witness) = (tempfile::tempdir().unwrap(), TestWitness::start("witness.example/w1"));
    let ledger = Ledger::open(dir.path(), &SITE, witness.options()).unwrap();
    witness.knows(ledger.verifier());
    for n in 0..300 {
        ledger.append(&leaf(n)).unwrap();
    }
    let number = ledger.append_now(&leaf(300)).unwrap();
    until("the witness signed all", || ledger.checkpoint().contains("witness.example/w1"));
    assert_eq!(ledger.status().witnesses[0].trouble, None);
    let demands = Demands {
        key: Some(ledger.verifier().clone()),
        witnesses: vec![witness.key()],
        quorum: 1,
        ..Demands::default()
    };
    let report = verify(&DirSource::new(dir.path()), &demands, |_, _| {}).unwrap();
    assert_eq!(report.witnessed, Some(301));
    let (proof, bytes) =
        (Inclusion::parse(&ledger.proof(number, None).unwrap()).unwrap(), ledger.leaf(number).unwrap());
    assert!(proof.check(&bytes, ledger.verifier(), &[witness.key()], 1).is_ok());
    let other = SiteKey::from_seed(&[8; 32], "witness.example/w2", KeyKind::Witness).unwrap();
    let asked = proof.check(&bytes, ledger.verifier(), &[witness.key(), other.verifier().clone()], 2);
    assert_eq!(asked, Err(InclusionError::Quorum { have: 1, need: 2 }));
    // A restart does not lose what it signed.
    drop(ledger);
    let again = Ledger::open(dir.path(), &SITE, Options::default()).unwrap();
    assert!(again.checkpoint().contains("witness.example/w1"));
}

#[test]
fn an_old_copy_of_the_ledger_that_was_put_back_is_found_out_by_the_witness() {
    let (dir, witness) = (tempfile::tempdir().unwrap(), TestWitness::start("witness.example/w1"));
    let (here, old) = (dir.path().join("ledger"), dir.path().join("old"));
    let ledger = Ledger::open(&here, &SITE, witness.options()).unwrap();
    witness.knows(ledger.verifier());
    ledger.append_now(&leaf(0)).unwrap();
    until("the first was signed", || ledger.status().witnesses[0].signed == 1);
    drop(ledger);
    copy(&here, &old);
    let ledger = Ledger::open(&here, &SITE, witness.options()).unwrap();
    (1..10).for_each(|n| assert!(ledger.append_now(&leaf(n)).is_ok()));
    until("all were signed", || ledger.status().witnesses[0].signed == 10);
    drop(ledger);
    fs::remove_dir_all(&here).unwrap();
    copy(&old, &here);
    let ledger = Ledger::open(&here, &SITE, witness.options()).unwrap();
    ledger.append_now(&leaf(77)).unwrap();
    until("the witness refused", || trouble(&ledger).contains("an old copy of the ledger was put back"));
    // And when the false history has grown past the true one, it is a fork. Recording never stopped.
    (100..110).for_each(|n| assert!(ledger.append_now(&leaf(n)).is_ok()));
    until("the witness refused the fork", || trouble(&ledger).contains("not the one that it signed before"));
    let demands = Demands {
        key: Some(ledger.verifier().clone()),
        witnesses: vec![witness.key()],
        quorum: 1,
        ..Demands::default()
    };
    ledger.close();
    let report = verify(&DirSource::new(&here), &demands, |_, _| {}).unwrap();
    // The one leaf that it signed before the copy was taken is still the beginning of this log; nothing later is witnessed.
    assert_eq!((report.witnessed, report.head.size), (Some(1), 12));
}

#[test]
fn a_witness_that_is_away_or_does_not_know_the_ledger_holds_nothing_up_and_is_told_of() {
    let (dir, witness) = (tempfile::tempdir().unwrap(), TestWitness::start("witness.example/w1"));
    let ledger = Ledger::open(dir.path(), &SITE, witness.options()).unwrap();
    ledger.append_now(&leaf(0)).unwrap();
    until("it is said", || trouble(&ledger).contains("give its operator the ledger's vkey"));
    assert_eq!(ledger.append_now(&leaf(1)).unwrap(), 1);
    witness.knows(ledger.verifier());
    until("it signs when it has been told", || ledger.status().witnesses[0].signed == 2);
    drop(ledger);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut options = witness.options();
    options.witnesses[0].url = format!("http://{nobody}");
    let ledger = Ledger::open(dir.path(), &SITE, options).unwrap();
    assert_eq!(ledger.append_now(&leaf(2)).unwrap(), 2);
    until("it is said", || trouble(&ledger).contains("does not answer"));
}

/// A process that ends when this is dropped.
struct Foreign(Child);

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A witness that knows only the public specifications (`foreign/witness.py`).
fn foreign_witness(log: &VerifierKey) -> Option<(Foreign, Witness)> {
    const PYTHON: &str = "/usr/bin/python3";
    let found = Command::new(PYTHON).args(["-c", "import cryptography"]).output();
    if !found.is_ok_and(|out| out.status.success()) {
        println!(
            "skipped: {PYTHON} with the package `cryptography` is missing (scripts/setup.sh --test installs it)"
        );
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/witness.py");
    let mut command = Command::new(PYTHON);
    command.arg("-B").arg(script).args(["foreign.example/w", &log.to_string()]);
    let mut process = Foreign(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (port, key) = line.trim().split_once(' ').unwrap();
    let witness = Witness { url: format!("http://127.0.0.1:{port}"), key: key.parse().unwrap() };
    Some((process, witness))
}

#[test]
fn a_witness_that_somebody_else_wrote_signs_our_checkpoints_as_they_grow_and_refuses_another_history() {
    let dir = tempfile::tempdir().unwrap();
    let (here, old) = (dir.path().join("ledger"), dir.path().join("old"));
    let log = Ledger::open(&here, &SITE, Options::default()).unwrap().verifier().clone();
    let Some((_process, witness)) = foreign_witness(&log) else { return };
    let open = || {
        let options = Options {
            publish_every: Duration::from_millis(5),
            witnesses: vec![witness.clone()],
            post: Some(Box::new(PlainHttp)),
            witness_every: Duration::from_millis(20),
            ..Options::default()
        };
        Ledger::open(&here, &SITE, options).unwrap()
    };
    let ledger = open();
    // Sizes of every shape: its reading of consistency proofs is its own.
    let mut size = 0;
    for more in [1, 1, 1, 4, 1, 9, 50, 189, 1, 300] {
        ledger.append_all(&(0..more).map(leaf).collect::<Vec<_>>()).unwrap();
        size += more;
        until("it signed", || ledger.status().witnesses[0].signed == size);
    }
    let demands =
        Demands { key: Some(log), witnesses: vec![witness.key.clone()], quorum: 1, ..Demands::default() };
    let witnessed =
        || verify(&DirSource::new(&here), &demands, |_, _| {}).is_ok_and(|r| r.witnessed == Some(size));
    until("its signature stands in the checkpoint and is right", witnessed);
    ledger.close();
    drop(ledger);
    copy(&here, &old);
    let ledger = open();
    ledger.append_all(&[leaf(1), leaf(2)]).unwrap();
    until("it signed those too", || ledger.status().witnesses[0].signed == size + 2);
    ledger.close();
    drop(ledger);
    fs::remove_dir_all(&here).unwrap();
    copy(&old, &here);
    let ledger = open();
    ledger.append_now(&leaf(7)).unwrap();
    until("it is ahead", || trouble(&ledger).contains("an old copy of the ledger was put back"));
    ledger.append_all(&[leaf(8), leaf(9)]).unwrap();
    until("it refused the fork", || trouble(&ledger).contains("not the one that it signed before"));
}
