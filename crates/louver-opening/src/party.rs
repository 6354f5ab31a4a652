//! Holders and observers, as far as consent goes: an id and a key that signatures are checked with.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use louver_vault::HolderPublic;
use serde::{Deserialize, Serialize};

/// A holder's or observer's id: 16 lower-case hex digits, made from the public half (docs/keys.md).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartyId(String);

/// A text that is no holder's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a holder's id has 16 hexadecimal digits")]
pub struct PartyIdError;

impl FromStr for PartyId {
    type Err = PartyIdError;
    fn from_str(text: &str) -> Result<Self, PartyIdError> {
        let fits = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text.to_owned())) } else { Err(PartyIdError) }
    }
}

impl PartyId {
    /// Of a holder's or observer's public half.
    pub fn of(public: &HolderPublic) -> Self {
        Self(public.id().to_string())
    }
}

impl TryFrom<String> for PartyId {
    type Error = PartyIdError;
    fn try_from(text: String) -> Result<Self, PartyIdError> {
        text.parse()
    }
}

impl From<PartyId> for String {
    fn from(id: PartyId) -> Self {
        id.0
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Has shares: agrees or denies.
    Holder,
    /// Has none: can stop an opening.
    Observer,
}

/// One of those who may speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Who.
    pub id: PartyId,
    /// As what.
    pub role: Role,
    /// Ed25519 public key, 32 bytes.
    #[serde(with = "hex::serde")]
    pub key: [u8; 32],
}

/// What every signature begins with, so that one over a document is never one over anything else.
const CONSENT: &[u8] = b"louver consent v1\n";

impl Party {
    /// Whether `signature` over `document` is this party's.
    pub fn signed(&self, document: &str, signature: &[u8]) -> bool {
        let message = [CONSENT, document.as_bytes()].concat();
        UnparsedPublicKey::new(&ED25519, self.key).verify(&message, signature).is_ok()
    }
}

/// Everybody who may speak to a request, as it was when the request was made: the present set, and holders of the sets that sealed
/// what is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roll {
    /// How many holders must agree, 1 or more.
    pub needed: u8,
    /// Holders and observers, each once.
    pub parties: Vec<Party>,
}

impl Roll {
    /// Who has this id.
    pub fn find(&self, id: &PartyId) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == *id)
    }

    /// How many holders there are.
    pub fn holders(&self) -> usize {
        self.parties.iter().filter(|party| party.role == Role::Holder).count()
    }
}
