//! Names and contents of the files of a tiled log ([tlog-tiles](https://c2sp.org/tlog-tiles)). Pure.

use std::fmt;
use std::str::FromStr;

use crate::hash::{Hash, node_hash};

/// Hashes in a full tile, leaves in a full bundle.
pub const WIDTH: u64 = 256;
/// Highest level that a tree of 2^64 leaves has a tile on.
const LEVEL_MAX: u8 = 7;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Hashes of this level: 0 are the leaves' own, each level above stands for 256 of the one below.
    Hashes(u8),
    /// The leaves themselves.
    Entries,
}

/// The name of one tile or bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// What it holds.
    pub kind: Kind,
    /// Its place in its level, from 0.
    pub index: u64,
    /// Hashes or leaves in it: 1 to 256.
    pub width: u16,
}

/// A path that names nothing that a log serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no file of a ledger has such a name")]
pub struct PathError;

impl TileId {
    /// The tile that holds hash `index` of `kind`'s level in a tree of `size` leaves, as wide as it is there. `None` where the
    /// tree has no such hash.
    pub fn at(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let level = match kind {
            Kind::Hashes(level) => u32::from(level),
            Kind::Entries => 0,
        };
        let there = size.checked_shr(8 * level).unwrap_or(0);
        let (tile, whole) = (index / WIDTH, there / WIDTH);
        let width = if tile < whole { WIDTH } else { there % WIDTH };
        (index < there).then_some(Self { kind, index: tile, width: width as u16 })
    }

    /// The same tile when it is full.
    pub fn full(self) -> Self {
        Self { width: WIDTH as u16, ..self }
    }

    /// Whether it is full.
    pub fn is_full(self) -> bool {
        u64::from(self.width) == WIDTH
    }

    /// The folder that narrower versions of it lie in: `tile/0/000.p`.
    pub fn partial_folder(self) -> String {
        format!("{}.p", self.full())
    }
}

impl fmt::Display for TileId {
    /// The path below the log's prefix, such as `tile/0/x001/234` or `tile/entries/000.p/17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}")?,
            Kind::Entries => f.write_str("tile/entries")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (left, group) in groups.iter().enumerate().rev() {
            write!(f, "/{}{group:03}", if left > 0 { "x" } else { "" })?;
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for TileId {
    type Err = PathError;
    /// Only the one way in which each path is written.
    fn from_str(path: &str) -> Result<Self, PathError> {
        if path.len() > 64 {
            return Err(PathError);
        }
        let (name, width) = match path.split_once(".p/") {
            Some((name, width)) => (name, width.parse::<u8>().map_err(|_| PathError)?.into()),
            None => (path, WIDTH as u16),
        };
        let mut parts = name.split('/');
        let kind = match (parts.next(), parts.next()) {
            (Some("tile"), Some("entries")) => Kind::Entries,
            (Some("tile"), Some(level)) => Kind::Hashes(level.parse().map_err(|_| PathError)?),
            _ => return Err(PathError),
        };
        let index = parts.try_fold(0u64, |index, part| {
            let digits = part.strip_prefix('x').unwrap_or(part).parse::<u16>().ok()?;
            index.checked_mul(1000)?.checked_add(u64::from(digits))
        });
        let tile = Self { kind, index: index.ok_or(PathError)?, width };
        let level_fits = !matches!(kind, Kind::Hashes(level) if level > LEVEL_MAX);
        // Whatever was let through too easily above is not written back the same.
        if width > 0 && level_fits && tile.to_string() == path { Ok(tile) } else { Err(PathError) }
    }
}

/// A file that a ledger serves; whatever is not one of these is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// The latest checkpoint; changes.
    Checkpoint,
    /// The latest checkpoint that a witness signed; changes.
    Witnessed,
    /// The site's verifier key.
    VerifierKey,
    /// A tile or bundle; never changes.
    Tile(TileId),
}

impl FromStr for Served {
    type Err = PathError;
    fn from_str(path: &str) -> Result<Self, PathError> {
        match path {
            crate::keys::CHECKPOINT => Ok(Self::Checkpoint),
            crate::keys::WITNESSED => Ok(Self::Witnessed),
            crate::keys::VKEY => Ok(Self::VerifierKey),
            other => other.parse().map(Self::Tile),
        }
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint => f.write_str(crate::keys::CHECKPOINT),
            Self::Witnessed => f.write_str(crate::keys::WITNESSED),
            Self::VerifierKey => f.write_str(crate::keys::VKEY),
            Self::Tile(tile) => tile.fmt(f),
        }
    }
}

/// The bytes of a tile of hashes.
pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|h| *h.as_bytes()).collect()
}

/// The hashes of a tile; `None` where the bytes are not exactly `width` hashes.
pub fn tile_hashes(bytes: &[u8], width: u16) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (hashes.len() == usize::from(width) && rest.is_empty())
        .then(|| hashes.iter().map(|h| Hash::from_bytes(*h)).collect())
}

/// Root of `hashes` as a perfect subtree; their number is a power of two.
pub fn perfect_root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::EMPTY,
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            node_hash(perfect_root(left), perfect_root(right))
        }
    }
}

/// Appends one leaf to a bundle's bytes. Leaves have 65 535 bytes at most.
pub fn push_entry(bundle: &mut Vec<u8>, leaf: &[u8]) {
    let len = u16::try_from(leaf.len()).expect("leaves are bounded by leaf::MAX_LEAF");
    bundle.extend_from_slice(&len.to_be_bytes());
    bundle.extend_from_slice(leaf);
}

/// The leaves of a bundle; `None` where the bytes are not exactly `width` leaves.
pub fn entries(mut bytes: &[u8], width: u16) -> Option<Vec<&[u8]>> {
    let mut leaves = Vec::with_capacity(usize::from(width));
    for _ in 0..width {
        let (len, rest) = bytes.split_first_chunk::<2>()?;
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        leaves.push(leaf);
        bytes = rest;
    }
    bytes.is_empty().then_some(leaves)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |kind, index, width| TileId { kind, index, width };
        assert_eq!(tile(Kind::Hashes(1), 1_234_067, 256).to_string(), "tile/1/x001/x234/067");
        assert_eq!(tile(Kind::Entries, 0, 1).to_string(), "tile/entries/000.p/1");
        assert_eq!(tile(Kind::Hashes(0), 273, 112).to_string(), "tile/0/273.p/112");
    }

    #[test]
    fn a_tree_has_the_tiles_of_the_specifications_example() {
        let at = |level, index| TileId::at(Kind::Hashes(level), index, 70_000).map(|t| (t.index, t.width));
        assert_eq!(at(0, 272 * 256), Some((272, 256)));
        assert_eq!(at(0, 69_999), Some((273, 112)));
        assert_eq!(at(0, 70_000), None);
        assert_eq!(at(1, 272), Some((1, 17)));
        assert_eq!(at(1, 273), None);
        assert_eq!(at(2, 0), Some((0, 1)));
        assert_eq!(at(3, 0), None);
        assert_eq!(TileId::at(Kind::Hashes(1), 0, 256).map(|t| t.width), Some(1));
    }

    #[test]
    fn nothing_else_in_the_folder_is_served() {
        let bad = [
            "journal",
            "site.key",
            "salt",
            "",
            "/",
            "..",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/../../site.key",
            "tile/0/0",
            "tile/0/1000",
            "tile/0/x000/001",
            "tile/00/000",
            "tile/8/000",
            "tile/0/000.p/256",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/data/000",
            "tile/0/x001",
            "checkpoint/",
            "tile/0/000.new",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0/+00",
            "tile/entries/000.p/1.p/1",
        ];
        for path in bad {
            assert!(path.parse::<Served>().is_err(), "{path:?}");
        }
        assert!("checkpoint".parse::<Served>().is_ok() && "vkey".parse::<Served>().is_ok());
    }

    proptest! {
        #[test]
        fn a_path_reads_back_as_it_was_written(index: u64, width in 1u16..=256, level in 0u8..8, entries: bool) {
            let kind = if entries { Kind::Entries } else { Kind::Hashes(level) };
            let tile = TileId { kind, index, width };
            prop_assert_eq!(tile.to_string().parse::<TileId>(), Ok(tile));
        }

        #[test]
        fn a_text_that_names_a_tile_is_its_path(text in "tile/([0-9]{1,2}|entries)(/x?[0-9]{1,4}){1,4}(\\.p/[0-9]{1,3})?") {
            if let Ok(tile) = text.parse::<TileId>() {
                prop_assert_eq!(tile.to_string(), text);
            }
        }

        #[test]
        fn a_bundle_reads_back_as_it_was_written(leaves in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..20)) {
            let mut bytes = Vec::new();
            leaves.iter().for_each(|leaf| push_entry(&mut bytes, leaf));
            let width = leaves.len() as u16;
            prop_assert_eq!(entries(&bytes, width), Some(leaves.iter().map(Vec::as_slice).collect()));
            prop_assert_eq!(entries(&bytes, width + 1), None);
            prop_assert_eq!(entries(&bytes, width - 1), None);
            prop_assert_eq!(entries(&bytes[..bytes.len() - 1], width), None);
        }
    }
}
