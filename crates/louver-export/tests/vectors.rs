//! Exported files that two implementations check: this one, and the page's (`ui/src/verify`).
//!
//! `LOUVER_WRITE_VECTORS=1 cargo test -p louver-export --test vectors` makes new ones, after the format has changed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Cursor;
use std::path::PathBuf;

use louver_export::{Kind, check};
use louver_ledger::leaf::Digest;
use louver_ledger::note::VerifierKey;
use support::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn write() {
    let site = Site::of(SITE, &[gops(0, 3), hard(3000)]);
    let (video, manifest) = site.film(1000, 20_000);
    std::fs::write(folder().join("original.mp4"), site.signed(&video, &manifest)).unwrap();
    let masked = site.masked((NOON, NOON + 5600), video.len() as u64, Digest::of(&video));
    std::fs::write(folder().join("masked.mp4"), site.signed(&video, &masked)).unwrap();
    std::fs::write(folder().join("site.vkey"), format!("{}\n", site.ledger.verifier())).unwrap();
}

#[test]
fn files_of_before_still_hold() {
    if std::env::var_os("LOUVER_WRITE_VECTORS").is_some() {
        write();
    }
    let read = |name: &str| std::fs::read(folder().join(name)).unwrap();
    let key: VerifierKey = String::from_utf8(read("site.vkey")).unwrap().trim().parse().unwrap();
    for (name, kind, fragments) in [("original.mp4", Kind::Original, 6), ("masked.mp4", Kind::Masked, 0)] {
        let mut file = read(name);
        let report = check(&mut Cursor::new(&file), Some(&key)).unwrap();
        assert_eq!(
            (report.findings, report.facts.kind, report.fragments),
            (vec![], kind, fragments),
            "{name}"
        );
        for at in (0..file.len()).step_by(7) {
            file[at] ^= 1;
            assert!(
                !check(&mut Cursor::new(&file), Some(&key)).is_ok_and(|report| report.holds()),
                "{name}: byte {at}"
            );
            file[at] ^= 1;
        }
    }
}
