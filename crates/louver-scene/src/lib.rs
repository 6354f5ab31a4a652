//! What may be shown: [`Scene`], [`Masked`] and rendering; the one place that decides.
//!
//! A picture of an original goes into analysis and never comes out. What comes out is a [`Scene`]: a backdrop (the
//! place without people) with a state for every cell, and figures. [`Scene::render`] draws it; its result is
//! [`Masked`], and only `Masked` values can be encoded, stored, sent or shown.

mod detection;
mod masked;
mod mux;
mod render;
mod retime;
mod scene;
mod show;
pub mod stream;
mod tag;
mod zones;

pub use detection::{Detection, DetectorTraits};
pub use masked::{Encoded, Masked, PictureEncoder};
pub use mux::{LiveFragment, MaskedMuxer};
pub use render::Style;
pub use scene::{Cell, Figure, FigureKind, Grid, Rect, Scene, Why, Window};
pub use show::{PeopleAreNeverShown, Show};
pub use tag::{CameraTagKey, ReadBackError, TAG_BYTES, TagKey};
pub use zones::{Zone, ZoneError, ZoneKind, ZoneMap};
