//! What a fuzzer found worth keeping (fuzz/corpus), and what it begins with, without the fuzzer.
//!
//! `LOUVER_WRITE_SEEDS=1 cargo test -p louver-vault --test corpus` writes what it begins with anew, after the format has changed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::duplicate_mod, reason = "for the fuzzer each check is whole by itself")]

use std::io::Cursor;
use std::path::PathBuf;

use louver_vault::SegmentInfo;

#[path = "../../../fuzz/checks/sealed_segment.rs"]
mod sealed_segment;
#[path = "../../../fuzz/checks/share_file.rs"]
mod share_file;

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

#[test]
fn what_holds_of_any_sealed_segment_holds_of_the_corpus() {
    holds_of_all("sealed_segment", sealed_segment::any_bytes);
}

#[test]
fn what_holds_of_any_share_file_holds_of_the_corpus() {
    holds_of_all("share_file", share_file::any_bytes);
}

/// One change: what, where, and two numbers.
fn change(what: u8, at: u64, one: u8, two: u8) -> Vec<u8> {
    let [high, low] = u16::try_from(at).unwrap().to_be_bytes();
    vec![what, high, low, one, two]
}

#[test]
fn the_seeds_of_sealed_segments_are_changes_to_todays_vector() {
    let vector = include_bytes!("vectors/one-of-one-0.sealed");
    let info = SegmentInfo::inspect(&mut Cursor::new(&vector[..])).unwrap();
    let [first, second] = &info.fragments[..] else { panic!("the vector has two fragments") };
    let (end, whole) = (second.end(), vector.len() as u64);
    let (right_header, right_frame) = (change(6, 0, 0, 0), |at| change(7, at, 0, 0));
    let all_right =
        || [right_header.clone(), right_frame(first.at), right_frame(second.at), right_frame(end)].concat();
    let key_block = 105 + u64::from(vector[104]);
    let (hour_secret_flag, link, hash) = (9, key_block + 23, key_block + 32);
    are_the_seeds(
        "sealed_segment",
        &[
            ("as_it_is", change(8, whole, 0, 0)),
            ("whole_file", vector.to_vec()),
            ("end_cut_off", change(1, end, 0, 0)),
            ("torn", change(1, end + 20, 0, 0)),
            (
                "zeros_for_an_end",
                [change(4, second.at + 60, 255, 0), change(4, second.at + 60, 255, 0)].concat(),
            ),
            (
                "end_drawn_forward",
                [
                    change(2, second.at, second.bytes as u8, 0),
                    change(0, second.at + 7, 1, 1),
                    right_frame(second.at),
                ]
                .concat(),
            ),
            (
                "first_removed_and_numbered_anew",
                [
                    change(2, first.at, first.bytes as u8, 0),
                    change(0, first.at + 7, 1, 0),
                    right_frame(first.at),
                ]
                .concat(),
            ),
            ("first_doubled", change(5, first.at, first.bytes as u8, 0)),
            ("longer_body", [change(0, second.at + 11, 1, 3), right_frame(second.at)].concat()),
            ("more_packets_claimed", [change(0, first.at + 15, 1, 3), right_frame(first.at)].concat()),
            ("other_commitment", [change(8, first.at + 40, 0, 1), right_frame(first.at)].concat()),
            ("other_camera", [change(0, 106, 1, b'a'), all_right()].concat()),
            ("other_link", [change(0, link, 1, 1), all_right()].concat()),
            ("other_share_hash", [change(8, hash, 0, 1), all_right()].concat()),
            ("no_hour_secret_claimed", [change(0, hour_secret_flag, 1, 0), all_right()].concat()),
            ("two_needed_of_one", [change(0, key_block + 1, 1, 2), all_right()].concat()),
        ],
    );
}

#[test]
fn the_seeds_of_share_files_are_those_that_the_vector_gave_out() {
    let whole = share_file::whole();
    let size = u64::from(u16::from_be_bytes([whole[0], whole[1]])) + 2;
    let (camera, y) = (2 + 53, size - 32);
    are_the_seeds(
        "share_file",
        &[
            ("one", whole[2..size as usize].to_vec()),
            ("all_three_behind_their_lengths", whole.clone()),
            ("as_they_are", change(5, whole.len() as u64, 0, 0)),
            ("first_removed", change(2, 0, size as u8, 0)),
            ("one_left", change(1, size, 0, 0)),
            ("same_share_twice", [change(1, size, 0, 0), change(4, 0, size as u8, 0)].concat()),
            ("other_value", [change(5, y, 0, 0), change(1, 2 * size, 0, 0)].concat()),
            ("other_camera", [change(0, camera, 1, b'x'), change(1, 2 * size, 0, 0)].concat()),
            ("number_of_another", [change(0, 2 + 11, 1, 2), change(1, 2 * size, 0, 0)].concat()),
            ("number_beyond_all", change(0, 2 + 11, 1, 33)),
            ("later_format", change(0, 2 + 8, 1, 2)),
            ("longer_than_it_says", change(0, 1, 1, 200)),
        ],
    );
}
