//! One access unit of video, as the camera sent it.

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};

/// How a stream's pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
    /// JPEG pictures one after the other (ITU-T T.81; RFC 2435 on the way). Each can be decoded alone.
    Mjpeg,
}

impl Codec {
    /// Whether decoding can start with these NAL units: an IDR picture of H.264; an IDR, CRA or BLA picture of H.265
    /// (table 7-1: 16 to 21). Each JPEG can.
    pub fn starts_with<'a>(self, nals: impl IntoIterator<Item = &'a [u8]>) -> bool {
        match self {
            Self::H264 => crate::has_idr(nals),
            Self::H265 => nals.into_iter().any(crate::h265::starts_decoding),
            Self::Mjpeg => true,
        }
    }
}

impl std::fmt::Display for Codec {
    /// As people call it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Mjpeg => "MJPEG",
        })
    }
}

/// One access unit with its two times.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// Presentation time on the camera's clock.
    pub media: MediaTime,
    /// When it arrived, on the recorder's clock.
    pub wall: WallTime,
    /// Whether decoding can start here ([`Codec::starts_with`]); of sound always.
    pub key: bool,
    /// The NAL units as the camera sent them, each behind its length (4 bytes, big-endian; ISO/IEC 14496-15); of MJPEG one
    /// JPEG picture; of sound one frame, as [`SoundCodec`] says.
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
    /// H.264: `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 section 5.3.3.1); H.265: `HEVCDecoderConfigurationRecord`
    /// (section 8.3.3.1); both with 4-byte lengths. MJPEG: nothing, each picture carries its tables.
    pub config: Bytes,
}

impl VideoParams {
    /// The codec as players name it (RFC 6381), such as `avc1.42c01e` or `hvc1.1.6.L93.B0`.
    pub fn rfc6381(&self) -> String {
        match (self.codec, self.config.get(1..4)) {
            (Codec::H264, Some(&[profile, compatible, level])) => {
                format!("avc1.{profile:02x}{compatible:02x}{level:02x}")
            }
            (Codec::H264, _) => "avc1".to_owned(),
            (Codec::H265, _) => crate::h265::rfc6381(&self.config),
            (Codec::Mjpeg, _) => "jpeg".to_owned(),
        }
    }

    /// H.264 of this size with a configuration that somebody else has read.
    pub fn h264(size: crate::PictureSize, config: &[u8]) -> Self {
        Self { codec: Codec::H264, size, config: Bytes::copy_from_slice(config) }
    }

    /// Pictures of JPEG.
    pub fn mjpeg(size: crate::PictureSize) -> Self {
        Self { codec: Codec::Mjpeg, size, config: Bytes::new() }
    }
}
