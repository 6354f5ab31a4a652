//! Opening a sealed segment with a holder's identity.

use std::io::{Read, Seek};

use bytes::Bytes;
use louver_media::{Gop, VideoParams};

use crate::VaultError;
use crate::holder::Identity;
use crate::inside;
use crate::inspect::{Damage, FragmentInfo, SegmentInfo, Tail, is_cut_off, read_at, scan};
use crate::keys::{HolderSecret, Place, SegmentKey, TAG};
use crate::layout::{FRAME, Frame, bound_to};

/// An opened segment: any fragment, in any order, one in memory at a time.
pub struct SegmentReader<R> {
    source: R,
    key: SegmentKey,
    header_hash: [u8; 32],
    info: SegmentInfo,
}

impl<R> std::fmt::Debug for SegmentReader<R> {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SegmentReader {{ {:?} }}", self.info)
    }
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Unwraps the segment's secret with `identity`.
    ///
    /// # Errors
    /// As [`SegmentInfo::inspect`]; [`VaultError::NotAHolder`] when it was sealed for others, and
    /// [`VaultError::KeyBlock`] or [`VaultError::Commitment`] when somebody tampered with it.
    pub fn open(mut source: R, identity: &Identity) -> Result<Self, VaultError> {
        let (bound, info) = scan(&mut source)?;
        let header = &bound.header;
        let yours = identity.recipient();
        if !header.holders.contains(&yours.to_string()) {
            return Err(VaultError::NotAHolder { yours, holders: header.holders.join(", ") });
        }
        let secret = HolderSecret::unwrap(&header.wrapped, identity)?;
        let (key, commitment) = SegmentKey::derive(&secret, &header.salt, &header.context())?;
        if !commitment.fits(&header.commitment) {
            return Err(VaultError::Commitment);
        }
        Ok(Self { source, key, header_hash: bound.hash, info })
    }

    /// What is there.
    pub fn info(&self) -> &SegmentInfo {
        &self.info
    }

    /// Opens one fragment; those before it are not needed.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] with its number and place when it is not what was sealed there.
    pub fn fragment(&mut self, fragment: u32) -> Result<(VideoParams, Gop), VaultError> {
        let count = self.info.fragments.len();
        let found = self.info.fragments.get(fragment as usize).copied();
        let found = found.ok_or(VaultError::NoSuchFragment { fragment, count })?;
        let (frame, body) = self.body(&found, false)?;
        let opened = inside::unpack(&body, frame.packets, frame.first);
        opened.map_err(|what| VaultError::Damaged { fragment, at: found.at, what })
    }

    /// Checks how the segment ends: the end marker, where there is one, is proven to be the recorder's.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] where a fragment, the end marker or what stands behind it was changed. A segment that is
    /// merely not finished is no error: [`SegmentInfo::tail`] tells.
    pub fn check_end(&mut self) -> Result<(), VaultError> {
        match self.info.tail {
            Tail::Open | Tail::Torn { .. } => Ok(()),
            Tail::Damaged { fragment, at, what } => Err(VaultError::Damaged { fragment, at, what }),
            Tail::Finished { at } => {
                let last = self.info.fragments.last().map_or(self.info.start, |f| f.last);
                let marker = FragmentInfo {
                    sequence: self.info.fragments.len() as u32,
                    at,
                    bytes: (FRAME + TAG) as u64,
                    packets: 0,
                    key: false,
                    first: last,
                    last,
                };
                self.body(&marker, true).map(|_| ())
            }
        }
    }

    /// All fragments in order, then the check of the end: after `None` without an error everything that was sealed up
    /// to the [tail](SegmentInfo::tail) has been given.
    pub fn fragments(&mut self) -> Fragments<'_, R> {
        Fragments { reader: self, next: 0, done: false }
    }

    /// Reads and decrypts a body. Memory: its size, at most 64 MiB, known to be in the file.
    fn body(&mut self, found: &FragmentInfo, end: bool) -> Result<(Frame, Bytes), VaultError> {
        let damaged = |what| VaultError::Damaged { fragment: found.sequence, at: found.at, what };
        let mut bytes = vec![0; found.bytes as usize];
        read_at(&mut self.source, found.at, &mut bytes)
            .map_err(|e| if is_cut_off(&e) { damaged(Damage::CutOff) } else { e })?;
        let (head, body) = bytes.split_first_chunk_mut::<FRAME>().ok_or(damaged(Damage::CutOff))?;
        let frame = Frame::parse(head, &self.header_hash).map_err(damaged)?;
        if (frame.sequence, frame.end, frame.body as usize) != (found.sequence, end, body.len()) {
            return Err(damaged(Damage::Contradiction)); // The file was changed since it was scanned.
        }
        let place = Place { sequence: found.sequence, end };
        let plain = self.key.open(place, &bound_to(&self.header_hash, head), body);
        let plain = plain.ok_or(damaged(Damage::Contents))?;
        Ok((frame, Bytes::from(bytes).slice(FRAME..FRAME + plain)))
    }
}

/// See [`SegmentReader::fragments`]. After an error nothing more comes.
#[derive(Debug)]
pub struct Fragments<'a, R> {
    reader: &'a mut SegmentReader<R>,
    next: u32,
    done: bool,
}

impl<R: Read + Seek> Iterator for Fragments<'_, R> {
    type Item = Result<(VideoParams, Gop), VaultError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        if (self.next as usize) < self.reader.info.fragments.len() {
            let opened = self.reader.fragment(self.next);
            self.next += 1;
            self.done = opened.is_err();
            return Some(opened);
        }
        self.done = true;
        self.reader.check_end().err().map(Err)
    }
}
