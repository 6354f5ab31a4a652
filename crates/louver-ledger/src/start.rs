//! Opening a ledger: what a start checks, and what it makes anew.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, Log, Put};
use crate::edge::Edge;
use crate::error::LedgerError;
use crate::hash::Hash;
use crate::journal::{self, Base, Contents};
use crate::keys::{CHECKPOINT, JOURNAL, SALT, SITE_KEY, Salt, SiteKey, VKEY, origin, random};
use crate::leaf::Leaf;
use crate::note::{KeyKind, MAX_NOTE};
use crate::shared::{JOURNAL_BYTES, Published};
use crate::tile::{Kind, TileId, perfect_root, tile_hashes};
use crate::tree::Head;
use crate::writer::rewrite;

/// What a start found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Leaves in the log.
    pub size: u64,
    /// Whether the log was begun by this start.
    pub fresh: bool,
    /// Whether the last leaf is a `stop`: the recorder ended when it was asked to. True for a fresh log.
    pub clean: bool,
    /// Bytes at the journal's end that were never acknowledged and are cut off.
    pub torn: u64,
}

/// Everything the threads begin with.
pub(crate) struct Parts {
    pub(crate) opened: Opened,
    pub(crate) key: SiteKey,
    pub(crate) salt: Salt,
    pub(crate) base: Base,
    pub(crate) recent: VecDeque<Arc<[u8]>>,
    pub(crate) published: Option<Published>,
    /// At `published`.
    pub(crate) edge: Edge,
    pub(crate) unsynced: Vec<TileId>,
    pub(crate) log: Box<dyn Log>,
    pub(crate) end: u64,
}

pub(crate) fn open(disk: &dyn Disk, site: &[u8; 16]) -> Result<Parts, LedgerError> {
    // The journal is looked at first: a key is made only where there is no log yet.
    let journal = disk.get(JOURNAL, JOURNAL_BYTES + (32 << 20))?;
    let checkpoint = disk.get(CHECKPOINT, MAX_NOTE)?;
    let key = key(disk, site, journal.is_some() || checkpoint.is_some())?;
    let salt = salt(disk, journal.is_some())?;
    let fresh = journal.is_none();
    if fresh && (checkpoint.is_some() || disk.get(&first_tile(), crate::source::MAX_FILE)?.is_some()) {
        return Err(LedgerError::Missing(disk.place(JOURNAL)));
    }
    let Contents { base, leaves, torn } = match &journal {
        None => Contents { base: Base::EMPTY, leaves: Vec::new(), torn: 0 },
        Some(bytes) => journal::read(bytes).map_err(|d| LedgerError::JournalDamaged {
            file: disk.place(JOURNAL),
            at: d.at,
            leaf: d.leaf,
        })?,
    };
    let signed = signed(disk, &key, checkpoint.as_deref(), base, leaves.len() as u64)?;
    let (edge, unsynced) = replay(disk, base, &leaves, signed.as_ref().map(|s| s.head))?;
    // What the system's cache holds may not be on the disk, after a failed fsync for instance: the journal is written anew before
    // anything is added to it or signed over it.
    let written = rewrite(disk, base, &leaves);
    let (log, end) = written.map_err(|(_, e)| LedgerError::open("writing the journal")(e))?;
    let last = leaves.last().and_then(|leaf| Leaf::parse(leaf));
    let size = base.size + leaves.len() as u64;
    let clean = size == 0 || last.is_some_and(|entry| matches!(entry.leaf, Leaf::Stop { .. }));
    Ok(Parts {
        opened: Opened { size, fresh, clean, torn },
        key,
        salt,
        base,
        recent: leaves.into_iter().map(Arc::from).collect(),
        published: signed,
        edge,
        unsynced,
        log,
        end,
    })
}

fn first_tile() -> String {
    TileId { kind: Kind::Hashes(0), index: 0, width: 256 }.to_string()
}

fn key(disk: &dyn Disk, site: &[u8; 16], log_is_there: bool) -> Result<SiteKey, LedgerError> {
    let name = origin(site);
    let seed = match disk.get(SITE_KEY, 64)?.map(zeroize::Zeroizing::new) {
        Some(seed) => seed,
        None if log_is_there => return Err(LedgerError::Missing(disk.place(SITE_KEY))),
        None => {
            let seed = random()?;
            disk.put(SITE_KEY, seed.as_ref(), Put::Secret).map_err(LedgerError::open("writing site.key"))?;
            zeroize::Zeroizing::new(seed.to_vec())
        }
    };
    let key = SiteKey::from_seed(&seed, &name, KeyKind::Log)?;
    let public = format!("{}\n", key.verifier());
    if disk.get(VKEY, 1024)?.as_deref() != Some(public.as_bytes()) {
        disk.put(VKEY, public.as_bytes(), Put::Durable).map_err(LedgerError::open("writing vkey"))?;
    }
    Ok(key)
}

fn salt(disk: &dyn Disk, log_is_there: bool) -> Result<Salt, LedgerError> {
    let missing = || LedgerError::Missing(disk.place(SALT));
    let bytes = match disk.get(SALT, 64)? {
        Some(bytes) => bytes,
        None if log_is_there => return Err(missing()),
        None => {
            let bytes = random()?;
            disk.put(SALT, bytes.as_ref(), Put::Secret).map_err(LedgerError::open("writing salt"))?;
            bytes.to_vec()
        }
    };
    Ok(Salt::new(&bytes.try_into().map_err(|_| missing())?))
}

/// The checkpoint that is there, checked against where the journal begins and ends.
fn signed(
    disk: &dyn Disk,
    key: &SiteKey,
    bytes: Option<&[u8]>,
    base: Base,
    leaves: u64,
) -> Result<Option<Published>, LedgerError> {
    let file: PathBuf = disk.place(CHECKPOINT);
    let Some(bytes) = bytes else {
        // The journal begins later only after a checkpoint.
        return if base.size == 0 { Ok(None) } else { Err(LedgerError::Missing(file)) };
    };
    let (checkpoint, note) = Checkpoint::open(bytes, key.verifier())
        .map_err(|source| LedgerError::Checkpoint { file: file.clone(), source })?;
    let (head, there) = (checkpoint.head, base.size + leaves);
    if head.size > there {
        return Err(LedgerError::LeavesMissing { file, signed: head.size, there });
    }
    if head.size < base.size {
        return Err(LedgerError::CheckpointOld { file, base: base.size });
    }
    Ok(Some(Published { head, text: note.to_string().into() }))
}

/// Makes the tiles of all leaves of the journal again and checks the roots that were stated. Gives the edge at the checkpoint and the
/// tiles that were written.
fn replay(
    disk: &dyn Disk,
    base: Base,
    leaves: &[Vec<u8>],
    signed: Option<Head>,
) -> Result<(Edge, Vec<TileId>), LedgerError> {
    let differs = |file: &str, size| Err(LedgerError::RootDiffers { file: disk.place(file), size });
    let mut edge = Edge::load(base.size, |level, index| hash_of_full(disk, level, index))?;
    if edge.root() != base.root {
        return differs(JOURNAL, base.size);
    }
    let signed = signed.unwrap_or(Head { size: 0, root: Hash::EMPTY });
    let (mut full, upto) = (Vec::new(), (signed.size.max(base.size) - base.size) as usize);
    for leaf in leaves.iter().take(upto) {
        edge.push(leaf, &mut |id, bytes: &[u8]| {
            full.push(id);
            mend(disk, id, bytes)
        })?;
    }
    if edge.root() != signed.root {
        return differs(CHECKPOINT, signed.size);
    }
    edge.partials().into_iter().try_for_each(|(id, bytes)| mend(disk, id, &bytes))?;
    Ok((edge, full))
}

/// Writes a tile again where a power cut took it.
fn mend(disk: &dyn Disk, id: TileId, bytes: &[u8]) -> Result<(), LedgerError> {
    let path = id.to_string();
    // One that is longer than any file of a ledger is mended too.
    if disk.get(&path, crate::source::MAX_FILE).ok().flatten().as_deref() == Some(bytes) {
        return Ok(());
    }
    tracing::info!(tile = path, "a tile is made again from the journal");
    disk.put(&path, bytes, Put::Soon).map_err(LedgerError::open(format!("writing {path}")))
}

/// Hash `index` of a level of tiles, from the full tile below it.
fn hash_of_full(disk: &dyn Disk, level: u8, index: u64) -> Result<Hash, LedgerError> {
    let path = TileId { kind: Kind::Hashes(level - 1), index, width: 256 }.to_string();
    let hashes = disk.get(&path, crate::source::MAX_FILE)?.and_then(|bytes| tile_hashes(&bytes, 256));
    hashes.map(|hashes| perfect_root(&hashes)).ok_or_else(|| LedgerError::Tile(disk.place(&path)))
}
