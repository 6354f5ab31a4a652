//! Packets, groups of pictures and fragmented MP4; no I/O.

mod continuity;
pub mod fmp4;
mod gop;
mod h264;
mod h265;
pub mod mp4;
mod outside;
mod packet;
mod picture;
pub mod retime;
mod sound;

pub use continuity::{Broken, Continuity};
pub use gop::{Gop, GopCutter, GopLimits, PACKET_COST};
pub use h264::{ParameterSetError, has_idr};
pub use outside::Outside;
pub use packet::{Codec, Packet, VideoParams};
pub use picture::{Picture, PictureSize};
pub use sound::{Sound, SoundCodec, SoundParams};
