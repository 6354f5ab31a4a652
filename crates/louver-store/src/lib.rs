//! Catalogue, recordings on disk, retention and recovery (docs/storage.md).
//!
//! One [`Store`] owns one data directory. Originals reach it only as `Sealed`, pictures only as `Masked`. Files are the
//! truth: the catalogue (`louver.db`) can be deleted and comes back from them, but for users and sessions.

mod accounts;
mod error;
mod events;
mod masked;
#[doc(hidden)]
pub mod placeholder;
mod recovery;
mod retention;
mod sealed;
mod store;
mod types;

pub use accounts::{Session, TokenHash};
pub use error::StoreError;
pub use masked::MaskedWriter;
pub use recovery::Recovery;
pub use retention::{DiskWatermark, RetentionReport};
pub use sealed::{SealedSegment, SealedWriter, rotation_due, sealed_segments};
pub use store::{Store, StoreOptions};
pub use types::{
    EventBox, EventChange, EventQuery, EventRecord, Gap, GapReason, MaskedFile, MaskedFragment, Recording,
    RecordingId, RecordingKind, StreamKind,
};
