//! One camera's way, supervision and budgets.
//!
//! ```text
//! main ─► ingest ─► GopCutter ─► SegmentSealer ─► store          (record.rs)
//! sub  ─► ingest ─► feed ─► Decoder ─► See ─► Scene ─► Masked     (feed.rs, sight.rs)
//!                                 │                     ├─► live  (show.rs, live.rs)
//!                            detector thread (look.rs)  └─► store (keep.rs)
//! ```

mod feed;
mod handle;
mod keep;
mod live;
mod look;
mod node;
mod record;
mod settings;
mod show;
mod sight;
mod status;
mod thread;

pub use handle::{CameraHandle, LatestStill};
pub use live::{LiveFeed, LiveHub, LiveStart, Subscription};
pub use node::{Node, NodeConfig};
pub use settings::{Analysis, CameraSettings, DEFAULT_RETENTION_HOURS};
pub use status::{CameraStatus, StatusCell, StreamState};
