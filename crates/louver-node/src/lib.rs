//! One camera's way, supervision and budgets.

mod handle;
mod live;
mod settings;
mod status;

pub use handle::{CameraHandle, LatestStill};
pub use live::{LiveFeed, LiveHub, LiveStart, Subscription};
pub use settings::{Analysis, CameraSettings, DEFAULT_RETENTION_HOURS};
pub use status::{CameraStatus, StatusCell, StreamState};
