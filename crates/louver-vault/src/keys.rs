//! Secrets, the keys derived from them, and AES-256-GCM. docs/format-sealed.md, "Keys" and "Fragment".

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, digest, hkdf};
use louver_base::CameraId;
use zeroize::Zeroizing;

use crate::epoch::EpochId;
use crate::{Hour, HourSecret, SiteId, VaultError};

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

/// Which epoch something belongs to: everything but the segment's own that its keys are bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EpochPlace {
    pub(crate) site: SiteId,
    pub(crate) hour: Hour,
    pub(crate) epoch: EpochId,
    /// k and n.
    pub(crate) needed: u8,
    pub(crate) count: u8,
    pub(crate) camera: CameraId,
}

impl EpochPlace {
    fn bytes(&self) -> Vec<u8> {
        let camera = self.camera.as_str().as_bytes();
        let mut out = Vec::with_capacity(80);
        out.extend_from_slice(self.site.as_bytes());
        out.extend_from_slice(&self.hour.number().to_be_bytes());
        out.extend_from_slice(self.epoch.as_bytes());
        out.extend_from_slice(&[self.needed, self.count]);
        out.push(camera.len() as u8); // A camera's id has 32 bytes at most.
        out.extend_from_slice(camera);
        out
    }
}

/// What only the holders get, in shares: 32 random bytes, wiped when dropped.
pub(crate) struct HolderSecret(Zeroizing<[u8; 32]>);

impl HolderSecret {
    pub(crate) fn generate() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(&mut *bytes)?;
        Ok(Self(bytes))
    }

    pub(crate) fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// One link of an epoch's chain. From it come the seeds of its segment and of all later ones, and of none before.
pub(crate) struct Chain(Zeroizing<[u8; 32]>);

/// What a link gives its segment.
pub(crate) struct Seed(Zeroizing<[u8; 32]>);

impl Chain {
    /// Link 0.
    pub(crate) fn first(secret: &HolderSecret, place: &EpochPlace) -> Result<Self, VaultError> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, place.epoch.as_bytes()).extract(secret.bytes());
        expand32(&prk, &[b"louver chain v1", &place.bytes()]).map(Self).ok_or(CHAIN_FAILED)
    }

    /// This link's seed, and the next link in its place: this one is wiped.
    pub(crate) fn step(&mut self) -> Result<Seed, VaultError> {
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &*self.0);
        let seed = expand32(&prk, &[b"louver chain segment"]).ok_or(CHAIN_FAILED)?;
        let next = expand32(&prk, &[b"louver chain next"]).ok_or(CHAIN_FAILED)?;
        self.0 = next; // The assignment drops the old link, which wipes it; so does `prk`'s end.
        Ok(Seed(seed))
    }

    /// The seed of `link`, reached by as many steps.
    pub(crate) fn seed_at(mut self, link: u32) -> Result<Seed, VaultError> {
        for _ in 0..link {
            self.step()?;
        }
        self.step()
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

const CHAIN_FAILED: VaultError = VaultError::Crypto { doing: "deriving an epoch's chain" };

/// What a fragment's head says about its contents without telling them. docs/format-sealed.md, "Fragment".
pub(crate) fn fragment_commitment(blind: &[u8; 32], list: &[u8], pictures: &[u8]) -> [u8; 32] {
    sha256(&[b"louver fragment", blind, &sha256(&[list]), &sha256(&[pictures])])
}

/// HKDF's output length.
struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

/// 32 bytes of HKDF-Expand.
pub(crate) fn expand32(prk: &hkdf::Prk, info: &[&[u8]]) -> Option<Zeroizing<[u8; 32]>> {
    let mut out = Zeroizing::new([0; 32]);
    prk.expand(info, Bytes32).and_then(|okm| okm.fill(&mut *out)).ok()?;
    Some(out)
}

/// A segment's key, in one place and in memory only: not `Clone`, so that no two sealers count nonces under it.
pub(crate) struct SegmentKey {
    aead: LessSafeKey,
    blinding: hkdf::Prk,
}

/// The published value that fixes the key.
#[derive(Clone, Copy)]
pub(crate) struct Commitment(pub(crate) [u8; 32]);

impl Commitment {
    pub(crate) fn fits(&self, stored: &[u8; 32]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, stored).is_ok()
    }
}

impl SegmentKey {
    /// The segment's keys and their commitment.
    pub(crate) fn derive(
        seed: &Seed,
        hour: &HourSecret,
        salt: &[u8; 32],
        place: &EpochPlace,
        link: u32,
    ) -> Result<(Self, Commitment), VaultError> {
        let failed = || VaultError::Crypto { doing: "deriving a segment's key" };
        let mut ikm = Zeroizing::new([0; 64]);
        ikm[..32].copy_from_slice(&*seed.0);
        ikm[32..].copy_from_slice(hour.expose());
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&*ikm);
        let (place, link) = (place.bytes(), link.to_be_bytes());
        let derive = |purpose: u8| expand32(&prk, &[LABEL, &[purpose], &place, &link]).ok_or_else(failed);
        let key = UnboundKey::new(&AES_256_GCM, &*derive(1)?).map_err(|_| failed())?;
        let blinding = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &*derive(3)?);
        Ok((Self { aead: LessSafeKey::new(key), blinding }, Commitment(*derive(2)?)))
    }

    /// What hides a fragment's commitment from guesses; given out with an export of that fragment alone.
    pub(crate) fn blind(&self, sequence: u32) -> Result<[u8; 32], VaultError> {
        let blind = expand32(&self.blinding, &[b"louver blind", &sequence.to_be_bytes()]);
        blind.map(|b| *b).ok_or(VaultError::Crypto { doing: "deriving a fragment's blind" })
    }

    /// Encrypts `body` in place; gives the tag. The caller never repeats a place.
    pub(crate) fn seal(&self, place: Place, bound: &[u8], body: &mut [u8]) -> Result<[u8; TAG], VaultError> {
        let tag = self.aead.seal_in_place_separate_tag(place.nonce(), Aad::from(bound), body);
        let tag = tag.map_err(|_| VaultError::Crypto { doing: "sealing a fragment" })?;
        let mut out = [0; TAG];
        out.copy_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Decrypts `body`, which ends with its tag, in place; gives the plaintext's length. `None`: it is not what was
    /// sealed at that place.
    pub(crate) fn open(&self, place: Place, bound: &[u8], body: &mut [u8]) -> Option<usize> {
        self.aead.open_in_place(place.nonce(), Aad::from(bound), body).ok().map(|plain| plain.len())
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
