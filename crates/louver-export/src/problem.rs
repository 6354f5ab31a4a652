//! What does not fit about an export, and where.

use std::fmt;

use louver_base::WallTime;
use louver_ledger::note::NoteError;
use louver_ledger::proof::InclusionError;
use louver_vault::{Damage, HeadsError};

/// What checking shows, one after the other. docs/format-export.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Nothing changed since the export.
    Unchanged,
    /// The key is the site's.
    Site,
    /// The pictures are those that the camera's recorder sealed at that time.
    Sealed,
    /// Somebody was allowed to.
    Allowed,
}

impl Step {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Unchanged, Self::Site, Self::Sealed, Self::Allowed];

    /// A word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Site => "site",
            Self::Sealed => "sealed",
            Self::Allowed => "allowed",
        }
    }
}

/// A fragment and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The segment, by its place in the manifest, from 0.
    pub segment: usize,
    /// The fragment's number in it.
    pub fragment: u32,
    /// Arrival of its first picture, as far as it is known.
    pub time: Option<WallTime>,
    /// Where its pictures stand in the file.
    pub byte: u64,
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is not shown because of it.
    pub step: Step,
    /// Where, if it is about one place.
    pub at: Option<At>,
    /// What.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(At { segment, fragment, time, byte }) = self.at {
            write!(f, "fragment {fragment} of segment {segment}")?;
            if let Some(time) = time {
                write!(f, " ({time})")?;
            }
            write!(f, ", byte {byte} of the file: ")?;
        }
        fmt::Display::fmt(&self.problem, f)
    }
}

/// What does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Another length than when it was signed.
    #[error("the video is {found} bytes long and was {signed} when it was signed")]
    Length {
        /// Bytes there are.
        found: u64,
        /// Bytes there were.
        signed: u64,
    },
    /// Other bytes than when it was signed.
    #[error("the video was changed after it was signed")]
    Changed,
    /// The manifest is not signed as it should be.
    #[error("the manifest was changed after it was signed: {0}")]
    Signature(NoteError),
    /// Not a key.
    #[error("the manifest names no usable key: {0}")]
    Key(NoteError),
    /// The key has a name that is not the site's.
    #[error("the manifest's keys are not those of the site {0}")]
    KeyName(String),
    /// Not the site that was asked for.
    #[error("it is from another site: its ledger's key is {0}")]
    OtherSite(String),
    /// A proof does not hold.
    #[error("{of} is not proven: {why}")]
    Proof {
        /// Of what.
        of: &'static str,
        /// Why not.
        why: InclusionError,
    },
    /// A proof's leaf says something else.
    #[error("the ledger says something else than the manifest about {0}")]
    Leaf(&'static str),
    /// Heads that are none.
    #[error("segment {segment}: its heads are not what was sealed: {why}")]
    Heads {
        /// The segment, by its place in the manifest.
        segment: usize,
        /// Why not.
        why: HeadsError,
    },
    /// Something in the manifest contradicts itself.
    #[error("the manifest contradicts itself: {0}")]
    Contradiction(&'static str),
    /// Not what was sealed.
    #[error("its pictures are not what was sealed: {0}")]
    Pictures(Damage),
    /// One was cut out, doubled or moved.
    #[error("fragment {expected} should stand here: pictures were cut out, doubled or put in another order")]
    Order {
        /// The number that should be there.
        expected: u32,
    },
    /// A segment that is not whole up to the next one.
    #[error("the segment goes on, but the next one follows: pictures were cut out")]
    CutShort,
    /// What stands around the pictures is not what follows from what was sealed.
    #[error("byte {0} of the file is not what was sealed gives: times, order or coding were changed")]
    Remade(u64),
    /// The file cannot be made of what was sealed.
    #[error("no video follows from what was sealed: {0}")]
    NoFilm(String),
    /// A fragment that nobody released.
    #[error("nobody released this")]
    NotReleased,
    /// What this step needs was not there or did not hold, so that nothing is said about it.
    #[error("not checked: {0}")]
    NotChecked(&'static str),
    /// It was made before it was released, or when it no longer was.
    #[error("it was exported {0} the holders had released it")]
    NotThen(&'static str),
}
