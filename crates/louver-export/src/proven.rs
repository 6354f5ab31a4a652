//! Leaves that a manifest brings along, with their proofs.

use louver_ledger::Leaf;
use louver_ledger::leaf::Entry;
use louver_ledger::note::VerifierKey;
use louver_ledger::proof::{Inclusion, InclusionError};

/// The leaf that a proof carries as its extra, and that it proves to be in the log of `key`.
pub(crate) fn leaf(proof: &str, key: &VerifierKey) -> Result<Entry, InclusionError> {
    let proof = Inclusion::parse(proof)?;
    let bytes = proof.extra.as_deref().ok_or(InclusionError::Malformed("it carries no leaf"))?;
    let entry = Leaf::parse(bytes).ok_or(InclusionError::Malformed("what it carries is no leaf"))?;
    proof.check(bytes, key, &[], 0)?;
    Ok(entry)
}
