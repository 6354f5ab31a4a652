//! The right edge of a growing tree: what is needed to add leaves, make tiles and state the root. Pure.

use crate::hash::{Hash, leaf_hash, node_hash};
use crate::tile::{Kind, TileId, WIDTH, perfect_root, push_entry, tile_bytes};

/// The tiles that are not full yet, one a level, and the last leaves.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    size: u64,
    /// Hashes of the unfinished tile of each level; fewer than 256 each.
    levels: Vec<Vec<Hash>>,
    /// The unfinished bundle.
    bundle: Vec<u8>,
}

impl Edge {
    /// Of a tree of `size` leaves, which is a multiple of 256. `hash` gives the hash of a level of tiles (1 and up) and its index there.
    ///
    /// # Errors
    /// As `hash`.
    pub fn load<E>(size: u64, mut hash: impl FnMut(u8, u64) -> Result<Hash, E>) -> Result<Self, E> {
        let mut levels = vec![Vec::new()];
        while size >> (8 * levels.len()).min(63) > 0 && levels.len() < 8 {
            let level = levels.len() as u8;
            let there = size >> (8 * u32::from(level));
            levels.push(
                (there - there % WIDTH..there).map(|index| hash(level, index)).collect::<Result<_, _>>()?,
            );
        }
        Ok(Self { size, levels, bundle: Vec::new() })
    }

    /// Leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf. Every tile and bundle that becomes full is given to `full`, lower levels first.
    ///
    /// # Errors
    /// As `full`; the edge is of no use then.
    pub fn push<E>(
        &mut self,
        leaf: &[u8],
        full: &mut impl FnMut(TileId, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        push_entry(&mut self.bundle, leaf);
        let index = self.size / WIDTH;
        self.size += 1;
        if self.size.is_multiple_of(WIDTH) {
            full(TileId { kind: Kind::Entries, index, width: WIDTH as u16 }, &self.bundle)?;
            self.bundle.clear();
        }
        let (mut hash, mut level) = (leaf_hash(leaf), 0u8);
        loop {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[usize::from(level)];
            row.push(hash);
            if row.len() < WIDTH as usize {
                return Ok(());
            }
            let index = (self.size >> (8 * (u32::from(level) + 1)).min(63)) - 1;
            full(TileId { kind: Kind::Hashes(level), index, width: WIDTH as u16 }, &tile_bytes(row))?;
            hash = perfect_root(row);
            row.clear();
            level += 1;
        }
    }

    /// The tiles and the bundle that are not full, with their bytes; none that is empty.
    pub fn partials(&self) -> Vec<(TileId, Vec<u8>)> {
        let mut all = Vec::new();
        let width = (self.size % WIDTH) as u16;
        if width > 0 {
            all.push((TileId { kind: Kind::Entries, index: self.size / WIDTH, width }, self.bundle.clone()));
        }
        for (level, row) in self.levels.iter().enumerate().filter(|(_, row)| !row.is_empty()) {
            let index = self.size >> (8 * (level + 1)).min(63);
            let id = TileId { kind: Kind::Hashes(level as u8), index, width: row.len() as u16 };
            all.push((id, tile_bytes(row)));
        }
        all
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        self.root_from(0)
    }

    /// Root of the tree of those leaves that are in full bundles: the largest multiple of 256.
    pub fn root_of_full(&self) -> Hash {
        self.root_from(1)
    }

    /// Low levels stand for the leaves furthest to the right: RFC 6962 joins perfect subtrees from the right.
    fn root_from(&self, lowest: usize) -> Hash {
        let mut root = None;
        for row in self.levels.iter().skip(lowest) {
            let mut rest = &row[..];
            while !rest.is_empty() {
                let (before, last) = rest.split_at(rest.len() - (1 << rest.len().trailing_zeros()));
                let left = perfect_root(last);
                root = Some(root.map_or(left, |right| node_hash(left, right)));
                rest = before;
            }
        }
        root.unwrap_or(Hash::EMPTY)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;
    use crate::source::{Source, SourceError, TileNodes};
    use crate::tree;

    struct Files(BTreeMap<String, Vec<u8>>);

    impl Source for Files {
        fn get(&self, path: &str, _: usize) -> Result<Option<Vec<u8>>, SourceError> {
            Ok(self.0.get(path).cloned())
        }
    }

    #[test]
    fn the_root_at_the_edge_is_the_root_over_all_tiles_and_an_edge_can_be_loaded_anew() {
        let (mut edge, mut files) = (Edge::default(), Files(BTreeMap::new()));
        for n in 0..66_600u64 {
            let kept = edge.push(&n.to_be_bytes(), &mut |id, bytes: &[u8]| {
                files.0.insert(id.to_string(), bytes.to_vec());
                Ok::<_, Infallible>(())
            });
            let Ok(()) = kept;
            let size = n + 1;
            let look = size <= 600 || size % 7919 == 0 || (65_500..65_800).contains(&size) || size == 66_600;
            if !look {
                continue;
            }
            files.0.extend(edge.partials().into_iter().map(|(id, bytes)| (id.to_string(), bytes)));
            let mut nodes = TileNodes::new(&files, size);
            assert_eq!(tree::root(&mut nodes, size).ok(), Some(edge.root()), "{size}");
            if size % 256 == 0 {
                let again = Edge::load(size, |level, index| nodes_above(&files, level, index)).unwrap();
                assert_eq!((again.root(), again.root_of_full()), (edge.root(), edge.root()));
            }
        }
        assert!(files.0.contains_key("tile/1/000") && files.0.contains_key("tile/2/000.p/1"));
    }

    fn nodes_above(files: &Files, level: u8, index: u64) -> Result<Hash, ()> {
        let id = TileId { kind: Kind::Hashes(level - 1), index, width: 256 };
        let hashes = crate::tile::tile_hashes(files.0.get(&id.to_string()).ok_or(())?, 256).ok_or(())?;
        Ok(perfect_root(&hashes))
    }
}
