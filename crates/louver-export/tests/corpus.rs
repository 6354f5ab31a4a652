//! What a fuzzer found worth keeping (fuzz/corpus), and what it begins with, without the fuzzer.
//!
//! `LOUVER_WRITE_SEEDS=1 cargo test -p louver-export --test corpus` writes what it begins with anew, after the format or the vectors have changed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

#[path = "../../../fuzz/checks/export_manifest.rs"]
mod export_manifest;

use export_manifest::{REAL, manifest_at};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/export_manifest")
}

/// One change: what, where, and two numbers.
fn change(what: u8, at: usize, one: u8, two: u8) -> Vec<u8> {
    let [high, low] = u16::try_from(at).unwrap().to_be_bytes();
    vec![what, high, low, one, two]
}

#[test]
fn what_holds_of_any_manifest_holds_of_the_corpus() {
    let files: Vec<_> = std::fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        export_manifest::any_bytes(&std::fs::read(file).unwrap());
    }
}

#[test]
fn the_seeds_of_manifests_are_a_real_one_and_changes_to_it() {
    let box_at = manifest_at();
    let note = &REAL[box_at + 24..];
    let text = note.split(|b| *b == b'\n').next().unwrap();
    let in_note =
        |word: &str| note.windows(word.len()).position(|w| w == word.as_bytes()).unwrap() + word.len();
    let in_file = |word: &str| box_at + 24 + in_note(word);
    let seeds = [
        ("text", text.to_vec()),
        ("as_it_is", change(5, REAL.len(), 0, 0)),
        ("picture_changed", change(5, box_at - 3, 0, 1)),
        ("manifest_cut_off", change(1, box_at, 0, 0)),
        ("box_longer_than_the_file", change(0, box_at + 2, 1, 0xff)),
        ("something_behind_it", change(3, REAL.len(), 1, b'\n')),
        ("other_camera", change(0, in_file("\"camera\":\""), 1, b'h')),
        ("camera_in_the_note", change(0, in_note("\"camera\":\""), 1, b'h')),
        (
            "masked",
            [change(2, in_note("\"kind\":\""), 8, 0), change(3, in_note("\"kind\":\""), 6, b'm')].concat(),
        ),
        ("other_fragment", change(0, in_note("\"n\":"), 1, b'2')),
        ("blind_changed", change(0, in_note("\"blind\":\""), 1, b'A')),
        ("heads_changed", change(0, in_note("\"heads\":\""), 1, b'A')),
        ("places_moved", change(0, in_note("\"at\":"), 1, b'9')),
        ("no_signature", change(1, note.len() - 30, 0, 0)),
        ("other_request", change(0, in_note("\"request\":\""), 1, b'0')),
    ];
    for (name, seed) in seeds {
        let file = corpus().join(name);
        if std::env::var_os("LOUVER_WRITE_SEEDS").is_some() {
            std::fs::write(&file, &seed).unwrap();
        }
        let there = std::fs::read(&file).unwrap_or_default();
        assert_eq!(there, seed, "{name}: not what it is called; LOUVER_WRITE_SEEDS=1 writes it anew");
    }
}
