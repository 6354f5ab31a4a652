//! What a backup holds: this list, and nothing else. The key ring has no line here and never gets one.

/// Whether recordings are copied too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All but recordings.
    WithoutRecordings,
    /// All.
    WithRecordings,
}

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    /// This.
    Is(&'static str),
    /// Any of which this is true.
    Fits(fn(&str) -> bool),
    /// Any folders below, and in them files of which this is true.
    Below(fn(&str) -> bool),
}

use Name::{Below, Fits, Is};

/// The ledger, in the order in which it is copied and looked for: each file needs at most what comes after it, while a server goes
/// on writing.
pub(super) const LEDGER: &[&[Name]] = &[
    &[Is("ledger"), Is("vkey")],
    &[Is("ledger"), Is("salt")],
    &[Is("ledger"), Is("witnessed")],
    &[Is("ledger"), Is("checkpoint")],
    &[Is("ledger"), Is("journal")],
    &[Is("ledger"), Is("tile"), Below(tile)],
];

/// Other files.
const FILES: &[&[Name]] = &[
    &[Is("site.id")],
    &[Is("mask.key")],
    &[Is("retention.json")],
    &[Is("holders"), Fits(json)],
    &[Is("openings"), Fits(plain), Fits(json)],
    &[Is("holds"), Fits(plain), Fits(json)],
];

const RECORDINGS: &[&[Name]] = &[
    &[Is("sealed"), Fits(plain), Fits(digits), Fits(digits), Fits(sealed)],
    &[Is("masked"), Fits(plain), Fits(digits), Fits(digits), Fits(masked)],
];

/// The lines that are wanted besides the ledger.
pub(super) fn lines(wanted: Wanted) -> impl Iterator<Item = &'static [Name]> {
    let recordings = match wanted {
        Wanted::WithoutRecordings => [].as_slice(),
        Wanted::WithRecordings => RECORDINGS,
    };
    FILES.iter().chain(recordings).copied()
}

fn plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A day or an hour.
fn digits(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

fn json(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(plain)
}

fn sealed(name: &str) -> bool {
    name.strip_suffix(".lvs").is_some_and(digits)
}

fn masked(name: &str) -> bool {
    name == "events.jsonl"
        || name
            .rsplit_once('.')
            .is_some_and(|(stem, end)| plain(stem) && matches!(end, "lvc" | "mp4" | "jpg"))
}

/// `L/N`, `entries/N`, and narrow ones in a folder `N.p`.
fn tile(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.')
}
