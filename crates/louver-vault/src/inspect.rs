//! Reading a sealed segment without any key: what is there, where, and whether it is whole.

use std::io::{self, Read, Seek, SeekFrom};

use louver_base::WallTime;

use crate::VaultError;
use crate::digest::SegmentDigest;
use crate::frame::{FRAME, FRAME_BOUND, Frame};
use crate::header::SegmentHead;
use crate::keys::TAG;

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
    /// To its list and pictures.
    pub commitment: [u8; 32],
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
            commitment: frame.commitment,
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
    /// It opens, and its head was made for other contents: sealed by somebody who has the key and tampers.
    #[error("it opens, but its head commits to other contents: sealed by somebody who tampers")]
    Commitment,
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

/// What a file is expected to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A segment as it was written.
    Whole,
    /// Some of its fragments, in order: what was handed out of it.
    Pieces,
}

/// What a sealed file tells without any key. Nothing of it is proven before the segment is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Whose, of which camera, from when, and who can open it.
    pub head: SegmentHead,
    /// Whole fragments, in order; without holes, but for [pieces](Self::inspect_pieces).
    pub fragments: Vec<FragmentInfo>,
    /// How it ends.
    pub tail: Tail,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes 0 to 67 of each of `fragments`, and of the end marker where there is one.
    pub heads: Vec<u8>,
}

impl SegmentInfo {
    /// Reads heads only, a few dozen bytes a fragment: quick enough for every file at start-up.
    ///
    /// # Errors
    /// [`VaultError::HeaderCutOff`]: nothing was sealed in this file. [`VaultError::HeaderDamaged`],
    /// [`VaultError::NotSealed`], [`VaultError::NewerFormat`]: it cannot be opened here. [`VaultError::Read`]: the disk.
    /// A damaged or torn fragment is no error: [`tail`](Self::tail) tells.
    pub fn inspect(source: &mut (impl Read + Seek)) -> Result<Self, VaultError> {
        Self::inspect_as(Form::Whole, source)
    }

    /// The same for a header and some of the fragments that followed it, in their order, as a recorder hands them out. Where some are missing
    /// is seen from their numbers; such a file has no end.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    pub fn inspect_pieces(source: &mut (impl Read + Seek)) -> Result<Self, VaultError> {
        Self::inspect_as(Form::Pieces, source)
    }

    pub(crate) fn inspect_as(form: Form, source: &mut (impl Read + Seek)) -> Result<Self, VaultError> {
        let file_bytes =
            source.seek(SeekFrom::End(0)).map_err(|source| VaultError::Read { at: 0, source })?;
        source.seek(SeekFrom::Start(0)).map_err(|source| VaultError::Read { at: 0, source })?;
        let head = SegmentHead::read(source)?;
        let mut scan = Scan { form, head, file_bytes, fragments: Vec::new(), heads: Vec::new() };
        let tail = scan.all_fragments(source)?;
        let tail = scan.last_was_written(source, tail)?;
        let Scan { head, file_bytes, fragments, heads, .. } = scan;
        Ok(Self { head, fragments, tail, file_bytes, heads })
    }

    /// Hash over the header and all heads that are there: what the ledger was told if the segment is finished, and what it
    /// is to be told of one that was cut off.
    pub fn digest(&self) -> SegmentDigest {
        SegmentDigest::of(self.head.hash(), &self.heads)
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

struct Scan {
    form: Form,
    head: SegmentHead,
    file_bytes: u64,
    fragments: Vec<FragmentInfo>,
    heads: Vec<u8>,
}

impl Scan {
    fn all_fragments(&mut self, source: &mut (impl Read + Seek)) -> Result<Tail, VaultError> {
        let mut at = self.head.bytes();
        loop {
            if let Some(tail) = self.next(source, at)? {
                return Ok(tail);
            }
            at = self.fragments.last().map_or(at, FragmentInfo::end);
        }
    }

    /// Takes the fragment at `at`, or tells how the segment ends there.
    fn next(&mut self, source: &mut (impl Read + Seek), at: u64) -> Result<Option<Tail>, VaultError> {
        let fragment = self.fragments.last().map_or(0, |f| f.sequence + 1);
        let left = self.file_bytes.saturating_sub(at);
        if left == 0 {
            return Ok(Some(Tail::Open));
        }
        if left < FRAME as u64 {
            return Ok(Some(Tail::Torn { keep: at }));
        }
        let mut head = [0; FRAME];
        read_at(source, at, &mut head)?;
        if head == [0; FRAME] {
            // The file's length reached the disk before a power cut, its contents did not.
            return Ok(Some(Tail::Torn { keep: at }));
        }
        let damaged = |what| Ok(Some(Tail::Damaged { fragment, at, what }));
        let frame = match Frame::parse(&head, self.head.hash()) {
            Ok(frame) if frame.sequence == fragment => frame,
            Ok(frame) if self.form == Form::Pieces && frame.sequence > fragment && !frame.end => frame,
            Ok(frame) => return damaged(Damage::OutOfOrder { found: frame.sequence }),
            Err(what) => return damaged(what),
        };
        let found = FragmentInfo::new(&frame, at);
        if found.end() > self.file_bytes {
            return Ok(Some(Tail::Torn { keep: at }));
        }
        self.heads.extend_from_slice(&head[..FRAME_BOUND]);
        if !frame.end {
            self.fragments.push(found);
            Ok(None)
        } else if found.end() < self.file_bytes {
            Ok(Some(Tail::Damaged { fragment: fragment + 1, at: found.end(), what: Damage::AfterEnd }))
        } else {
            Ok(Some(Tail::Finished { at }))
        }
    }

    /// After a power cut the last fragment may have its head and its length, but zeros for an end. A tag is never zero.
    fn last_was_written(&mut self, source: &mut (impl Read + Seek), tail: Tail) -> Result<Tail, VaultError> {
        let (Tail::Open | Tail::Torn { .. }, Some(last)) = (tail, self.fragments.last()) else {
            return Ok(tail);
        };
        let mut tag = [0; TAG];
        read_at(source, last.end() - TAG as u64, &mut tag)?;
        if tag != [0; TAG] {
            return Ok(tail);
        }
        let keep = last.at;
        self.fragments.pop();
        self.heads.truncate(self.fragments.len() * FRAME_BOUND);
        Ok(Tail::Torn { keep })
    }
}

/// Whether reading failed because the file is shorter than it was.
pub(crate) fn is_cut_off(error: &VaultError) -> bool {
    matches!(error, VaultError::Read { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof)
}
