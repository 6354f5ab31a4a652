//! The ledger: an append-only log that anybody can check ([format](../../../docs/format-ledger.md)).
//!
//! Leaves are written to a journal and fsynced before they count; tiles and checkpoints of the C2SP specifications
//! (tlog-tiles, tlog-checkpoint, signed-note, tlog-proof, tlog-witness, tlog-cosignature) are made from it.
//!
//! Cores without disk, clock or network: [`tree`], [`tile`], [`note`], [`checkpoint`], [`leaf`], [`edge`], [`proof`],
//! [`verify`] (over a [`Source`]) and the text of the witness protocol in [`witness`]. Shells: [`Ledger`] and [`disk`].
//!
//! Trees and notes are our own code over aws-lc-rs' SHA-256 and Ed25519: the published crates `tlog_tiles` and `signed_note`
//! name tiles as Go's checksum database does and not as tlog-tiles, panic on hashes that a disk got wrong, say "invalid
//! tile" without which, keep signing keys in plain strings, and know no cosignatures. `tlog_tiles` stays as a second opinion in tests.

pub mod checkpoint;
pub mod disk;
pub mod edge;
mod error;
mod export_key;
mod hash;
mod journal;
mod keys;
pub mod leaf;
mod ledger;
pub mod note;
pub mod proof;
mod publish;
mod shared;
mod source;
mod start;
pub mod tile;
pub mod tree;
pub mod verify;
pub mod witness;
mod writer;

pub use error::LedgerError;
pub use export_key::ExportKey;
pub use hash::{Hash, HashError, leaf_hash, node_hash};
pub use journal::begins_at as journal_begins_at;
pub use keys::{Salt, SiteKey, export_key_name, origin};
pub use leaf::Leaf;
pub use ledger::{Ledger, Options, Status};
pub use shared::WitnessStatus;
pub use source::{DirSource, MAX_FILE, Source, SourceError};
pub use start::Opened;
