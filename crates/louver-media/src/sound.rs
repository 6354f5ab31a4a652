//! Sound beside pictures. It is sealed where the camera's entry declares it, and nowhere else: nothing decodes it.

use bytes::Bytes;

use crate::Packet;

/// How sound is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SoundCodec {
    /// AAC (ISO/IEC 14496-3): a packet is one access unit without ADTS header (RFC 3640).
    Aac,
    /// G.711 A-law: a byte is one sample.
    ALaw,
    /// G.711 µ-law: a byte is one sample.
    MuLaw,
    /// Opus (RFC 6716): a packet is one Opus packet (RFC 7587).
    Opus,
}

impl std::fmt::Display for SoundCodec {
    /// As people call it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Aac => "AAC",
            Self::ALaw => "G.711 A-law",
            Self::MuLaw => "G.711 µ-law",
            Self::Opus => "Opus",
        })
    }
}

/// What a player must know of a stream of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundParams {
    /// Coding.
    pub codec: SoundCodec,
    /// Samples a second, 1 to 192,000; of Opus always 48,000.
    pub rate: u32,
    /// 1 to 8.
    pub channels: u8,
    /// AAC: `AudioSpecificConfig` (ISO/IEC 14496-3 section 1.6.2.1). Otherwise nothing.
    pub config: Bytes,
}

impl SoundParams {
    /// The highest rate taken.
    pub const RATE_MAX: u32 = 192_000;
    /// Most channels taken.
    pub const CHANNELS_MAX: u8 = 8;

    /// `None` where a number is out of range, or AAC has no configuration or one of more than 64 bytes.
    pub fn new(codec: SoundCodec, rate: u32, channels: u8, config: Bytes) -> Option<Self> {
        let known = match codec {
            SoundCodec::Aac => (2..=64).contains(&config.len()),
            SoundCodec::ALaw | SoundCodec::MuLaw => config.is_empty(),
            // Two channels at most without a mapping table, and RTP carries none (RFC 7587 section 7).
            SoundCodec::Opus => config.is_empty() && rate == 48_000 && channels <= 2,
        };
        let fits = (1..=Self::RATE_MAX).contains(&rate) && (1..=Self::CHANNELS_MAX).contains(&channels);
        (known && fits).then_some(Self { codec, rate, channels, config })
    }
}

/// Sound that was heard during a group of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// How it is coded.
    pub params: SoundParams,
    /// In the order of arrival; their media times are on the pictures' clock.
    pub packets: Vec<Packet>,
}
