//! Checking a ledger: everything, or what came since a pinned checkpoint. Reads through a [`Source`]; otherwise pure.
//!
//! All tiles are made again from the leaves and compared with those that are served, so that a refusal can name the first
//! file, tile or leaf that does not fit.

use std::collections::HashMap;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::edge::Edge;
use crate::hash::{Hash, leaf_hash};
use crate::keys::{CHECKPOINT, VKEY, WITNESSED};
use crate::leaf::Leaf;
use crate::note::{MAX_NOTE, Note, NoteError, VerifierKey};
use crate::source::{Source, SourceError, TileError, TileNodes, tile};
use crate::tile::{Kind, TileId, entries, tile_hashes};
use crate::tree::{self, Head};

/// What must hold.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    /// The site's key; without it the ledger's own file `vkey` is believed, and the report says so.
    pub key: Option<VerifierKey>,
    /// A checkpoint that was kept earlier. Leaves before it are not read again, but proven to be the same.
    pub since: Option<Vec<u8>>,
    /// Reads all leaves even so.
    pub everything: bool,
    /// Witnesses that are known.
    pub witnesses: Vec<VerifierKey>,
    /// How many of them must have signed.
    pub quorum: usize,
}

/// What was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The key that signed.
    pub key: VerifierKey,
    /// Whether the caller knew the key; else whoever keeps the ledger could have made another.
    pub key_was_given: bool,
    /// Size and root of the log.
    pub head: Head,
    /// The checkpoint itself, to be pinned.
    pub checkpoint: String,
    /// The first leaf that was read.
    pub from: u64,
    /// Size of the pinned checkpoint.
    pub since: Option<u64>,
    /// Leaves under the checkpoint that enough witnesses signed, where witnesses were asked for.
    pub witnessed: Option<u64>,
    /// Leaves of kinds that this version does not know.
    pub unknown: u64,
}

/// Why a ledger is not believed: the first thing that does not fit. The doc of each says what it means.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Says nothing about the log.
    #[error(transparent)]
    Unreadable(#[from] SourceError),
    /// No ledger, or somebody took a part of it away.
    #[error("{0} is missing: this is no ledger, or somebody took it away")]
    Missing(String),
    /// The key file is no key.
    #[error("vkey: {0}")]
    BadKey(NoteError),
    /// Cut short or written over.
    #[error("{file}: malformed: {why}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// Signed by somebody else: the log was made anew, or the key is of another site.
    #[error("{file}: another key signed it, not {key}")]
    OtherKey {
        /// The file.
        file: String,
        /// The key that should have.
        key: String,
    },
    /// The checkpoint was changed after it was signed.
    #[error("{file}: changed after it was signed: the signature does not fit")]
    WrongSignature {
        /// The file.
        file: String,
    },
    /// Another site's log.
    #[error("{file}: of another log: \"{found}\", not \"{wanted}\"")]
    OtherOrigin {
        /// The file.
        file: String,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// The signed checkpoint speaks of leaves that are not there.
    #[error("truncated: {file} is missing, with leaf {leaf}; the checkpoint is signed over {size} leaves")]
    Truncated {
        /// The first file that is missing.
        file: String,
        /// The first leaf in it or below it.
        leaf: u64,
        /// Leaves that were signed.
        size: u64,
    },
    /// A leaf is not the one that was hashed.
    #[error("changed: leaf {leaf} in {file} is not the one whose hash is in {tile}")]
    Changed {
        /// The leaf.
        leaf: u64,
        /// The bundle.
        file: String,
        /// The tile.
        tile: String,
    },
    /// Two leaves changed places.
    #[error("reordered: leaf {leaf} in {file} is what was leaf {other} when it was hashed")]
    Reordered {
        /// Where it is.
        leaf: u64,
        /// Where it was.
        other: u64,
        /// The bundle.
        file: String,
    },
    /// A leaf stands there twice.
    #[error("duplicated: leaf {leaf} in {file} is leaf {other} once more")]
    Duplicated {
        /// The second one.
        leaf: u64,
        /// The first one.
        other: u64,
        /// The bundle.
        file: String,
    },
    /// A tile of hashes is not what its leaves give.
    #[error("changed: hash {at} in {file} is not that of the leaves below it")]
    TileDiffers {
        /// The tile.
        file: String,
        /// Which of its hashes, from 0.
        at: usize,
    },
    /// Leaves and tiles fit each other, but not what the site signed.
    #[error(
        "changed: the root of the {size} leaves is not the one that was signed; leaves were exchanged and the tiles made anew"
    )]
    RootDiffers {
        /// Leaves.
        size: u64,
    },
    /// The pinned checkpoint is not of this site.
    #[error("the pinned checkpoint cannot be used: {0}")]
    BadPin(CheckpointError),
    /// An older state than one that was seen before.
    #[error(
        "replayed: the checkpoint has {size} leaves, the pinned one {pinned}: an old state was put back, or leaves were taken off the end"
    )]
    Replayed {
        /// Leaves now.
        size: u64,
        /// Leaves of the pinned checkpoint.
        pinned: u64,
    },
    /// Two histories, both signed by the site.
    #[error(
        "forked: the log of today does not begin with the {pinned} leaves of the pinned checkpoint; the site has signed two histories. Keep both checkpoints: they prove it"
    )]
    Forked {
        /// Leaves of the pinned checkpoint.
        pinned: u64,
    },
    /// A witness's name with a signature that is not his.
    #[error("{file}: the signature of the witness {witness} is wrong")]
    WrongWitness {
        /// The file.
        file: String,
        /// The witness.
        witness: String,
    },
    /// Too few have signed.
    #[error("not witnessed: {have} of the witnesses have signed, {need} are needed")]
    Quorum {
        /// How many have.
        have: usize,
        /// How many must.
        need: usize,
    },
    /// What witnesses signed is not this log.
    #[error("forked: witnesses signed {witnessed} leaves that are not the beginning of this log")]
    WitnessedFork {
        /// Leaves that they signed.
        witnessed: u64,
    },
}

impl Refusal {
    /// The reason in one word, for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Missing(_) => "missing",
            Self::BadKey(_) => "bad-key",
            Self::Malformed { .. } => "malformed",
            Self::OtherKey { .. } => "other-key",
            Self::WrongSignature { .. } => "wrong-signature",
            Self::OtherOrigin { .. } => "other-origin",
            Self::Truncated { .. } => "truncated",
            Self::Changed { .. } | Self::TileDiffers { .. } | Self::RootDiffers { .. } => "changed",
            Self::Reordered { .. } => "reordered",
            Self::Duplicated { .. } => "duplicated",
            Self::BadPin(_) => "bad-pin",
            Self::Replayed { .. } => "replayed",
            Self::Forked { .. } | Self::WitnessedFork { .. } => "forked",
            Self::WrongWitness { .. } => "wrong-witness",
            Self::Quorum { .. } => "not-witnessed",
        }
    }

    fn tile(e: TileError, size: u64) -> Self {
        match e {
            TileError::Source(e) => Self::Unreadable(e),
            TileError::Missing(id) => Self::Truncated { file: id.to_string(), leaf: first_leaf(id), size },
            TileError::Malformed(id) => {
                Self::Malformed { file: id.to_string(), why: format!("it is not {} hashes", id.width) }
            }
            TileError::Beyond => Self::RootDiffers { size },
        }
    }
}

/// First leaf that a tile or bundle tells of.
fn first_leaf(id: TileId) -> u64 {
    let level = match id.kind {
        Kind::Hashes(level) => u32::from(level),
        Kind::Entries => 0,
    };
    id.index.checked_shl(8 * (level + 1)).unwrap_or(u64::MAX)
}

/// Checks a ledger. `each` is given the number and bytes of every leaf that was read, in order, before the end is known to be
/// believed.
///
/// # Errors
/// [`Refusal`].
pub fn verify<S: Source + ?Sized>(
    source: &S,
    demands: &Demands,
    mut each: impl FnMut(u64, &[u8]),
) -> Result<Report, Refusal> {
    let key = key(source, demands)?;
    let bytes = source.get(CHECKPOINT, MAX_NOTE)?.ok_or_else(|| Refusal::Missing(CHECKPOINT.into()))?;
    let (checkpoint, note) = open(&bytes, &key, CHECKPOINT)?;
    let head = checkpoint.head;
    let pinned = demands.since.as_deref().map(|pin| pin_of(pin, &key, head)).transpose()?;
    let from = pinned.filter(|_| !demands.everything).map_or(0, |pin| pin.size & !255);
    let mut walk = Walk::begin(source, head, from, pinned)?;
    let mut unknown = 0;
    while walk.edge.size() < head.size {
        walk.bundle(&mut |index, leaf| {
            unknown += u64::from(Leaf::parse(leaf).is_none());
            each(index, leaf);
        })?;
    }
    walk.end()?;
    let witnessed = witnessed(source, demands, &key, head, &note)?;
    Ok(Report {
        key,
        key_was_given: demands.key.is_some(),
        head,
        checkpoint: note.to_string(),
        from,
        since: pinned.map(|pin| pin.size),
        witnessed,
        unknown,
    })
}

fn key<S: Source + ?Sized>(source: &S, demands: &Demands) -> Result<VerifierKey, Refusal> {
    if let Some(key) = &demands.key {
        return Ok(key.clone());
    }
    let bytes = source.get(VKEY, 1024)?.ok_or_else(|| Refusal::Missing(VKEY.into()))?;
    let text = String::from_utf8_lossy(&bytes);
    text.strip_suffix("\n").unwrap_or(&text).parse().map_err(Refusal::BadKey)
}

fn open(bytes: &[u8], key: &VerifierKey, file: &str) -> Result<(Checkpoint, Note), Refusal> {
    let file = file.to_owned();
    Checkpoint::open(bytes, key).map_err(|e| match e {
        CheckpointError::OtherOrigin { found, wanted } => Refusal::OtherOrigin { file, found, wanted },
        CheckpointError::Note(NoteError::NotSigned(key)) => Refusal::OtherKey { file, key },
        CheckpointError::Note(NoteError::WrongSignature(_)) => Refusal::WrongSignature { file },
        e @ (CheckpointError::Malformed(_) | CheckpointError::Note(_)) => {
            Refusal::Malformed { file, why: e.to_string() }
        }
    })
}

fn pin_of(bytes: &[u8], key: &VerifierKey, now: Head) -> Result<Head, Refusal> {
    let pin = Checkpoint::open(bytes, key).map_err(Refusal::BadPin)?.0.head;
    if pin.size > now.size {
        return Err(Refusal::Replayed { size: now.size, pinned: pin.size });
    }
    Ok(pin)
}

/// A walk over the leaves that makes the tree again.
struct Walk<'a, S: ?Sized> {
    source: &'a S,
    head: Head,
    edge: Edge,
    pinned: Option<Head>,
    /// Whether the tree had the pinned root when it had that size.
    pin_fits: bool,
}

impl<'a, S: Source + ?Sized> Walk<'a, S> {
    fn begin(source: &'a S, head: Head, from: u64, pinned: Option<Head>) -> Result<Self, Refusal> {
        let mut nodes = TileNodes::new(source, head.size);
        let edge = Edge::load(from, |level, index| tree::Nodes::node(&mut nodes, 8 * level, index));
        let edge = edge.map_err(|e| Refusal::tile(e, head.size))?;
        let mut walk = Self { source, head, edge, pinned, pin_fits: pinned.is_none() };
        walk.look_at_pin();
        Ok(walk)
    }

    fn look_at_pin(&mut self) {
        if let Some(pin) = self.pinned.filter(|pin| pin.size == self.edge.size()) {
            self.pin_fits = pin.root == self.edge.root();
        }
    }

    /// The next bundle of leaves.
    fn bundle(&mut self, each: &mut impl FnMut(u64, &[u8])) -> Result<(), Refusal> {
        let (first, size) = (self.edge.size(), self.head.size);
        let missing = TileId { kind: Kind::Entries, index: first / 256, width: 256 };
        let id = TileId::at(Kind::Entries, first, size).unwrap_or(missing);
        let bytes = tile(self.source, id).map_err(|e| Refusal::tile(e, size))?;
        let Some(leaves) = entries(&bytes, id.width) else {
            return Err(Refusal::Malformed {
                file: id.to_string(),
                why: format!("it is not {} leaves", id.width),
            });
        };
        self.compare(id, &leaves)?;
        for leaf in leaves {
            each(self.edge.size(), leaf);
            let source = self.source;
            self.edge.push(leaf, &mut |id, bytes: &[u8]| match id.kind {
                // Compared above, leaf by leaf.
                Kind::Entries | Kind::Hashes(0) => Ok(()),
                Kind::Hashes(_) => same_tile(source, id, bytes, size),
            })?;
            self.look_at_pin();
        }
        Ok(())
    }

    /// Holds the leaves of a bundle against the hashes in its tile.
    fn compare(&self, bundle: TileId, leaves: &[&[u8]]) -> Result<(), Refusal> {
        let id = TileId { kind: Kind::Hashes(0), ..bundle };
        let stated = tile(self.source, id).map_err(|e| Refusal::tile(e, self.head.size))?;
        let stated = tile_hashes(&stated, id.width).ok_or(TileError::Malformed(id));
        let stated = stated.map_err(|e| Refusal::tile(e, self.head.size))?;
        let found: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let Some(at) = (0..found.len()).find(|n| found[*n] != stated[*n]) else { return Ok(()) };
        let (file, first) = (bundle.to_string(), bundle.index * 256);
        let leaf = first + at as u64;
        let places: HashMap<&Hash, usize> =
            stated.iter().enumerate().rev().map(|(n, hash)| (hash, n)).collect();
        Err(match places.get(&found[at]) {
            Some(other) if *other < at => Refusal::Duplicated { leaf, other: first + *other as u64, file },
            Some(other) => Refusal::Reordered { leaf, other: first + *other as u64, file },
            None => Refusal::Changed { leaf, file, tile: id.to_string() },
        })
    }

    fn end(self) -> Result<(), Refusal> {
        let size = self.head.size;
        for (id, bytes) in self.edge.partials() {
            if !matches!(id.kind, Kind::Entries | Kind::Hashes(0)) {
                same_tile(self.source, id, &bytes, size)?;
            }
        }
        if self.edge.root() != self.head.root {
            return Err(Refusal::RootDiffers { size });
        }
        match self.pinned {
            Some(pin) if !self.pin_fits => Err(Refusal::Forked { pinned: pin.size }),
            _ => Ok(()),
        }
    }
}

fn same_tile<S: Source + ?Sized>(source: &S, id: TileId, made: &[u8], size: u64) -> Result<(), Refusal> {
    let served = tile(source, id).map_err(|e| Refusal::tile(e, size))?;
    if served.len() != made.len() {
        return Err(Refusal::tile(TileError::Malformed(id), size));
    }
    match served.chunks(Hash::LEN).zip(made.chunks(Hash::LEN)).position(|(a, b)| a != b) {
        Some(at) => Err(Refusal::TileDiffers { file: id.to_string(), at }),
        None => Ok(()),
    }
}

/// Leaves under what enough witnesses signed: the checkpoint itself, or the latest one that has their signatures and is the beginning
/// of this log.
fn witnessed<S: Source + ?Sized>(
    source: &S,
    demands: &Demands,
    key: &VerifierKey,
    head: Head,
    note: &Note,
) -> Result<Option<u64>, Refusal> {
    if demands.witnesses.is_empty() && demands.quorum == 0 {
        return Ok(None);
    }
    let need = demands.quorum;
    let have = count(note, &demands.witnesses, CHECKPOINT)?;
    if have >= need.max(1) {
        return Ok(Some(head.size));
    }
    let Some(bytes) = source.get(WITNESSED, MAX_NOTE)? else {
        return if have >= need { Ok(None) } else { Err(Refusal::Quorum { have, need }) };
    };
    let (checkpoint, note) = open(&bytes, key, WITNESSED)?;
    let earlier = count(&note, &demands.witnesses, WITNESSED)?;
    if earlier < need {
        return Err(Refusal::Quorum { have: earlier.max(have), need });
    }
    let then = checkpoint.head;
    let fork = || Refusal::WitnessedFork { witnessed: then.size };
    let mut nodes = TileNodes::new(source, head.size);
    let proof =
        tree::consistency(&mut nodes, then.size, head.size).map_err(|e| Refusal::tile(e, head.size))?;
    tree::check_consistency(&proof, then, head).map_err(|_| fork())?;
    Ok((earlier > 0).then_some(then.size))
}

fn count(note: &Note, witnesses: &[VerifierKey], file: &str) -> Result<usize, Refusal> {
    let mut have = 0;
    for witness in witnesses {
        match note.signed_by(witness) {
            Ok(()) => have += 1,
            Err(NoteError::WrongSignature(witness)) => {
                return Err(Refusal::WrongWitness { file: file.into(), witness });
            }
            Err(_) => {}
        }
    }
    Ok(have)
}
