//! What holders and observers say to a request: approval, denial, veto. Signed, and kept as signed.

use aws_lc_rs::digest::{SHA256, digest};
use louver_base::{CameraId, WallTime};
use serde::{Deserialize, Serialize};

use crate::request::{CLOCKS_MS, LONGEST};
use crate::{PartyId, Refused, Request, RequestHash, Role, Roll};

/// Bytes of an approval's shares at most: 31 days of 32 cameras, several epochs an hour.
const LONGEST_SHARES: usize = 16 << 20;

/// A statement as it comes and is kept: the exact text and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// JSON, exactly as it was signed.
    pub document: String,
    /// Who signed.
    pub holder: PartyId,
    /// Ed25519, 64 bytes, hex on disk.
    #[serde(with = "hex::serde")]
    pub signature: Vec<u8>,
    /// Of an approval: the age file for the requester.
    #[serde(with = "hex::serde", default)]
    pub shares: Vec<u8>,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Agrees to this much of it.
    Approval {
        /// Cameras agreed to.
        cameras: Vec<CameraId>,
        /// From here ...
        from: WallTime,
        /// ... to before here.
        to: WallTime,
    },
    /// A holder does not agree.
    Denial {
        /// Why.
        text: String,
    },
    /// An observer stops it.
    Veto {
        /// Why.
        text: String,
    },
}

/// A statement that keeps to the rules and is signed by whom it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    signed: Signed,
    said: Said,
    at: WallTime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    what: String,
    v: u8,
    request: RequestHash,
    holder: PartyId,
    at: i64,
    #[serde(default)]
    cameras: Option<Vec<CameraId>>,
    from: Option<i64>,
    to: Option<i64>,
    shares: Option<String>,
    text: Option<String>,
}

impl Statement {
    /// Checks a statement to `request`: form, signer, signature, shares, and that it does not go beyond what was asked.
    ///
    /// # Errors
    /// [`Refused`] with what is wrong.
    pub fn read(signed: Signed, request: &Request, roll: &Roll) -> Result<Self, Refused> {
        if signed.document.len() > LONGEST || signed.shares.len() > LONGEST_SHARES {
            return Err(Refused::TooLong);
        }
        let party = roll.find(&signed.holder).ok_or_else(|| Refused::Stranger(signed.holder.to_string()))?;
        // The signature first: nothing of a document that nobody signed is worth a word.
        if !party.signed(&signed.document, &signed.signature) {
            return Err(Refused::Signature);
        }
        let document: Document = serde_json::from_str(&signed.document)?;
        if document.holder != signed.holder {
            return Err(Refused::Signature);
        }
        if document.request != request.hash() {
            return Err(Refused::OtherRequest);
        }
        let at = WallTime::from_millis(document.at);
        let said = document.said(request, &signed.shares)?;
        let role = match said {
            Said::Approval { .. } | Said::Denial { .. } => Role::Holder,
            Said::Veto { .. } => Role::Observer,
        };
        match (role, party.role == role) {
            (_, true) => Ok(Self { signed, said, at }),
            (Role::Holder, false) => Err(Refused::Role("a holder")),
            (Role::Observer, false) => Err(Refused::Role("an observer")),
        }
    }

    /// Whether it can be made now.
    ///
    /// # Errors
    /// [`Refused::Clock`].
    pub fn timely(&self, now: WallTime) -> Result<(), Refused> {
        if self.at.millis().abs_diff(now.millis()) > CLOCKS_MS.unsigned_abs() {
            Err(Refused::Clock)
        } else {
            Ok(())
        }
    }

    /// As it was signed.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// Who.
    pub fn by(&self) -> &PartyId {
        &self.signed.holder
    }

    /// What.
    pub fn said(&self) -> &Said {
        &self.said
    }

    /// When, by the signer's clock.
    pub fn at(&self) -> WallTime {
        self.at
    }

    /// SHA-256 of the document, for the ledger.
    pub fn hash(&self) -> RequestHash {
        RequestHash::of(&self.signed.document)
    }
}

impl Document {
    fn said(self, request: &Request, shares: &[u8]) -> Result<Said, Refused> {
        let form = |field| Refused::Field { field, why: "missing, or not in this kind of document" };
        if self.v != 1 {
            return Err(Refused::Kind(self.what));
        }
        match self.what.as_str() {
            "louver opening approval" => {
                let (Some(cameras), Some(from), Some(to), Some(sha256), None) =
                    (self.cameras, self.from, self.to, self.shares, self.text)
                else {
                    return Err(form("cameras, from, to, shares"));
                };
                let (from, to) = (WallTime::from_millis(from), WallTime::from_millis(to));
                let inside = from < to && from >= request.from() && to <= request.to();
                if !inside || cameras.is_empty() || !cameras.iter().all(|c| request.cameras().contains(c)) {
                    return Err(Refused::Wider);
                }
                if sha256 != hex::encode(digest(&SHA256, shares)) {
                    return Err(Refused::Shares);
                }
                Ok(Said::Approval { cameras, from, to })
            }
            kind @ ("louver opening denial" | "louver opening veto") => {
                let (None, None, None, None, Some(text)) =
                    (self.cameras, self.from, self.to, self.shares, self.text)
                else {
                    return Err(form("text"));
                };
                if !shares.is_empty() {
                    return Err(Refused::Shares);
                }
                if text.chars().count() > 2000 {
                    return Err(Refused::Field { field: "text", why: "2000 characters at most" });
                }
                Ok(if kind.ends_with("denial") { Said::Denial { text } } else { Said::Veto { text } })
            }
            _ => Err(Refused::Kind(self.what)),
        }
    }
}
