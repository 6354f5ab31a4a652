//! Whether the pictures came that a picture is predicted from (sections 7.3.6.1, 8.3.1, 8.3.2). Each picture names them all, so a
//! missing one is told exactly, whatever its place.

use std::collections::BTreeMap;

use super::sets::{Bad, Bits, PictureSet, Sequence, payload};
use super::{PPS, SPS, kind, refs::RefSet};
use crate::{Broken, Packet};

/// Bytes of a slice's header looked at: its sets of pictures take 100 at most.
const HEADER_BYTES: u64 = 256;
/// Pictures kept for others at most, as the standard goes; what a stream names beyond is not believed.
const KEPT: usize = 32;

/// Slices: `nal_unit_type` 0 to 9, and those that decoding can start with.
const RADL: std::ops::RangeInclusive<u8> = 6..=7;
/// Leading pictures that are skipped where decoding began with the picture they belong to.
const RASL: std::ops::RangeInclusive<u8> = 8..=9;
const BLA: std::ops::RangeInclusive<u8> = 16..=18;
const IDR: std::ops::RangeInclusive<u8> = 19..=20;
const CRA: u8 = 21;

/// The pictures of one stream, in the order of decoding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pictures {
    sequence: BTreeMap<u8, Sequence>,
    picture: BTreeMap<u8, PictureSet>,
    state: State,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    WaitingForKey,
    Following {
        /// Order counts of the pictures kept.
        kept: Vec<i32>,
        /// Of the last picture that order counts are told from (`prevTid0Pic`).
        order: i32,
        /// Decoding began with the last key picture: its leading pictures cannot be decoded.
        began: bool,
    },
}

/// A picture's first slice.
struct Slice {
    kind: u8,
    /// Lowest temporal layer, and others may be predicted from it.
    counts: bool,
    order_lsb: u32,
    order_bits: u32,
    refs: RefSet,
    long_term: Vec<LongTerm>,
}

struct LongTerm {
    lsb: u32,
    /// `delta_poc_msb_cycle_lt`, summed up.
    cycles: Option<u32>,
    used: bool,
}

impl Pictures {
    /// Parameter sets from a configuration.
    pub(crate) fn learn(&mut self, nal: &[u8]) {
        match kind(nal) {
            // A damaged set is as good as none: what needs it is unreadable, or the one before it still holds.
            Some(SPS) => {
                if let Ok(set) = Sequence::read(nal) {
                    self.sequence.insert(set.id, set);
                }
            }
            Some(PPS) => {
                if let Ok(set) = PictureSet::read(nal) {
                    self.picture.insert(set.id, set);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn waits_for_key(&self) -> bool {
        matches!(self.state, State::WaitingForKey)
    }

    pub(crate) fn restart(&mut self) {
        self.state = State::WaitingForKey;
    }

    /// As [`Continuity::follow`](crate::Continuity::follow). Leading pictures that are skipped ([`Broken::Waiting`]) break nothing.
    pub(crate) fn follow(&mut self, packet: &Packet) -> Result<(), Broken> {
        let followed = self.read(packet);
        if matches!(followed, Err(skipped) if !skipped.harmless) {
            self.restart();
        }
        followed.map_err(|skipped: Skipped| skipped.why)
    }

    fn read(&mut self, packet: &Packet) -> Result<(), Skipped> {
        let mut bytes = 0;
        let mut begun = false;
        for nal in packet.nals() {
            bytes += 4 + nal.len();
            let Some(kind) = kind(nal) else { continue };
            if kind > 31 {
                self.learn(nal);
                continue;
            }
            let first = nal.get(2).is_some_and(|byte| byte & 0x80 != 0);
            match first {
                true => self.picture(nal, kind)?,
                false if !begun => return Err(Broken::Torn.into()),
                false => {}
            }
            begun = true;
        }
        match bytes == packet.data.len() {
            false => Err(Broken::Torn.into()),
            true if self.waits_for_key() => Err(Broken::Waiting.into()),
            true => Ok(()),
        }
    }

    fn picture(&mut self, nal: &[u8], kind: u8) -> Result<(), Skipped> {
        let starts = BLA.contains(&kind) || IDR.contains(&kind) || kind == CRA;
        let (kept, order, began) = match &self.state {
            State::WaitingForKey if starts => (&[][..], 0, true),
            State::WaitingForKey => return Err(Broken::Waiting.into()),
            State::Following { kept, order, began } => (&kept[..], *order, *began),
        };
        if RASL.contains(&kind) && began {
            return Err(Skipped { why: Broken::Waiting, harmless: true });
        }
        let anew = self.waits_for_key() || BLA.contains(&kind) || IDR.contains(&kind);
        let slice = self.slice(nal, kind).map_err(|_| Broken::Unreadable)?;
        let own = if anew { slice.order_lsb as i32 } else { slice.order(order) };
        let mut now = match anew {
            true => Vec::new(),
            false => slice.still_kept(own, kept).ok_or(Broken::Missing)?,
        };
        now.push(own);
        if now.len() > KEPT {
            return Err(Broken::Unreadable.into());
        }
        let order = if slice.counts { own } else { order };
        let began = if starts { anew } else { began };
        self.state = State::Following { kept: now, order, began };
        Ok(())
    }

    fn slice(&self, nal: &[u8], kind: u8) -> Result<Slice, Bad> {
        let payload = payload(nal, HEADER_BYTES)?;
        let mut b = Bits::new(&payload);
        b.flag()?; // the first slice of its picture, as the caller knows
        if (16..=23).contains(&kind) {
            b.flag()?;
        }
        let set = self.picture.get(&(b.ue(63)? as u8)).ok_or("its picture parameter set never came")?;
        let sequence = self.sequence.get(&set.sequence).ok_or("its sequence parameter set never came")?;
        b.bits(set.extra_bits)?;
        b.ue(2)?;
        if set.output_flag {
            b.flag()?;
        }
        if sequence.separate_colours {
            b.bits(2)?;
        }
        // Temporal layer 0, no leading picture, and of an odd type below 16 (referenced) or any from there on.
        let layer = nal.get(1).map_or(0, |byte| byte & 7);
        let leading = RADL.contains(&kind) || RASL.contains(&kind);
        let counts = layer == 1 && !leading && (kind > 15 || kind & 1 == 1);
        let mut slice = Slice {
            kind,
            counts,
            order_lsb: 0,
            order_bits: sequence.order_bits,
            refs: RefSet::default(),
            long_term: Vec::new(),
        };
        if IDR.contains(&slice.kind) {
            return Ok(slice);
        }
        slice.order_lsb = b.bits(sequence.order_bits)?;
        let known = &sequence.ref_sets;
        slice.refs = match b.flag()? {
            false => RefSet::in_slice(&mut b, known)?,
            true => {
                let number = b.bits(bits_for(known.len()))? as usize;
                known.get(number).cloned().ok_or("it names a set that is not there")?
            }
        };
        if let Some(known) = &sequence.long_term {
            slice.long_term = long_term(&mut b, known, sequence.order_bits)?;
        }
        Ok(slice)
    }
}

/// What a packet was not taken for.
#[derive(Clone, Copy)]
struct Skipped {
    why: Broken,
    /// Whether those after it can be trusted all the same.
    harmless: bool,
}

impl From<Broken> for Skipped {
    fn from(why: Broken) -> Self {
        Self { why, harmless: false }
    }
}

impl Slice {
    /// The picture's order count (8-1), from that of the last one that counts are told from.
    fn order(&self, before: i32) -> i32 {
        let range = 1_i32 << self.order_bits;
        let (lsb, before_lsb) = (self.order_lsb as i32, before.rem_euclid(range));
        let base = before.wrapping_sub(before_lsb);
        let msb = if lsb < before_lsb && before_lsb - lsb >= range / 2 {
            base.wrapping_add(range)
        } else if lsb > before_lsb && lsb - before_lsb > range / 2 {
            base.wrapping_sub(range)
        } else {
            base
        };
        msb.wrapping_add(lsb)
    }

    /// Those of the pictures kept that stay; `None` where one is missing that this picture is predicted from.
    fn still_kept(&self, own: i32, kept: &[i32]) -> Option<Vec<i32>> {
        let mut out = Vec::with_capacity(KEPT);
        for r in self.refs.refs() {
            let order = own.wrapping_add(r.distance);
            match kept.contains(&order) {
                true => out.push(order),
                false if r.used => return None,
                false => {}
            }
        }
        let range = 1_i32 << self.order_bits;
        for l in &self.long_term {
            let base = own.wrapping_sub(self.order_lsb as i32);
            let exact = l
                .cycles
                .map(|n| base.wrapping_sub((n as i32).wrapping_mul(range)).wrapping_add(l.lsb as i32));
            let is = |order: &&i32| match exact {
                Some(exact) => **order == exact,
                None => order.rem_euclid(range) == l.lsb as i32,
            };
            match kept.iter().find(is) {
                Some(order) if !out.contains(order) => out.push(*order),
                Some(_) => {}
                None if l.used => return None,
                None => {}
            }
        }
        Some(out)
    }
}

fn long_term(b: &mut Bits<'_>, known: &[(u32, bool)], order_bits: u32) -> Result<Vec<LongTerm>, Bad> {
    let named = if known.is_empty() { 0 } else { b.ue(32)? };
    let told = b.ue(32)?;
    let mut out: Vec<LongTerm> = Vec::with_capacity((named + told) as usize);
    for n in 0..named + told {
        let (lsb, used) = if n < named {
            let number = b.bits(bits_for(known.len()))? as usize;
            *known.get(number).ok_or("it names a picture that is not there")?
        } else {
            (b.bits(order_bits)?, b.flag()?)
        };
        let cycles = if b.flag()? { Some(b.ue(u32::MAX - 1)?) } else { None };
        // They are told as distances from the one before, but for the first of each kind (7-52).
        let before = if n == 0 || n == named { 0 } else { out.last().and_then(|l| l.cycles).unwrap_or(0) };
        let cycles = cycles.map(|n| n.wrapping_add(before));
        out.push(LongTerm { lsb, cycles, used });
    }
    Ok(out)
}

/// Bits of a number below `count`.
fn bits_for(count: usize) -> u32 {
    count.checked_sub(1).map_or(0, |most| usize::BITS - most.leading_zeros())
}
