//! The document of a holder set, and the file that it travels and is kept in. docs/keys.md, "Site's holders".

use louver_vault::{HolderId, HolderPublic, HolderSet, MAX_HOLDERS, VaultError};
use serde::{Deserialize, Serialize};

use crate::PartyId;

pub(crate) const KIND: &str = "louver holder set";
/// Letters of a name at most.
const NAME: usize = 64;

/// Somebody on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// What the others call them.
    pub name: String,
    /// Their public half.
    pub public: HolderPublic,
}

/// The document as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetDocument {
    /// Which kind of document.
    pub what: String,
    /// Of which version: 1.
    pub v: u8,
    /// The site, 32 hex digits.
    pub site: String,
    /// From 1.
    pub number: u32,
    /// SHA-256 of the document before, hex; nothing in the first.
    pub before: String,
    /// When it was made, by the clock of who made it, ms since 1970.
    pub at: i64,
    /// How many holders must agree.
    pub needed: u8,
    /// Who gets a share, in the order of the shares.
    pub holders: Vec<Named>,
    /// Who can stop an opening.
    pub observers: Vec<Named>,
}

impl SetDocument {
    /// Reads a document. Whether it follows another is not looked at.
    ///
    /// # Errors
    /// [`SetError::Unreadable`], [`SetError::Foreign`] where it is another kind or of a later version.
    pub fn read(text: &str) -> Result<Self, SetError> {
        let document: Self = serde_json::from_str(text).map_err(SetError::Unreadable)?;
        if document.what != KIND || document.v != 1 {
            return Err(SetError::Foreign);
        }
        Ok(document)
    }

    /// The holders to seal for.
    ///
    /// # Errors
    /// [`SetError`] where the list is none that could open anything: nobody on it, more needed than there are, somebody twice.
    pub fn set(&self) -> Result<HolderSet, SetError> {
        let named = || self.holders.iter().chain(&self.observers);
        if !named().all(|n| (1..=NAME).contains(&n.name.trim().chars().count())) {
            return Err(SetError::Name);
        }
        if self.holders.is_empty() {
            return Err(SetError::Nobody);
        }
        if self.observers.len() > MAX_HOLDERS {
            return Err(SetError::TooManyObservers(self.observers.len()));
        }
        let holders = self.holders.iter().map(|n| n.public.clone()).collect();
        let set = HolderSet::new(self.needed.into(), holders)?;
        // One key that signs is one person, whatever stands beside it.
        let key = |public: &HolderPublic| public.to_bytes()[32..].to_vec();
        let keys: Vec<_> = named().map(|n| (key(&n.public), n.public.id())).collect();
        let twice = keys.iter().enumerate().find(|(n, (key, _))| keys[..*n].iter().any(|(k, _)| k == key));
        match twice {
            Some((_, (_, id))) => Err(SetError::Twice(*id)),
            None => Ok(set),
        }
    }
}

/// A holder's consent to the next set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Who.
    pub holder: PartyId,
    /// Ed25519 over the document, base64.
    pub signature: String,
}

/// What travels from holder to holder, and a file of `holders/`: a document and consents to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderSetFile {
    /// The exact text that is signed.
    pub document: String,
    /// Who agreed.
    pub consents: Vec<Consent>,
}

/// Why a set is not one, or not the next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// Not JSON of that form, or longer than 64 KiB.
    #[error("holder set {number} cannot be read: restore holders/ from a backup")]
    Form {
        /// Which, from 1.
        number: u32,
        /// Why.
        source: serde_json::Error,
    },
    /// Not JSON of that form.
    #[error("this cannot be read as a holder set")]
    Unreadable(#[source] serde_json::Error),
    /// Longer than any document may be.
    #[error("the holder set is longer than 64 KiB")]
    TooLong,
    /// Another kind of document, another site's, or of a later version.
    #[error("this is no holder set of this site")]
    Foreign,
    /// It does not name the set before it.
    #[error("the holder set does not follow set {0}: somebody changed the list meanwhile, so make it anew")]
    NotNext(u32),
    /// Too few of the holders before agreed.
    #[error(
        "{have} of the {needed} holders needed agreed to this holder set: a change of holders needs the holders before it"
    )]
    TooFew {
        /// Whose signatures fit.
        have: usize,
        /// How many are needed.
        needed: u8,
    },
    /// A name that is missing or too long.
    #[error("every holder and observer needs a name of 1 to 64 letters")]
    Name,
    /// Nobody would be left.
    #[error("without a holder nothing could be recorded: leave one at least")]
    Nobody,
    /// More observers than an opening can hear.
    #[error("{0} observers are too many: {MAX_HOLDERS} at most")]
    TooManyObservers(usize),
    /// Somebody is both, or an observer twice.
    #[error("{0} is on the list twice: holders and observers must be different people")]
    Twice(HolderId),
    /// The holders are no set.
    #[error(transparent)]
    Holders(#[from] VaultError),
}
