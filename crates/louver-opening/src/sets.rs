//! Holder sets: who the holders are, how many are needed, and who may change that. docs/keys.md, "Site's holders".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::WallTime;
use louver_vault::{HolderId, HolderPublic, HolderSet, VaultError};
use serde::{Deserialize, Serialize};

use crate::request::LONGEST;
use crate::{Party, PartyId, RequestHash, Role, Roll};

const KIND: &str = "louver holder set";
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
struct Document {
    what: String,
    v: u8,
    site: String,
    number: u32,
    /// SHA-256 of the document before, hex; nothing in the first.
    before: String,
    at: i64,
    needed: u8,
    holders: Vec<Named>,
    observers: Vec<Named>,
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

/// A file of `holders/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetFile {
    document: String,
    consents: Vec<Consent>,
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
    /// Somebody is both, or an observer twice.
    #[error("{0} is on the list twice: holders and observers must be different people")]
    Twice(HolderId),
    /// The holders are no set.
    #[error(transparent)]
    Holders(#[from] VaultError),
}

/// One set of the chain.
#[derive(Clone, Debug)]
pub struct SignedSet {
    text: String,
    document: Document,
    set: HolderSet,
}

impl SignedSet {
    /// For sealing.
    pub fn set(&self) -> &HolderSet {
        &self.set
    }

    /// From 1.
    pub fn number(&self) -> u32 {
        self.document.number
    }

    /// The document's exact text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the document.
    pub fn hash(&self) -> RequestHash {
        RequestHash::of(&self.text)
    }

    /// Holders with their names, in the order of their shares.
    pub fn holders(&self) -> &[Named] {
        &self.document.holders
    }

    /// Those who can stop an opening.
    pub fn observers(&self) -> &[Named] {
        &self.document.observers
    }

    /// Who may speak to a request for what this set sealed; `observers` are those of the present set.
    pub fn roll(&self, observers: &[Named]) -> Roll {
        let party = |named: &Named, role| {
            let mut key = [0; 32];
            key.copy_from_slice(&named.public.to_bytes()[32..]);
            Party { id: PartyId::of(&named.public), role, key }
        };
        let holders = self.document.holders.iter().map(|h| party(h, Role::Holder));
        let parties = holders.chain(observers.iter().map(|o| party(o, Role::Observer))).collect();
        Roll { needed: self.set.needed(), parties }
    }
}

/// The chain of sets, checked from its first.
#[derive(Clone, Debug, Default)]
pub struct HolderSets {
    site: String,
    sets: Vec<SignedSet>,
}

impl HolderSets {
    /// Checks the files of `holders/` in their order. None: a site without holders. `site`: 32 hex digits.
    ///
    /// # Errors
    /// [`SetError`] for the first set that is not what the holders before it agreed to. Do not record.
    pub fn read(files: &[String], site: &str) -> Result<Self, SetError> {
        let mut chain = Self { site: site.to_owned(), sets: Vec::new() };
        for (n, text) in files.iter().enumerate() {
            let number = n as u32 + 1;
            let file: SetFile =
                serde_json::from_str(text).map_err(|source| SetError::Form { number, source })?;
            let set = chain.check(&file)?;
            chain.sets.push(set);
        }
        Ok(chain)
    }

    /// The file of the first set, which needs nobody's consent. [Take](Self::take) it to check it.
    pub fn first(&self, needed: u8, holders: Vec<Named>, observers: Vec<Named>, now: WallTime) -> String {
        let document = self.document(needed, holders, observers, now);
        Self::file(document, Vec::new())
    }

    /// The text of a document that would follow the latest set: for holders to sign.
    pub fn document(&self, needed: u8, holders: Vec<Named>, observers: Vec<Named>, now: WallTime) -> String {
        let document = Document {
            what: KIND.to_owned(),
            v: 1,
            site: self.site.clone(),
            number: self.sets.len() as u32 + 1,
            before: self.latest().map(|s| s.hash().to_string()).unwrap_or_default(),
            at: now.millis(),
            needed,
            holders,
            observers,
        };
        serde_json::to_string(&document).expect("names, numbers and keys always make JSON")
    }

    /// A file of a document and its consents.
    pub fn file(document: String, consents: Vec<Consent>) -> String {
        serde_json::to_string(&SetFile { document, consents }).expect("texts always make JSON")
    }

    /// Adds the next set. Write its file before.
    ///
    /// # Errors
    /// [`SetError`]; the chain is as it was.
    pub fn take(&mut self, file: &str) -> Result<&SignedSet, SetError> {
        let set = self.checked(file)?;
        self.sets.push(set);
        Ok(&self.sets[self.sets.len() - 1])
    }

    /// Whether a file holds the next set.
    ///
    /// # Errors
    /// [`SetError`].
    pub fn checked(&self, file: &str) -> Result<SignedSet, SetError> {
        let number = self.sets.len() as u32 + 1;
        let file = serde_json::from_str(file).map_err(|source| SetError::Form { number, source })?;
        self.check(&file)
    }

    fn check(&self, file: &SetFile) -> Result<SignedSet, SetError> {
        let number = self.sets.len() as u32 + 1;
        if file.document.len() > LONGEST {
            return Err(SetError::TooLong);
        }
        let document: Document =
            serde_json::from_str(&file.document).map_err(|source| SetError::Form { number, source })?;
        if document.what != KIND || document.v != 1 || document.site != self.site {
            return Err(SetError::Foreign);
        }
        let before = self.latest().map(|s| s.hash().to_string()).unwrap_or_default();
        if document.number != number || document.before != before {
            return Err(SetError::NotNext(number - 1));
        }
        if let Some(latest) = self.latest() {
            latest.agreed(file)?;
        }
        let named = || document.holders.iter().chain(&document.observers);
        if !named().all(|n| (1..=NAME).contains(&n.name.trim().chars().count())) {
            return Err(SetError::Name);
        }
        let ids: Vec<HolderId> = named().map(|n| n.public.id()).collect();
        if let Some((_, id)) = ids.iter().enumerate().find(|(n, id)| ids[..*n].contains(id)) {
            return Err(SetError::Twice(*id));
        }
        let holders = document.holders.iter().map(|n| n.public.clone()).collect();
        let set = HolderSet::new(document.needed.into(), holders)?;
        Ok(SignedSet { text: file.document.clone(), document, set })
    }

    /// The one in force.
    pub fn latest(&self) -> Option<&SignedSet> {
        self.sets.last()
    }

    /// By its number, from 1.
    pub fn numbered(&self, number: u32) -> Option<&SignedSet> {
        self.sets.get((number as usize).checked_sub(1)?)
    }

    /// All of them, from the first.
    pub fn all(&self) -> &[SignedSet] {
        &self.sets
    }

    /// The latest set that sealed for these holders in this order with this threshold.
    pub fn that_sealed(&self, needed: u8, holders: &[HolderId]) -> Option<&SignedSet> {
        self.sets.iter().rev().find(|s| {
            s.set.needed() == needed
                && s.set.holders().iter().map(HolderPublic::id).eq(holders.iter().copied())
        })
    }
}

impl SignedSet {
    fn agreed(&self, file: &SetFile) -> Result<(), SetError> {
        let have = self.who_agreed(&file.document, &file.consents).len();
        let needed = self.set.needed();
        if have >= usize::from(needed) { Ok(()) } else { Err(SetError::TooFew { have, needed }) }
    }

    /// Holders of this set who signed exactly this text, each once, in the order of the consents.
    pub fn who_agreed(&self, document: &str, consents: &[Consent]) -> Vec<PartyId> {
        let mut ids: Vec<PartyId> = Vec::new();
        for consent in consents {
            let signer = self.document.holders.iter().find(|h| PartyId::of(&h.public) == consent.holder);
            let signature = BASE64.decode(&consent.signature).unwrap_or_default();
            let fits = signer.is_some_and(|s| s.public.consented(document.as_bytes(), &signature));
            if fits && !ids.contains(&consent.holder) {
                ids.push(consent.holder.clone());
            }
        }
        ids
    }
}
