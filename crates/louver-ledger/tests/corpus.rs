//! What a fuzzer found worth keeping (fuzz/corpus), and what it begins with, without the fuzzer.
//!
//! `LOUVER_WRITE_SEEDS=1 cargo test -p louver-ledger --test corpus` writes what it begins with anew, after the format has changed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::duplicate_mod, reason = "for the fuzzer each check is whole by itself")]

use std::path::PathBuf;

use louver_base::WallTime;
use louver_ledger::leaf::{Digest, HolderTag, Millis};
use louver_ledger::{Leaf, Salt};

#[path = "../../../fuzz/checks/checkpoint.rs"]
mod checkpoint;
#[path = "../../../fuzz/checks/inclusion_proof.rs"]
mod inclusion_proof;
#[path = "../../../fuzz/checks/ledger_tiles.rs"]
mod ledger_tiles;

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

fn holds_of_all(target: &str, check: impl Fn(&[u8])) {
    let files: Vec<_> = std::fs::read_dir(corpus(target)).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        check(&std::fs::read(file).unwrap());
    }
}

fn are_the_seeds(target: &str, seeds: &[(&str, Vec<u8>)]) {
    for (name, seed) in seeds {
        let file = corpus(target).join(name);
        if std::env::var_os("LOUVER_WRITE_SEEDS").is_some() {
            std::fs::write(&file, seed).unwrap();
        }
        assert_eq!(
            std::fs::read(&file).unwrap(),
            *seed,
            "{name}: not what it is called; LOUVER_WRITE_SEEDS=1 writes it anew"
        );
    }
}

/// One change: what, where, and two numbers.
fn change(what: u8, at: usize, one: u8, two: u8) -> Vec<u8> {
    let [high, low] = u16::try_from(at).unwrap().to_be_bytes();
    vec![what, high, low, one, two]
}

#[test]
fn what_holds_of_any_ledgers_files_holds_of_the_corpus() {
    holds_of_all("ledger_tiles", ledger_tiles::any_bytes);
}

#[test]
fn what_holds_of_any_checkpoint_holds_of_the_corpus() {
    holds_of_all("checkpoint", checkpoint::any_bytes);
}

#[test]
fn what_holds_of_any_proof_holds_of_the_corpus() {
    holds_of_all("inclusion_proof", inclusion_proof::any_bytes);
}

#[test]
fn the_seeds_of_ledgers_are_leaves_paths_and_changes_to_a_real_log() {
    // How it is checked; then which file, how many bytes of changes, the changes.
    let log = |how: u8, file: &str, length: Option<u8>, changes: Vec<u8>| {
        let real = if how < 224 { &ledger_tiles::SMALL } else { &ledger_tiles::LARGE };
        let which = real.names().iter().position(|name| *name == file).unwrap() as u8;
        [&[how, which, length.unwrap_or(changes.len() as u8)], &changes[..]].concat()
    };
    let leaf = |leaf: &Leaf| leaf.to_bytes(WallTime::from_millis(1_772_000_000_000)).unwrap();
    let (salt, digest) = (Salt::new(&[7; 32]), Digest::of(b"a document"));
    let cameras = vec![salt.camera(&"gate".parse().unwrap()); 2];
    let (from, to, until) = (Millis(1), Millis(2), Millis(3));
    let holders = Leaf::Holders {
        number: 1,
        document: digest,
        needed: 2,
        holders: vec![HolderTag::from_bytes([9; 8]); 3],
        observers: vec![],
    };
    are_the_seeds(
        "ledger_tiles",
        &[
            ("as_it_is", vec![224]),
            ("since_a_pin", vec![226]),
            ("small_since_a_pin", vec![2]),
            ("small_leaf_changed", log(1, "tile/entries/000.p/7", None, change(5, 20, 0, 0))),
            ("small_leaf_behind_the_pin", log(3, "tile/entries/000.p/7", None, change(5, 500, 0, 1))),
            ("small_hash_changed", log(2, "tile/0/000.p/7", None, change(5, 99, 0, 3))),
            ("small_leaf_doubled", log(0, "tile/entries/000.p/7", None, change(4, 0, 80, 80))),
            ("leaf_holders", leaf(&holders)),
            (
                "leaf_released",
                leaf(&Leaf::OpeningReleased {
                    request: digest,
                    approvals: vec![digest],
                    cameras,
                    from,
                    to,
                    until,
                }),
            ),
            ("path", b"tile/1/x001/x234/067.p/17".to_vec()),
            ("bundle", b"\0\x03one\0\x03two".to_vec()),
            ("leaf_changed", log(224, "tile/entries/001.p/5", None, change(5, 20, 0, 0))),
            ("leaf_and_its_pin", log(226, "tile/entries/000", None, change(5, 20, 0, 0))),
            ("leaf_behind_the_pin", log(227, "tile/entries/001.p/5", None, change(5, 500, 0, 1))),
            ("leaf_doubled", log(224, "tile/entries/000", None, change(4, 0, 80, 80))),
            ("bundle_cut_off", log(224, "tile/entries/000", None, change(1, 5000, 0, 0))),
            ("bundle_gone", log(224, "tile/entries/000", Some(250), vec![])),
            ("hash_changed", log(224, "tile/0/000", None, change(5, 99, 0, 3))),
            ("other_size", log(0, "checkpoint", None, change(0, 55, 1, b'0'))),
            ("key_of_another", log(1, "vkey", None, change(5, 60, 0, 1))),
            ("tile_in_place_of_the_next", log(224, "tile/0/000", Some(7), vec![])),
        ],
    );
}

#[test]
fn the_seeds_of_checkpoints_are_a_real_one_and_changes_to_it() {
    let whole = checkpoint::whole();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let (body, behind) = (lines[..3].concat(), lines[..4].concat().len());
    let key = ledger_tiles::key();
    are_the_seeds(
        "checkpoint",
        &[
            ("whole", whole.as_bytes().to_vec()),
            ("three_lines", body.clone().into_bytes()),
            ("verifier_key", key.into_bytes()),
            ("signature_line", lines[4].trim_end().as_bytes().to_vec()),
            ("as_it_is", change(5, whole.len(), 0, 0)),
            ("other_size", change(0, body.find('\n').unwrap() + 1, 1, b'8')),
            ("no_signature", change(1, behind, 0, 0)),
            ("witness_alone", change(2, behind, lines[4].len() as u8, 0)),
            ("signature_changed", change(5, behind + 90, 0, 0)),
            ("line_added", change(3, body.len(), 1, b'x')),
        ],
    );
}

#[test]
fn the_seeds_of_proofs_are_a_real_one_changes_to_it_and_hashes_by_number() {
    let whole = inclusion_proof::whole();
    let index = whole.find("index ").unwrap() + 6;
    let path = index + whole[index..].find('\n').unwrap() + 1;
    are_the_seeds(
        "inclusion_proof",
        &[
            ("whole", whole.as_bytes().to_vec()),
            ("as_it_is", change(5, whole.len(), 0, 0)),
            ("other_number", change(0, index, 1, b'1')),
            ("hash_removed", change(2, path, 45, 0)),
            ("hash_doubled", change(4, path, 45, 0)),
            ("hash_changed", change(0, path + 3, 1, b'A')),
            ("without_extra", change(2, whole.find("extra").unwrap(), 15, 0)),
            ("the_same_tree", vec![37, 0]),
            ("right_path", [&[21, 21], &inclusion_proof::path_by_number(21)[..]].concat()),
            ("right_growth", [&[21, 0], &inclusion_proof::growth_by_number(21)[..]].concat()),
            ("growth_from_a_power_of_two", [&[32, 0], &inclusion_proof::growth_by_number(32)[..]].concat()),
            ("path_one_short", [&[21, 21], &inclusion_proof::path_by_number(21)[1..]].concat()),
        ],
    );
}
