//! Legal hold: hours that k holders ask to keep beyond retention, until a date. docs/keys.md, "Legal hold".
//!
//! Like a request, a hold is the sum of its [`HoldEntry`]s: written to the ledger and to the disk first, true afterwards.

use louver_base::{CameraId, WallTime};
use serde::{Deserialize, Serialize};

use crate::request::{CLOCKS_MS, LONGEST};
use crate::{Consent, HolderSets, PartyId, RequestHash, SignedSet};

const KIND: &str = "louver hold";
const KIND_END: &str = "louver hold end";
const DAY_MS: i64 = 86_400_000;
/// For how long something can be held at most: ten years. Longer is asked for again, by those who are holders then.
const LONGEST_HOLD_MS: i64 = 3653 * DAY_MS;
/// Consents of a file at most: more holders than any set has.
const CONSENTS: usize = 64;

/// Why a hold, or its end, is not taken. Each sentence is for the person who sent it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldRefused {
    /// Longer than any document may be.
    #[error("the document is longer than 64 KiB, or has more than 64 consents")]
    TooLong,
    /// Not JSON, or with fields missing, too many, or of another kind.
    #[error("the document is not what it should be: {0}")]
    Form(#[from] serde_json::Error),
    /// Another kind of document.
    #[error("the document calls itself \"{0}\", and is neither a hold nor the end of one")]
    Kind(String),
    /// For another site.
    #[error("the document is for another site")]
    Site,
    /// A field outside what is allowed.
    #[error("{field}: {why}")]
    Field {
        /// As in docs/keys.md.
        field: &'static str,
        /// What is allowed.
        why: &'static str,
    },
    /// Made in the future.
    #[error("the document says that it was made in the future: check the clock of the device that made it")]
    Clock,
    /// Its date has passed.
    #[error("the hold's date has passed: make one with a later date")]
    Past,
    /// Too few holders of the set in force agreed.
    #[error(
        "{have} of the {needed} holders needed agreed: let more of them sign the file (`louver hold sign`), then post it again"
    )]
    TooFew {
        /// Holders of the set in force whose signatures fit.
        have: usize,
        /// How many are needed.
        needed: u8,
    },
    /// There is nobody who could agree.
    #[error("there are no holders yet, so nobody can agree to a hold")]
    NoHolders,
    /// An end that names another hold.
    #[error("the document ends another hold")]
    OtherHold,
    /// It has ended.
    #[error("this hold has ended; what is to be kept longer needs a new one")]
    Over,
}

fn field(holds: bool, field: &'static str, why: &'static str) -> Result<(), HoldRefused> {
    if holds { Ok(()) } else { Err(HoldRefused::Field { field, why }) }
}

/// A document and the consents that were given to it: the file that travels from holder to holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldFile {
    /// The document's exact text.
    pub document: String,
    /// Whose signatures there are; whether they fit is seen when it is posted.
    pub consents: Vec<Consent>,
}

/// What is written. Times in ms since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    what: String,
    v: u8,
    site: String,
    at: i64,
    cameras: Vec<CameraId>,
    from: i64,
    to: i64,
    reason: String,
    until: i64,
    #[serde(with = "hex::serde")]
    salt: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndDocument {
    what: String,
    v: u8,
    site: String,
    at: i64,
    hold: RequestHash,
    reason: String,
    #[serde(with = "hex::serde")]
    salt: [u8; 32],
}

/// What a hold's text says, before anybody agreed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    text: String,
    hash: RequestHash,
    document: Document,
}

/// What is asked to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldAsked {
    /// 1 to 32, each once.
    pub cameras: Vec<CameraId>,
    /// From here ...
    pub from: WallTime,
    /// ... to before here; not in the future.
    pub to: WallTime,
    /// Why: 10 to 2000 characters. Holders and users read it; the ledger has only the document's hash.
    pub reason: String,
    /// Until when.
    pub until: WallTime,
}

/// Which of the two a text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldDocument {
    /// Asks to keep something.
    Hold(Hold),
    /// Ends a hold before its date.
    End(HoldEnd),
}

/// The end of a hold, before anybody agreed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldEnd {
    text: String,
    document: EndDocument,
}

fn words(reason: &str) -> Result<(), HoldRefused> {
    let letters = reason.trim().chars().count();
    field((10..=2000).contains(&letters), "reason", "10 to 2000 characters that say why")
}

impl HoldDocument {
    /// Reads either. `site`: 32 hex digits.
    ///
    /// # Errors
    /// [`HoldRefused`] with what is wrong; whether its time has come is seen when it is taken.
    pub fn read(text: &str, site: &str) -> Result<Self, HoldRefused> {
        #[derive(Deserialize)]
        struct What {
            what: String,
        }
        if text.len() > LONGEST {
            return Err(HoldRefused::TooLong);
        }
        let What { what } = serde_json::from_str(text)?;
        match what.as_str() {
            KIND => Hold::read(text, site).map(Self::Hold),
            KIND_END => HoldEnd::read(text, site).map(Self::End),
            _ => Err(HoldRefused::Kind(what.chars().take(64).collect())),
        }
    }
}

impl Hold {
    /// The text of a hold for holders to sign. `salt`: random bytes, so that nobody guesses the reason from the ledger.
    pub fn document(asked: HoldAsked, site: &str, now: WallTime, salt: [u8; 32]) -> String {
        let HoldAsked { cameras, from, to, reason, until } = asked;
        let document = Document {
            what: KIND.to_owned(),
            v: 1,
            site: site.to_owned(),
            at: now.millis(),
            cameras,
            from: from.millis(),
            to: to.millis(),
            reason,
            until: until.millis(),
            salt,
        };
        serde_json::to_string(&document).expect("texts and numbers always make JSON")
    }

    fn read(text: &str, site: &str) -> Result<Self, HoldRefused> {
        let document: Document = serde_json::from_str(text)?;
        if document.v != 1 {
            return Err(HoldRefused::Kind(format!("{KIND}, version {}", document.v)));
        }
        if document.site != site {
            return Err(HoldRefused::Site);
        }
        let d = &document;
        let mut cameras = d.cameras.clone();
        cameras.sort_unstable();
        cameras.dedup();
        field((1..=32).contains(&d.cameras.len()), "cameras", "1 to 32 cameras")?;
        field(cameras.len() == d.cameras.len(), "cameras", "each camera once")?;
        field(d.from >= 0 && d.from < d.to, "from", "the beginning must lie before the end")?;
        field(d.to.saturating_sub(d.from) <= 31 * DAY_MS, "to", "31 days at most")?;
        field(d.to <= d.at.saturating_add(CLOCKS_MS), "to", "the end must not lie in the future")?;
        let long = d.until > d.at && d.until.saturating_sub(d.at) <= LONGEST_HOLD_MS;
        field(long, "until", "later than the day it was made, and ten years later at most")?;
        words(&d.reason)?;
        Ok(Self { text: text.to_owned(), hash: RequestHash::of(text), document })
    }

    /// The exact text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text; its first 32 digits are the hold's id.
    pub fn hash(&self) -> RequestHash {
        self.hash
    }

    /// Whose recordings.
    pub fn cameras(&self) -> &[CameraId] {
        &self.document.cameras
    }

    /// From here ...
    pub fn from(&self) -> WallTime {
        WallTime::from_millis(self.document.from)
    }

    /// ... to before here.
    pub fn to(&self) -> WallTime {
        WallTime::from_millis(self.document.to)
    }

    /// When it was made.
    pub fn at(&self) -> WallTime {
        WallTime::from_millis(self.document.at)
    }

    /// Until when.
    pub fn until(&self) -> WallTime {
        WallTime::from_millis(self.document.until)
    }

    /// Why, in words.
    pub fn reason(&self) -> &str {
        &self.document.reason
    }
}

impl HoldEnd {
    /// The text of an end for holders to sign.
    pub fn document(hold: RequestHash, reason: String, site: &str, now: WallTime, salt: [u8; 32]) -> String {
        let (what, site) = (KIND_END.to_owned(), site.to_owned());
        let document = EndDocument { what, v: 1, site, at: now.millis(), hold, reason, salt };
        serde_json::to_string(&document).expect("texts and numbers always make JSON")
    }

    fn read(text: &str, site: &str) -> Result<Self, HoldRefused> {
        let document: EndDocument = serde_json::from_str(text)?;
        if document.v != 1 {
            return Err(HoldRefused::Kind(format!("{KIND_END}, version {}", document.v)));
        }
        if document.site != site {
            return Err(HoldRefused::Site);
        }
        words(&document.reason)?;
        Ok(Self { text: text.to_owned(), document })
    }

    /// The exact text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which hold it ends.
    pub fn hold(&self) -> RequestHash {
        self.document.hold
    }

    /// When it was made.
    pub fn at(&self) -> WallTime {
        WallTime::from_millis(self.document.at)
    }

    /// Why, in words.
    pub fn reason(&self) -> &str {
        &self.document.reason
    }
}

/// How a hold ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldOver {
    /// Its date came.
    Date,
    /// Holders agreed to end it earlier.
    Agreed {
        /// Number of the holder set that was in force.
        set: u32,
        /// What they signed.
        file: HoldFile,
    },
}

/// What is written, to the ledger and to the disk, before it is true. Times in ms since 1970, the recorder's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HoldEntry {
    /// The beginning.
    Taken {
        /// When.
        at_ms: i64,
        /// Number of the holder set that was in force.
        set: u32,
        /// What was signed.
        file: HoldFile,
    },
    /// The end.
    Over {
        /// When.
        at_ms: i64,
        /// How.
        how: HoldOver,
    },
}

/// A hold that enough holders agreed to.
#[derive(Clone, Debug)]
pub struct LegalHold {
    hold: Hold,
    by: Vec<PartyId>,
    taken_ms: i64,
    over_ms: Option<i64>,
}

/// The holders of `set` whose consents fit, if they are enough.
fn enough(set: &SignedSet, file: &HoldFile) -> Result<Vec<PartyId>, HoldRefused> {
    if file.consents.len() > CONSENTS {
        return Err(HoldRefused::TooLong);
    }
    let (by, needed) = (set.who_agreed(&file.document, &file.consents), set.set().needed());
    if by.len() >= usize::from(needed) { Ok(by) } else { Err(HoldRefused::TooFew { have: by.len(), needed }) }
}

impl LegalHold {
    /// The first entry for a hold that comes now.
    ///
    /// # Errors
    /// [`HoldRefused`] with what is wrong; nothing is held.
    pub fn take(
        file: HoldFile,
        hold: &Hold,
        sets: &HolderSets,
        now: WallTime,
    ) -> Result<HoldEntry, HoldRefused> {
        let set = sets.latest().ok_or(HoldRefused::NoHolders)?;
        if hold.at().millis() > now.millis().saturating_add(CLOCKS_MS) {
            return Err(HoldRefused::Clock);
        }
        if hold.until() <= now {
            return Err(HoldRefused::Past);
        }
        enough(set, &file)?;
        Ok(HoldEntry::Taken { at_ms: now.millis(), set: set.number(), file })
    }

    /// From entries as they were written, in order. `None`: they are not a hold's, or contradict each other.
    pub fn replay(
        entries: impl IntoIterator<Item = HoldEntry>,
        sets: &HolderSets,
        site: &str,
    ) -> Option<Self> {
        let mut entries = entries.into_iter();
        let Some(HoldEntry::Taken { at_ms, set, file }) = entries.next() else { return None };
        let Ok(HoldDocument::Hold(hold)) = HoldDocument::read(&file.document, site) else { return None };
        let by = enough(sets.numbered(set)?, &file).ok()?;
        let mut held = Self { hold, by, taken_ms: at_ms, over_ms: None };
        entries.all(|entry| held.apply(&entry, sets, site).is_some()).then_some(held)
    }

    /// What is held.
    pub fn hold(&self) -> &Hold {
        &self.hold
    }

    /// Who agreed.
    pub fn by(&self) -> &[PartyId] {
        &self.by
    }

    /// When it was taken, ms since 1970, the recorder's clock.
    pub fn taken_ms(&self) -> i64 {
        self.taken_ms
    }

    /// When it ended, if it has; the same clock.
    pub fn over_ms(&self) -> Option<i64> {
        self.over_ms
    }

    /// Whether its hours must be kept.
    pub fn is_in_force(&self) -> bool {
        self.over_ms.is_none()
    }

    /// The entry for an end that holders agreed to.
    ///
    /// # Errors
    /// [`HoldRefused`] with what is wrong; it goes on.
    pub fn end(
        &self,
        file: HoldFile,
        end: &HoldEnd,
        sets: &HolderSets,
        now: WallTime,
    ) -> Result<HoldEntry, HoldRefused> {
        let set = sets.latest().ok_or(HoldRefused::NoHolders)?;
        if end.hold() != self.hold.hash() {
            return Err(HoldRefused::OtherHold);
        }
        if !self.is_in_force() {
            return Err(HoldRefused::Over);
        }
        if end.at().millis() > now.millis().saturating_add(CLOCKS_MS) {
            return Err(HoldRefused::Clock);
        }
        enough(set, &file)?;
        Ok(HoldEntry::Over { at_ms: now.millis(), how: HoldOver::Agreed { set: set.number(), file } })
    }

    /// The entry for its date, if that has come.
    pub fn due(&self, now: WallTime) -> Option<HoldEntry> {
        let due = self.is_in_force() && now >= self.hold.until();
        due.then(|| HoldEntry::Over { at_ms: now.millis(), how: HoldOver::Date })
    }

    /// Makes true what was written. `None`: the entry does not belong here, and nothing changed.
    #[must_use = "an entry that does not fit must not be passed over"]
    pub fn apply(&mut self, entry: &HoldEntry, sets: &HolderSets, site: &str) -> Option<()> {
        let HoldEntry::Over { at_ms, how } = entry else { return None };
        // Not believed: only what its date or the holders' signatures bear out.
        let right = match how {
            HoldOver::Date => *at_ms >= self.hold.until().millis(),
            HoldOver::Agreed { set, file } => {
                let end = HoldDocument::read(&file.document, site).ok()?;
                matches!(end, HoldDocument::End(end) if end.hold() == self.hold.hash())
                    && enough(sets.numbered(*set)?, file).is_ok()
            }
        };
        if !right || !self.is_in_force() {
            return None;
        }
        self.over_ms = Some(*at_ms);
        Some(())
    }
}
