//! A masked file: fMP4 with a head before and a tag behind every part, so that whole parts are told from torn ones and
//! the index can be rebuilt, without understanding MP4.
//!
//! ```text
//! file = part*          the first part is ftyp + moov, the others are moof + mdat
//! part = head body tag  body and tag as louver-scene writes them; all three in one write
//! ```
//!
//! The head is a `uuid` box, which players skip:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | box size, 64, big-endian |
//! | 4 | 4 | `uuid` |
//! | 8 | 16 | [`HEAD_UUID`] |
//! | 24 | 8 | arrival of the first picture, microseconds since 1970, big-endian |
//! | 32 | 8 | arrival of the last picture, likewise |
//! | 40 | 4 | bytes of body and tag, big-endian |
//! | 44 | 4 | 0 |
//! | 48 | 16 | first half of the BLAKE3 hash, keyed with the camera's, of bytes 24 to 47 and the last 32 bytes of the tag |
//!
//! The camera's key here: `BLAKE3 derive_key("louver 2026 masked store wall times", mask.key (32 bytes) ‖ camera's id)`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use louver_base::WallTime;
use louver_scene::{Masked, TAG_BYTES};

use crate::setup::CameraKeys;
use crate::{MaskedFile, MaskedFragment};

/// Bytes of a head.
pub(crate) const HEAD_BYTES: usize = 64;
/// Bytes of body and tag at most: what a file claims beyond it is not believed.
pub(crate) const PART_BYTES_MAX: usize = 16 << 20;
/// Bytes of a file that are read at most.
pub(crate) const FILE_BYTES_MAX: u64 = 64 << 20;

/// Names the head; fixed for ever. What stands before it in a file (size and type) is part of the mark that a reader
/// looks for behind damage.
const HEAD_UUID: [u8; 16] = *b"louver-mstore-1\0";

/// One part as it goes to disk.
pub(crate) fn part(keys: &CameraKeys, body: &Masked<Bytes>, first: WallTime, last: WallTime) -> Bytes {
    let tagged = body.tagged(&keys.tag);
    let mut out = BytesMut::with_capacity(HEAD_BYTES + tagged.len());
    out.extend_from_slice(&mark());
    out.extend_from_slice(&first.micros().to_be_bytes());
    out.extend_from_slice(&last.micros().to_be_bytes());
    // The writer has refused anything above PART_BYTES_MAX.
    out.extend_from_slice(&(tagged.len() as u32).to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    let check = check(keys, &out[24..48], &tagged[tagged.len() - 32..]);
    out.extend_from_slice(&check);
    out.extend_from_slice(&tagged);
    out.freeze()
}

fn mark() -> [u8; 24] {
    let mut mark = [0; 24];
    mark[..4].copy_from_slice(&(HEAD_BYTES as u32).to_be_bytes());
    mark[4..8].copy_from_slice(b"uuid");
    mark[8..].copy_from_slice(&HEAD_UUID);
    mark
}

fn check(keys: &CameraKeys, facts: &[u8], tag_hash: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_keyed(&keys.wall);
    hasher.update(facts).update(tag_hash);
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    half
}

/// A head that has the mark and a believable length; nothing of it is proven yet.
#[derive(Clone, Copy, Debug)]
struct Head {
    first: WallTime,
    last: WallTime,
    /// Bytes of body and tag.
    len: usize,
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEAD_BYTES] = bytes.first_chunk()?;
        let time =
            |at: usize| Some(WallTime::from_micros(i64::from_be_bytes(head[at..at + 8].try_into().ok()?)));
        let len = u32::from_be_bytes(head[40..44].try_into().ok()?) as usize;
        let fits = head[..24] == mark() && (TAG_BYTES..=PART_BYTES_MAX).contains(&len);
        if fits { Some(Self { first: time(24)?, last: time(32)?, len }) } else { None }
    }
}

/// A part whose head and tag are proven.
struct Part {
    bytes: Masked<Bytes>,
    first: WallTime,
    last: WallTime,
}

/// The part at the start of `bytes`: its length on disk, and itself unless it is damaged. `None` if no whole part
/// stands there.
fn read_part(keys: &CameraKeys, bytes: &Bytes) -> Option<(usize, Option<Part>)> {
    let head = Head::parse(bytes)?;
    let end = HEAD_BYTES + head.len;
    if bytes.len() < end {
        return None;
    }
    let body = bytes.slice(HEAD_BYTES..end);
    let proven = check(keys, &bytes[24..48], &bytes[end - 32..end]) == bytes[48..64];
    let part = if proven { Masked::read_back(&keys.tag, body).ok() } else { None };
    Some((end, part.map(|bytes| Part { bytes, first: head.first, last: head.last })))
}

/// What can be shown of a file's bytes, without the fragments that ended before `from`. `None` if its start is damaged:
/// no player could show the rest.
pub(crate) fn parse(keys: &CameraKeys, bytes: &Bytes, from: WallTime) -> Option<MaskedFile> {
    let (mut at, init) = read_part(keys, bytes)?;
    let mut file = MaskedFile { init: init?.bytes, fragments: Vec::new(), damaged: 0 };
    while at < bytes.len() {
        match read_part(keys, &bytes.slice(at..)) {
            Some((len, Some(part))) => {
                at += len;
                if part.last >= from {
                    file.fragments.push(MaskedFragment {
                        bytes: part.bytes,
                        first: part.first,
                        last: part.last,
                    });
                }
            }
            // Its length may be what is damaged, so the next part is looked for, not believed.
            Some((_, None)) | None => {
                file.damaged += 1;
                at = next_mark(bytes, at + 1);
            }
        }
    }
    Some(file)
}

fn next_mark(bytes: &[u8], from: usize) -> usize {
    let found = bytes.get(from..).and_then(|rest| rest.windows(24).position(|w| w == mark()));
    found.map_or(bytes.len(), |offset| from + offset)
}

/// What a look through a file found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// Whole parts up to `bytes`; the file has `of` bytes.
    Fragments { end: WallTime, bytes: u64, of: u64 },
    /// The start was never written whole, or no fragment followed it: nothing can be shown.
    Empty,
    /// It is not ours or damaged throughout (perhaps by a changed mask.key): nothing can be told.
    Unreadable { bytes: u64 },
}

/// Looks for the last whole fragment. Heads are followed from the start; only the last parts are read and checked
/// whole, since a file is only ever appended to (a day of one camera is 1440 such files).
pub(crate) fn scan(keys: &CameraKeys, path: &Path) -> io::Result<Scan> {
    let file = File::open(path)?;
    let of = file.metadata()?.len();
    let parts = follow_heads(keys, &file, of)?;
    let Some(((init_at, init), fragments)) = parts.split_first() else {
        return Ok(if starts_as_ours(&file, of)? { Scan::Empty } else { Scan::Unreadable { bytes: of } });
    };
    for (at, head) in fragments.iter().rev() {
        let mut bytes = vec![0; HEAD_BYTES + head.len];
        file.read_exact_at(&mut bytes, *at)?;
        if let Some((len, Some(part))) = read_part(keys, &bytes.into()) {
            return Ok(Scan::Fragments { end: part.last, bytes: at + len as u64, of });
        }
    }
    // Nothing but an init and a fragment that was never whole: a crash in the first second.
    let only_init =
        *init_at == 0 && fragments.is_empty() && of <= (HEAD_BYTES + init.len + PART_BYTES_MAX) as u64;
    Ok(if only_init { Scan::Empty } else { Scan::Unreadable { bytes: of } })
}

/// Whether this can be a file of ours whose first write was torn: the beginning of a head that promises more than there
/// is. Anything else is not for us to delete.
fn starts_as_ours(file: &File, of: u64) -> io::Result<bool> {
    let mut start = [0; HEAD_BYTES];
    let read = read_at_most(file, &mut start, 0)?;
    Ok(match Head::parse(&start[..read]) {
        Some(head) => of < (HEAD_BYTES + head.len) as u64,
        None => read < HEAD_BYTES && mark().starts_with(&start[..read.min(24)]),
    })
}

/// Proven heads of the parts that lie whole in the file, with their offsets; damage between them is passed over.
fn follow_heads(keys: &CameraKeys, file: &File, of: u64) -> io::Result<Vec<(u64, Head)>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at + (HEAD_BYTES as u64) < of {
        match proven_head(keys, file, at, of)? {
            Some(head) => {
                parts.push((at, head));
                at += (HEAD_BYTES + head.len) as u64;
            }
            None => {
                let mut rest = vec![0; (of - at - 1).min(FILE_BYTES_MAX) as usize];
                let read = read_at_most(file, &mut rest, at + 1)?;
                rest.truncate(read);
                at += 1 + next_mark(&rest, 0) as u64;
            }
        }
    }
    Ok(parts)
}

/// The head at `at`, if its part ends inside the file and the tag there is the one it was made with.
fn proven_head(keys: &CameraKeys, file: &File, at: u64, of: u64) -> io::Result<Option<Head>> {
    let mut bytes = [0; HEAD_BYTES];
    file.read_exact_at(&mut bytes, at)?;
    let Some(head) = Head::parse(&bytes) else { return Ok(None) };
    let end = at + (HEAD_BYTES + head.len) as u64;
    if end > of {
        return Ok(None);
    }
    let mut tag_hash = [0; 32];
    file.read_exact_at(&mut tag_hash, end - 32)?;
    Ok((check(keys, &bytes[24..48], &tag_hash) == bytes[48..]).then_some(head))
}

fn read_at_most(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match file.read_at(&mut into[read..], at + read as u64)? {
            0 => break,
            n => read += n,
        }
    }
    Ok(read)
}

/// The first `bytes` of a file, [`FILE_BYTES_MAX`] at most.
pub(crate) fn read_start(path: &Path, bytes: u64) -> io::Result<Bytes> {
    let file = File::open(path)?;
    let len = bytes.min(file.metadata()?.len()).min(FILE_BYTES_MAX);
    let mut all = vec![0; len as usize];
    let read = read_at_most(&file, &mut all, 0)?;
    all.truncate(read);
    Ok(all.into())
}
