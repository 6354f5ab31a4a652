//! Holder sets: who the holders are, how many are needed, and who may change that. docs/keys.md, "Site's holders".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::WallTime;
use louver_vault::{HolderId, HolderPublic, HolderSet};

use crate::request::LONGEST;
use crate::set_document::KIND;
use crate::{Consent, HolderSetFile, Named, Party, PartyId, RequestHash, Role, Roll, SetDocument, SetError};

/// One set of the chain.
#[derive(Clone, Debug)]
pub struct SignedSet {
    text: String,
    document: SetDocument,
    consents: Vec<Consent>,
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

    /// When it was made, by the clock of who made it, ms since 1970.
    pub fn at_ms(&self) -> i64 {
        self.document.at
    }

    /// Consents of the holders before, each of which fits; none in the first set.
    pub fn consents(&self) -> &[Consent] {
        &self.consents
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
            let restore = |e| match e {
                SetError::Unreadable(source) => SetError::Form { number, source },
                other => other,
            };
            let set = chain.checked(text).map_err(restore)?;
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
        let document = SetDocument {
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
        serde_json::to_string(&HolderSetFile { document, consents }).expect("texts always make JSON")
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
        let file: HolderSetFile = serde_json::from_str(file).map_err(SetError::Unreadable)?;
        self.agreed(file)
    }

    /// Whether these holders' consents make a document the next set.
    ///
    /// # Errors
    /// [`SetError`].
    pub fn agreed(&self, file: HolderSetFile) -> Result<SignedSet, SetError> {
        let set = self.proposed(file)?;
        if let Some(needed) = self.latest().map(|latest| latest.set.needed()) {
            let have = set.consents.len();
            if have < usize::from(needed) {
                return Err(SetError::TooFew { have, needed });
            }
        }
        Ok(set)
    }

    /// What would be the next set, whoever agreed to it so far; consents that do not fit are left out.
    ///
    /// # Errors
    /// [`SetError`]; it can never be the next set.
    pub fn proposed(&self, file: HolderSetFile) -> Result<SignedSet, SetError> {
        let number = self.sets.len() as u32 + 1;
        if file.document.len() > LONGEST {
            return Err(SetError::TooLong);
        }
        let document = SetDocument::read(&file.document)?;
        if document.site != self.site {
            return Err(SetError::Foreign);
        }
        let before = self.latest().map(|s| s.hash().to_string()).unwrap_or_default();
        if document.number != number || document.before != before {
            return Err(SetError::NotNext(number - 1));
        }
        let set = document.set()?;
        let HolderSetFile { document: text, consents } = file;
        let consents = match self.latest() {
            Some(latest) => latest.fitting(&text, &consents),
            None => Vec::new(),
        };
        Ok(SignedSet { text, document, consents, set })
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
    fn fits(&self, document: &str, consent: &Consent) -> bool {
        let signer = self.document.holders.iter().find(|h| PartyId::of(&h.public) == consent.holder);
        let signature = BASE64.decode(&consent.signature).unwrap_or_default();
        signer.is_some_and(|s| s.public.consented(document.as_bytes(), &signature))
    }

    /// Those of the consents that are of holders of this set to exactly this text, each holder once.
    pub fn fitting(&self, document: &str, consents: &[Consent]) -> Vec<Consent> {
        let mut fit: Vec<Consent> = Vec::new();
        for consent in consents {
            if fit.iter().all(|c| c.holder != consent.holder) && self.fits(document, consent) {
                fit.push(consent.clone());
            }
        }
        fit
    }

    /// Holders of this set who signed exactly this text, each once, in the order of the consents.
    pub fn who_agreed(&self, document: &str, consents: &[Consent]) -> Vec<PartyId> {
        self.fitting(document, consents).into_iter().map(|c| c.holder).collect()
    }
}
