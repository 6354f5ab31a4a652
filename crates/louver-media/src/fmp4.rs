//! Fragmented MP4 (ISO/IEC 14496-12), one H.264 track, 90 000 ticks a second.

use bytes::{BufMut, Bytes, BytesMut};
use louver_base::{MEDIA_TICKS_PER_SECOND, MediaSpan, MediaTime};
use mp4_atom::{
    Atom, Avc1, Avcc, Dinf, Dref, Encode, Ftyp, Hdlr, Mdhd, Mdia, Mfhd, Minf, Moof, Moov, Mvex, Mvhd, Stbl,
    Stco, Stsc, Stsd, Stsz, StszSamples, Stts, Tfdt, Tfhd, Tkhd, Traf, Trak, Trex, Trun, TrunEntry, Url,
    Visual, Vmhd,
};

use crate::{Packet, VideoParams};

/// The only track's number.
const TRACK: u32 = 1;
/// `sample_flags` of a picture that decoding can start with: depends on no other (ISO/IEC 14496-12 section 8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// `sample_flags` of any other picture: depends on others, is no sync sample.
const NOT_SYNC: u32 = 0x0101_0000;

/// Why a stream's start cannot be written as MP4.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fmp4Error {
    /// The stream's `AVCDecoderConfigurationRecord` is damaged: the stream was never playable. Start it anew.
    #[error(
        "the stream's parameters are not a valid H.264 decoder configuration ({len} bytes): start the stream anew"
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
/// When `params.config` is not a decoder configuration with at least one SPS and PPS.
pub fn init_segment(params: &VideoParams) -> Result<Bytes, Fmp4Error> {
    let bad = |source| Fmp4Error::Config { len: params.config.len(), source };
    let avcc = Avcc::decode_body(&mut &params.config[..]).map_err(bad)?;
    if avcc.sequence_parameter_sets.is_empty() || avcc.picture_parameter_sets.is_empty() {
        return Err(Fmp4Error::NoParameterSets);
    }
    let ftyp = Ftyp {
        major_brand: b"iso6".into(),
        minor_version: 1,
        compatible_brands: vec![b"iso6".into(), b"mp41".into()],
    };
    let mut out = Vec::with_capacity(1024);
    ftyp.encode(&mut out).and_then(|()| moov(params, avcc).encode(&mut out)).map_err(bad)?;
    Ok(out.into())
}

fn moov(params: &VideoParams, avcc: Avcc) -> Moov {
    let trex = Trex {
        track_id: TRACK,
        default_sample_description_index: 1,
        default_sample_flags: NOT_SYNC,
        ..Default::default()
    };
    let timescale = MEDIA_TICKS_PER_SECOND as u32;
    Moov {
        mvhd: Mvhd {
            timescale,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: TRACK + 1,
            ..Default::default()
        },
        mvex: Some(Mvex { mehd: None, trex: vec![trex] }),
        trak: vec![trak(params, avcc, timescale)],
        ..Default::default()
    }
}

fn trak(params: &VideoParams, avcc: Avcc, timescale: u32) -> Trak {
    // Fits: a picture is at most 8192 pixels wide and high.
    let (width, height) = (params.size.width() as u16, params.size.height() as u16);
    let visual = Visual {
        data_reference_index: 1,
        width,
        height,
        horizresolution: 72.into(),
        vertresolution: 72.into(),
        frame_count: 1,
        compressor: "".into(),
        depth: 24,
    };
    let tkhd = Tkhd {
        track_id: TRACK,
        enabled: true,
        in_movie: true,
        width: width.into(),
        height: height.into(),
        ..Default::default()
    };
    let avc1 = Avc1 { visual, avcc, ..Default::default() };
    Trak {
        tkhd,
        mdia: Mdia {
            mdhd: Mdhd { timescale, language: "und".into(), ..Default::default() },
            hdlr: Hdlr { handler: b"vide".into(), name: "Louver".into() },
            minf: Minf {
                vmhd: Some(Vmhd::default()),
                dinf: Dinf { dref: Dref { entries: vec![Url::default().into()] } },
                stbl: no_samples(Stsd { codecs: vec![avc1.into()] }),
                ..Default::default()
            },
        },
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
    let shown: Vec<i64> = packets.iter().map(|p| (p.media - origin).ticks().max(0)).collect();
    let decoded = decode_times(&shown);
    let entries = samples(packets, &shown, &decoded, last);
    let start = decoded.first().map_or(0, |t| t.unsigned_abs());
    // The offset of the data depends on the size of the moof, the size not on the offset.
    let size = encoded(&moof(sequence, start, entries.clone(), 0)).len();
    let data: usize = packets.iter().map(|p| p.data.len()).sum();
    let header = mdat_header(data);
    let offset = i32::try_from(size + header.len()).unwrap_or(i32::MAX);
    let mut out = BytesMut::with_capacity(size + header.len() + data);
    out.put_slice(&encoded(&moof(sequence, start, entries, offset)));
    out.put_slice(&header);
    packets.iter().for_each(|p| out.put_slice(&p.data));
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

fn samples(packets: &[Packet], shown: &[i64], decoded: &[i64], last: MediaSpan) -> Vec<TrunEntry> {
    let reordered = shown != decoded;
    // One word for all pictures but the first saves four bytes a picture: most fragments have one key frame, in front.
    let only_first = packets.iter().skip(1).all(|p| !p.key);
    let entry = |(n, packet): (usize, &Packet)| {
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

fn moof(sequence_number: u32, start: u64, samples: Vec<TrunEntry>, data_offset: i32) -> Moof {
    let traf = Traf {
        tfhd: Tfhd {
            track_id: TRACK,
            default_sample_flags: Some(NOT_SYNC),
            default_base_is_moof: true,
            ..Default::default()
        },
        tfdt: Some(Tfdt { base_media_decode_time: start }),
        trun: vec![Trun { data_offset: Some(data_offset), samples: samples.into() }],
        ..Default::default()
    };
    Moof { mfhd: Mfhd { sequence_number }, traf: vec![traf] }
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
