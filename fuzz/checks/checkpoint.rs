//! Any bytes as a signed note, a checkpoint, a verifier key and a signature line (docs/format-ledger.md), and as changes to a checkpoint that
//! the site and a witness have signed.

use std::sync::LazyLock;

use louver_ledger::checkpoint::Checkpoint;
use louver_ledger::note::{KeyKind, MAX_NOTE, Note, Signature, VerifierKey};
use louver_ledger::tree::Head;
use louver_ledger::{Hash, SiteKey};

#[path = "changes.rs"]
mod changes;

const ORIGIN: &str = "louver.invalid/site/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

struct Real {
    key: VerifierKey,
    witness: VerifierKey,
    checkpoint: Checkpoint,
    note: String,
}

static REAL: LazyLock<Real> = LazyLock::new(|| {
    let key = SiteKey::from_seed(&[1; 32], ORIGIN, KeyKind::Log).expect("constant");
    let witness = SiteKey::from_seed(&[2; 32], "witness.example", KeyKind::Witness).expect("constant");
    let head = Head { size: 70_000, root: Hash::from_bytes([7; 32]) };
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), head };
    let mut note = key.sign(&checkpoint);
    note.add(witness.cosign(&checkpoint.to_text(), 1_772_000_000));
    Real {
        key: key.verifier().clone(),
        witness: witness.verifier().clone(),
        checkpoint,
        note: note.to_string(),
    }
});

/// The real one: what the seeds change.
#[allow(dead_code, reason = "for the seeds, which the fuzzer does not make")]
pub(crate) fn whole() -> &'static str {
    &REAL.note
}

/// Takes the bytes as each of these texts, and as changes to the real one.
pub(crate) fn any_bytes(bytes: &[u8]) {
    nothing_is_believed_that_was_not_signed(bytes);
    let mut changed = REAL.note.clone().into_bytes();
    changes::change(&mut changed, bytes);
    nothing_is_believed_that_was_not_signed(&changed);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_text(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    if let Ok(signature) = Signature::parse(text) {
        assert_eq!(Signature::parse(signature.to_string().trim_end_matches('\n')), Ok(signature));
    }
}

fn nothing_is_believed_that_was_not_signed(bytes: &[u8]) {
    let note = Note::parse(bytes);
    if let Ok(note) = &note {
        assert!(bytes.len() <= MAX_NOTE);
        assert_eq!(Note::parse(note.to_string().as_bytes()).as_ref(), Ok(note));
        assert!(bytes.starts_with(note.text().as_bytes()), "what was signed is what stands there");
        for key in [&REAL.key, &REAL.witness] {
            if note.signed_by(key).is_ok() {
                assert_eq!(note.text(), REAL.checkpoint.to_text());
            }
        }
    }
    if let Ok((checkpoint, opened)) = Checkpoint::open(bytes, &REAL.key) {
        assert_eq!((&checkpoint, Ok(&opened)), (&REAL.checkpoint, note.as_ref()));
    }
}
