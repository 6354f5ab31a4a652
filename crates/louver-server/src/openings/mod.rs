//! Openings of originals on a running recorder (docs/opening.md): requests read back at start, moved on by what is said and by time. Each
//! step stands in the ledger and on the disk before it is true.

mod desk;
mod exports;
mod holds;
mod kept;
mod leaves;
mod originals;
mod release;
mod sets;
mod standing;

pub(crate) use desk::{Desk, DeskError, Item};
pub(crate) use holds::Held;
pub use leaves::holders as holders_leaf;
pub use sets::HoldersNow;
pub(crate) use sets::agreed;
pub use standing::{Astray, stand_as_written};
