//! The clear head in front of each fragment. docs/format-sealed.md, "Fragment".

use louver_base::WallTime;

use crate::inspect::Damage;
use crate::keys::{TAG, sha256};
use crate::layout::Fields;

/// Bytes in front of a body.
pub(crate) const FRAME: usize = 76;
/// Of those, the ones that the body's tag and the segment's digest cover.
pub(crate) const FRAME_BOUND: usize = 68;
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
    /// To list and pictures; zeros in the end marker.
    pub(crate) commitment: [u8; 32],
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
        out[36..FRAME_BOUND].copy_from_slice(&self.commitment);
        let check = frame_check(header, &out);
        out[FRAME_BOUND..].copy_from_slice(&check);
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
            let empty = body == TAG && frame.packets == 0 && frame.commitment == [0; 32];
            empty && !frame.key && frame.sequence <= MAX_FRAGMENTS
        } else {
            (TAG..=MAX_BODY).contains(&body) && frame.packets > 0 && frame.sequence < MAX_FRAGMENTS
        };
        if fits && frame.first <= frame.last { Ok(frame) } else { Err(Damage::Contradiction) }
    }

    /// From the bytes that a manifest carries, which have no frame check: the segment's digest vouches for them.
    pub(crate) fn parse_bound(bound: &[u8; FRAME_BOUND], header: &[u8; 32]) -> Result<Self, Damage> {
        let mut bytes = [0; FRAME];
        bytes[..FRAME_BOUND].copy_from_slice(bound);
        let check = frame_check(header, &bytes);
        bytes[FRAME_BOUND..].copy_from_slice(&check);
        Self::parse(&bytes, header)
    }

    fn fields(rest: &mut Fields<'_>) -> Option<Self> {
        let (sequence, body, packets, flags) = (rest.u32()?, rest.u32()?, rest.u32()?, rest.u32()?);
        let (first, last) = (WallTime::from_micros(rest.i64()?), WallTime::from_micros(rest.i64()?));
        let commitment = rest.array()?;
        let known = flags & !(FLAG_END | FLAG_KEY) == 0;
        let (end, key) = (flags & FLAG_END != 0, flags & FLAG_KEY != 0);
        known.then_some(Self { sequence, body, packets, end, key, first, last, commitment })
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
