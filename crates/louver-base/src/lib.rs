//! Ids, media time, wall time, units, secrets that do not print and how long a refused password rests; no I/O.

mod address;
mod class;
mod id;
mod pii;
mod refusals;
mod time;

pub use address::{AddressError, CameraAddress, Credentials};
pub use class::Class;
pub use id::{CameraId, EventId, IdError};
pub use pii::Pii;
pub use refusals::Refusals;
pub use time::{MEDIA_TICKS_PER_SECOND, MediaSpan, MediaTime, WallSpan, WallTime};
