//! Reading a sealed segment without any key: what is there, where, and whether it is whole.

use std::io::{self, Read, Seek, SeekFrom};

use louver_base::{CameraId, WallTime};

use crate::keys::TAG;
use crate::layout::{Bound, FRAME, Frame, Header, PREFIX};
use crate::{SiteId, VaultError};

/// One fragment, as its clear head and its place in the file tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentInfo {
    /// Number in the segment, from 0.
    pub sequence: u32,
    /// Where it starts in the file, bytes.
    pub at: u64,
    /// Its bytes in the file, head and tag included.
    pub bytes: u64,
    /// Packets in it.
    pub packets: u32,
    /// Whether decoding can start with it.
    pub key: bool,
    /// Earliest arrival of a packet in it.
    pub first: WallTime,
    /// Latest arrival of a packet in it.
    pub last: WallTime,
}

impl FragmentInfo {
    pub(crate) fn new(frame: &Frame, at: u64) -> Self {
        Self {
            sequence: frame.sequence,
            at,
            bytes: FRAME as u64 + u64::from(frame.body),
            packets: frame.packets,
            key: frame.key,
            first: frame.first,
            last: frame.last,
        }
    }

    /// Where the next fragment starts.
    pub fn end(&self) -> u64 {
        self.at + self.bytes
    }
}

/// What does not fit about a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Other bytes stand there.
    #[error("no fragment starts here: what stands here was changed or damaged")]
    NoFragment,
    /// Its clear head is not what was written, or was written into another segment.
    #[error("its head was changed or damaged, or comes from another segment")]
    Head,
    /// Its clear head is well-formed but impossible.
    #[error("its head contradicts itself")]
    Contradiction,
    /// It has another number than its place says.
    #[error("fragment {found} stands in its place: one was removed, doubled or moved")]
    OutOfOrder {
        /// The number that it has.
        found: u32,
    },
    /// Its tag does not fit.
    #[error("its contents were changed or damaged, or come from another segment")]
    Contents,
    /// It opens, and what is inside makes no sense: sealed by something broken.
    #[error("it opens, but what is inside cannot be read")]
    Inside,
    /// The file became shorter while it was read.
    #[error("the file ends within it")]
    CutOff,
    /// There are bytes behind the end marker.
    #[error("bytes stand behind the segment's end")]
    AfterEnd,
}

/// How a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// With its end marker.
    Finished {
        /// Where the end marker starts.
        at: u64,
    },
    /// With a whole fragment, or the header: it is still being written, or the recorder was stopped between two writes.
    Open,
    /// Within a fragment: the recorder was stopped in the middle of a write, the disk was full, or power was cut.
    Torn {
        /// Bytes up to the last whole fragment. The rest holds nothing that can be opened.
        keep: u64,
    },
    /// With something that was changed or damaged. What follows may be whole: never cut it off.
    Damaged {
        /// Number of the fragment that should stand there.
        fragment: u32,
        /// Where.
        at: u64,
        /// What does not fit.
        what: Damage,
    },
}

/// What a sealed file tells without any key. Nothing of it is proven before the segment is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Whose.
    pub site: SiteId,
    /// Of which camera.
    pub camera: CameraId,
    /// Arrival of the first picture.
    pub start: WallTime,
    /// Recipients of those who can open it, as text.
    pub holders: Vec<String>,
    /// Bytes of the header.
    pub header_bytes: u64,
    /// Whole fragments, in order, without holes.
    pub fragments: Vec<FragmentInfo>,
    /// How it ends.
    pub tail: Tail,
    /// Bytes of the file.
    pub file_bytes: u64,
}

impl SegmentInfo {
    /// Reads heads only, a few dozen bytes a fragment: quick enough for every file at start-up.
    ///
    /// # Errors
    /// [`VaultError::HeaderCutOff`]: nothing was sealed in this file. [`VaultError::HeaderDamaged`],
    /// [`VaultError::NotSealed`], [`VaultError::NewerFormat`]: it cannot be opened here. [`VaultError::Read`]: the disk.
    /// A damaged or torn fragment is no error: [`tail`](Self::tail) tells.
    pub fn inspect(source: &mut (impl Read + Seek)) -> Result<Self, VaultError> {
        scan(source).map(|(_, info)| info)
    }

    /// Whether the end marker is there.
    pub fn is_finished(&self) -> bool {
        matches!(self.tail, Tail::Finished { .. })
    }

    /// How many bytes of the file to keep: all but a torn end.
    pub fn bytes_to_keep(&self) -> u64 {
        match self.tail {
            Tail::Torn { keep } => keep,
            Tail::Finished { .. } | Tail::Open | Tail::Damaged { .. } => self.file_bytes,
        }
    }
}

/// Reads at a place, so that errors say where.
pub(crate) fn read_at(source: &mut (impl Read + Seek), at: u64, out: &mut [u8]) -> Result<(), VaultError> {
    let read = source.seek(SeekFrom::Start(at)).and_then(|_| source.read_exact(out));
    read.map_err(|source| VaultError::Read { at, source })
}

pub(crate) fn scan(source: &mut (impl Read + Seek)) -> Result<(Bound, SegmentInfo), VaultError> {
    let file_bytes = source.seek(SeekFrom::End(0)).map_err(|source| VaultError::Read { at: 0, source })?;
    let bound = read_header(source, file_bytes)?;
    let mut fragments = Vec::new();
    let mut at = bound.bytes as u64;
    let tail = loop {
        match next(source, &bound.hash, fragments.len() as u32, at, file_bytes)? {
            Next::Fragment(fragment) => {
                at = fragment.end();
                fragments.push(fragment);
            }
            Next::Tail(tail) => break tail,
        }
    };
    let tail = last_was_written(source, &mut fragments, tail)?;
    let header = &bound.header;
    let info = SegmentInfo {
        site: header.site,
        camera: header.camera.clone(),
        start: header.start,
        holders: header.holders.clone(),
        header_bytes: bound.bytes as u64,
        fragments,
        tail,
        file_bytes,
    };
    Ok((bound, info))
}

fn read_header(source: &mut (impl Read + Seek), file_bytes: u64) -> Result<Bound, VaultError> {
    let mut prefix = [0; PREFIX];
    let there = file_bytes.min(PREFIX as u64) as usize;
    read_at(source, 0, &mut prefix[..there])?;
    let length = Header::length(&prefix[..there])?;
    if file_bytes < length as u64 {
        return Err(VaultError::HeaderCutOff { bytes: file_bytes });
    }
    let mut bytes = vec![0; length];
    read_at(source, 0, &mut bytes)?;
    Header::parse(&bytes)
}

enum Next {
    Fragment(FragmentInfo),
    Tail(Tail),
}

fn next(
    source: &mut (impl Read + Seek),
    header: &[u8; 32],
    fragment: u32,
    at: u64,
    file_bytes: u64,
) -> Result<Next, VaultError> {
    let left = file_bytes.saturating_sub(at);
    if left == 0 {
        return Ok(Next::Tail(Tail::Open));
    }
    if left < FRAME as u64 {
        return Ok(Next::Tail(Tail::Torn { keep: at }));
    }
    let mut head = [0; FRAME];
    read_at(source, at, &mut head)?;
    if head == [0; FRAME] {
        // The file's length reached the disk before a power cut, its contents did not.
        return Ok(Next::Tail(Tail::Torn { keep: at }));
    }
    let damaged = |what| Ok(Next::Tail(Tail::Damaged { fragment, at, what }));
    let frame = match Frame::parse(&head, header) {
        Ok(frame) if frame.sequence == fragment => frame,
        Ok(frame) => return damaged(Damage::OutOfOrder { found: frame.sequence }),
        Err(what) => return damaged(what),
    };
    let found = FragmentInfo::new(&frame, at);
    if found.end() > file_bytes {
        Ok(Next::Tail(Tail::Torn { keep: at }))
    } else if !frame.end {
        Ok(Next::Fragment(found))
    } else if found.end() < file_bytes {
        Ok(Next::Tail(Tail::Damaged { fragment: fragment + 1, at: found.end(), what: Damage::AfterEnd }))
    } else {
        Ok(Next::Tail(Tail::Finished { at }))
    }
}

/// After a power cut the last fragment may have its head and its length, but zeros for an end. A tag is never zero.
fn last_was_written(
    source: &mut (impl Read + Seek),
    fragments: &mut Vec<FragmentInfo>,
    tail: Tail,
) -> Result<Tail, VaultError> {
    let (Tail::Open | Tail::Torn { .. }, Some(last)) = (tail, fragments.last()) else {
        return Ok(tail);
    };
    let mut tag = [0; TAG];
    read_at(source, last.end() - TAG as u64, &mut tag)?;
    if tag != [0; TAG] {
        return Ok(tail);
    }
    let keep = last.at;
    fragments.pop();
    Ok(Tail::Torn { keep })
}

/// Whether reading failed because the file is shorter than it was.
pub(crate) fn is_cut_off(error: &VaultError) -> bool {
    matches!(error, VaultError::Read { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof)
}
