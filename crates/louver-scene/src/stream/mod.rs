//! The scene stream: what may be shown, as bytes (docs/format-scene.md).
//!
//! [`SceneWriter`] makes it of scenes, [`ScenePlayer`] makes scenes of it, [`SceneCut`] takes a span of time out of it
//! without decoding a pixel. Everything that goes in or out of here to a store or a viewer is [`Masked`](crate::Masked).

mod codes;
mod cut;
mod follow;
mod header;
mod jpeg;
mod pace;
mod pixels;
mod player;
mod record;
mod state;
mod tiles;
mod wire;
mod writer;

pub use cut::SceneCut;
pub use follow::{StreamReport, check};
pub use header::picture_size;
pub use player::{PictureDecoder, ScenePlayer};
pub use writer::{SceneRecord, SceneWriter};

use louver_base::WallSpan;

/// How long a state stands for what follows it; later than that pictures are missing.
pub const STATE_HOLDS: WallSpan = WallSpan::from_millis(5000);

/// Media type of a scene stream.
pub const SCENE_MEDIA_TYPE: &str = "application/vnd.louver.scene";

/// What nothing that was read may exceed.
mod bounds {
    pub(super) const BOX: usize = 8 << 20;
    pub(super) const TABLES: usize = 4096;
    pub(super) const CELLS: usize = 65_536;
    pub(super) const TILES: usize = 16_384;
    pub(super) const FIGURES: usize = 512;
    pub(super) const WINDOWS: usize = crate::Scene::WINDOWS;
    pub(super) const WINDOW_BYTES: usize = 1 << 20;
}

/// Why a scene stream cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The picture's size or grid is none that a stream can carry.
    #[error("a picture of {0} with cells of {1} pixels does not fit into a scene stream")]
    Grid(louver_media::PictureSize, usize),
    /// The picture encoder failed: try the next picture.
    #[error("a tile cannot be coded")]
    Coder(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the encoder gave is no JPEG that a tile can be: other tables than the first, or too long.
    #[error("the encoder gave {0}, which no tile can be")]
    NoTile(&'static str),
    /// The scene is of another size: make another writer.
    #[error("the scene is of another size than the stream")]
    OtherSize,
}
