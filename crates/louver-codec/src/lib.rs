//! Decoding and encoding; the only foreign code.
//!
//! Pictures of an original come out of [`Decoder`] and [`VideoFile`]; they go into analysis and nowhere else. What goes
//! into [`H264Encoder`] and [`JpegEncoder`] on its way to a store or a viewer is a `Masked<Picture>`.

mod decode;
pub mod detector;
mod encode;
mod error;
mod file;
mod jpeg;
mod pixels;
mod sound;

pub use decode::{Decoded, Decoder};
pub use encode::{EncoderSettings, H264Encoder};
pub use error::CodecError;
pub use file::{FileFrame, VideoFile};
pub use jpeg::{JpegDecoder, JpegEncoder};
pub use pixels::{Scaler, libav_version};
pub use sound::add_sound;
