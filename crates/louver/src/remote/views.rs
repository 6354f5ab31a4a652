//! What the API answers, as far as commands need it.

use louver_opening::Consent;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: RefusalDetail,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RefusalDetail {
    pub(crate) code: String,
    pub(crate) message: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Session {
    pub(crate) state: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) site: String,
    pub(crate) challenge: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Vault {
    pub(crate) site: String,
    pub(crate) needed: u8,
    pub(crate) holders: Vec<Named>,
}

/// Somebody on the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Asked,
    Released,
    Denied,
    Vetoed,
    Expired,
    Withdrawn,
    Closed,
    /// Of a later release.
    #[serde(other)]
    Other,
}

impl State {
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Asked => "waits for the holders",
            Self::Released => "released",
            Self::Denied => "denied: too many holders said no",
            Self::Vetoed => "stopped by an observer",
            Self::Expired => "expired: too few holders agreed in time",
            Self::Withdrawn => "taken back",
            Self::Closed => "closed: its time for watching is over",
            Self::Other => "in a state that this Louver does not know",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Granted {
    pub(crate) camera: String,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Approval,
    Denial,
    Veto,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Statement {
    pub(crate) holder: String,
    pub(crate) kind: Kind,
    pub(crate) at_ms: i64,
    #[serde(default)]
    pub(crate) cameras: Vec<String>,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
    #[serde(default)]
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Holder,
    Observer,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Speaker {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// A request for originals.
#[derive(Debug, Deserialize)]
pub(crate) struct Opening {
    pub(crate) id: String,
    /// Its exact text.
    pub(crate) request: String,
    pub(crate) state: State,
    pub(crate) until_ms: Option<i64>,
    pub(crate) granted: Vec<Granted>,
    /// Disks of recordings that are not there.
    #[serde(default)]
    pub(crate) disks_away: usize,
    pub(crate) needed: u8,
    pub(crate) roll: Vec<Speaker>,
    pub(crate) statements: Vec<Statement>,
}

/// An epoch and this holder's share of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Epoch {
    pub(crate) camera: String,
    pub(crate) hour: i64,
    pub(crate) epoch: String,
    pub(crate) hash: String,
    pub(crate) file: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Release {
    pub(crate) secrets: String,
    pub(crate) approvals: Vec<Approval>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Approval {
    pub(crate) holder: String,
    pub(crate) shares: String,
}

/// A sealed segment of which something was released.
#[derive(Debug, Deserialize)]
pub(crate) struct Segment {
    pub(crate) id: String,
    pub(crate) camera: String,
    pub(crate) header: String,
    pub(crate) fragments: Vec<Fragment>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Fragment {
    pub(crate) n: u32,
    pub(crate) bytes: u64,
}

/// A manifest that the recorder signed.
#[derive(Debug, Deserialize)]
pub(crate) struct Signed {
    pub(crate) manifest: String,
}

/// A holder set, as it is kept: the rest of what the recorder says of it is not believed.
#[derive(Debug, Deserialize)]
pub(crate) struct Set {
    pub(crate) document: String,
    pub(crate) consents: Vec<Consent>,
}

/// A legal hold.
#[derive(Debug, Deserialize)]
pub(crate) struct Hold {
    pub(crate) id: String,
    pub(crate) document: String,
    pub(crate) cameras: Vec<String>,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) reason: String,
    pub(crate) until_ms: i64,
    pub(crate) over_ms: Option<i64>,
    pub(crate) hours: u64,
    pub(crate) by: Vec<Named>,
}
