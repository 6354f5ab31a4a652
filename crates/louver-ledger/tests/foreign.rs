//! A program that knows only the public specifications (`foreign/verify.py`) reads our logs and proofs, and refuses tampered ones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

use louver_ledger::leaf::Digest;
use louver_ledger::{Leaf, Ledger, Options};

const PYTHON: &str = "/usr/bin/python3";
const SITE: [u8; 16] = [0x5a; 16];

fn python_is_there() -> bool {
    let found = Command::new(PYTHON).args(["-c", "import cryptography"]).output();
    let there = found.is_ok_and(|out| out.status.success());
    if !there {
        println!(
            "skipped: {PYTHON} with the package `cryptography` is missing (scripts/setup.sh --test installs it)"
        );
    }
    there
}

/// Exit code and line.
fn verify(args: &[&str]) -> (Option<i32>, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/verify.py");
    let out = Command::new(PYTHON).arg(script).args(args).output().unwrap();
    (out.status.code(), String::from_utf8_lossy(&out.stdout).trim_end().to_owned())
}

fn log_of(dir: &Path, size: u64) -> Ledger {
    let ledger = Ledger::open(dir, &SITE, Options::default()).unwrap();
    let leaf = |n: u64| Leaf::Exported { request: None, manifest: Digest::of(&n.to_be_bytes()) };
    ledger.append_all(&(0..size).map(leaf).collect::<Vec<_>>()).unwrap();
    ledger.publish(size).unwrap();
    ledger.close();
    ledger
}

#[test]
fn a_foreign_verifier_believes_our_logs_of_every_shape_and_our_proofs() {
    if !python_is_there() {
        return;
    }
    for size in [1, 2, 255, 256, 257, 1000, 66_000] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = log_of(&dir.path().join("ledger"), size);
        let key = ledger.verifier().to_string();
        let (code, said) = verify(&["log", dir.path().join("ledger").to_str().unwrap(), &key]);
        assert_eq!(
            (code, said.starts_with(&format!("holds: the log has {size} leaves"))),
            (Some(0), true),
            "{said}"
        );
        for index in [0, size / 2, size - 1] {
            let (proof, leaf) = (dir.path().join("a.tlog-proof"), dir.path().join("leaf"));
            let bytes = ledger.leaf(index).unwrap();
            fs::write(&proof, ledger.proof(index, Some(b"extra")).unwrap()).unwrap();
            fs::write(&leaf, &bytes).unwrap();
            let ask = || verify(&["proof", proof.to_str().unwrap(), leaf.to_str().unwrap(), &key]);
            assert_eq!(ask(), (Some(0), format!("holds: the leaf is number {index} of {size}")));
            fs::write(&leaf, [&bytes[..], b" "].concat()).unwrap();
            assert_eq!(ask(), (Some(1), format!("refused: the leaf is not number {index} of that log")));
        }
    }
}

#[test]
fn a_foreign_verifier_refuses_what_was_tampered_with() {
    if !python_is_there() {
        return;
    }
    let refused = |spoil: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        let key = log_of(dir.path(), 300).verifier().to_string();
        spoil(dir.path());
        let (code, said) = verify(&["log", dir.path().to_str().unwrap(), &key]);
        assert_eq!(code, Some(1), "{said}");
        said
    };
    let flip = |path: &'static str, at: usize| {
        move |dir: &Path| {
            let mut bytes = fs::read(dir.join(path)).unwrap();
            bytes[at] ^= 1;
            fs::write(dir.join(path), bytes).unwrap();
        }
    };
    let leaf = refused(&flip("tile/entries/001.p/44", 20));
    assert_eq!(leaf, "refused: changed: leaf 256 is not the one that was hashed");
    assert_eq!(refused(&flip("tile/0/000", 99)), "refused: changed: tile/0/000 is not what its leaves give");
    assert_eq!(
        refused(&flip("tile/1/000.p/1", 0)),
        "refused: changed: tile/1/000.p/1 is not what its leaves give"
    );
    let gone = refused(&|dir| fs::remove_file(dir.join("tile/entries/001.p/44")).unwrap());
    assert_eq!(gone, "refused: truncated: tile/entries/001.p/44 is missing");
    let resigned = refused(&|dir| {
        let text = fs::read_to_string(dir.join("checkpoint")).unwrap().replacen("\n300\n", "\n299\n", 1);
        fs::write(dir.join("checkpoint"), text).unwrap();
    });
    assert_eq!(resigned, "refused: the checkpoint's signature is wrong");
}
