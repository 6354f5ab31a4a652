//! One camera's way, supervision and budgets.

mod live;
mod status;

pub use live::{LiveFeed, LiveHub, LiveStart, Subscription};
pub use status::{CameraStatus, StatusCell, StreamState};
