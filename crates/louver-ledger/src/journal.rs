//! The journal's bytes: what counts as written. Pure.
//!
//! A head, then one frame for each fsync. A frame that is not whole at the end was never acknowledged; one before a whole frame was.

use crate::hash::{Hash, sha256};
use crate::leaf::MAX_LEAF;

const MAGIC: &[u8; 8] = b"LOUVJRNL";
const VERSION: u8 = 1;
/// No UTF-8 text holds these bytes, so no leaf looks like the beginning of a frame.
const FRAME: [u8; 4] = [0xf5, b'L', b'F', 0xfa];
/// Bytes of the journal's head.
pub(crate) const HEAD: usize = 64;
const FRAME_HEAD: usize = 20;
const FRAME_SUM: usize = 16;
/// Most leaves in one frame.
pub(crate) const FRAME_LEAVES: usize = 4096;
/// Most bytes of leaves in one frame: the last leaf may go beyond it.
pub(crate) const FRAME_BYTES: usize = 1 << 20;

/// Where a journal begins: all leaves before it stand in tiles that are fsynced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Base {
    pub(crate) const EMPTY: Self = Self { size: 0, root: Hash::EMPTY };

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(self.size.to_be_bytes());
        bytes.extend(self.root.as_bytes());
        let sum = sha256(&[&bytes]);
        bytes.extend(&sum.as_bytes()[..8]);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEAD)?;
        let size = u64::from_be_bytes(head[16..24].try_into().ok()?);
        let base = Self { size, root: Hash::from_bytes(head[24..56].try_into().ok()?) };
        (base.to_bytes() == head && size.is_multiple_of(crate::tile::WIDTH)).then_some(base)
    }
}

/// Number of the first leaf in a journal; `None` where its head is not whole.
pub fn begins_at(journal: &[u8]) -> Option<u64> {
    Base::parse(journal).map(|base| base.size)
}

/// One frame: leaves from number `first` on.
pub(crate) fn frame<'a>(first: u64, leaves: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = FRAME.to_vec();
    bytes.extend([0; FRAME_HEAD - 4]);
    let mut count = 0u32;
    for leaf in leaves {
        crate::tile::push_entry(&mut bytes, leaf);
        count += 1;
    }
    let body = (bytes.len() - FRAME_HEAD) as u32;
    bytes[4..8].copy_from_slice(&count.to_be_bytes());
    bytes[8..16].copy_from_slice(&first.to_be_bytes());
    bytes[16..20].copy_from_slice(&body.to_be_bytes());
    let sum = sha256(&[&bytes]);
    bytes.extend(&sum.as_bytes()[..FRAME_SUM]);
    bytes
}

/// Several frames that hold all of these leaves.
pub(crate) fn frames<L: AsRef<[u8]>>(first: u64, leaves: &[L]) -> Vec<u8> {
    let (mut bytes, mut done) = (Vec::new(), 0);
    while done < leaves.len() {
        let take = fit(leaves[done..].iter().map(|l| l.as_ref().len()));
        bytes.extend(frame(first + done as u64, leaves[done..done + take].iter().map(AsRef::as_ref)));
        done += take;
    }
    bytes
}

/// How many of the leaves of these lengths go into one frame: at least one.
pub(crate) fn fit(lengths: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = lengths.take(FRAME_LEAVES).take_while(|len| {
        let before = bytes;
        bytes += len + 2;
        before < FRAME_BYTES
    });
    fits.count()
}

struct Frame<'a> {
    first: u64,
    leaves: Vec<&'a [u8]>,
    len: usize,
}

/// The frame at the beginning of `bytes`, if it is whole.
fn parse_frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let head = bytes.get(..FRAME_HEAD)?;
    let number = |at: usize| head[at..at + 4].try_into().map(u32::from_be_bytes).ok();
    let (count, body) = (number(4)? as usize, number(16)? as usize);
    let bounded = count > 0 && count <= FRAME_LEAVES && body <= FRAME_BYTES + MAX_LEAF + 2;
    if !head.starts_with(&FRAME) || !bounded {
        return None;
    }
    let whole = bytes.get(..FRAME_HEAD + body + FRAME_SUM)?;
    let (summed, sum) = whole.split_at(FRAME_HEAD + body);
    if sum != &sha256(&[summed]).as_bytes()[..FRAME_SUM] {
        return None;
    }
    let leaves = crate::tile::entries(&summed[FRAME_HEAD..], count as u16)?;
    let first = u64::from_be_bytes(head[8..16].try_into().ok()?);
    Some(Frame { first, leaves, len: whole.len() })
}

/// What a journal holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) base: Base,
    pub(crate) leaves: Vec<Vec<u8>>,
    /// Bytes behind the last whole frame: never acknowledged.
    pub(crate) torn: u64,
}

/// Where a journal does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) at: u64,
    pub(crate) leaf: u64,
}

/// Reads a whole journal.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents, Damage> {
    let base = Base::parse(bytes).ok_or(Damage { at: 0, leaf: 0 })?;
    let (mut leaves, mut at) = (Vec::new(), HEAD);
    while at < bytes.len() {
        let next = base.size + leaves.len() as u64;
        match parse_frame(&bytes[at..]) {
            Some(frame) if frame.first == next => {
                leaves.extend(frame.leaves.into_iter().map(<[u8]>::to_vec));
                at += frame.len;
            }
            // A whole frame of other leaves, or one that is not whole and before one that is: only what was fsynced has a successor.
            Some(_) => return Err(Damage { at: at as u64, leaf: next }),
            None if frame_follows(&bytes[at..]) => return Err(Damage { at: at as u64, leaf: next }),
            None => break,
        }
    }
    Ok(Contents { base, leaves, torn: (bytes.len() - at) as u64 })
}

fn frame_follows(bytes: &[u8]) -> bool {
    (1..bytes.len()).any(|at| bytes[at..].starts_with(&FRAME) && parse_frame(&bytes[at..]).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn journal(frame_sizes: &[usize]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends, mut n) = (Base::EMPTY.to_bytes(), vec![], 0u64);
        for size in frame_sizes {
            let leaves: Vec<_> = (0..*size as u64).map(|i| format!("leaf {}", n + i).into_bytes()).collect();
            bytes.extend(frame(n, leaves.iter().map(Vec::as_slice)));
            n += *size as u64;
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    proptest! {
        #[test]
        fn a_journal_cut_off_anywhere_keeps_every_whole_frame(sizes in proptest::collection::vec(1usize..5, 1..8), cut: usize) {
            let (bytes, ends) = journal(&sizes);
            let cut = HEAD + cut % (bytes.len() - HEAD + 1);
            let whole: usize = sizes.iter().zip(&ends).filter(|(_, end)| **end <= cut).map(|(n, _)| *n).sum();
            let read = read(&bytes[..cut]).unwrap();
            prop_assert_eq!(read.leaves.len(), whole);
            let kept = cut as u64 - read.torn;
            prop_assert!(kept == HEAD as u64 || ends.contains(&(kept as usize)));
        }

        #[test]
        fn a_changed_bit_before_the_last_frame_is_damage_and_in_the_last_one_cuts_it_off(sizes in proptest::collection::vec(1usize..5, 2..8), at: usize, bit in 0u8..8) {
            let (mut bytes, ends) = journal(&sizes);
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            match read(&bytes) {
                Err(damage) => prop_assert!(damage.at as usize <= at && at < ends[ends.len() - 2]),
                Ok(contents) => {
                    prop_assert!(at >= ends[ends.len() - 2]);
                    prop_assert_eq!(contents.leaves.len(), sizes[..sizes.len() - 1].iter().sum::<usize>());
                }
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
            let _ = read(&[&Base::EMPTY.to_bytes()[..], &FRAME[..], &bytes[..]].concat());
        }
    }

    #[test]
    fn leaves_are_split_into_bounded_frames() {
        let leaves = vec![vec![b'x'; MAX_LEAF]; 1000];
        let bytes = [Base::EMPTY.to_bytes(), frames(0, &leaves)].concat();
        assert_eq!(read(&bytes).unwrap().leaves, leaves);
    }
}
