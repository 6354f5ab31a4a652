//! Sealing: packets go in, bytes that only the holders can open come out.

use bytes::Bytes;
use louver_base::{CameraId, WallTime};
use louver_media::{Gop, VideoParams};

use crate::holder::Holders;
use crate::inspect::FragmentInfo;
use crate::keys::{HolderSecret, Place, SegmentKey, TAG, fill_random};
use crate::layout::{FRAME, Frame, Header, MAX_FRAGMENTS, MAX_HEADER, bound_to, hour_of};
use crate::{SiteId, VaultError, inside};

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

/// Seals one segment of one camera. It holds the segment's key in memory until it is finished or dropped; after a crash,
/// or after a write that failed, start another: a segment is never continued.
pub struct SegmentSealer {
    key: SegmentKey,
    header_hash: [u8; 32],
    hour: i64,
    params: VideoParams,
    /// Of the next fragment.
    sequence: u32,
    /// Where the next fragment will start in the file.
    at: u64,
    latest: WallTime,
}

impl std::fmt::Debug for SegmentSealer {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "SegmentSealer {{ hour: {}, next fragment: {}, at: {} }}",
            self.hour, self.sequence, self.at
        )
    }
}

impl SegmentSealer {
    /// A new segment and its header. The header must be on the disk (fsync) before the first fragment counts as kept:
    /// without it nothing opens. When this returns, the holder secret is wiped already.
    ///
    /// # Errors
    /// When the system gives no random numbers, or the cryptographic libraries fail.
    pub fn start(
        site: SiteId,
        camera: &CameraId,
        start: WallTime,
        params: &VideoParams,
        holders: &Holders,
    ) -> Result<(Self, Sealed), VaultError> {
        let secret = HolderSecret::generate()?;
        let mut salt = [0; 32];
        fill_random(&mut salt)?;
        let wrapped = secret.wrap(holders)?;
        let holders = holders.recipients().iter().map(ToString::to_string).collect();
        let header =
            Header { site, camera: camera.clone(), start, salt, commitment: [0; 32], holders, wrapped };
        Self::with_secret(&secret, header, params)
    }

    /// The header's commitment is filled in here.
    pub(crate) fn with_secret(
        secret: &HolderSecret,
        mut header: Header,
        params: &VideoParams,
    ) -> Result<(Self, Sealed), VaultError> {
        let (key, commitment) = SegmentKey::derive(secret, &header.salt, &header.context())?;
        header.commitment = commitment.0;
        let (bytes, header_hash) = header.encode();
        // 32 recipients of age's 62 characters and their stanzas take about 6 KiB.
        debug_assert!(bytes.len() <= MAX_HEADER);
        let (hour, latest, at) = (hour_of(header.start), header.start, bytes.len() as u64);
        let sealer = Self { key, header_hash, hour, params: params.clone(), sequence: 0, at, latest };
        Ok((sealer, Sealed { bytes: bytes.into(), fragment: None }))
    }

    /// Whether a group that arrived at `wall` belongs to this segment's hour. A segment ends with its hour, because the
    /// hour is what retention deletes.
    pub fn is_in_hour(&self, wall: WallTime) -> bool {
        hour_of(wall) == self.hour
    }

    /// From the next group on, the camera's pictures are coded with other parameters.
    pub fn set_params(&mut self, params: &VideoParams) {
        self.params = params.clone();
    }

    /// Seals one group. Append the result to the file in one write.
    ///
    /// # Errors
    /// [`VaultError::SegmentFull`]: finish and start the next. [`VaultError::EmptyGop`], [`VaultError::GopTooLarge`],
    /// [`VaultError::ConfigTooLong`]: nothing was sealed, the segment can go on.
    pub fn seal(&mut self, gop: &Gop) -> Result<Sealed, VaultError> {
        let walls = || gop.packets.iter().map(|p| p.wall);
        let (Some(first), Some(last)) = (walls().min(), walls().max()) else {
            return Err(VaultError::EmptyGop);
        };
        if self.sequence >= MAX_FRAGMENTS {
            return Err(VaultError::SegmentFull);
        }
        let mut bytes = inside::pack(&[0; FRAME], &self.params, gop, first)?;
        let frame = Frame {
            sequence: self.sequence,
            body: (bytes.len() - FRAME + TAG) as u32, // Fits: `pack` keeps bodies within 64 MiB.
            packets: gop.packets.len() as u32,        // Fits: each takes three bytes of the body at least.
            end: false,
            key: gop.starts_with_key(),
            first,
            last,
        };
        let at = self.at;
        self.encrypt(&frame, &mut bytes)?;
        self.latest = self.latest.max(last);
        let fragment = FragmentInfo::new(&frame, at);
        Ok(Sealed { bytes: bytes.into(), fragment: Some(fragment) })
    }

    /// Ends the segment: append this, fsync, and the file is complete. The key is gone.
    ///
    /// # Errors
    /// When the cryptographic library fails: the segment stays readable, and counts as not finished.
    pub fn finish(mut self) -> Result<Sealed, VaultError> {
        let (first, last) = (self.latest, self.latest);
        let frame = Frame {
            sequence: self.sequence,
            body: TAG as u32,
            packets: 0,
            end: true,
            key: false,
            first,
            last,
        };
        let mut bytes = Vec::with_capacity(FRAME + TAG);
        bytes.resize(FRAME, 0);
        self.encrypt(&frame, &mut bytes)?;
        Ok(Sealed { bytes: bytes.into(), fragment: None })
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
        self.at += bytes.len() as u64;
        Ok(())
    }
}
