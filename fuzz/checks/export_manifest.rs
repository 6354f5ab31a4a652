//! Any bytes as a manifest, as a video, and as changes to a real export (docs/format-export.md): what is not what was exported does not hold.

use std::io::Cursor;

use louver_export::{Draft, Manifest, Report, check, manifest_box};

#[path = "changes.rs"]
mod changes;

/// An export that the recorder's own code made: crates/louver-export/tests/vectors.
pub(crate) const REAL: &[u8] = include_bytes!("../../crates/louver-export/tests/vectors/original.mp4");

/// Where its manifest's box begins.
pub(crate) fn manifest_at() -> usize {
    REAL.windows(16).rposition(|w| w == b"Louver manifest1").expect("it is in there") - 8
}

/// Takes the bytes as a manifest's text, as a whole file, as changes to the real file, and as changes to its manifest alone, whose signature is wrong then but
/// which is looked at to its end all the same.
pub(crate) fn any_bytes(bytes: &[u8]) {
    reads_back_as_it_is(bytes);
    looked_at(bytes);
    let mut changed = REAL.to_vec();
    changes::change(&mut changed, bytes);
    holds_only_as_it_was_exported(&changed);
    let (video, manifest) = REAL.split_at(manifest_at());
    let mut note = manifest[24..].to_vec();
    changes::change(&mut note, bytes);
    reads_back_as_it_is(note.rsplit(|b| *b == b'\n').nth(2).unwrap_or_default());
    if let Ok(note) = String::from_utf8(note)
        && let Some(manifest) = manifest_box(&note)
    {
        holds_only_as_it_was_exported(&[video, &manifest].concat());
    }
    // A text of the fuzzer's in its place, with the signature behind it.
    let signature = REAL.rsplitn(3, |b| *b == b'\n').nth(1).unwrap_or_default();
    let note = [bytes, b"\n\n", signature, b"\n"].concat();
    if let Ok(note) = String::from_utf8(note)
        && let Some(manifest) = manifest_box(&note)
    {
        holds_only_as_it_was_exported(&[video, &manifest].concat());
    }
}

fn reads_back_as_it_is(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let line = format!("{text}\n");
    if let Ok(manifest) = Manifest::parse(&line) {
        assert_eq!(manifest.to_text().expect("it was read"), line);
    }
    if let Ok(draft) = Draft::parse(text) {
        let again = draft.to_text().expect("it was read");
        assert_eq!(Draft::parse(&again).expect("it was written"), draft);
    }
}

fn looked_at(file: &[u8]) -> Option<Report> {
    let report = check(&mut Cursor::new(file), None).ok()?;
    assert!(report.fragments <= file.len() && report.findings.len() <= 4 + 2 * file.len());
    for finding in &report.findings {
        assert!(!finding.to_string().is_empty());
    }
    Some(report)
}

fn holds_only_as_it_was_exported(file: &[u8]) {
    let holds = looked_at(file).is_some_and(|report| report.holds());
    assert_eq!(holds, file == REAL);
}
