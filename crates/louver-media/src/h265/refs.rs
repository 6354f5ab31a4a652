//! Short-term reference picture sets (sections 7.3.7, 7.4.8): which pictures a picture is predicted from, told exactly.

use super::sets::{Bad, Bits};

/// Pictures that one set can name: `sps_max_dec_pic_buffering` is 16 at most.
const MOST: usize = 16;
/// Sets in a sequence parameter set.
const SETS: u32 = 64;

/// One set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RefSet {
    /// Shown earlier: the nearest first.
    before: Vec<Ref>,
    /// Shown later: the nearest first.
    after: Vec<Ref>,
}

/// A picture that is kept, named by its distance in order of showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ref {
    pub(super) distance: i32,
    /// Whether this very picture is predicted from it, or only later ones may be.
    pub(super) used: bool,
}

impl RefSet {
    pub(super) fn refs(&self) -> impl Iterator<Item = Ref> + '_ {
        self.before.iter().chain(&self.after).copied()
    }

    /// A set in a sequence parameter set, behind those known.
    pub(super) fn in_sequence(b: &mut Bits<'_>, known: &[Self]) -> Result<Self, Bad> {
        match known.last() {
            Some(last) if b.flag()? => Self::moved(b, last),
            Some(_) | None => Self::listed(b),
        }
    }

    /// The set in a slice's header; those known stand in the sequence parameter set.
    pub(super) fn in_slice(b: &mut Bits<'_>, known: &[Self]) -> Result<Self, Bad> {
        if known.is_empty() || !b.flag()? {
            return Self::listed(b);
        }
        let back = b.ue(SETS)? as usize + 1;
        let from = known.len().checked_sub(back).and_then(|n| known.get(n));
        Self::moved(b, from.ok_or("it builds on a set that is not there")?)
    }

    fn listed(b: &mut Bits<'_>) -> Result<Self, Bad> {
        let (before, after) = (b.ue(MOST as u32)?, b.ue(MOST as u32)?);
        if (before + after) as usize > MOST {
            return Err("it names more pictures than can be kept");
        }
        let mut side = |count: u32, sign: i32| {
            let mut distance = 0;
            let mut out = Vec::with_capacity(count as usize);
            for _ in 0..count {
                distance += sign * (b.ue(1 << 15)? as i32 + 1);
                out.push(Ref { distance, used: b.flag()? });
            }
            Ok::<_, Bad>(out)
        };
        Ok(Self { before: side(before, -1)?, after: side(after, 1)? })
    }

    /// From another set, moved (7-59 to 7-62).
    fn moved(b: &mut Bits<'_>, from: &Self) -> Result<Self, Bad> {
        let negative = b.flag()?;
        let moved = b.ue(1 << 15)? as i32 + 1;
        let moved = if negative { -moved } else { moved };
        // A flag for each picture of the other set, and one for the picture that set belongs to.
        let mut flags = Vec::with_capacity(MOST + 1);
        for _ in 0..=from.before.len() + from.after.len() {
            let used = b.flag()?;
            flags.push((used, used || b.flag()?));
        }
        let of = |n: usize, distance: i32| {
            let (used, kept) = flags[n];
            kept.then_some(Ref { distance: distance + moved, used })
        };
        let earlier = |n: usize| of(n, from.before[n].distance);
        let later = |n: usize| of(from.before.len() + n, from.after[n].distance);
        let own = of(flags.len() - 1, 0);
        let before: Vec<Ref> = ((0..from.after.len()).rev().filter_map(later))
            .chain(own)
            .chain((0..from.before.len()).filter_map(earlier))
            .filter(|r| r.distance < 0)
            .collect();
        let after: Vec<Ref> = ((0..from.before.len()).rev().filter_map(earlier))
            .chain(own)
            .chain((0..from.after.len()).filter_map(later))
            .filter(|r| r.distance > 0)
            .collect();
        if before.len() + after.len() > MOST {
            return Err("it names more pictures than can be kept");
        }
        Ok(Self { before, after })
    }
}

/// All sets of a sequence parameter set.
pub(super) fn read_all(b: &mut Bits<'_>) -> Result<Vec<RefSet>, Bad> {
    let count = b.ue(SETS)? as usize;
    let mut known: Vec<RefSet> = Vec::with_capacity(count);
    for _ in 0..count {
        let set = RefSet::in_sequence(b, &known)?;
        known.push(set);
    }
    Ok(known)
}
