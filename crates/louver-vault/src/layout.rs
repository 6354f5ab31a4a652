//! The bytes of headers and fragment heads. docs/format-sealed.md has the tables.

use louver_base::{CameraId, WallTime};

use crate::holder::MAX_HOLDERS;
use crate::inspect::Damage;
use crate::keys::{KeyContext, TAG, sha256};
use crate::{SiteId, VaultError};

const MAGIC: &[u8; 8] = b"LOUVSEAL";
const VERSION: u8 = 1;
/// The first fields, up to the header's length.
pub(crate) const PREFIX: usize = 16;
/// Header bytes at most.
pub(crate) const MAX_HEADER: usize = 65_536;
const SMALLEST_HEADER: usize = 105 + 1 + 4 + 4 + 32;
const MAX_RECIPIENT: usize = 512;
const FLAG_HOUR_SECRET: u8 = 1;
/// Key-wrap kind: one age file that every holder can open.
pub(crate) const WRAP_FOR_EACH: u8 = 1;
const WRAP_SHARES: u8 = 2;

/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// The hour that a segment belongs to, counted from 1970-01-01T00:00:00Z.
pub(crate) fn hour_of(start: WallTime) -> i64 {
    start.micros().div_euclid(HOUR_US)
}

/// A header's fields.
pub(crate) struct Header {
    pub(crate) site: SiteId,
    pub(crate) camera: CameraId,
    pub(crate) start: WallTime,
    pub(crate) salt: [u8; 32],
    pub(crate) commitment: [u8; 32],
    /// Recipients as text.
    pub(crate) holders: Vec<String>,
    /// The age file with the holder secret.
    pub(crate) wrapped: Vec<u8>,
}

/// A header that was read or written, with what fragments are bound to.
pub(crate) struct Bound {
    pub(crate) header: Header,
    pub(crate) hash: [u8; 32],
    pub(crate) bytes: usize,
}

impl Header {
    pub(crate) fn context(&self) -> KeyContext<'_> {
        KeyContext {
            flags: 0,
            wrap_kind: WRAP_FOR_EACH,
            site: self.site,
            hour: hour_of(self.start),
            camera: &self.camera,
        }
    }

    /// The header's bytes and their hash.
    pub(crate) fn encode(&self) -> (Vec<u8>, [u8; 32]) {
        let camera = self.camera.as_str().as_bytes();
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, 0, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(self.site.as_bytes());
        out.extend_from_slice(&self.start.micros().to_be_bytes());
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.commitment);
        out.push(camera.len() as u8);
        out.extend_from_slice(camera);
        out.extend_from_slice(&[WRAP_FOR_EACH, 1, self.holders.len() as u8, 0]);
        for holder in &self.holders {
            out.extend_from_slice(&(holder.len() as u16).to_be_bytes());
            out.extend_from_slice(holder.as_bytes());
        }
        out.extend_from_slice(&(self.wrapped.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.wrapped);
        let length = (out.len() + 32) as u32;
        out[12..16].copy_from_slice(&length.to_be_bytes());
        let hash = sha256(&[&out]);
        out.extend_from_slice(&hash);
        (out, hash)
    }

    /// The whole header's length, from the file's first bytes (fewer than [`PREFIX`] only where the file ends).
    pub(crate) fn length(start: &[u8]) -> Result<usize, VaultError> {
        let magic = &start[..start.len().min(MAGIC.len())];
        // Zeros: the file's length reached the disk before a power cut, its contents did not.
        if magic.iter().all(|byte| *byte == 0) {
            return Err(VaultError::HeaderCutOff { bytes: 0 });
        }
        if !MAGIC.starts_with(magic) {
            return Err(VaultError::NotSealed);
        }
        let Ok(prefix) = <&[u8; PREFIX]>::try_from(start) else {
            return Err(VaultError::HeaderCutOff { bytes: start.len() as u64 });
        };
        if prefix[8] != VERSION {
            return Err(VaultError::NewerFormat { what: format!("format {}", prefix[8]) });
        }
        let length = u32::from_be_bytes([prefix[12], prefix[13], prefix[14], prefix[15]]) as usize;
        if (SMALLEST_HEADER..=MAX_HEADER).contains(&length) {
            Ok(length)
        } else {
            Err(VaultError::HeaderDamaged { what: "its length is impossible" })
        }
    }

    /// From exactly the header's bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Bound, VaultError> {
        let damaged = |what| VaultError::HeaderDamaged { what };
        let (body, stored) = bytes.split_last_chunk::<32>().ok_or(damaged("it is too short"))?;
        let hash = sha256(&[body]);
        if hash != *stored {
            return Err(damaged("its hash does not fit"));
        }
        let contradicts = || damaged("its fields contradict each other");
        let mut rest = Fields(body.get(9..).ok_or_else(contradicts)?);
        let flags = rest.array::<1>().ok_or_else(contradicts)?[0];
        if flags & FLAG_HOUR_SECRET != 0 {
            return Err(VaultError::NewerFormat {
                what: "its key needs the hour secret of a key ring".to_owned(),
            });
        }
        if flags != 0 || rest.array() != Some([0, 0]) {
            return Err(VaultError::NewerFormat { what: "unknown flags".to_owned() });
        }
        rest.u32().ok_or_else(contradicts)?; // The length, known to the caller.
        let header = Self::fields(&mut rest).ok_or_else(contradicts)??;
        if rest.0.is_empty() { Ok(Bound { header, hash, bytes: bytes.len() }) } else { Err(contradicts()) }
    }

    /// From the site on. `None`: contradicting fields.
    fn fields(rest: &mut Fields<'_>) -> Option<Result<Self, VaultError>> {
        let site = SiteId::from_bytes(rest.array()?);
        let start = WallTime::from_micros(rest.i64()?);
        let (salt, commitment) = (rest.array()?, rest.array()?);
        let camera = rest.array::<1>()?[0];
        let camera = std::str::from_utf8(rest.take(camera.into())?).ok()?.parse().ok()?;
        let [kind, needed, count, zero] = rest.array()?;
        if kind != WRAP_FOR_EACH {
            let shares = if kind == WRAP_SHARES { " (shares of several holders)" } else { "" };
            return Some(Err(VaultError::NewerFormat { what: format!("key block of kind {kind}{shares}") }));
        }
        if needed != 1 || zero != 0 || !(1..=MAX_HOLDERS).contains(&count.into()) {
            return None;
        }
        let holders = (0..count).map(|_| rest.recipient()).collect::<Option<Vec<_>>>()?;
        let length = rest.u32()?;
        let wrapped = rest.take(length as usize)?.to_vec();
        Some(Ok(Self { site, camera, start, salt, commitment, holders, wrapped }))
    }
}

/// Bytes in front of a body.
pub(crate) const FRAME: usize = 44;
/// Of those, the ones that the body's tag covers.
const FRAME_BOUND: usize = 36;
const FRAME_MAGIC: &[u8; 4] = b"LVFR";
const FLAG_END: u32 = 1;
const FLAG_KEY: u32 = 2;
/// Fragments of one segment at most.
pub(crate) const MAX_FRAGMENTS: u32 = 1 << 20;
/// Bytes of one body at most, tag included.
pub(crate) const MAX_BODY: usize = 64 << 20;

/// A fragment's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) sequence: u32,
    /// Bytes of the body, tag included.
    pub(crate) body: u32,
    pub(crate) packets: u32,
    pub(crate) end: bool,
    pub(crate) key: bool,
    pub(crate) first: WallTime,
    pub(crate) last: WallTime,
}

impl Frame {
    pub(crate) fn encode(&self, header: &[u8; 32]) -> [u8; FRAME] {
        let flags = if self.end { FLAG_END } else { 0 } | if self.key { FLAG_KEY } else { 0 };
        let mut out = [0; FRAME];
        out[..4].copy_from_slice(FRAME_MAGIC);
        for (n, field) in [self.sequence, self.body, self.packets, flags].into_iter().enumerate() {
            out[4 + 4 * n..8 + 4 * n].copy_from_slice(&field.to_be_bytes());
        }
        out[20..28].copy_from_slice(&self.first.micros().to_be_bytes());
        out[28..36].copy_from_slice(&self.last.micros().to_be_bytes());
        let check = frame_check(header, &out);
        out[36..].copy_from_slice(&check);
        out
    }

    pub(crate) fn parse(bytes: &[u8; FRAME], header: &[u8; 32]) -> Result<Self, Damage> {
        let mut rest = Fields(bytes);
        if rest.array() != Some(*FRAME_MAGIC) {
            return Err(Damage::NoFragment);
        }
        if bytes[FRAME_BOUND..] != frame_check(header, bytes) {
            return Err(Damage::Head);
        }
        let frame = Self::fields(&mut rest).ok_or(Damage::Contradiction)?;
        let body = frame.body as usize;
        let fits = if frame.end {
            body == TAG && frame.packets == 0 && !frame.key && frame.sequence <= MAX_FRAGMENTS
        } else {
            (TAG..=MAX_BODY).contains(&body) && frame.packets > 0 && frame.sequence < MAX_FRAGMENTS
        };
        if fits && frame.first <= frame.last { Ok(frame) } else { Err(Damage::Contradiction) }
    }

    fn fields(rest: &mut Fields<'_>) -> Option<Self> {
        let (sequence, body, packets, flags) = (rest.u32()?, rest.u32()?, rest.u32()?, rest.u32()?);
        let (first, last) = (WallTime::from_micros(rest.i64()?), WallTime::from_micros(rest.i64()?));
        let known = flags & !(FLAG_END | FLAG_KEY) == 0;
        let (end, key) = (flags & FLAG_END != 0, flags & FLAG_KEY != 0);
        known.then_some(Self { sequence, body, packets, end, key, first, last })
    }
}

fn frame_check(header: &[u8; 32], frame: &[u8; FRAME]) -> [u8; 8] {
    let hash = sha256(&[b"louver frame", header, &frame[..FRAME_BOUND]]);
    [hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]
}

/// What a body's tag covers besides the body.
pub(crate) fn bound_to(header: &[u8; 32], frame: &[u8; FRAME]) -> [u8; 32 + FRAME_BOUND] {
    let mut out = [0; 32 + FRAME_BOUND];
    out[..32].copy_from_slice(header);
    out[32..].copy_from_slice(&frame[..FRAME_BOUND]);
    out
}

/// Takes fields off the front of untrusted bytes; `None` where they end too soon.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn recipient(&mut self) -> Option<String> {
        let length = usize::from(self.u16()?);
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        let plain = length <= MAX_RECIPIENT && text.bytes().all(|b| b.is_ascii_alphanumeric());
        plain.then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            site: SiteId::from_bytes([1; 16]),
            camera: "gate".parse().unwrap(),
            start: WallTime::from_millis(-1),
            salt: [2; 32],
            commitment: [3; 32],
            holders: vec!["age1abc".to_owned(), "age1def".to_owned()],
            wrapped: vec![4; 100],
        }
    }

    /// With `change` made and the hash set right: what somebody who knows the format could write.
    fn rewritten(change: impl Fn(&mut Vec<u8>)) -> Result<Bound, VaultError> {
        let (mut bytes, _) = header().encode();
        bytes.truncate(bytes.len() - 32);
        change(&mut bytes);
        let hash = sha256(&[&bytes]);
        bytes.extend_from_slice(&hash);
        Header::parse(&bytes)
    }

    #[test]
    fn a_header_reads_back_and_a_time_before_1970_has_its_hour() {
        let (bytes, hash) = header().encode();
        assert_eq!(Header::length(&bytes[..PREFIX]).unwrap(), bytes.len());
        let read = Header::parse(&bytes).unwrap();
        assert_eq!(read.header.encode(), (bytes, hash));
        assert_eq!(hour_of(read.header.start), -1);
    }

    #[test]
    fn what_a_later_release_may_write_is_refused_with_a_sentence_that_says_so() {
        let kind = 105 + "gate".len();
        let says = |change: &dyn Fn(&mut Vec<u8>), words: &str| {
            let refused = rewritten(change).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(refused.contains("later release of Louver") && refused.contains(words), "{refused}");
        };
        says(&|b| b[9] = 1, "hour secret");
        says(&|b| b[9] = 0x80, "unknown flags");
        says(&|b| b[kind] = 2, "shares");
        says(&|b| b[kind] = 9, "kind 9");
        let (mut bytes, _) = header().encode();
        bytes[8] = 2;
        let refused = Header::length(&bytes[..PREFIX]).unwrap_err().to_string();
        assert!(refused.contains("format 2"), "{refused}");
    }

    #[test]
    fn fields_that_contradict_each_other_are_refused_although_the_hash_fits() {
        let camera = 104;
        let block = 105 + "gate".len();
        type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
        let cases: [Change<'_>; 8] = [
            &|b| b[camera] = 0,
            &|b| b[camera] = 200,
            &|b| b[camera + 1] = b'/',
            &|b| b[block + 1] = 2,
            &|b| b[block + 2] = 33,
            &|b| b[block + 4] = 0xff,
            &|b| b.push(0),
            &|b| b.truncate(120),
        ];
        for (n, change) in cases.iter().enumerate() {
            let refused = rewritten(change);
            assert!(matches!(refused, Err(VaultError::HeaderDamaged { .. })), "case {n}");
        }
        assert!(
            Header::length(b"GIF89a..........")
                .is_err_and(|e| e.to_string().contains("not a sealed segment"))
        );
        let mut long = header().encode().0;
        long[12..16].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(matches!(Header::length(&long[..PREFIX]), Err(VaultError::HeaderDamaged { .. })));
    }
}
