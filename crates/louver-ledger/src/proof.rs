//! Inclusion proofs as texts that anybody can check without the log ([tlog-proof](https://c2sp.org/tlog-proof)). Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::{Hash, leaf_hash};
use crate::note::VerifierKey;
use crate::tree::{self, ProofError};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// Longest proof that is read, bytes: checkpoint, 64 hashes, and an extra of the longest leaf.
pub const MAX_PROOF: usize = crate::note::MAX_NOTE + 64 * 1024;

/// Why a proof is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InclusionError {
    /// Not in this form.
    #[error("it is not a tlog-proof: {0}")]
    Malformed(&'static str),
    /// Its checkpoint is not the log's.
    #[error("its checkpoint is not believed: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The leaf is not in that log.
    #[error("the leaf is not number {index} of that log: {why}")]
    NotIncluded {
        /// Which leaf it says to be.
        index: u64,
        /// Why not.
        why: ProofError,
    },
    /// Too few of the witnesses that are asked for have signed.
    #[error("{have} of the witnesses have signed its checkpoint, {need} are needed")]
    Quorum {
        /// Witnesses that have.
        have: usize,
        /// Witnesses that must.
        need: usize,
    },
}

/// A proof that was read, and not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The leaf's number.
    pub index: u64,
    /// Its audit path.
    pub path: Vec<Hash>,
    /// What was carried along; nobody vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The checkpoint's bytes.
    pub checkpoint: String,
}

pub(crate) fn to_text(index: u64, path: &[Hash], extra: Option<&[u8]>, checkpoint: &str) -> String {
    let extra = extra.map(|bytes| format!("extra {}\n", STANDARD.encode(bytes))).unwrap_or_default();
    let path: String = path.iter().map(|hash| format!("{hash}\n")).collect();
    format!("{FIRST_LINE}\n{extra}index {index}\n{path}\n{checkpoint}")
}

impl Inclusion {
    /// Reads a proof.
    ///
    /// # Errors
    /// [`InclusionError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, InclusionError> {
        let malformed = InclusionError::Malformed;
        if text.len() > MAX_PROOF {
            return Err(malformed("it is too long"));
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(malformed("no empty line ends the hashes"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed("its first line is not c2sp.org/tlog-proof@v1"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(|line| STANDARD.decode(&line[6..]));
        let extra = extra.transpose().map_err(|_| malformed("its extra is not base64"))?;
        let number = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = number.and_then(|n| n.parse::<u64>().ok().filter(|index| index.to_string() == n));
        let index = index.ok_or(malformed("the leaf's number is missing"))?;
        let path = lines.map(Hash::from_base64).collect::<Result<Vec<_>, _>>();
        let path = path.map_err(|_| malformed("one of its lines is not a hash"))?;
        Ok(Self { index, path, extra, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that `leaf` is in the log of `key`, and that `need` of the witnesses have signed the checkpoint that says so.
    ///
    /// # Errors
    /// [`InclusionError`].
    pub fn check(
        &self,
        leaf: &[u8],
        key: &VerifierKey,
        witnesses: &[VerifierKey],
        need: usize,
    ) -> Result<Checkpoint, InclusionError> {
        let (checkpoint, note) = Checkpoint::open(self.checkpoint.as_bytes(), key)?;
        let have = witnesses.iter().filter(|witness| note.signed_by(witness).is_ok()).count();
        if have < need {
            return Err(InclusionError::Quorum { have, need });
        }
        let head = checkpoint.head;
        tree::check_inclusion(&self.path, self.index, leaf_hash(leaf), head.size, head.root)
            .map_err(|why| InclusionError::NotIncluded { index: self.index, why })?;
        Ok(checkpoint)
    }
}
