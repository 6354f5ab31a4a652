//! What can go wrong with the ledger, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::checkpoint::CheckpointError;
use crate::source::SourceError;

/// Everything that writing the ledger refuses. Each says what happened and what to do next; the cause is the source.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Do not start.
    #[error("the system gives no random numbers")]
    Random,
    /// Do not start; restore the key from a backup.
    #[error(
        "the ledger's signing key is not 32 bytes: restore ledger/site.key, or begin another ledger as docs/backup.md, \"The ledger\", says"
    )]
    BadKey,
    /// Do not start: with a new key the log would be another one.
    #[error(
        "{0} is missing, but a ledger is here: restore it, or begin another ledger as docs/backup.md, \"The ledger\", says; nothing is written to a ledger that misses a part"
    )]
    Missing(PathBuf),
    /// Do not start: evidence first.
    #[error(
        "{file}: damaged at byte {at} (leaf {leaf}), before leaves that were written later: the disk or somebody changed the past. Keep a copy; docs/backup.md, \"The ledger\", says how to go on"
    )]
    JournalDamaged {
        /// The journal.
        file: PathBuf,
        /// Byte.
        at: u64,
        /// Number of the leaf that is expected there.
        leaf: u64,
    },
    /// Do not start: evidence first.
    #[error(
        "{file}: {signed} leaves were signed, {there} are here: leaves that the site has signed for are gone. Keep a copy; docs/backup.md, \"The ledger\", says how to go on"
    )]
    LeavesMissing {
        /// The checkpoint.
        file: PathBuf,
        /// Leaves that the checkpoint is signed over.
        signed: u64,
        /// Leaves in journal and tiles.
        there: u64,
    },
    /// Do not start: evidence first.
    #[error(
        "{file}: its root is not that of the first {size} leaves: somebody changed the past. Keep a copy; docs/backup.md, \"The ledger\", says how to go on"
    )]
    RootDiffers {
        /// The checkpoint or journal that states the root.
        file: PathBuf,
        /// Leaves.
        size: u64,
    },
    /// Do not start: evidence first.
    #[error(
        "{file}: it is older than the journal, which begins at leaf {base}: somebody put an old one back. It is not the one that belongs here: docs/backup.md, \"The ledger\", says how to go on"
    )]
    CheckpointOld {
        /// The checkpoint.
        file: PathBuf,
        /// Where the journal begins.
        base: u64,
    },
    /// Do not start: evidence first.
    #[error(
        "{file}: this checkpoint is not the site's own. Keep a copy; docs/backup.md, \"The ledger\", says how to go on"
    )]
    Checkpoint {
        /// The checkpoint.
        file: PathBuf,
        /// Why.
        source: CheckpointError,
    },
    /// Do not start: evidence first.
    #[error(
        "{0}: the tile is missing or cut short, and its leaves are no longer in the journal. Keep a copy; docs/backup.md, \"The ledger\", says how to go on"
    )]
    Tile(PathBuf),
    /// A file could not be read or written while starting. Do not start.
    #[error("{doing}: the ledger cannot be opened; look at the disk")]
    Open {
        /// File and act.
        doing: String,
        /// Why.
        source: Shared<io::Error>,
    },
    /// Reading failed.
    #[error("the ledger cannot be read; look at the disk")]
    Read(#[source] Shared<SourceError>),

    /// The leaf is not written and must not be acted upon. Later leaves are tried again: the disk was full or refused to write.
    #[error(
        "the ledger could not be written ({0}); what was to be written down does not happen. Make room on its disk"
    )]
    Write(String),
    /// The leaf may or may not be on the disk and must not be acted upon. Nothing more is written until a restart.
    #[error(
        "the ledger's disk failed ({0}); nothing more is written until Louver starts anew. Look at the disk"
    )]
    Failed(String),
    /// The leaf is written, but no checkpoint over it could be; do not act upon it where others must be able to see it.
    #[error("the ledger's checkpoint could not be written ({0}). Look at its disk")]
    Publish(String),
    /// Too much waits to be written: try again.
    #[error("the ledger is behind: {0} leaves wait to be written")]
    Busy(u64),
    /// Ended.
    #[error("the ledger is closed")]
    Closed,
    /// The caller has a bug.
    #[error("a leaf of {0} bytes cannot be written: 8192 at most")]
    LeafTooLong(usize),
    /// Nobody can prove what is not under a checkpoint yet.
    #[error("leaf {index} is not under a checkpoint yet: the latest has {size} leaves")]
    NotPublished {
        /// The leaf.
        index: u64,
        /// Leaves under the latest checkpoint.
        size: u64,
    },
}

/// An error that several callers are told.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Shared<E: std::error::Error>(std::sync::Arc<E>);

impl<E: std::error::Error> Clone for Shared<E> {
    fn clone(&self) -> Self {
        Self(std::sync::Arc::clone(&self.0))
    }
}

impl<E: std::error::Error> From<E> for Shared<E> {
    fn from(e: E) -> Self {
        Self(std::sync::Arc::new(e))
    }
}

impl LedgerError {
    pub(crate) fn open(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |e| Self::Open { doing, source: e.into() }
    }
}

impl From<SourceError> for LedgerError {
    fn from(e: SourceError) -> Self {
        Self::Read(e.into())
    }
}
