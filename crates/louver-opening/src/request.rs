//! What somebody asks for.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use louver_base::{CameraId, WallTime};
use serde::{Deserialize, Serialize};

use crate::Refused;

/// Bytes of a document at most.
pub(crate) const LONGEST: usize = 64 << 10;
const KIND: &str = "louver opening request";
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How far the clocks of who writes a document and of the recorder may lie apart.
pub(crate) const CLOCKS_MS: i64 = 10 * MINUTE_MS;

/// SHA-256 of a request's exact text, which statements name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestHash(#[serde(with = "hex::serde")] [u8; 32]);

impl RequestHash {
    /// Of a document's text.
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }

    /// The request's id: the first 32 hex digits.
    pub fn id(&self) -> String {
        hex::encode(&self.0[..16])
    }

    /// All 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestHash({self})")
    }
}

/// Why somebody asks: the code that stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // The names say it; the page has the sentences.
pub enum Reason {
    Accident,
    Theft,
    Violence,
    Damage,
    Authority,
    SubjectAccess,
    MissingPerson,
    Technical,
    Test,
    Other,
}

/// The document as it is written. Times in ms since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    what: String,
    v: u8,
    site: String,
    at: i64,
    expires: i64,
    cameras: Vec<CameraId>,
    from: i64,
    to: i64,
    reason: Reason,
    text: String,
    #[serde(with = "hex::serde")]
    salt: [u8; 32],
    recipient: String,
    hours: u32,
}

/// A request that keeps to the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    text: String,
    hash: RequestHash,
    document: Document,
}

fn field(holds: bool, field: &'static str, why: &'static str) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(Refused::Field { field, why }) }
}

impl Request {
    /// Reads a request as it stands, when it was made or from the disk. `site`: 32 hex digits.
    ///
    /// # Errors
    /// [`Refused`] with what is wrong; whether it comes in time is [`timely`](Self::timely)'s.
    pub fn read(text: &str, site: &str) -> Result<Self, Refused> {
        if text.len() > LONGEST {
            return Err(Refused::TooLong);
        }
        let document: Document = serde_json::from_str(text)?;
        if document.what != KIND || document.v != 1 {
            return Err(Refused::Kind(document.what));
        }
        if document.site != site {
            return Err(Refused::Site);
        }
        let d = &document;
        let mut cameras = d.cameras.clone();
        cameras.sort_unstable();
        cameras.dedup();
        field((1..=32).contains(&d.cameras.len()), "cameras", "1 to 32 cameras")?;
        field(cameras.len() == d.cameras.len(), "cameras", "each camera once")?;
        field(d.from < d.to, "from", "the beginning must lie before the end")?;
        field(d.from >= 0 && d.to.saturating_sub(d.from) <= 31 * DAY_MS, "to", "31 days at most")?;
        let letters = d.text.trim().chars().count();
        field((10..=2000).contains(&letters), "text", "10 to 2000 characters that say what for")?;
        let open = d.expires.saturating_sub(d.at);
        field((HOUR_MS..=14 * DAY_MS).contains(&open), "expires", "1 hour to 14 days after the request")?;
        field((1..=168).contains(&d.hours), "hours", "1 to 168 hours for watching")?;
        let age = d.recipient.len() <= 128 && louver_vault::is_age_recipient(&d.recipient);
        field(age, "recipient", "a one-time age recipient (age1…)")?;
        Ok(Self { text: text.to_owned(), hash: RequestHash::of(text), document })
    }

    /// Whether it can be made now.
    ///
    /// # Errors
    /// [`Refused::Clock`], or that the end lies in the future.
    pub fn timely(&self, now: WallTime) -> Result<(), Refused> {
        if self.document.at.abs_diff(now.millis()) > CLOCKS_MS.unsigned_abs() {
            return Err(Refused::Clock);
        }
        field(self.document.to <= now.millis() + CLOCKS_MS, "to", "the end must not lie in the future")
    }

    /// The exact text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What statements name.
    pub fn hash(&self) -> RequestHash {
        self.hash
    }

    /// Cameras asked for, each once.
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

    /// When it was made, by the requester's clock.
    pub fn at(&self) -> WallTime {
        WallTime::from_millis(self.document.at)
    }

    /// Until when holders can agree.
    pub fn expires(&self) -> WallTime {
        WallTime::from_millis(self.document.expires)
    }

    /// Until when what is asked for must not be deleted, if nothing ends the request before: the last moment at which it can be released, and
    /// its time for watching.
    pub fn kept_until(&self) -> WallTime {
        WallTime::from_millis(self.document.expires.saturating_add(self.watch_ms()))
    }

    /// The code.
    pub fn reason(&self) -> Reason {
        self.document.reason
    }

    /// What the ledger is told of the text: SHA-256(salt ‖ text).
    pub fn text_commitment(&self) -> [u8; 32] {
        let mut out = [0; 32];
        let salted = [&self.document.salt[..], self.document.text.as_bytes()].concat();
        out.copy_from_slice(digest(&SHA256, &salted).as_ref());
        out
    }

    /// What for, in words: for holders' and the requester's eyes.
    pub fn words(&self) -> &str {
        &self.document.text
    }

    /// The one-time age recipient.
    pub fn recipient(&self) -> &str {
        &self.document.recipient
    }

    /// For how long it may be watched after the release, ms.
    pub(crate) fn watch_ms(&self) -> i64 {
        i64::from(self.document.hours) * HOUR_MS
    }
}
