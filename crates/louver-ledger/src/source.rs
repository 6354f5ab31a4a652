//! Where a ledger's files are read from: a folder, or by whoever implements [`Source`] a web address.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use crate::hash::Hash;
use crate::tile::{Kind, TileId, perfect_root, tile_hashes};
use crate::tree::Nodes;

/// Largest file of a ledger that is read, bytes: a full bundle of the longest leaves.
pub const MAX_FILE: usize = 256 * (crate::leaf::MAX_LEAF + 2);

/// A file could not be read, which is not the same as its not being there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The disk refused.
    #[error("{path} cannot be read")]
    Io {
        /// The file, below the ledger's prefix.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// More than any such file has.
    #[error("{path} is larger than {limit} bytes, which no file of a ledger is")]
    TooLarge {
        /// The file.
        path: String,
        /// Most that is read.
        limit: usize,
    },
    /// The server refused or did not answer.
    #[error("{path} cannot be fetched: {why}")]
    Web {
        /// The address.
        path: String,
        /// What it said.
        why: String,
    },
}

/// Reads a ledger's files by their paths below its prefix.
pub trait Source {
    /// The file's bytes, at most `limit`; `None` where it is not there.
    ///
    /// # Errors
    /// [`SourceError`].
    fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError>;
}

/// A ledger's folder.
#[derive(Clone, Debug)]
pub struct DirSource(PathBuf);

impl DirSource {
    /// The folder that `checkpoint` lies in.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }
}

impl Source for DirSource {
    fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |source| SourceError::Io { path: path.to_owned(), source };
        let file = match File::open(self.0.join(path)) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(e) => return Err(failed(e)),
        };
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > limit {
            return Err(SourceError::TooLarge { path: path.to_owned(), limit });
        }
        Ok(Some(bytes))
    }
}

/// Why a hash of the tree could not be read from its tile.
#[derive(Debug)]
pub(crate) enum TileError {
    /// Reading failed.
    Source(SourceError),
    /// Neither the tile nor the full one that replaced it is there.
    Missing(TileId),
    /// Not so many whole hashes.
    Malformed(TileId),
    /// The tree has no such hash.
    Beyond,
}

impl From<SourceError> for TileError {
    fn from(e: SourceError) -> Self {
        Self::Source(e)
    }
}

/// The bytes of a tile as it is in some tree. Where the narrow file is gone because the tile has filled up since, its beginning
/// is taken from the full one.
pub(crate) fn tile<S: Source + ?Sized>(source: &S, id: TileId) -> Result<Vec<u8>, TileError> {
    if let Some(bytes) = source.get(&id.to_string(), MAX_FILE)? {
        return Ok(bytes);
    }
    let full = if id.is_full() { None } else { source.get(&id.full().to_string(), MAX_FILE)? };
    let Some(mut bytes) = full else { return Err(TileError::Missing(id)) };
    let keep = match id.kind {
        Kind::Hashes(_) => Some(usize::from(id.width) * Hash::LEN),
        Kind::Entries => crate::tile::entries(&bytes, 256)
            .map(|leaves| leaves.iter().take(id.width.into()).map(|leaf| leaf.len() + 2).sum()),
    };
    bytes.truncate(keep.ok_or(TileError::Malformed(id.full()))?);
    Ok(bytes)
}

/// The hashes of a tree of `size` leaves, read from its tiles. Nothing of them is believed before a root has been reached.
pub(crate) struct TileNodes<'a, S: ?Sized> {
    source: &'a S,
    size: u64,
    /// The last tiles read: a proof takes several hashes of each. At most [`KEEP`].
    read: Vec<(TileId, Vec<Hash>)>,
}

const KEEP: usize = 16;

impl<'a, S: Source + ?Sized> TileNodes<'a, S> {
    pub(crate) fn new(source: &'a S, size: u64) -> Self {
        Self { source, size, read: Vec::new() }
    }

    fn hashes(&mut self, id: TileId) -> Result<&[Hash], TileError> {
        let at = match self.read.iter().position(|(have, _)| *have == id) {
            Some(at) => at,
            None => {
                let hashes =
                    tile_hashes(&tile(self.source, id)?, id.width).ok_or(TileError::Malformed(id))?;
                if self.read.len() >= KEEP {
                    self.read.remove(0);
                }
                self.read.push((id, hashes));
                self.read.len() - 1
            }
        };
        Ok(&self.read[at].1)
    }
}

impl<S: Source + ?Sized> Nodes for TileNodes<'_, S> {
    type Error = TileError;
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, TileError> {
        let (tiles, within) = (level / 8, level % 8);
        let first = index.checked_shl(within.into()).ok_or(TileError::Beyond)?;
        let last = first + (1 << within) - 1;
        let id = TileId::at(Kind::Hashes(tiles), last, self.size).ok_or(TileError::Beyond)?;
        let from = (first % 256) as usize;
        let row = self.hashes(id)?.get(from..from + (1 << within)).ok_or(TileError::Beyond)?;
        Ok(perfect_root(row))
    }
}
