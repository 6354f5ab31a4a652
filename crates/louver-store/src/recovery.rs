//! What a start finds.

use std::path::PathBuf;

/// What [`Store::open`](crate::Store::open) found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The catalogue was missing or damaged and was made from the files; users and sessions are lost.
    pub rebuilt: bool,
    /// Where the damaged catalogue was put.
    pub corrupt_database: Option<PathBuf>,
    /// Recordings found on disk in all.
    pub recordings: u64,
    /// Files that had no (finished) entry and were looked through.
    pub scanned: u64,
    /// Files whose torn end was cut off (masked) or left out (sealed).
    pub torn: u64,
    /// Files without one whole fragment, deleted.
    pub empty: u64,
    /// Entries whose file is gone, deleted.
    pub missing: u64,
    /// Events read from journals.
    pub events: u64,
    /// Events that were open and have been closed with their last known time.
    pub closed_events: u64,
    /// Gaps read from journals.
    pub gaps: u64,
    /// Journal lines that could not be read and were left out.
    pub bad_lines: u64,
}
