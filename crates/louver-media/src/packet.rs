//! One access unit of video, as the camera sent it.

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};

/// How a stream's pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// ITU-T H.264.
    H264,
}

/// One access unit with its two times.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// Presentation time on the camera's clock.
    pub media: MediaTime,
    /// When it arrived, on the recorder's clock.
    pub wall: WallTime,
    /// Whether decoding can start here (an IDR picture).
    pub key: bool,
    /// The NAL units as the camera sent them, each behind its length (4 bytes, big-endian; ISO/IEC 14496-15).
    pub data: Bytes,
}

impl std::fmt::Debug for Packet {
    /// Without the bytes: they are an original and have no place in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packet {{ {}, key: {}, {} bytes }}", self.media, self.key, self.data.len())
    }
}

impl Packet {
    /// The NAL units without their lengths; ends early where a length runs past the end.
    pub fn nals(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest: &[u8] = &self.data;
        std::iter::from_fn(move || {
            let (len, tail) = rest.split_first_chunk::<4>()?;
            let len = u32::from_be_bytes(*len) as usize;
            let nal = tail.get(..len)?;
            rest = &tail[len..];
            Some(nal)
        })
    }
}

/// What a decoder or player must know before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoParams {
    /// Coding.
    pub codec: Codec,
    /// Picture size in pixels, after cropping.
    pub size: crate::PictureSize,
    /// `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 section 5.3.3.1) with 4-byte lengths.
    pub config: Bytes,
}

impl VideoParams {
    /// The codec as players name it (RFC 6381), such as `avc1.42c01e`.
    pub fn rfc6381(&self) -> String {
        match (self.codec, self.config.get(1..4)) {
            (Codec::H264, Some(&[profile, compatible, level])) => {
                format!("avc1.{profile:02x}{compatible:02x}{level:02x}")
            }
            (Codec::H264, _) => "avc1".to_owned(),
        }
    }
}
