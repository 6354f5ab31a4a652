//! The site's signing key, the salt of opaque ids, and the names of files.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{hmac, rand};
use louver_base::CameraId;
use zeroize::Zeroizing;

use crate::checkpoint::Checkpoint;
use crate::error::LedgerError;
use crate::leaf::{CameraTag, Digest, UserTag};
use crate::note::{KeyKind, Note, Signature, VerifierKey, cosigned};

pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const WITNESSED: &str = "witnessed";
pub(crate) const VKEY: &str = "vkey";
pub(crate) const JOURNAL: &str = "journal";
pub(crate) const JOURNAL_NEXT: &str = "journal.next";
pub(crate) const SITE_KEY: &str = "site.key";
pub(crate) const SALT: &str = "salt";
pub(crate) const EXPORT_KEY: &str = "export.key";
pub(crate) const EXPORT_LEAF: &str = "export.leaf";

/// Origin and key name of a site's log.
pub fn origin(site: &[u8; 16]) -> String {
    format!("louver.invalid/site/{}", hex::encode(site))
}

/// Name of the key that signs a site's exports.
pub fn export_key_name(site: &[u8; 16]) -> String {
    format!("{}/export", origin(site))
}

/// 32 random bytes from the system.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, LedgerError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut()).map_err(|_| LedgerError::Random)?;
    Ok(bytes)
}

/// An Ed25519 key that signs checkpoints, or, as a witness's, cosigns them. The library wipes it when it is dropped.
pub struct SiteKey {
    pair: Ed25519KeyPair,
    public: VerifierKey,
}

impl SiteKey {
    /// From a 32-byte seed and its owner's name.
    ///
    /// # Errors
    /// [`LedgerError::BadKey`] for a seed of another length or a name that cannot stand in a note.
    pub fn from_seed(seed: &[u8], name: &str, kind: KeyKind) -> Result<Self, LedgerError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| LedgerError::BadKey)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| LedgerError::BadKey)?;
        let public = VerifierKey::new(name, kind, public).map_err(|_| LedgerError::BadKey)?;
        Ok(Self { pair, public })
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs a checkpoint of this key's log. Ed25519 is deterministic: the same checkpoint gives the same bytes.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Note {
        self.sign_text(checkpoint.to_text())
    }

    /// Signs a text, which ends with a newline and has no other control characters in it than newlines.
    pub fn sign_text(&self, text: String) -> Note {
        let mut note = Note::new(text);
        let signature = self.pair.sign(note.text().as_bytes());
        note.add(Signature::new(&self.public, signature.as_ref()));
        note
    }

    /// A witness's cosignature of a checkpoint's text, at `time` in seconds since 1970.
    pub fn cosign(&self, text: &str, time: u64) -> Signature {
        let signature = self.pair.sign(cosigned(time, text).as_bytes());
        Signature::new(&self.public, &[&time.to_be_bytes()[..], signature.as_ref()].concat())
    }
}

/// Makes opaque ids: without it nobody can try out names of cameras or users.
pub struct Salt(hmac::Key);

impl Salt {
    /// From 32 random bytes, kept in the file `salt`.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The camera's opaque id: first 8 bytes of HMAC-SHA-256(salt, id).
    pub fn camera(&self, id: &CameraId) -> CameraTag {
        CameraTag::from_bytes(self.tag(&[id.as_str().as_bytes()]))
    }

    /// A user's opaque id: first 8 bytes of HMAC-SHA-256(salt, `user` ‖ newline ‖ name). No camera's id has a newline in it.
    pub fn user(&self, name: &str) -> UserTag {
        UserTag::from_bytes(self.tag(&[b"user\n", name.as_bytes()]))
    }

    /// A document's hash for a leaf: HMAC-SHA-256(salt, `document` ‖ newline ‖ bytes), since what few words a register's entry has could else
    /// be guessed and tried.
    pub fn document(&self, bytes: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"document\n");
        context.update(bytes);
        let mut whole = [0; 32];
        whole.copy_from_slice(context.sign().as_ref());
        Digest::from_bytes(whole)
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; 8] {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        let mut short = [0; 8];
        short.copy_from_slice(&context.sign().as_ref()[..8]);
        short
    }
}
