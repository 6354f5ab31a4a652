//! Sealing: packets go in, bytes that only the holders can open come out.

use bytes::Bytes;
use louver_base::WallTime;
use louver_media::{Gop, VideoParams};

use crate::digest::{DigestOfHeads, SegmentDigest};
use crate::frame::{FRAME, FRAME_BOUND, Frame, MAX_FRAGMENTS, bound_to};
use crate::header::{FORMAT_1, Header, MAX_HEADER};
use crate::inspect::FragmentInfo;
use crate::keys::{Place, SegmentKey, TAG, fragment_commitment};
use crate::{Hour, VaultError, inside};

/// Bytes of an original as they go to disk: sealed.
///
/// Only [`SegmentSealer`] makes them, so a store that takes `Sealed` cannot be handed an original:
///
/// ```compile_fail
/// fn store(_: louver_vault::Sealed) {}
/// fn leak(original: louver_media::Packet) { store(original) }
/// ```
///
/// ```compile_fail
/// fn leak(original: louver_media::Packet) -> louver_vault::Sealed {
///     louver_vault::Sealed { bytes: original.data, fragment: None }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    bytes: Bytes,
    fragment: Option<FragmentInfo>,
}

impl Sealed {
    /// The bytes, to be appended to the segment's file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes themselves, for the last step: the disk or the wire.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// What the catalogue keeps of a fragment; `None` for headers and end markers.
    pub fn fragment(&self) -> Option<&FragmentInfo> {
        self.fragment.as_ref()
    }
}

impl std::fmt::Debug for Sealed {
    /// Without the bytes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed {{ {} bytes, fragment: {:?} }}", self.bytes.len(), self.fragment)
    }
}

/// A segment's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The end marker, to be appended to the segment's file.
    pub end: Sealed,
    /// What the ledger is told.
    pub digest: SegmentDigest,
    /// The header's hash.
    pub header: [u8; 32],
    /// Fragments in it.
    pub fragments: u32,
}

/// Seals one segment of one camera ([`Epoch::segment`](crate::Epoch::segment) begins it). It holds the segment's key in memory until it is finished or dropped; after a crash,
/// or after a write that failed, start another: a segment is never continued.
pub struct SegmentSealer {
    key: SegmentKey,
    header_hash: [u8; 32],
    hour: Hour,
    format: u8,
    params: VideoParams,
    /// Of the next fragment.
    sequence: u32,
    /// Where the next fragment will start in the file.
    at: u64,
    latest: WallTime,
    digest: DigestOfHeads,
}

impl std::fmt::Debug for SegmentSealer {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SegmentSealer {{ {}, next fragment: {}, at: {} }}", self.hour, self.sequence, self.at)
    }
}

impl SegmentSealer {
    /// With the header's bytes.
    pub(crate) fn new(key: SegmentKey, header: &Header, params: &VideoParams) -> (Self, Sealed) {
        let (bytes, header_hash) = header.encode();
        debug_assert!(bytes.len() <= MAX_HEADER, "a key block is bounded so that it fits");
        let sealer = Self {
            key,
            header_hash,
            hour: Hour::of(header.start),
            format: header.format,
            params: params.clone(),
            sequence: 0,
            at: bytes.len() as u64,
            latest: header.start,
            digest: DigestOfHeads::new(&header_hash),
        };
        (sealer, Sealed { bytes: bytes.into(), fragment: None })
    }

    /// Whether a group that arrived at `wall` belongs to this segment's hour. A segment ends with its hour, because the
    /// hour is what retention deletes.
    pub fn is_in_hour(&self, wall: WallTime) -> bool {
        Hour::of(wall) == self.hour
    }

    /// From the next group on, the camera's pictures are coded with other parameters.
    pub fn set_params(&mut self, params: &VideoParams) {
        self.params = params.clone();
    }

    /// Seals one group. Append the result to the file in one write.
    ///
    /// # Errors
    /// [`VaultError::SegmentFull`], [`VaultError::NeedsFormat2`]: finish and start the next. [`VaultError::EmptyGop`], [`VaultError::GopTooLarge`],
    /// [`VaultError::ConfigTooLong`]: nothing was sealed, the segment can go on.
    pub fn seal(&mut self, gop: &Gop) -> Result<Sealed, VaultError> {
        if gop.packets.is_empty() {
            return Err(VaultError::EmptyGop);
        }
        let walls = || gop.all().map(|p| p.wall);
        let (Some(first), Some(last)) = (walls().min(), walls().max()) else {
            return Err(VaultError::EmptyGop);
        };
        if self.format == FORMAT_1 && !inside::fits_format_1(&self.params, gop) {
            return Err(VaultError::NeedsFormat2);
        }
        if self.sequence >= MAX_FRAGMENTS {
            return Err(VaultError::SegmentFull);
        }
        let inside::Packed { mut bytes, pictures } = inside::pack(&[0; FRAME], &self.params, gop, first)?;
        let blind = self.key.blind(self.sequence)?;
        let frame = Frame {
            sequence: self.sequence,
            body: (bytes.len() - FRAME + TAG) as u32, // Fits: `pack` keeps bodies within 64 MiB.
            packets: gop.all().count() as u32,        // Fits: each takes three bytes of the body at least.
            end: false,
            key: gop.starts_with_key(),
            first,
            last,
            commitment: fragment_commitment(&blind, &bytes[FRAME..pictures], &bytes[pictures..]),
        };
        let at = self.at;
        self.encrypt(&frame, &mut bytes)?;
        self.latest = self.latest.max(last);
        let fragment = FragmentInfo::new(&frame, at);
        Ok(Sealed { bytes: bytes.into(), fragment: Some(fragment) })
    }

    /// Ends the segment: append its end, fsync, and the file is complete. The key is gone.
    ///
    /// # Errors
    /// When the cryptographic library fails: the segment stays readable, and counts as not finished.
    pub fn finish(mut self) -> Result<Finished, VaultError> {
        let (first, last) = (self.latest, self.latest);
        let frame = Frame {
            sequence: self.sequence,
            body: TAG as u32,
            packets: 0,
            end: true,
            key: false,
            first,
            last,
            commitment: [0; 32],
        };
        let mut bytes = Vec::with_capacity(FRAME + TAG);
        bytes.resize(FRAME, 0);
        self.encrypt(&frame, &mut bytes)?;
        let end = Sealed { bytes: bytes.into(), fragment: None };
        let fragments = frame.sequence;
        Ok(Finished { end, digest: self.digest.finish(), header: self.header_hash, fragments })
    }

    /// Puts the head in front of the plaintext in `bytes`, encrypts it there, appends the tag.
    fn encrypt(&mut self, frame: &Frame, bytes: &mut Vec<u8>) -> Result<(), VaultError> {
        let place = Place { sequence: self.sequence, end: frame.end };
        // Counted before anything can fail: a nonce that may have been used never comes again.
        self.sequence += 1;
        let head = frame.encode(&self.header_hash);
        bytes[..FRAME].copy_from_slice(&head);
        let tag = self.key.seal(place, &bound_to(&self.header_hash, &head), &mut bytes[FRAME..])?;
        bytes.extend_from_slice(&tag);
        self.digest.add(&head[..FRAME_BOUND]);
        self.at += bytes.len() as u64;
        Ok(())
    }
}
