//! How masked bytes are known again when they come back from disk.
//!
//! Every fragment in the masked store ends with a `uuid` box that holds a keyed BLAKE3 hash of the fragment's bytes.
//! A torn write, a flipped bit, a file that Louver did not write (an original copied into the wrong folder), or one of
//! another camera has no such tag and is not shown. Players skip the box (ISO/IEC 14496-12 section 11.1).
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | box size, 56, big-endian |
//! | 4 | 4 | `uuid` |
//! | 8 | 16 | [`TAG_UUID`] |
//! | 24 | 32 | BLAKE3 keyed hash, under the camera's key, of everything since the previous tag or the start of the file |
//!
//! The camera's key: `BLAKE3 derive_key("louver 2026 masked fragments of a camera", site's key (32 bytes) ‖ camera's id)`.

use bytes::{Bytes, BytesMut};
use louver_base::CameraId;

use crate::Masked;

/// Bytes that a tag adds to a fragment.
pub const TAG_BYTES: usize = 56;

/// Names the box; fixed for ever.
const TAG_UUID: [u8; 16] = *b"louver-masked-1\0";

/// The site's key for tags: 32 random bytes made at first start. It protects against mix-ups and damage; it is no secret
/// from whoever owns the machine.
#[derive(Clone)]
pub struct TagKey([u8; 32]);

impl TagKey {
    /// From 32 random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key for what one camera's pictures show: what it tagged is no other camera's.
    pub fn camera(&self, camera: &CameraId) -> CameraTagKey {
        let mut material = self.0.to_vec();
        material.extend_from_slice(camera.as_str().as_bytes());
        CameraTagKey(blake3::derive_key("louver 2026 masked fragments of a camera", &material))
    }
}

/// One camera's key for tags, out of [`TagKey::camera`].
#[derive(Clone)]
pub struct CameraTagKey([u8; 32]);

impl std::fmt::Debug for CameraTagKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CameraTagKey")
    }
}

impl std::fmt::Debug for TagKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TagKey")
    }
}

/// Why bytes from disk are not taken as masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadBackError {
    /// Too short, or the last box is not a tag: cut off while it was written, or not ours.
    #[error("no tag stands at the end of these {0} bytes: cut off, or not written by Louver")]
    NoTag(usize),
    /// The bytes are not those that were tagged, or were tagged with another site's or camera's key.
    #[error(
        "the tag does not fit these {0} bytes: damaged, or written by another site or for another camera"
    )]
    WrongTag(usize),
}

impl Masked<Bytes> {
    /// These bytes with their tag behind them, as they go to disk.
    pub fn tagged(&self, key: &CameraTagKey) -> Bytes {
        let mut out = BytesMut::with_capacity(self.get().len() + TAG_BYTES);
        out.extend_from_slice(self.get());
        out.extend_from_slice(&(TAG_BYTES as u32).to_be_bytes());
        out.extend_from_slice(b"uuid");
        out.extend_from_slice(&TAG_UUID);
        out.extend_from_slice(blake3::keyed_hash(&key.0, self.get()).as_bytes());
        out.freeze()
    }

    /// Masked bytes that come back from disk with their tag. The tag stays in the result: players skip it.
    ///
    /// # Errors
    /// When the tag is missing or does not fit: the caller must not show the bytes.
    pub fn read_back(key: &CameraTagKey, bytes: Bytes) -> Result<Self, ReadBackError> {
        let at = bytes.len().checked_sub(TAG_BYTES).ok_or(ReadBackError::NoTag(bytes.len()))?;
        let (body, tag) = bytes.split_at(at);
        if tag[4..8] != *b"uuid" || tag[8..24] != TAG_UUID {
            return Err(ReadBackError::NoTag(bytes.len()));
        }
        // blake3::Hash compares in constant time.
        let stored: [u8; 32] = tag[24..].try_into().map_err(|_| ReadBackError::NoTag(bytes.len()))?;
        if blake3::keyed_hash(&key.0, body) != blake3::Hash::from_bytes(stored) {
            return Err(ReadBackError::WrongTag(bytes.len()));
        }
        Ok(Self::vouch(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tagged_bytes_come_back_and_any_changed_bit_is_refused(body: Vec<u8>, bit: proptest::sample::Index) {
            let (gate, yard) = ("gate".parse().unwrap(), "yard".parse().unwrap());
            let site = TagKey::new([7; 32]);
            let key = site.camera(&gate);
            let tagged = Masked::vouch(Bytes::from(body)).tagged(&key);
            prop_assert_eq!(Masked::read_back(&key, tagged.clone()).map(Masked::into_inner), Ok(tagged.clone()));
            let mut changed = tagged.to_vec();
            // The box size (4 bytes before "uuid") is for players; everything else is checked.
            let at = bit.index(changed.len() * 8);
            let in_size = (changed.len() - TAG_BYTES..changed.len() - TAG_BYTES + 4).contains(&(at / 8));
            changed[at / 8] ^= 1 << (at % 8);
            prop_assert!(in_size || Masked::read_back(&key, changed.into()).is_err());
            prop_assert!(Masked::read_back(&TagKey::new([8; 32]).camera(&gate), tagged.clone()).is_err());
            prop_assert!(Masked::read_back(&site.camera(&yard), tagged).is_err(), "another camera's");
        }
    }

    /// Whoever writes another reader holds it against these bytes.
    #[test]
    fn the_tag_of_known_bytes_is_known() {
        let key = TagKey::new([7; 32]).camera(&"gate".parse().unwrap());
        let tagged = Masked::vouch(Bytes::from_static(b"louver")).tagged(&key);
        assert_eq!(tagged[..10], *b"louver\0\0\0\x38");
        assert_eq!(tagged[10..30], *b"uuidlouver-masked-1\0");
        assert_eq!(
            blake3::Hash::from_slice(&tagged[30..]).unwrap().to_hex().as_str(),
            "9f076968cd0e0c9bd4a4a56bf67bbcf0d73332b806316f6111d4dc768975d9fb"
        );
    }
}
