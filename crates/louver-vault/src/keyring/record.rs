//! Bytes of the key ring's two files. docs/keys.md, "Key ring".

use std::io;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, hkdf};
use louver_base::{CameraId, WallTime};
use zeroize::Zeroizing;

use crate::keys::{TAG, fill_random, sha256};
use crate::{Hour, HourSecret, VaultError};

/// Bytes of `root-G`.
pub(crate) const ROOT_LEN: usize = 56;
/// Bytes before a ring's first record.
pub(crate) const HEAD_LEN: usize = 24;
/// Bytes of a record's plaintext.
const PLAIN: usize = 116;
/// Bytes of a record.
pub(crate) const RECORD_LEN: usize = PLAIN + TAG;

const ROOT_MAGIC: &[u8; 8] = b"LOUVROOT";
const RING_MAGIC: &[u8; 8] = b"LOUVRING";
const VERSION: u8 = 1;

/// One camera's hour.
pub type CameraHour = (CameraId, Hour);

/// `root-G` as it lies on the disk, wiped when dropped. What is random in it is made and stays in here.
pub(crate) struct Root(Box<Zeroizing<[u8; ROOT_LEN]>>);

impl Root {
    pub(crate) fn generate(generation: u64) -> Result<Self, VaultError> {
        let mut root = Self::empty();
        root.0[..8].copy_from_slice(ROOT_MAGIC);
        root.0[8..16].copy_from_slice(&generation.to_be_bytes());
        fill_random(&mut root.0[16..48])?;
        let check = check(&root.0[..48]);
        root.0[48..].copy_from_slice(&check);
        Ok(root)
    }

    /// To be read into.
    pub(crate) fn empty() -> Self {
        Self(Box::new(Zeroizing::new([0; ROOT_LEN])))
    }

    pub(crate) fn bytes(&self) -> &[u8; ROOT_LEN] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; ROOT_LEN] {
        &mut self.0
    }

    /// Whether it is whole, and of this generation.
    pub(crate) fn is_whole(&self, generation: u64) -> bool {
        self.0[..8] == *ROOT_MAGIC
            && self.0[8..16] == generation.to_be_bytes()
            && constant_time::verify_slices_are_equal(&check(&self.0[..48]), &self.0[48..]).is_ok()
    }

    /// The key of this generation's records.
    pub(crate) fn key(&self, head: Head) -> Result<RingKey, VaultError> {
        struct Bytes32;
        impl hkdf::KeyType for Bytes32 {
            fn len(&self) -> usize {
                32
            }
        }
        let failed = |_| VaultError::Crypto { doing: "deriving the key ring's key" };
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &head.generation.to_be_bytes()).extract(&self.0[16..48]);
        let mut key = Zeroizing::new([0; 32]);
        prk.expand(&[b"louver ring v1"], Bytes32).and_then(|okm| okm.fill(&mut *key)).map_err(failed)?;
        let key = UnboundKey::new(&AES_256_GCM, &*key).map_err(failed)?;
        Ok(RingKey { key: LessSafeKey::new(key), head })
    }
}

fn check(bytes: &[u8]) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&sha256(&[bytes])[..8]);
    out
}

/// A ring's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) generation: u64,
    /// Records that came from the generation before; with fewer it was never finished.
    pub(crate) carried: u32,
}

impl Head {
    pub(crate) fn bytes(self) -> [u8; HEAD_LEN] {
        let mut out = [0; HEAD_LEN];
        out[..8].copy_from_slice(RING_MAGIC);
        out[8] = VERSION;
        out[12..16].copy_from_slice(&self.carried.to_be_bytes());
        out[16..].copy_from_slice(&self.generation.to_be_bytes());
        out
    }

    /// `Err` with what is not known, for a ring of a later release; `None` where these are no ring's first bytes.
    pub(crate) fn parse(bytes: &[u8; HEAD_LEN]) -> Result<Option<Self>, u8> {
        let (mut carried, mut generation) = ([0; 4], [0; 8]);
        carried.copy_from_slice(&bytes[12..16]);
        generation.copy_from_slice(&bytes[16..]);
        let head = Self { carried: u32::from_be_bytes(carried), generation: u64::from_be_bytes(generation) };
        if bytes[..8] != *RING_MAGIC {
            return Ok(None);
        }
        if bytes[8] != VERSION {
            return Err(bytes[8]);
        }
        Ok((head.bytes() == *bytes).then_some(head))
    }

    /// Where a record stands.
    pub(crate) fn place(record: u32) -> u64 {
        HEAD_LEN as u64 + u64::from(record) * RECORD_LEN as u64
    }
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// The hour's secret, which stays in the record's own bytes.
    Secret,
    /// Retention leaves it alone until then.
    Held(WallTime),
    /// Retention may take it again.
    Released,
}

/// A record in clear, wiped when dropped: secrets are drawn into it, read in it, sealed in it, and copied nowhere else.
pub(crate) struct Record(Box<Zeroizing<[u8; RECORD_LEN]>>);

impl Record {
    /// To be read into.
    pub(crate) fn empty() -> Self {
        Self(Box::new(Zeroizing::new([0; RECORD_LEN])))
    }

    /// A record with a new secret.
    pub(crate) fn with_new_secret((camera, hour): &CameraHour) -> Result<Self, VaultError> {
        let mut record = Self::about(1, camera, *hour);
        fill_random(&mut record.0[50..82])?;
        Ok(record)
    }

    pub(crate) fn held((camera, hour): &CameraHour, until: WallTime) -> Self {
        let mut record = Self::about(2, camera, *hour);
        record.0[42..50].copy_from_slice(&until.micros().to_be_bytes());
        record
    }

    pub(crate) fn released((camera, hour): &CameraHour) -> Self {
        Self::about(3, camera, *hour)
    }

    fn about(kind: u8, camera: &CameraId, hour: Hour) -> Self {
        let mut record = Self::empty();
        let id = camera.as_str().as_bytes();
        record.0[0] = kind;
        record.0[1] = id.len() as u8; // A camera's id has 32 bytes at most.
        record.0[2..2 + id.len()].copy_from_slice(id);
        record.0[34..42].copy_from_slice(&hour.number().to_be_bytes());
        record
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; RECORD_LEN] {
        &mut self.0
    }

    /// What it says, of an opened one. `None`: nothing that this release writes.
    pub(crate) fn read(&self) -> Option<(CameraHour, Says)> {
        let plain = &self.0[..PLAIN];
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&plain[at..at + 8]);
            i64::from_be_bytes(bytes)
        };
        let c = usize::from(plain[1]);
        let camera: CameraId = std::str::from_utf8(plain.get(2..2 + c.min(33))?).ok()?.parse().ok()?;
        let zero = |range: std::ops::Range<usize>| plain[range].iter().all(|b| *b == 0);
        let says = match plain[0] {
            1 if zero(42..50) => Says::Secret,
            2 if zero(50..82) => Says::Held(WallTime::from_micros(number(42))),
            3 if zero(42..82) => Says::Released,
            _ => return None,
        };
        (zero(2 + c..34) && zero(82..PLAIN)).then(|| ((camera, Hour::from_number(number(34))), says))
    }

    /// The secret, of an opened record that says there is one.
    pub(crate) fn secret(&self) -> HourSecret {
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(&self.0[50..82]);
        HourSecret::from_bytes(&bytes)
    }
}

/// Seals and opens the records of one generation.
pub(crate) struct RingKey {
    key: LessSafeKey,
    head: Head,
}

impl RingKey {
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    fn nonce(record: u32) -> Nonce {
        let mut bytes = [0; NONCE_LEN];
        bytes[8..].copy_from_slice(&record.to_be_bytes());
        Nonce::assume_unique_for_key(bytes)
    }

    /// Seals in place: what was clear is gone. The caller never gives a number twice.
    pub(crate) fn seal(&self, number: u32, record: &mut Record) -> Result<(), VaultError> {
        let (plain, tag) = record.0.split_at_mut(PLAIN);
        let sealed =
            self.key.seal_in_place_separate_tag(Self::nonce(number), Aad::from(self.head.bytes()), plain);
        let sealed = sealed.map_err(|_| VaultError::Crypto { doing: "sealing a record of the key ring" })?;
        tag.copy_from_slice(sealed.as_ref());
        Ok(())
    }

    /// Opens in place; whether it is what was sealed there.
    pub(crate) fn open(&self, number: u32, record: &mut Record) -> bool {
        let aad = Aad::from(self.head.bytes());
        self.key.open_in_place(Self::nonce(number), aad, &mut record.0[..]).is_ok()
    }
}

/// Whether a file is simply not there.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
