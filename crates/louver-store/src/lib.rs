//! Catalogue, recordings on disk, retention and recovery (docs/storage.md).
//!
//! One [`Store`] owns one data directory. Originals reach it only as `Sealed`, pictures only as `Masked`. Files are the
//! truth: the catalogue (`louver.db`) can be deleted and comes back from them, but for users and sessions.

mod accounts;
mod commit;
mod db;
pub mod disk;
mod error;
mod event_state;
mod events;
mod files;
mod flush;
mod fresh;
mod gone;
mod health;
mod journal;
mod layout;
mod masked;
mod masked_file;
mod moving;
mod openings;
mod places;
mod recordings;
mod recovery;
mod reserve;
mod retention;
mod sealed;
mod setup;
mod shred;
mod steady;
mod stills;
mod storage;
mod store;
mod types;
mod usage;
mod writer;

pub use accounts::{Session, TokenHash};
pub use db::copy_catalogue;
pub use error::StoreError;
pub use gone::{Deleted, DeletedFiles, DeletedFor};
pub use health::Health;
pub use masked::MaskedWriter;
pub use moving::{MoveBudget, Moved};
pub use openings::OpeningTexts;
pub use places::{DiskRole, DiskSettings, disks_away};
pub use recovery::Recovery;
pub use retention::{DiskWatermark, RetentionReport, WhenFull};
pub use sealed::{
    SealedSegment, SealedWriter, recorded_cameras, rotation_due, sealed_cameras, sealed_segments,
};
pub use steady::{ClockReading, RetentionTime};
pub use storage::DiskUsage;
pub use store::{Store, StoreOptions};
pub use types::{
    EventBox, EventChange, EventQuery, EventRecord, Gap, GapReason, MaskedFile, MaskedFragment, Recording,
    RecordingId, RecordingKind, ScenePart, StreamKind,
};
pub use usage::Usage;
