//! The track of sound.

use louver_base::MediaTime;
use mp4_atom::{
    Audio, Codec as Entry, Dops, Esds, Minf, Mp4a, Opus, Smhd, Sowt, Tkhd, Trak, TrunEntry,
    esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig},
};

use super::{Run, SOUND_TRACK, SYNC, Track, mdia, minf};
use crate::{Gop, Packet, SoundCodec, SoundParams};

/// How long a packet of sound lasts where nothing tells: 20 ms, as most cameras send it.
const USUAL: i64 = 1800;
/// Samples before the first that is heard (RFC 7845 section 5.1): an encoder's 80 ms at 48 kHz.
const OPUS_PRE_SKIP: u16 = 3840;

pub(super) fn trak(params: &SoundParams) -> Trak {
    let tkhd =
        Tkhd { track_id: SOUND_TRACK, enabled: true, in_movie: true, volume: 1.into(), ..Default::default() };
    let minf = Minf { smhd: Some(Smhd::default()), ..minf(entry(params)) };
    Trak { tkhd, mdia: mdia(b"soun", minf), ..Default::default() }
}

fn entry(params: &SoundParams) -> Entry {
    let audio = Audio {
        data_reference_index: 1,
        channel_count: params.channels.into(),
        sample_size: 16,
        // The field has no room for more; AAC's own configuration says it.
        sample_rate: u16::try_from(params.rate).unwrap_or(0).into(),
    };
    match params.codec {
        SoundCodec::Aac => {
            let dec_config = DecoderConfig {
                object_type_indication: 0x40,
                stream_type: 5,
                dec_specific: Some(DecoderSpecific {
                    profile: 0,
                    freq_index: 0,
                    chan_conf: 0,
                    raw: params.config.to_vec(),
                }),
                ..Default::default()
            };
            let es_desc = EsDescriptor { dec_config, sl_config: SLConfig {}, ..Default::default() };
            Mp4a { audio, esds: Esds { es_desc }, btrt: None, taic: None }.into()
        }
        SoundCodec::Opus => {
            let dops = Dops {
                output_channel_count: params.channels,
                pre_skip: OPUS_PRE_SKIP,
                input_sample_rate: params.rate,
                output_gain: 0,
                channel_mapping: None,
            };
            Opus { audio, dops, btrt: None }.into()
        }
        // Of the same layout; see `name_entry`.
        SoundCodec::ALaw | SoundCodec::MuLaw => Sowt { audio, pcmc: None, chnl: None, btrt: None }.into(),
    }
}

/// mp4-atom has no entry for G.711, which differs from one that it has by its four letters alone (QTFF; mp4ra.org: `alaw`,
/// `ulaw`).
pub(super) fn name_entry(moov: &mut [u8], params: &SoundParams) {
    let name = match params.codec {
        SoundCodec::ALaw => b"alaw",
        SoundCodec::MuLaw => b"ulaw",
        SoundCodec::Aac | SoundCodec::Opus => return,
    };
    // The last: a camera's parameter sets, which may hold anything, stand before it.
    if let Some(at) = moov.windows(4).rposition(|w| w == b"sowt")
        && let Some(there) = moov.get_mut(at..at + 4)
    {
        there.copy_from_slice(name);
    }
}

/// What was heard in these groups. Times follow each other: a packet of the time of the one before, or earlier, comes a tick
/// after it.
pub(super) fn track(origin: MediaTime, groups: &[Gop], heard: &mut i64) -> Track {
    let packets = |g: &Gop| g.sound.as_ref().map_or(0, |s| s.packets.len());
    let all: Vec<&Packet> = groups.iter().filter_map(|g| g.sound.as_ref()).flat_map(|s| &s.packets).collect();
    let mut times = Vec::with_capacity(all.len());
    for packet in &all {
        *heard = (packet.media - origin).ticks().max(heard.saturating_add(1));
        times.push(*heard);
    }
    let usual = match times[..] {
        [.., before, last] => last - before,
        _ => USUAL,
    };
    let mut samples = all.iter().enumerate().map(|(n, packet)| {
        let until = times.get(n + 1).map_or(usual, |next| next - times[n]);
        TrunEntry {
            duration: Some(until.clamp(0, u32::MAX.into()) as u32),
            size: Some(u32::try_from(packet.data.len()).unwrap_or(u32::MAX)),
            flags: None,
            cts: None,
        }
    });
    let runs = groups.iter().enumerate().filter(|(_, g)| packets(g) > 0).map(|(group, g)| {
        let samples = samples.by_ref().take(packets(g)).collect();
        Run { group, at: 0, samples }
    });
    let start = times.first().map_or(0, |t| t.unsigned_abs());
    Track { id: SOUND_TRACK, flags: SYNC, start, runs: runs.collect() }
}
