//! What stands inside a fragment's body. docs/format-sealed.md, "Inside the body".

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, Sound, SoundCodec, SoundParams, VideoParams};

use crate::VaultError;
use crate::frame::MAX_BODY;
use crate::inspect::Damage;
use crate::keys::TAG;
use crate::layout::Fields;

const CODING_H264: u8 = 1;
const CODING_H265: u8 = 2;
const CODING_MJPEG: u8 = 3;
/// Bit of the coding: what was heard follows.
const SOUND: u8 = 0x80;
const SOUND_AAC: u8 = 1;
const SOUND_A_LAW: u8 = 2;
const SOUND_MU_LAW: u8 = 3;
const SOUND_OPUS: u8 = 4;
/// Every packet has at least three one-byte numbers in the table.
const SMALLEST_ENTRY: usize = 3;

/// A body's plaintext, behind room for its head.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    /// Where the pictures start in `bytes`; the list lies between the head and there.
    pub(crate) pictures: usize,
}

/// Appends parameters, packet table and packets to `head` and leaves room for the tag, in memory taken once: a buffer
/// that grows would copy the video and leave plaintext behind in freed memory.
pub(crate) fn pack(
    head: &[u8],
    params: &VideoParams,
    gop: &Gop,
    first: WallTime,
) -> Result<Packed, VaultError> {
    let start = parameters(params, gop.sound.as_ref())?;
    let table = table(gop, first);
    let body = start.len() + table.len() + gop.bytes();
    if body + TAG > MAX_BODY {
        return Err(VaultError::GopTooLarge { bytes: body });
    }
    let mut out = Vec::with_capacity(head.len() + body + TAG);
    out.extend_from_slice(head);
    out.extend_from_slice(&start);
    out.extend_from_slice(&table);
    let pictures = out.len();
    gop.all().for_each(|p| out.extend_from_slice(&p.data));
    Ok(Packed { bytes: out, pictures })
}

/// Whether a format-1 segment can hold them.
pub(crate) fn fits_format_1(params: &VideoParams, gop: &Gop) -> bool {
    params.codec == Codec::H264 && gop.sound.is_none()
}

fn parameters(params: &VideoParams, sound: Option<&Sound>) -> Result<Vec<u8>, VaultError> {
    let coding = match params.codec {
        Codec::H264 => CODING_H264,
        Codec::H265 => CODING_H265,
        Codec::Mjpeg => CODING_MJPEG,
        _ => return Err(VaultError::UnknownCoding),
    };
    let config =
        u16::try_from(params.config.len()).map_err(|_| VaultError::ConfigTooLong(params.config.len()))?;
    let mut out = vec![coding | if sound.is_some() { SOUND } else { 0 }];
    out.extend_from_slice(&(params.size.width() as u16).to_be_bytes()); // 8192 at most
    out.extend_from_slice(&(params.size.height() as u16).to_be_bytes());
    out.extend_from_slice(&config.to_be_bytes());
    out.extend_from_slice(&params.config);
    if let Some(sound) = sound {
        sound_parameters(&mut out, sound)?;
    }
    Ok(out)
}

fn sound_parameters(out: &mut Vec<u8>, Sound { params, packets }: &Sound) -> Result<(), VaultError> {
    let coding = match params.codec {
        SoundCodec::Aac => SOUND_AAC,
        SoundCodec::ALaw => SOUND_A_LAW,
        SoundCodec::MuLaw => SOUND_MU_LAW,
        SoundCodec::Opus => SOUND_OPUS,
        _ => return Err(VaultError::UnknownCoding),
    };
    let config =
        u8::try_from(params.config.len()).map_err(|_| VaultError::ConfigTooLong(params.config.len()))?;
    out.push(coding);
    out.extend_from_slice(&params.rate.to_be_bytes());
    out.extend_from_slice(&[params.channels, config]);
    out.extend_from_slice(&params.config);
    out.extend_from_slice(&(packets.len() as u32).to_be_bytes()); // a body has at most 64 MiB, a packet three bytes
    Ok(())
}

fn table(gop: &Gop, first: WallTime) -> Vec<u8> {
    let mut out = Vec::with_capacity(gop.all().count() * 10 + 16);
    let (mut media, mut wall) = (0_i64, first.micros());
    for packet in gop.all() {
        put_signed(&mut out, packet.media.ticks().wrapping_sub(media));
        put_signed(&mut out, packet.wall.micros().wrapping_sub(wall));
        put(&mut out, (packet.data.len() as u64) << 1 | u64::from(packet.key));
        (media, wall) = (packet.media.ticks(), packet.wall.micros());
    }
    out
}

/// A body taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Unpacked {
    pub(crate) params: VideoParams,
    pub(crate) gop: Gop,
    /// Bytes of the list; the pictures follow.
    pub(crate) list: usize,
}

/// Takes a body apart. Nothing in it is believed that the bytes there do not bear out.
pub(crate) fn unpack(body: &Bytes, packets: u32, first: WallTime) -> Result<Unpacked, Damage> {
    read(body, packets as usize, first).ok_or(Damage::Inside)
}

fn read(body: &Bytes, count: usize, first: WallTime) -> Option<Unpacked> {
    let mut rest = Fields(body);
    let (params, sound) = read_parameters(&mut rest)?;
    if count > rest.0.len() / SMALLEST_ENTRY {
        return None;
    }
    let (mut media, mut wall) = (0_i64, first.micros());
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        media = media.wrapping_add(take_signed(&mut rest)?);
        wall = wall.wrapping_add(take_signed(&mut rest)?);
        let size = take(&mut rest)?;
        entries.push((media, wall, usize::try_from(size >> 1).ok()?, size & 1 != 0));
    }
    let list = body.len() - rest.0.len();
    let mut at = list;
    let mut packets = Vec::with_capacity(count);
    for (media, wall, size, key) in entries {
        let end = at.checked_add(size).filter(|end| *end <= body.len())?;
        let (media, wall) = (MediaTime::from_ticks(media), WallTime::from_micros(wall));
        packets.push(Packet { media, wall, key, data: body.slice(at..end) });
        at = end;
    }
    let sound = match sound {
        Some((params, heard)) => {
            let heard = packets.split_off(count.checked_sub(heard as usize)?);
            Some(Sound { params, packets: heard })
        }
        None => None,
    };
    (at == body.len()).then_some(Unpacked { params, gop: Gop { packets, sound }, list })
}

/// Those of the pictures, and those of the sound with how many of the packets, the last ones, are sound.
fn read_parameters(rest: &mut Fields<'_>) -> Option<(VideoParams, Option<(SoundParams, u32)>)> {
    let [coding] = rest.array()?;
    let codec = match coding & !SOUND {
        CODING_H264 => Codec::H264,
        CODING_H265 => Codec::H265,
        CODING_MJPEG => Codec::Mjpeg,
        _ => return None,
    };
    let size = PictureSize::new(rest.u16()?.into(), rest.u16()?.into())?;
    let config = rest.u16()?;
    // A copy: parameters outlive the fragment, which a slice of it would keep in memory.
    let config = Bytes::copy_from_slice(rest.take(config.into())?);
    let sound = if coding & SOUND == 0 { None } else { Some(read_sound(rest)?) };
    Some((VideoParams { codec, size, config }, sound))
}

fn read_sound(rest: &mut Fields<'_>) -> Option<(SoundParams, u32)> {
    let codec = match rest.array()? {
        [SOUND_AAC] => SoundCodec::Aac,
        [SOUND_A_LAW] => SoundCodec::ALaw,
        [SOUND_MU_LAW] => SoundCodec::MuLaw,
        [SOUND_OPUS] => SoundCodec::Opus,
        _ => return None,
    };
    let rate = rest.u32()?;
    let [channels, config] = rest.array()?;
    let config = Bytes::copy_from_slice(rest.take(config.into())?);
    Some((SoundParams::new(codec, rate, channels, config)?, rest.u32()?))
}

/// LEB128.
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn take(rest: &mut Fields<'_>) -> Option<u64> {
    let mut value = 0_u64;
    for n in 0..10 {
        let [byte] = rest.array()?;
        let bits = u64::from(byte & 0x7f);
        if n == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * n);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_signed(rest: &mut Fields<'_>) -> Option<i64> {
    take(rest).map(|v| (v >> 1) as i64 ^ -((v & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet() -> impl Strategy<Value = Packet> {
        (any::<i64>(), any::<i64>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200)).prop_map(
            |(media, wall, key, data)| Packet {
                media: MediaTime::from_ticks(media),
                wall: WallTime::from_micros(wall),
                key,
                data: data.into(),
            },
        )
    }

    proptest! {
        /// Whatever a camera's clock says and however small or large its packets are.
        #[test]
        fn packets_come_back_as_they_went_in(
            packets in proptest::collection::vec(packet(), 1..40), first: i64, config: Vec<u8>,
            coding in 0..3_usize, heard in proptest::option::of(proptest::collection::vec(packet(), 0..10)),
            cut: proptest::sample::Index,
        ) {
            let size = PictureSize::new(1920, 1080).unwrap();
            let codec = [Codec::H264, Codec::H265, Codec::Mjpeg][coding];
            let params = VideoParams { codec, size, config: config.into() };
            let sound = heard.map(|packets| {
                let params = SoundParams::new(SoundCodec::Aac, 16_000, 1, Bytes::from_static(&[0x14, 8]));
                Sound { params: params.unwrap(), packets }
            });
            let (gop, first) = (Gop { packets, sound }, WallTime::from_micros(first));
            let packed = pack(b"head", &params, &gop, first).unwrap();
            prop_assert_eq!(packed.bytes.capacity(), packed.bytes.len() + TAG);
            let list = packed.pictures - 4;
            let body = Bytes::from(packed.bytes).slice(4..);
            prop_assert_eq!(&body[list..], &gop.all().flat_map(|p| p.data.to_vec()).collect::<Vec<_>>());
            let count = gop.all().count() as u32;
            prop_assert_eq!(unpack(&body, count, first), Ok(Unpacked { params, gop, list }));
            let cut = cut.index(body.len());
            prop_assert!(unpack(&body.slice(..cut), count, first).is_err());
        }

        /// A second implementation, or a hostile one that knows the key, may put anything inside.
        #[test]
        fn anything_inside_is_read_or_refused_without_panic(body: Vec<u8>, coding: u8, count: u32, first: i64) {
            let body = Bytes::from([&[coding, 2, 0, 2, 0, 0, 0][..], &body].concat());
            if let Ok(Unpacked { gop, .. }) = unpack(&body, count, WallTime::from_micros(first)) {
                prop_assert_eq!(gop.all().count(), count as usize);
                prop_assert!(gop.bytes() <= body.len());
            }
        }
    }
}
