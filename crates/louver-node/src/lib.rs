//! One camera's way, supervision and budgets.
//!
//! ```text
//! main ─► ingest ─► GopCutter ─► SegmentSealer ─► store          (record.rs)
//! sub  ─► ingest ─► feed ─► Decoder ─► See ─► Scene ─► scene stream ─┬─► live  (feed.rs, sight.rs, show.rs, scenes.rs)
//!                                 │             ┊                     └─► store (keep.rs) ┄► video (rendition.rs)
//!                            detector (look.rs) └┄► live video, while somebody watches it (video.rs, live.rs)
//! ```
//!
//! A camera with an ONVIF address is asked besides for its clock and its streams, and heard when it says that somebody meddles
//! with it (contact.rs).

mod clock;
mod contact;
mod feed;
mod handle;
mod holes;
mod keep;
mod live;
mod look;
mod losses;
mod meters;
mod node;
mod record;
mod rendition;
mod scenes;
pub mod sealed_leaf;
mod settings;
mod show;
mod sight;
mod status;
mod thread;
mod video;

pub use louver_ingest::{Audio, Connection, Fingerprint, Transport};
pub use louver_see::{GateMode, GateReport};

pub use handle::{CameraHandle, LatestStill};
pub use live::{LiveFeed, LiveHub, LiveStart, Subscription};
pub use meters::{Count, Level, Meters, StreamMeters, Timed};
pub use node::{Node, NodeConfig};
pub use rendition::{Rendition, RenditionError};
pub use scenes::{SceneHub, SceneSubscription};
pub use settings::{Analysis, CameraSettings, DEFAULT_RETENTION_HOURS};
pub use status::{CameraSays, CameraStatus, StatusCell, StreamState};
