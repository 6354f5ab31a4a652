//! Holders: who can open what is sealed, when k of them agree. docs/keys.md, "Holder".

mod identity;
mod set;

use std::fmt;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use bech32::{Bech32, Hrp};
use serde::{Deserialize, Serialize};

use crate::keys::sha256;
pub use identity::{IDENTITY_WORDS, Identity};
pub use set::{HolderSet, MAX_HOLDERS};

/// Says what a signature is for, so that one can never be taken for another.
const CONSENT: &[u8] = b"louver consent v1\n";
const SIGN_IN: &[u8] = b"louver sign-in v1\n";

const PREFIX: &str = "holder";

/// Names a holder: the first bytes of a hash of the public half; 16 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HolderId([u8; 8]);

/// A text that is no holder's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a holder's id has 16 hexadecimal digits")]
pub struct HolderIdError;

impl HolderId {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl FromStr for HolderId {
    type Err = HolderIdError;
    fn from_str(text: &str) -> Result<Self, HolderIdError> {
        let mut bytes = [0; 8];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| HolderIdError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A holder's public half (`holder1…`): what shares are encrypted to, and what consents are checked against. It stands in the
/// settings and is no secret.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HolderPublic {
    /// X25519.
    sealing: [u8; 32],
    /// Ed25519.
    signing: [u8; 32],
}

/// Why a text is no public half. The text itself is not repeated: it may be a secret put in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HolderPublicError {
    /// Not of the right form.
    #[error(
        "this is no holder's public half: expected is the line starting with holder1 that `louver holder new` prints"
    )]
    Form,
    /// The secret was given. It has stood where others could read it.
    #[error(
        "these are a holder's secret words, not the public half: take them out, treat them as known to others and make \
         new ones with `louver holder new`"
    )]
    Secret,
    /// Of age, which cannot sign.
    #[error(
        "this is an age recipient (age1…): holders also sign, so make one with `louver holder new` and put its line \
         starting with holder1 here"
    )]
    AgeRecipient,
    /// A key that shares no secret with anybody, or that anybody can sign for.
    #[error(
        "this public half is one of the few keys that protect nothing: make one with `louver holder new`"
    )]
    Weak,
}

impl FromStr for HolderPublic {
    type Err = HolderPublicError;
    fn from_str(text: &str) -> Result<Self, HolderPublicError> {
        let text = text.trim();
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY") || Identity::from_text(text).is_ok() {
            return Err(HolderPublicError::Secret);
        }
        if text.starts_with("age1") {
            return Err(HolderPublicError::AgeRecipient);
        }
        // 64 bytes take 116 characters: no need to look at more.
        let form = HolderPublicError::Form;
        let (prefix, bytes) = text.get(..116).filter(|t| t.len() == text.len()).map_or(Err(form), |t| {
            bech32::primitives::decode::CheckedHrpstring::new::<Bech32>(t)
                .map(|d| (d.hrp(), d.byte_iter().collect::<Vec<u8>>()))
                .map_err(|_| form)
        })?;
        if prefix.as_str() != PREFIX {
            return Err(form);
        }
        let bytes: [u8; 64] = bytes.try_into().map_err(|_| form)?;
        let public = Self::from_bytes(&bytes)?;
        // One public half, one text: ids and lists compare texts.
        if public.to_string() == text { Ok(public) } else { Err(form) }
    }
}

impl TryFrom<String> for HolderPublic {
    type Error = HolderPublicError;
    fn try_from(text: String) -> Result<Self, HolderPublicError> {
        text.parse()
    }
}

impl From<HolderPublic> for String {
    fn from(public: HolderPublic) -> Self {
        public.to_string()
    }
}

impl fmt::Display for HolderPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A prefix of six letters and 64 bytes are within what Bech32 takes.
        let hrp = Hrp::parse(PREFIX).map_err(|_| fmt::Error)?;
        bech32::encode_to_fmt::<Bech32, _>(f, hrp, &self.to_bytes()).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for HolderPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl HolderPublic {
    /// From its 64 bytes: X25519, then Ed25519.
    ///
    /// # Errors
    /// [`HolderPublicError::Weak`].
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, HolderPublicError> {
        let (mut sealing, mut signing) = ([0; 32], [0; 32]);
        sealing.copy_from_slice(&bytes[..32]);
        signing.copy_from_slice(&bytes[32..]);
        if shares_a_secret(&sealing) && !is_small_order(&signing) {
            Ok(Self { sealing, signing })
        } else {
            Err(HolderPublicError::Weak)
        }
    }

    /// Its 64 bytes: X25519, then Ed25519.
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut out = [0; 64];
        out[..32].copy_from_slice(&self.sealing);
        out[32..].copy_from_slice(&self.signing);
        out
    }

    /// The holder's id.
    pub fn id(&self) -> HolderId {
        let hash = sha256(&[b"louver holder id", &self.to_bytes()]);
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        HolderId(id)
    }

    /// Whether `signature` (Ed25519) is this holder's consent to exactly these bytes.
    pub fn consented(&self, document: &[u8], signature: &[u8]) -> bool {
        self.signed(CONSENT, document, signature)
    }

    /// Whether `signature` is this holder's answer to a sign-in's challenge: of `site` (16 bytes) and the random bytes.
    pub fn signed_in(&self, site: crate::SiteId, challenge: &[u8; 32], signature: &[u8]) -> bool {
        self.signed(SIGN_IN, &[&site.as_bytes()[..], challenge].concat(), signature)
    }

    fn signed(&self, what: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.signing);
        key.verify(&[what, message].concat(), signature).is_ok()
    }

    /// For age: `age1…`.
    pub(crate) fn as_age(&self) -> Option<age::x25519::Recipient> {
        let hrp = Hrp::parse("age").ok()?;
        bech32::encode::<Bech32>(hrp, &self.sealing).ok()?.parse().ok()
    }
}

/// False for points of low order, whose shared secret is always zero (RFC 7748 section 6.1): what is sealed to one,
/// everybody could open.
fn shares_a_secret(public: &[u8]) -> bool {
    use aws_lc_rs::agreement;
    let random = aws_lc_rs::rand::SystemRandom::new();
    agreement::EphemeralPrivateKey::generate(&agreement::X25519, &random).is_ok_and(|ours| {
        let theirs = agreement::UnparsedPublicKey::new(&agreement::X25519, public);
        agreement::agree_ephemeral(ours, theirs, (), |secret| {
            if secret.iter().all(|byte| *byte == 0) { Err(()) } else { Ok(()) }
        })
        .is_ok()
    })
}

/// Whether a text is an age X25519 recipient (`age1…`) that a secret can be encrypted to: of the form, and no point that shares its secret with
/// everybody, at which age would panic.
pub fn is_age_recipient(text: &str) -> bool {
    let age = text.parse::<age::x25519::Recipient>().is_ok();
    age && bech32::decode(text).is_ok_and(|(_, key)| shares_a_secret(&key))
}

/// True for the points of small order, for which one signature (S = 0, R the neutral point) fits many messages. Sixty-four
/// messages are tried: for a key of order 8 each fits with one chance in eight, for lesser orders with more.
fn is_small_order(public: &[u8]) -> bool {
    let mut signature = [0; 64];
    signature[0] = 1;
    let key = UnparsedPublicKey::new(&ED25519, public);
    (0..64_u8).any(|n| key.verify(&[n], &signature).is_ok())
}

/// The raw key of an age recipient.
fn raw(recipient: &age::x25519::Recipient) -> Option<[u8; 32]> {
    let (_, bytes) = bech32::decode(&recipient.to_string()).ok()?;
    bytes.try_into().ok()
}

/// age's identity of 32 raw bytes; every 32 bytes are one.
fn age_identity(secret: &[u8; 32]) -> Option<age::x25519::Identity> {
    use zeroize::Zeroizing;
    let hrp = Hrp::parse("age-secret-key-").ok()?;
    let text = Zeroizing::new(bech32::encode_upper::<Bech32>(hrp, secret).ok()?);
    let identity: age::x25519::Identity = text.parse().ok()?;
    debug_assert_eq!(identity.to_string().expose_secret(), &*text);
    Some(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_half_reads_back_and_names_its_holder() {
        let public = Identity::generate().unwrap().public();
        let text = public.to_string();
        assert!(text.starts_with("holder1") && text.len() == 116, "{text}");
        assert_eq!(text.parse(), Ok(public.clone()));
        assert_eq!(public.id().to_string().parse(), Ok(public.id()));
        for wrong in
            ["", "holder1abc", &text[..115], &format!("{text}q"), &text.replace("holder1", "h0lder1")]
        {
            assert_eq!(wrong.parse::<HolderPublic>(), Err(HolderPublicError::Form), "{wrong}");
        }
        let mut changed = text.into_bytes();
        changed[60] = if changed[60] == b'q' { b'p' } else { b'q' };
        assert!(String::from_utf8(changed).unwrap().parse::<HolderPublic>().is_err(), "a letter is wrong");
    }

    #[test]
    fn a_secret_in_the_place_of_a_public_half_is_refused_and_not_repeated() {
        let words = Identity::generate().unwrap().words();
        let refused = words.parse::<HolderPublic>().unwrap_err();
        assert_eq!(refused, HolderPublicError::Secret);
        assert!(
            !refused.to_string().contains(words.split(' ').next_back().unwrap()) || words.ends_with("new")
        );
        let age = "AGE-SECRET-KEY-1QQQ".parse::<HolderPublic>();
        assert_eq!(age, Err(HolderPublicError::Secret));
        let recipient = "age196cqcz6f6jguupdlalaywk3nnhy9j8dkqq7869dd4ckncknuuqpqywqufh5m2ab";
        assert_eq!(recipient.parse::<HolderPublic>(), Err(HolderPublicError::AgeRecipient));
    }

    #[test]
    fn a_public_half_that_protects_nothing_is_refused() {
        let good = Identity::generate().unwrap().public().to_bytes();
        for first in [0, 1] {
            let mut bytes = good;
            bytes[..32].fill(0);
            bytes[0] = first;
            assert_eq!(HolderPublic::from_bytes(&bytes), Err(HolderPublicError::Weak), "sealing");
        }
        // The neutral point, the point of order 2, two of order 4 and one of order 8.
        let eight = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
        let two = format!("ec{}7f", "ff".repeat(30));
        let one = format!("01{}", "00".repeat(31));
        let four = "00".repeat(32);
        let other_four = format!("{}80", "00".repeat(31));
        for point in [one.as_str(), &two, &four, &other_four, eight] {
            let mut bytes = good;
            hex::decode_to_slice(point, &mut bytes[32..]).unwrap();
            assert_eq!(HolderPublic::from_bytes(&bytes), Err(HolderPublicError::Weak), "signing {point}");
        }
    }

    #[test]
    fn a_consent_is_to_these_bytes_by_this_holder_and_no_sign_in() {
        let (one, two) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let signature = one.consent(b"document").unwrap();
        assert!(one.public().consented(b"document", &signature));
        assert!(!one.public().consented(b"documents", &signature));
        assert!(!two.public().consented(b"document", &signature));
        assert!(!one.public().consented(b"document", &signature[..63]));
        let site = crate::SiteId::from_bytes([1; 16]);
        let signature = one.sign_in(site, &[2; 32]).unwrap();
        assert!(one.public().signed_in(site, &[2; 32], &signature));
        assert!(!one.public().signed_in(site, &[3; 32], &signature));
        assert!(!one.public().consented(&[&[1; 16][..], &[2; 32]].concat(), &signature));
    }
}
