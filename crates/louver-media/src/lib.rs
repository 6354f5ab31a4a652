//! Packets, groups of pictures and fragmented MP4; no I/O.

pub mod fmp4;
mod gop;
mod packet;
mod picture;

pub use gop::{Gop, GopCutter, GopLimits};
pub use packet::{Codec, Packet, VideoParams};
pub use picture::{Picture, PictureSize};
