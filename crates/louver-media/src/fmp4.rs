//! Fragmented MP4 (ISO/IEC 14496-12): a track of pictures and, where there is sound, one of sound, both of 90 000 ticks a
//! second.

mod sound;

use bytes::{BufMut, Bytes, BytesMut};
use louver_base::{MEDIA_TICKS_PER_SECOND, MediaSpan, MediaTime};
use mp4_atom::{
    Atom, Avc1, Avcc, Codec as Entry, Dinf, Dref, Encode, Ftyp, Hdlr, Hvc1, Hvcc, Jpeg, Mdhd, Mdia, Mfhd,
    Minf, Moof, Moov, Mvex, Mvhd, Stbl, Stco, Stsc, Stsd, Stsz, StszSamples, Stts, Tfdt, Tfhd, Tkhd, Traf,
    Trak, Trex, Trun, TrunEntry, Url, Visual, Vmhd,
};

use crate::{Codec, Gop, Packet, SoundParams, VideoParams};

/// Number of the track of pictures.
const TRACK: u32 = 1;
/// Number of the track of sound.
const SOUND_TRACK: u32 = 2;
const TIMESCALE: u32 = MEDIA_TICKS_PER_SECOND as u32;
/// `sample_flags` of a picture that decoding can start with: depends on no other (ISO/IEC 14496-12 section 8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// `sample_flags` of any other picture: depends on others, is no sync sample.
const NOT_SYNC: u32 = 0x0101_0000;

/// Why a stream's start cannot be written as MP4.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fmp4Error {
    /// The stream's decoder configuration record is damaged: the stream was never playable. Start it anew.
    #[error(
        "the stream's parameters are not a valid decoder configuration ({len} bytes): start the stream anew"
    )]
    Config {
        /// Bytes of the configuration.
        len: usize,
        /// What the record lacks.
        source: mp4_atom::Error,
    },
    /// It holds no sequence or no picture parameter set.
    #[error("the stream's parameters lack a sequence or picture parameter set: start the stream anew")]
    NoParameterSets,
}

/// `ftyp` and `moov`: what a player needs before the first fragment.
///
/// # Errors
/// When `params.config` is not a decoder configuration with at least one of each parameter set.
pub fn init_segment(params: &VideoParams) -> Result<Bytes, Fmp4Error> {
    init_segment_with_sound(params, None)
}

/// The same with a track of sound, where there is sound.
///
/// # Errors
/// As [`init_segment`].
pub fn init_segment_with_sound(
    params: &VideoParams,
    sound: Option<&SoundParams>,
) -> Result<Bytes, Fmp4Error> {
    let bad = |source| Fmp4Error::Config { len: params.config.len(), source };
    let pictures = trak(params, entry(params)?);
    let ftyp = Ftyp {
        major_brand: b"iso6".into(),
        minor_version: 1,
        compatible_brands: vec![b"iso6".into(), b"mp41".into()],
    };
    let mut out = Vec::with_capacity(1024);
    ftyp.encode(&mut out).and_then(|()| moov(pictures, sound).encode(&mut out)).map_err(bad)?;
    if let Some(sound) = sound {
        sound::name_entry(&mut out, sound);
    }
    Ok(out.into())
}

fn moov(pictures: Trak, sound: Option<&SoundParams>) -> Moov {
    let trex = |track_id, default_sample_flags| Trex {
        track_id,
        default_sample_description_index: 1,
        default_sample_flags,
        ..Default::default()
    };
    let mut moov = Moov {
        mvhd: Mvhd {
            timescale: TIMESCALE,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: TRACK + 1,
            ..Default::default()
        },
        mvex: Some(Mvex { mehd: None, trex: vec![trex(TRACK, NOT_SYNC)] }),
        trak: vec![pictures],
        ..Default::default()
    };
    if let Some(sound) = sound {
        moov.mvhd.next_track_id = SOUND_TRACK + 1;
        moov.trak.push(sound::trak(sound));
        if let Some(mvex) = &mut moov.mvex {
            mvex.trex.push(trex(SOUND_TRACK, SYNC));
        }
    }
    moov
}

/// What the table of contents says of how pictures are coded.
fn entry(params: &VideoParams) -> Result<Entry, Fmp4Error> {
    let bad = |source| Fmp4Error::Config { len: params.config.len(), source };
    let visual = Visual {
        data_reference_index: 1,
        // Fits: a picture is at most 8192 pixels wide and high.
        width: params.size.width() as u16,
        height: params.size.height() as u16,
        horizresolution: 72.into(),
        vertresolution: 72.into(),
        frame_count: 1,
        compressor: "".into(),
        depth: 24,
    };
    match params.codec {
        Codec::H264 => {
            let avcc = Avcc::decode_body(&mut &params.config[..]).map_err(bad)?;
            if avcc.sequence_parameter_sets.is_empty() || avcc.picture_parameter_sets.is_empty() {
                return Err(Fmp4Error::NoParameterSets);
            }
            Ok(Avc1 { visual, avcc, ..Default::default() }.into())
        }
        Codec::H265 => {
            let hvcc = Hvcc::decode_body(&mut &params.config[..]).map_err(bad)?;
            if hvcc.arrays.iter().all(|array| array.nalus.is_empty()) {
                return Err(Fmp4Error::NoParameterSets);
            }
            Ok(Hvc1 { visual, hvcc, ..Default::default() }.into())
        }
        Codec::Mjpeg => Ok(Jpeg { visual, ..Default::default() }.into()),
    }
}

fn trak(params: &VideoParams, entry: Entry) -> Trak {
    let (width, height) = (params.size.width() as u16, params.size.height() as u16);
    let tkhd = Tkhd {
        track_id: TRACK,
        enabled: true,
        in_movie: true,
        width: width.into(),
        height: height.into(),
        ..Default::default()
    };
    let minf = Minf { vmhd: Some(Vmhd::default()), ..minf(entry) };
    Trak { tkhd, mdia: mdia(b"vide", minf), ..Default::default() }
}

fn mdia(handler: &[u8; 4], minf: Minf) -> Mdia {
    Mdia {
        mdhd: Mdhd { timescale: TIMESCALE, language: "und".into(), ..Default::default() },
        hdlr: Hdlr { handler: handler.into(), name: "Louver".into() },
        minf,
    }
}

fn minf(entry: Entry) -> Minf {
    Minf {
        dinf: Dinf { dref: Dref { entries: vec![Url::default().into()] } },
        stbl: no_samples(Stsd { codecs: vec![entry] }),
        ..Default::default()
    }
}

/// A sample table without samples: they all stand in fragments.
fn no_samples(stsd: Stsd) -> Stbl {
    Stbl {
        stsd,
        stts: Stts::default(),
        stsc: Stsc::default(),
        stsz: Stsz { samples: StszSamples::Identical { count: 0, size: 0 } },
        stco: Some(Stco::default()),
        ..Default::default()
    }
}

/// One `moof` and `mdat` with `packets` in decoding order. `origin` is the media time that players see as zero;
/// `last` is how long the last packet is shown. Decode times are the sorted presentation times, so that
/// reordered (B) frames get a composition offset.
///
/// Times before `origin` are shown at zero, and a span longer than MP4 can hold (13 hours) is cut to it: cameras'
/// clocks jump, players must not see a time run backwards. Two packets of one time get decode times one tick apart.
pub fn fragment(sequence: u32, origin: MediaTime, packets: &[Packet], last: MediaSpan) -> Bytes {
    let sizes: usize = packets.iter().map(|p| p.data.len()).sum();
    let all: Vec<&Packet> = packets.iter().collect();
    let tracks = [pictures(origin, &all, &[(0, all.len())], last)];
    written(sequence, &tracks, sizes, packets.iter())
}

/// The same of groups with what was heard meanwhile, in their order: of each the pictures' bytes stand in the `mdat`, then those
/// of sound. `heard` is the time of the last sound written before, at first 0; it is moved on, because sound whose time runs
/// back would be dropped by players.
pub fn fragment_of_groups(
    sequence: u32,
    origin: MediaTime,
    groups: &[Gop],
    last: MediaSpan,
    heard: &mut i64,
) -> Bytes {
    let all: Vec<&Packet> = groups.iter().flat_map(|g| &g.packets).collect();
    // Pictures of groups that nothing was heard between stand together.
    let mut together: Vec<(usize, usize)> = Vec::with_capacity(1);
    for (n, group) in groups.iter().enumerate() {
        match together.last_mut() {
            Some((_, count)) if heard_in(&groups[n - 1]).is_empty() => *count += group.packets.len(),
            Some(_) | None => together.push((n, group.packets.len())),
        }
    }
    let mut tracks = vec![pictures(origin, &all, &together, last)];
    if groups.iter().any(|g| !heard_in(g).is_empty()) {
        tracks.push(sound::track(origin, groups, heard));
    }
    // Where each run stands behind the first byte of all.
    let mut at = 0;
    for (n, group) in groups.iter().enumerate() {
        for (track, packets) in [&group.packets[..], heard_in(group)].into_iter().enumerate() {
            let runs = tracks.get_mut(track).map(|t| &mut t.runs);
            if let Some(run) = runs.and_then(|runs| runs.iter_mut().find(|r| r.group == n)) {
                run.at = at;
            }
            at += packets.iter().map(|p| p.data.len()).sum::<usize>();
        }
    }
    written(sequence, &tracks, at, groups.iter().flat_map(Gop::all))
}

fn heard_in(group: &Gop) -> &[Packet] {
    group.sound.as_ref().map_or(&[], |sound| &sound.packets)
}

/// One track's part of a fragment.
struct Track {
    id: u32,
    flags: u32,
    start: u64,
    runs: Vec<Run>,
}

/// Samples whose bytes stand together.
struct Run {
    /// The group whose packets are its first.
    group: usize,
    /// First byte, from the first of all.
    at: usize,
    samples: Vec<TrunEntry>,
}

/// `together`: the first group of each run, and the run's pictures.
fn pictures(origin: MediaTime, packets: &[&Packet], together: &[(usize, usize)], last: MediaSpan) -> Track {
    let shown: Vec<i64> = packets.iter().map(|p| (p.media - origin).ticks().max(0)).collect();
    let decoded = decode_times(&shown);
    let start = decoded.first().map_or(0, |t| t.unsigned_abs());
    let mut entries = samples(packets, &shown, &decoded, last).into_iter();
    let run = |&(group, count): &(usize, usize)| {
        let samples = entries.by_ref().take(count).collect();
        Run { group, at: 0, samples }
    };
    Track { id: TRACK, flags: NOT_SYNC, start, runs: together.iter().map(run).collect() }
}

fn written<'a>(
    sequence: u32,
    tracks: &[Track],
    data: usize,
    packets: impl Iterator<Item = &'a Packet>,
) -> Bytes {
    // The offsets of the data depend on the size of the moof, the size not on the offsets.
    let size = encoded(&moof(sequence, tracks, 0)).len();
    let header = mdat_header(data);
    let mut out = BytesMut::with_capacity(size + header.len() + data);
    out.put_slice(&encoded(&moof(sequence, tracks, size + header.len())));
    out.put_slice(&header);
    packets.for_each(|p| out.put_slice(&p.data));
    out.freeze()
}

/// The presentation times in order, each later than the one before.
fn decode_times(shown: &[i64]) -> Vec<i64> {
    let mut times = shown.to_vec();
    times.sort_unstable();
    for n in 1..times.len() {
        times[n] = times[n].max(times[n - 1].saturating_add(1));
    }
    times
}

fn samples(packets: &[&Packet], shown: &[i64], decoded: &[i64], last: MediaSpan) -> Vec<TrunEntry> {
    let reordered = shown != decoded;
    // One word for all pictures but the first saves four bytes a picture: most fragments have one key frame, in front.
    let only_first = packets.iter().skip(1).all(|p| !p.key);
    let entry = |(n, packet): (usize, &&Packet)| {
        let until = decoded.get(n + 1).map_or(last.ticks(), |next| next - decoded[n]);
        let flags = if packet.key { SYNC } else { NOT_SYNC };
        let offset = shown[n].saturating_sub(decoded[n]).clamp(i32::MIN.into(), i32::MAX.into());
        TrunEntry {
            duration: Some(until.clamp(0, u32::MAX.into()) as u32),
            size: Some(u32::try_from(packet.data.len()).unwrap_or(u32::MAX)),
            flags: (!only_first || (n == 0 && packet.key)).then_some(flags),
            cts: reordered.then_some(offset),
        }
    };
    packets.iter().enumerate().map(entry).collect()
}

fn moof(sequence_number: u32, tracks: &[Track], first: usize) -> Moof {
    let trun = |run: &Run| Trun {
        data_offset: Some(i32::try_from(first + run.at).unwrap_or(i32::MAX)),
        samples: run.samples.clone().into(),
    };
    let traf = |track: &Track| Traf {
        tfhd: Tfhd {
            track_id: track.id,
            default_sample_flags: Some(track.flags),
            default_base_is_moof: true,
            ..Default::default()
        },
        tfdt: Some(Tfdt { base_media_decode_time: track.start }),
        trun: track.runs.iter().map(trun).collect(),
        ..Default::default()
    };
    Moof { mfhd: Mfhd { sequence_number }, traf: tracks.iter().map(traf).collect() }
}

fn encoded(moof: &Moof) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    moof.encode(&mut out).expect("writing to memory, with composition offsets that fit 32 bits");
    out
}

/// `mdat`'s size and kind; the long form from 4 GiB on.
fn mdat_header(data: usize) -> Vec<u8> {
    match u32::try_from(data + 8) {
        Ok(size) => [&size.to_be_bytes(), &b"mdat"[..]].concat(),
        Err(_) => [&1_u32.to_be_bytes(), &b"mdat"[..], &(data as u64 + 16).to_be_bytes()].concat(),
    }
}
