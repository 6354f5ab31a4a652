//! Secrets, the keys derived from them, and AES-256-GCM. docs/format-sealed.md, "Keys" and "Fragment".

use std::io::{Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, digest, hkdf};
use louver_base::CameraId;
use zeroize::Zeroizing;

use crate::holder::{Holders, Identity};
use crate::{SiteId, VaultError};

/// Bytes of the tag behind every body.
pub(crate) const TAG: usize = 16;

/// Starts every key context; another version of the format gets another.
const LABEL: &[u8] = b"louver sealed segment v1";

/// Fills `out` with the system's random numbers.
pub(crate) fn fill_random(out: &mut [u8]) -> Result<(), VaultError> {
    aws_lc_rs::rand::fill(out).map_err(|_| VaultError::Crypto { doing: "drawing random numbers" })
}

/// SHA-256 of several pieces, one after the other.
pub(crate) fn sha256(pieces: &[&[u8]]) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    pieces.iter().for_each(|piece| hash.update(piece));
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    out
}

/// What only the holders get: 32 random bytes, wiped when dropped.
pub(crate) struct HolderSecret(Zeroizing<[u8; 32]>);

impl HolderSecret {
    pub(crate) fn generate() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(&mut *bytes)?;
        Ok(Self(bytes))
    }

    #[cfg(test)]
    pub(crate) fn for_tests(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// An age file that each of the holders can open.
    pub(crate) fn wrap(&self, holders: &Holders) -> Result<Vec<u8>, VaultError> {
        let failed = |e| VaultError::Wrap(Box::new(e));
        let recipients = holders.recipients().iter().map(|r| r.as_age());
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(failed)?;
        let io = |e| failed(age::EncryptError::Io(e));
        let mut writer = encryptor.wrap_output(Vec::with_capacity(1024)).map_err(io)?;
        writer.write_all(&*self.0).map_err(io)?;
        writer.finish().map_err(io)
    }

    /// Opens what [`wrap`](Self::wrap) made. `file` is as long as the header allows, its contents at most 32 bytes.
    pub(crate) fn unwrap(file: &[u8], identity: &Identity) -> Result<Self, VaultError> {
        let failed = |e| VaultError::KeyBlock(Some(Box::new(e)));
        let decryptor = age::Decryptor::new_buffered(file).map_err(failed)?;
        let reader = decryptor.decrypt(std::iter::once(identity.as_age())).map_err(failed)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        reader.take(33).read_to_end(&mut bytes).map_err(|e| failed(age::DecryptError::Io(e)))?;
        let mut secret = Zeroizing::new([0; 32]);
        if bytes.len() != secret.len() {
            return Err(VaultError::KeyBlock(None));
        }
        secret.copy_from_slice(&bytes);
        Ok(Self(secret))
    }
}

/// What the key is bound to besides the secret and the salt.
pub(crate) struct KeyContext<'a> {
    pub(crate) flags: u8,
    pub(crate) wrap_kind: u8,
    pub(crate) site: SiteId,
    pub(crate) hour: i64,
    pub(crate) camera: &'a CameraId,
}

impl KeyContext<'_> {
    fn bytes(&self, purpose: u8) -> Vec<u8> {
        let camera = self.camera.as_str().as_bytes();
        let mut out = Vec::with_capacity(96);
        out.extend_from_slice(LABEL);
        out.extend_from_slice(&[purpose, self.flags, self.wrap_kind]);
        out.extend_from_slice(self.site.as_bytes());
        out.extend_from_slice(&self.hour.to_be_bytes());
        out.push(camera.len() as u8); // A camera's id has 32 bytes at most.
        out.extend_from_slice(camera);
        out
    }
}

/// HKDF's output length.
struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

/// A segment's key, in one place and in memory only: not `Clone`, so that no two sealers count nonces under it.
pub(crate) struct SegmentKey(LessSafeKey);

/// The published value that fixes the key.
#[derive(Clone, Copy)]
pub(crate) struct Commitment(pub(crate) [u8; 32]);

impl Commitment {
    pub(crate) fn fits(&self, stored: &[u8; 32]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, stored).is_ok()
    }
}

impl SegmentKey {
    /// The segment's key and its commitment.
    pub(crate) fn derive(
        secret: &HolderSecret,
        salt: &[u8; 32],
        context: &KeyContext<'_>,
    ) -> Result<(Self, Commitment), VaultError> {
        let failed = |_| VaultError::Crypto { doing: "deriving a segment's key" };
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&*secret.0);
        let mut key = Zeroizing::new([0; 32]);
        prk.expand(&[&context.bytes(1)], Bytes32).and_then(|okm| okm.fill(&mut *key)).map_err(failed)?;
        let mut commitment = [0; 32];
        prk.expand(&[&context.bytes(2)], Bytes32)
            .and_then(|okm| okm.fill(&mut commitment))
            .map_err(failed)?;
        let key = UnboundKey::new(&AES_256_GCM, &*key).map_err(failed)?;
        Ok((Self(LessSafeKey::new(key)), Commitment(commitment)))
    }

    /// Encrypts `body` in place; gives the tag. The caller never repeats a place.
    pub(crate) fn seal(&self, place: Place, bound: &[u8], body: &mut [u8]) -> Result<[u8; TAG], VaultError> {
        let tag = self.0.seal_in_place_separate_tag(place.nonce(), Aad::from(bound), body);
        let tag = tag.map_err(|_| VaultError::Crypto { doing: "sealing a fragment" })?;
        let mut out = [0; TAG];
        out.copy_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Decrypts `body`, which ends with its tag, in place; gives the plaintext's length. `None`: it is not what was
    /// sealed at that place.
    pub(crate) fn open(&self, place: Place, bound: &[u8], body: &mut [u8]) -> Option<usize> {
        self.0.open_in_place(place.nonce(), Aad::from(bound), body).ok().map(|plain| plain.len())
    }
}

/// Where in a segment something is sealed: what its nonce is made of.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) sequence: u32,
    pub(crate) end: bool,
}

impl Place {
    fn nonce(self) -> Nonce {
        let mut bytes = [0; NONCE_LEN];
        bytes[7..11].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[11] = u8::from(self.end);
        Nonce::assume_unique_for_key(bytes)
    }
}
