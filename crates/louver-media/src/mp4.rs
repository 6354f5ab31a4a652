//! Reads where the pictures of an H.264 MP4 stand: plain files and fragmented ones (ISO/IEC 14496-12).
//!
//! The file is treated as hostile: every size is checked against the file's own length, tables and fragments have a
//! largest size, and boxes inside boxes are walked, not recursed into. Edit lists are not followed: times are those
//! of the media.

mod fragments;
mod table;
mod walk;

use std::io::{Read, Seek, SeekFrom};

use bytes::{BufMut, Bytes, BytesMut};
use louver_base::{MEDIA_TICKS_PER_SECOND, MediaTime};

use crate::{ParameterSetError, VideoParams};
use walk::{Boxes, child, number};

/// Bytes of one `moov` or `moof` at most: a day of 30 pictures a second takes about 40 MiB.
const TABLE_BYTES_MAX: u64 = 64 << 20;
/// Pictures of one file at most: 19 hours at 30 a second. 32 bytes of memory each.
const SAMPLES_MAX: usize = 1 << 21;
/// Bytes of one picture at most: a key frame of 8192x8192 is smaller.
pub const SAMPLE_BYTES_MAX: u32 = 16 << 20;
/// Boxes at the outermost level at most: two a fragment.
const BOXES_MAX: usize = 1 << 20;

/// Why a file cannot be played. Each sentence says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mp4Error {
    /// Reading failed.
    #[error("reading the video file failed")]
    Io(#[from] std::io::Error),
    /// Something else than MP4.
    #[error(
        "this is no MP4 file: if it holds H.264, `ffmpeg -i IN -c copy OUT.mp4` makes one; otherwise `ffmpeg -i IN -c:v libx264 OUT.mp4`"
    )]
    NotMp4,
    /// An MP4 without table of contents: its writer was stopped before the end.
    #[error("the MP4 file has no table of contents (moov): its recording was cut off; record it anew")]
    NoIndex,
    /// No track with pictures.
    #[error("the MP4 file holds no video track")]
    NoVideo,
    /// Pictures coded otherwise.
    #[error(
        "the video is coded as {0}, and only H.264 can be read: `ffmpeg -i IN -c:v libx264 OUT.mp4` re-encodes it"
    )]
    Codec(String),
    /// The stream's parameter sets.
    #[error("the video's H.264 parameters cannot be used")]
    Parameters(#[from] ParameterSetError),
    /// The file ends before the pictures that it lists.
    #[error(
        "the MP4 file is cut off: it lists pictures up to byte {wanted} and ends at byte {len}; copy it anew"
    )]
    Truncated {
        /// First byte behind the last listed picture.
        wanted: u64,
        /// Bytes of the file.
        len: u64,
    },
    /// A table contradicts itself, or is larger than is taken.
    #[error(
        "the MP4 file is damaged or beyond what is read ({0}): `ffmpeg -i IN -c copy OUT.mp4` may repair it"
    )]
    Damaged(&'static str),
}

/// Where one picture stands in the file, and when it is decoded and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Bytes.
    pub size: u32,
    /// Whether decoding can start here.
    pub key: bool,
    /// When it is decoded.
    pub decode: MediaTime,
    /// When it is shown.
    pub show: MediaTime,
}

/// The H.264 track of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// What a decoder must know first.
    pub params: VideoParams,
    /// Every picture, in the order of decoding.
    pub samples: Vec<Sample>,
    /// Decode time behind the last picture: where a repeat of the file would start.
    pub end: MediaTime,
    /// A fragmented file that ends inside a fragment, as after a power cut; what is whole is listed.
    pub truncated: bool,
    nal_length: u8,
}

impl Track {
    /// A picture's bytes as they stand in the file, as [`Packet::data`](crate::Packet::data) wants them: lengths of 4 bytes.
    pub fn packet_data(&self, raw: Vec<u8>) -> Bytes {
        let width = usize::from(self.nal_length);
        if width == 4 {
            return raw.into();
        }
        let (mut rest, mut out) = (&raw[..], BytesMut::with_capacity(raw.len() + 64));
        while let Some((len, tail)) = rest.split_at_checked(width) {
            let len = len.iter().fold(0, |n, b| n << 8 | usize::from(*b));
            let Some((nal, after)) = tail.split_at_checked(len) else { break };
            // Cannot be cut: a picture is at most 16 MiB.
            out.put_u32(len as u32);
            out.put_slice(nal);
            rest = after;
        }
        out.freeze()
    }
}

/// What the `moov` says of the track with pictures.
struct Head {
    id: u32,
    timescale: u32,
    params: VideoParams,
    nal_length: u8,
    /// Flags, size and duration of samples whose fragment does not say (`trex`).
    defaults: fragments::Defaults,
}

/// Reads the index of a file; afterwards `file` stands anywhere.
///
/// # Errors
/// When it is no H.264 MP4, contradicts itself, or a plain (not fragmented) file is cut off.
pub fn read_track<R: Read + Seek>(file: &mut R) -> Result<Track, Mp4Error> {
    let len = file.seek(SeekFrom::End(0))?;
    let mut reader = Reader { len, head: None, samples: Vec::new(), end: 0, truncated: false };
    let mut at = 0;
    for n in 0..BOXES_MAX {
        match reader.outer_box(file, at, n == 0)? {
            Some(next) => at = next,
            None => return reader.finish(),
        }
    }
    Err(Mp4Error::Damaged("too many boxes"))
}

struct Reader {
    len: u64,
    head: Option<Head>,
    samples: Vec<Sample>,
    /// Decode time behind the last sample, in the file's own ticks.
    end: i64,
    truncated: bool,
}

impl Reader {
    /// Reads the box at `at`; gives where the next one starts, `None` at the end.
    fn outer_box<R: Read + Seek>(
        &mut self,
        file: &mut R,
        at: u64,
        first: bool,
    ) -> Result<Option<u64>, Mp4Error> {
        let Some((kind, body, next)) = self.header(file, at)? else {
            return if first { Err(Mp4Error::NotMp4) } else { Ok(None) };
        };
        let known = [
            b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pdin", b"uuid", b"sidx",
        ];
        if first && !known.contains(&&kind) {
            return Err(Mp4Error::NotMp4);
        }
        let table = matches!(&kind, b"moov" | b"moof");
        if next > self.len {
            // The last fragment of a recording that was cut off, or all of a plain one.
            self.truncated = true;
            return if self.head.is_some() || !table { Ok(None) } else { Err(Mp4Error::NoIndex) };
        }
        if table {
            if next - body > TABLE_BYTES_MAX {
                return Err(Mp4Error::Damaged("its table of contents is over 64 MiB"));
            }
            file.seek(SeekFrom::Start(body))?;
            let mut bytes = vec![0; (next - body) as usize];
            file.read_exact(&mut bytes)?;
            match &kind {
                b"moov" => self.moov(&bytes)?,
                _ => self.moof(&bytes, at)?,
            }
        }
        Ok(Some(next))
    }

    /// Kind, first byte of the body and first byte behind the box.
    fn header<R: Read + Seek>(&self, file: &mut R, at: u64) -> Result<Option<([u8; 4], u64, u64)>, Mp4Error> {
        if self.len.saturating_sub(at) < 8 {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        let want = (self.len - at).min(16) as usize;
        file.read_exact(&mut head[..want])?;
        let kind = [head[4], head[5], head[6], head[7]];
        let (body, size) = match number(&head[..4]) {
            0 => (8, self.len - at),
            1 => (16, number(&head[8..16])),
            size => (8, size),
        };
        if size < body {
            return Err(if at == 0 {
                Mp4Error::NotMp4
            } else {
                Mp4Error::Damaged("a box of impossible size")
            });
        }
        Ok(Some((kind, at + body, at.saturating_add(size))))
    }

    fn moov(&mut self, moov: &[u8]) -> Result<(), Mp4Error> {
        if self.head.is_some() {
            return Err(Mp4Error::Damaged("two tables of contents"));
        }
        let video =
            |trak: &&[u8]| child(trak, &[b"mdia", b"hdlr"]).and_then(|h| h.get(8..12)) == Some(b"vide");
        let trak = Boxes(moov).filter(|(kind, _)| kind == b"trak").map(|(_, body)| body).find(video);
        let trak = trak.ok_or(Mp4Error::NoVideo)?;
        let head = head(moov, trak)?;
        if let Some(stbl) = child(trak, &[b"mdia", b"minf", b"stbl"]) {
            let scale = Scale(head.timescale);
            self.end = table::read(stbl, scale, &mut self.samples)?;
        }
        if let Some(wanted) = self.samples.iter().map(|s| s.offset.saturating_add(s.size.into())).max()
            && wanted > self.len
        {
            return Err(Mp4Error::Truncated { wanted, len: self.len });
        }
        self.head = Some(head);
        Ok(())
    }

    fn moof(&mut self, moof: &[u8], at: u64) -> Result<(), Mp4Error> {
        let head = self.head.as_ref().ok_or(Mp4Error::NoIndex)?;
        let before = self.samples.len();
        let start = fragments::Start { moof: at, decode: self.end };
        self.end = fragments::read(moof, start, head, &mut self.samples)?;
        let whole = |s: &Sample| s.offset.checked_add(s.size.into()).is_some_and(|end| end <= self.len);
        if let Some(cut) = self.samples[before..].iter().position(|s| !whole(s)) {
            self.samples.truncate(before + cut);
            self.truncated = true;
        }
        Ok(())
    }

    fn finish(self) -> Result<Track, Mp4Error> {
        let head = self.head.ok_or(Mp4Error::NoIndex)?;
        let end = Scale(head.timescale).time(self.end);
        Ok(Track {
            params: head.params,
            samples: self.samples,
            end,
            truncated: self.truncated,
            nal_length: head.nal_length,
        })
    }
}

fn head(moov: &[u8], trak: &[u8]) -> Result<Head, Mp4Error> {
    // Version 1 has 64-bit dates in front.
    let field = |body: &[u8], old: usize, new: usize| {
        let from = if body.first() == Some(&1) { new } else { old };
        body.get(from..from + 4).map(|b| number(b) as u32)
    };
    let id = child(trak, &[b"tkhd"]).and_then(|b| field(b, 12, 20)).ok_or(Mp4Error::Damaged("tkhd"))?;
    let timescale = child(trak, &[b"mdia", b"mdhd"]).and_then(|b| field(b, 12, 20)).filter(|t| *t > 0);
    let timescale = timescale.ok_or(Mp4Error::Damaged("mdhd"))?;
    let stsd = child(trak, &[b"mdia", b"minf", b"stbl", b"stsd"]).and_then(|b| b.get(8..));
    let (kind, entry) =
        Boxes(stsd.ok_or(Mp4Error::Damaged("stsd"))?).next().ok_or(Mp4Error::Damaged("stsd"))?;
    if !matches!(&kind, b"avc1" | b"avc3") {
        return Err(Mp4Error::Codec(codec_name(kind)));
    }
    // A visual sample entry has 78 bytes in front of its boxes.
    let config =
        entry.get(78..).and_then(|boxes| child(boxes, &[b"avcC"])).ok_or(Mp4Error::Damaged("avcC"))?;
    let (params, nal_length) = VideoParams::from_config(config)?;
    Ok(Head { id, timescale, params, nal_length, defaults: fragments::defaults(moov, id) })
}

/// The name that people know, or the four letters of the file.
fn codec_name(kind: [u8; 4]) -> String {
    match &kind {
        b"hvc1" | b"hev1" => "H.265".into(),
        b"mp4v" => "MPEG-4 Part 2".into(),
        b"mjpa" | b"mjpb" | b"jpeg" => "MJPEG".into(),
        b"av01" => "AV1".into(),
        b"vp09" => "VP9".into(),
        b"encv" => "something encrypted".into(),
        other => other.escape_ascii().to_string(),
    }
}

/// Ticks of the file a second.
#[derive(Clone, Copy)]
struct Scale(u32);

impl Scale {
    /// The nearest tick of 1/90,000 s.
    fn time(self, ticks: i64) -> MediaTime {
        let scale = i128::from(self.0);
        let exact = (i128::from(ticks) * i128::from(MEDIA_TICKS_PER_SECOND) + scale / 2).div_euclid(scale);
        MediaTime::from_ticks(exact.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }
}

#[cfg(test)]
mod tests;
