//! Ids, media time, wall time, units and secrets that do not print; no I/O.

mod address;
mod class;
mod id;
mod pii;
mod time;

pub use address::{AddressError, CameraAddress, Credentials};
pub use class::Class;
pub use id::{CameraId, EventId, IdError};
pub use pii::Pii;
pub use time::{MEDIA_TICKS_PER_SECOND, MediaSpan, MediaTime, WallSpan, WallTime};
