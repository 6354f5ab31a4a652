//! Merkle trees of RFC 6962 section 2.1: roots, inclusion and consistency proofs. Pure.

use crate::hash::{Hash, node_hash};

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf lies behind the end of the tree, or the older tree is larger than the newer.
    #[error("the tree of {size} leaves does not reach to {asked}")]
    Beyond {
        /// What was asked for: a leaf's number or the older tree's size.
        asked: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// A proof for these sizes has another number of hashes.
    #[error("the proof has {0} hashes, which is not what these sizes take")]
    Length(usize),
    /// The hashes lead to another root.
    #[error("the proof leads to another root than the signed one")]
    Root,
}

/// Hash of the subtree that is perfect: 2^level leaves from index × 2^level.
pub trait Nodes {
    /// Why a hash could not be had.
    type Error;
    /// The hash of `level` and `index`; both lie within the tree that is asked about.
    ///
    /// # Errors
    /// Whatever stands in the way of reading it.
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Largest power of two below `n`, for n of at least 2.
const fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// Hash of the leaves `from..to`, where `from` is where such a range begins in a tree: a multiple of the power of two at or above its length.
fn range<N: Nodes>(nodes: &mut N, from: u64, to: u64) -> Result<Hash, N::Error> {
    let len = to - from;
    if len.is_power_of_two() {
        let level = len.trailing_zeros() as u8;
        return nodes.node(level, from >> level);
    }
    let middle = from + split(len);
    let left = range(nodes, from, middle)?;
    Ok(node_hash(left, range(nodes, middle, to)?))
}

/// Root of the tree of the first `size` leaves.
///
/// # Errors
/// As reading its nodes.
pub fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(Hash::EMPTY) } else { range(nodes, 0, size) }
}

/// The inclusion proof of leaf `index` in the tree of `size` leaves, from the leaf's sibling upwards (section 2.1.1). Empty
/// where the leaf does not lie in the tree.
///
/// # Errors
/// As reading its nodes.
pub fn inclusion<N: Nodes>(nodes: &mut N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to, mut proof) = (0, size, Vec::new());
    while index < size && to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            proof.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            proof.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `older` leaves is the beginning of the tree of `size` leaves (section 2.1.2). Empty where they
/// are the same, the older one has no leaves, or is larger.
///
/// # Errors
/// As reading its nodes.
pub fn consistency<N: Nodes>(nodes: &mut N, older: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to, mut proof) = (0, size, Vec::new());
    if older == 0 || older >= size {
        return Ok(proof);
    }
    while older != to {
        let middle = from + split(to - from);
        if older <= middle {
            proof.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            proof.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    // The older tree itself is known to whoever checks; a part of it is not.
    if from > 0 {
        proof.push(range(nodes, from, to)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that leaf `index` with the hash `leaf` lies in the tree of `size` leaves with root `root` (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// [`ProofError`]: it does not, as far as this proof goes.
pub fn check_inclusion(
    proof: &[Hash],
    index: u64,
    leaf: Hash,
    size: u64,
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Beyond { asked: index, size });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for step in proof {
        if last == 0 {
            return Err(ProofError::Length(proof.len()));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(*step, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, *step);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length(proof.len()));
    }
    if hash == root { Ok(()) } else { Err(ProofError::Root) }
}

/// A tree's size and root, as a checkpoint states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Leaves.
    pub size: u64,
    /// Root hash.
    pub root: Hash,
}

/// Checks that `older` is the beginning of `newer` (RFC 9162 section 2.1.4.2).
///
/// # Errors
/// [`ProofError`]: it is not, as far as this proof goes.
pub fn check_consistency(proof: &[Hash], older: Head, newer: Head) -> Result<(), ProofError> {
    if older.size > newer.size {
        return Err(ProofError::Beyond { asked: older.size, size: newer.size });
    }
    if older.size == newer.size || older.size == 0 {
        let same = if older.size == 0 { older.root == Hash::EMPTY } else { older.root == newer.root };
        return match (proof.is_empty(), same) {
            (false, _) => Err(ProofError::Length(proof.len())),
            (true, true) => Ok(()),
            (true, false) => Err(ProofError::Root),
        };
    }
    let whole = older.size.is_power_of_two();
    let Some((first, rest)) =
        (if whole { Some((older.root, proof)) } else { proof.split_first().map(|(f, r)| (*f, r)) })
    else {
        return Err(ProofError::Length(0));
    };
    let (mut node, mut last) = (older.size - 1, newer.size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut was, mut is) = (first, first);
    for step in rest {
        if last == 0 {
            return Err(ProofError::Length(proof.len()));
        }
        if node & 1 == 1 || node == last {
            was = node_hash(*step, was);
            is = node_hash(*step, is);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            is = node_hash(is, *step);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length(proof.len()));
    }
    if was == older.root && is == newer.root { Ok(()) } else { Err(ProofError::Root) }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;
    use tlog_tiles::tlog;

    use super::*;
    use crate::hash::leaf_hash;

    struct Leaves(Vec<Hash>);

    impl Nodes for Leaves {
        type Error = Infallible;
        fn node(&mut self, level: u8, index: u64) -> Result<Hash, Infallible> {
            let (from, len) = ((index << level) as usize, 1usize << level);
            let mut row = self.0[from..from + len].to_vec();
            while row.len() > 1 {
                row = row.chunks(2).map(|two| node_hash(two[0], two[1])).collect();
            }
            Ok(row[0])
        }
    }

    fn leaves(n: u64) -> Leaves {
        Leaves((0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect())
    }

    fn foreign(hash: Hash) -> tlog::Hash {
        tlog::Hash(*hash.as_bytes())
    }

    fn head(tree: &mut Leaves, size: u64) -> Head {
        let Ok(root) = root(tree, size);
        Head { size, root }
    }

    #[test]
    fn the_empty_tree_has_the_hash_of_nothing() {
        assert_eq!(crate::hash::sha256(&[]), Hash::EMPTY);
        assert_eq!(head(&mut leaves(0), 0).root, Hash::EMPTY);
    }

    proptest! {
        #[test]
        fn proofs_satisfy_our_checks_and_those_of_another_implementation(size in 1u64..700, a: u64, b: u64) {
            let (index, older) = (a % size, 1 + b % size);
            let mut tree = leaves(size);
            let (now, then, leaf) = (head(&mut tree, size), head(&mut tree, older), tree.0[index as usize]);
            let Ok(included) = inclusion(&mut tree, index, size);
            prop_assert_eq!(check_inclusion(&included, index, leaf, size, now.root), Ok(()));
            let theirs = included.iter().map(|h| foreign(*h)).collect();
            prop_assert!(tlog::check_record(&theirs, size, foreign(now.root), index, foreign(leaf)).is_ok());
            let Ok(grown) = consistency(&mut tree, older, size);
            prop_assert_eq!(check_consistency(&grown, then, now), Ok(()));
            let theirs = grown.iter().map(|h| foreign(*h)).collect();
            prop_assert!(tlog::check_tree(&theirs, size, foreign(now.root), older, foreign(then.root)).is_ok());
        }

        #[test]
        fn a_proof_with_anything_changed_proves_nothing(size in 2u64..300, a: u64, at: usize, bit in 0usize..256) {
            let (index, older) = (a % size, 1 + a % (size - 1));
            let mut tree = leaves(size);
            let (now, then, leaf) = (head(&mut tree, size), head(&mut tree, older), tree.0[index as usize]);
            let Ok(proof) = inclusion(&mut tree, index, size);
            let Ok(grown) = consistency(&mut tree, older, size);
            let flip = |hashes: &[Hash], at: usize| {
                let mut hashes = hashes.to_vec();
                let mut bytes = *hashes[at % hashes.len()].as_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let at = at % hashes.len();
                hashes[at] = Hash::from_bytes(bytes);
                hashes
            };
            prop_assert!(check_inclusion(&flip(&proof, at), index, leaf, size, now.root).is_err());
            prop_assert!(check_inclusion(&proof[1..], index, leaf, size, now.root).is_err());
            prop_assert!(check_inclusion(&[&proof[..], &[leaf]].concat(), index, leaf, size, now.root).is_err());
            prop_assert!(check_inclusion(&proof, size, leaf, size, now.root).is_err());
            prop_assert!(check_consistency(&flip(&grown, at), then, now).is_err());
            prop_assert!(check_consistency(&grown[1..], then, now).is_err());
            prop_assert!(check_consistency(&[&grown[..], &[leaf]].concat(), then, now).is_err());
            prop_assert!(check_consistency(&grown, now, then).is_err());
        }

        #[test]
        fn no_proof_panics(hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70), a: u64, b: u64) {
            let proof: Vec<Hash> = hashes.into_iter().map(Hash::from_bytes).collect();
            let _ = check_inclusion(&proof, a, Hash::EMPTY, b, Hash::EMPTY);
            let (older, newer) = (Head { size: a, root: Hash::EMPTY }, Head { size: b, root: Hash::EMPTY });
            let _ = check_consistency(&proof, older, newer);
        }
    }
}
