//! Checkpoints: what the site states about its log ([tlog-checkpoint](https://c2sp.org/tlog-checkpoint)). Pure.

use crate::hash::Hash;
use crate::note::{Note, NoteError, VerifierKey};
use crate::tree::Head;

/// Origin, size and root of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log; its key has the same name.
    pub origin: String,
    /// Size and root.
    pub head: Head,
}

/// Why a checkpoint is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not three lines, or one of them is wrong.
    #[error("it is not a checkpoint: {0}")]
    Malformed(&'static str),
    /// Not signed, or wrongly.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Of another log.
    #[error("it is of the log \"{found}\", not of \"{wanted}\"")]
    OtherOrigin {
        /// What stands in it.
        found: String,
        /// What the key is for.
        wanted: String,
    },
}

impl Checkpoint {
    /// The three lines.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, self.head.root)
    }

    /// Reads the three lines. Extension lines, which nobody could check, are refused: this log writes none.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) =
            (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Malformed("three lines are expected"));
        };
        let bad_size = CheckpointError::Malformed("its second line is not a number of leaves");
        let size = match size.parse::<u64>() {
            Ok(n) if n.to_string() == size => n,
            _ => return Err(bad_size),
        };
        let root = Hash::from_base64(root);
        let root = root.map_err(|_| CheckpointError::Malformed("its third line is not a root hash"))?;
        if origin.is_empty() {
            return Err(CheckpointError::Malformed("its first line, the origin, is empty"));
        }
        Ok(Self { origin: origin.to_owned(), head: Head { size, root } })
    }

    /// Reads a signed checkpoint that `key` signed for the log of its own name.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn open(bytes: &[u8], key: &VerifierKey) -> Result<(Self, Note), CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::OtherOrigin {
                found: checkpoint.origin,
                wanted: key.name().to_owned(),
            });
        }
        note.signed_by(key)?;
        Ok((checkpoint, note))
    }
}
