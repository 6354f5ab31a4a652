//! Decoding and encoding; the only foreign code.
//!
//! Pictures of an original come out of [`Decoder`] and [`VideoFile`]; they go into analysis and nowhere else. What cameras send
//! is decoded in processes without rights ([`Decoders`]), and only files that their user chose in this one. What goes
//! into [`H264Encoder`] and [`JpegEncoder`] on its way to a store or a viewer is a `Masked<Picture>`.

mod apart;
mod decode;
pub mod detector;
mod encode;
mod error;
mod file;
mod jpeg;
mod libav;
mod pixels;
mod priority;
mod sound;

pub use apart::{Decoders, Seat, decode_for_parent};
pub use decode::{Decoded, Decoder};
pub use encode::{EncoderSettings, H264Encoder};
pub use error::CodecError;
pub use file::{FileFrame, VideoFile};
pub use jpeg::{JpegDecoder, JpegEncoder};
pub use louver_jail::{Ended, EnterError, Files, Program, StartError};
pub use pixels::{Scaler, libav_version};
pub use priority::give_way;
pub use sound::add_sound;
