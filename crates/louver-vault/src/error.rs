//! What can go wrong with sealed originals, and what to do about it.

use std::io;
use std::path::PathBuf;

use louver_base::{CameraId, WallTime};
use louver_media::fmp4::Fmp4Error;

use crate::Hour;
use crate::holder::{HolderId, HolderPublicError};
use crate::inspect::Damage;

/// Everything that this crate refuses. Each says what happened and what to do next; the cause is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Settings name nobody who could open what is sealed. Do not record.
    #[error(
        "no holder, no recording: make one with `louver holder new` and put the line that starts with holder1 into \
         louver.toml under [holders]"
    )]
    NoHolder,
    /// More holders than a segment's header can name.
    #[error("{0} holders are too many: 32 at most")]
    TooManyHolders(usize),
    /// One holder is named twice: perhaps another was meant.
    #[error("the holder {0} is named twice: name every holder once")]
    SameHolderTwice(HolderId),
    /// More holders needed than there are, or none.
    #[error("of {holders} holders {needed} are to be needed: choose 1 to {holders}")]
    NeededOutOfRange {
        /// As many as were asked for.
        needed: usize,
        /// As many as there are.
        holders: usize,
    },
    /// A text that is no holder's public half.
    #[error(transparent)]
    Holder(#[from] HolderPublicError),

    /// A holder's file is never written over: what was sealed for it could not be opened again.
    #[error("{path}: this file exists and is left as it is; choose another name for the new holder's file")]
    IdentityExists {
        /// The file.
        path: PathBuf,
    },
    /// The new holder's file could not be written; nothing was sealed for it yet, so try another place.
    #[error("{path}: the holder's file could not be written; choose a folder that exists and can be written")]
    IdentityWrite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The holder's file could not be read.
    #[error("{path}: the holder's file could not be read")]
    IdentityRead {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{path}: {why}")]
    NotAnIdentity {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: IdentityProblem,
    },

    /// A group without packets cannot be sealed. The caller has a bug.
    #[error("a group without packets was given to be sealed")]
    EmptyGop,
    /// A group beyond the format's bound: cut groups smaller (`GopLimits`).
    #[error("a group of {bytes} bytes cannot be sealed: 64 MiB at most; cut it smaller")]
    GopTooLarge {
        /// Bytes of the group's packets and their table.
        bytes: usize,
    },
    /// The camera's decoder configuration is longer than 65 535 bytes: hostile or broken.
    #[error("the camera's decoder configuration has {0} bytes: 65535 at most")]
    ConfigTooLong(usize),
    /// A coding that this format has no number for yet.
    #[error("video or sound of this coding cannot be sealed yet")]
    UnknownCoding,
    /// The segment was begun for H.264 without sound, and the group is something else: finish it and start the next.
    #[error("the segment holds H.264 without sound, and the camera sends something else: start the next one")]
    NeedsFormat2,
    /// The segment holds as many fragments as the format allows: finish it and start the next.
    #[error("the segment holds 1048576 fragments and takes no more: start the next one")]
    SegmentFull,
    /// A segment starts in another hour than its epoch: begin another epoch.
    #[error(
        "a segment that starts at {start} does not belong to the epoch of the hour {epoch}: begin another"
    )]
    AnotherHour {
        /// The epoch's hour.
        epoch: Hour,
        /// The segment's start.
        start: WallTime,
    },
    /// An epoch has as many segments as the format allows: begin another.
    #[error("the epoch has 4096 segments and takes no more: begin another")]
    EpochFull,
    /// The cryptographic library failed: treat it as a broken machine and stop recording this segment.
    #[error("the cryptographic library failed while {doing}")]
    Crypto {
        /// What was being done.
        doing: &'static str,
    },
    /// A share could not be encrypted to its holder.
    #[error("a share could not be encrypted to its holder")]
    Wrap(#[source] Box<age::EncryptError>),

    /// Reading the file failed: the disk's fault, not the format's.
    #[error("reading at byte {at} failed")]
    Read {
        /// Place in the file.
        at: u64,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("this is not a sealed segment: it does not start with LOUVSEAL")]
    NotSealed,
    /// Made by a later Louver.
    #[error("this segment needs a later release of Louver ({what}): update and try again")]
    NewerFormat {
        /// What is not known here.
        what: String,
    },
    /// The recorder was stopped while it wrote the header: nothing was sealed in this file.
    #[error("the file ends within its header, after {bytes} bytes: nothing was sealed in it")]
    HeaderCutOff {
        /// Bytes that are there.
        bytes: u64,
    },
    /// The header's own hash does not fit, or its fields contradict each other. Keep the file; restore it from a copy.
    #[error("the header is damaged ({what}): without it the segment cannot be opened; look for a copy")]
    HeaderDamaged {
        /// What does not fit.
        what: &'static str,
    },
    /// Not this holder.
    #[error(
        "this holder ({yours}) has no share of it; shares are with {holders}. Use the file of one of them"
    )]
    NotAHolder {
        /// Id of the holder that was tried.
        yours: HolderId,
        /// Ids in the header, comma-separated.
        holders: String,
    },
    /// The header names this holder, but his share does not open or is none: made wrong on purpose.
    #[error("the share for this holder does not open or belongs elsewhere: the segment was tampered with")]
    KeyBlock(#[source] Option<Box<age::DecryptError>>),
    /// Fewer shares than are needed.
    #[error(
        "camera {camera}, segment of {start}: shares of {needed} holders are needed and {found} are here; ask more \
         holders, and each for the shares of this hour"
    )]
    TooFewShares {
        /// Of which camera.
        camera: CameraId,
        /// When the segment starts.
        start: WallTime,
        /// k.
        needed: u8,
        /// Shares of this epoch that are here and good.
        found: usize,
    },
    /// A share is not what the recorder gave out, and the others are too few.
    #[error(
        "the share of holder {holder} is not the one that the recorder gave out: ask this holder again, or another"
    )]
    BadShare {
        /// Whose.
        holder: HolderId,
    },
    /// The recorder's half of the key is missing.
    #[error(
        "there is no secret for camera {camera} and the hour {hour}: it was destroyed when its time was over, or it \
         lies in another recorder's key ring; without it nobody can open this hour"
    )]
    NoHourSecret {
        /// Of which camera.
        camera: CameraId,
        /// Of which hour.
        hour: Hour,
    },
    /// The recipient of a request is none, or one that protects nothing. Agree to nothing.
    #[error(
        "the request's recipient is no age recipient (age1…), or one that protects nothing: do not agree to it"
    )]
    Recipient,
    /// What was passed on for a request does not open with its key, or makes no sense.
    #[error(
        "{what} cannot be read with this request's key: it is for another key, or was changed on the way"
    )]
    Passed {
        /// Of whom.
        what: &'static str,
        /// Why.
        source: Option<Box<age::DecryptError>>,
    },
    /// The keys derived do not fit the header's commitment.
    #[error(
        "the key does not fit the header's commitment: the hour's secret is another's, or the segment was tampered with"
    )]
    Commitment,
    /// A fragment is not what was sealed there.
    #[error("fragment {fragment} at byte {at}: {what}")]
    Damaged {
        /// Number of the fragment, from 0.
        fragment: u32,
        /// Where it starts in the file.
        at: u64,
        /// What does not fit.
        what: Damage,
    },
    /// There is no such fragment. The caller has a bug.
    #[error("there is no fragment {fragment}: the segment has {count}")]
    NoSuchFragment {
        /// The one asked for, from 0.
        fragment: u32,
        /// Fragments that are there.
        count: usize,
    },

    /// Something about one of several files.
    #[error("{path}")]
    InSegment {
        /// The file.
        path: PathBuf,
        /// What.
        source: Box<VaultError>,
    },
    /// A sealed file could not be opened for reading.
    #[error("the file could not be opened")]
    OpenFile(#[source] io::Error),
    /// The time range is empty or runs backwards.
    #[error("from {from} to {to} is no range: the second time must be later")]
    EmptyRange {
        /// Start.
        from: WallTime,
        /// End.
        to: WallTime,
    },
    /// No picture in the range.
    #[error("nothing was recorded from {from} to {to}; {there}")]
    NothingInRange {
        /// Start.
        from: WallTime,
        /// End.
        to: WallTime,
        /// What there is, for the user.
        there: Available,
    },
    /// There are pictures in the range, but none that decoding can start with.
    #[error(
        "from {from} to {to} there is no key frame to start with: choose an earlier start or a later end"
    )]
    NoKeyFrame {
        /// Start.
        from: WallTime,
        /// End.
        to: WallTime,
    },
    /// Segments of more than one camera were given for one video.
    #[error("the segments are of two cameras or sites, {one} and {other}: export one camera at a time")]
    MixedCameras {
        /// Of the first file.
        one: CameraId,
        /// Of another.
        other: CameraId,
    },
    /// One MP4 holds one format of pictures and of sound. Nothing was written.
    #[error(
        "the camera changed its picture or its sound at {at}: export up to that time (--to {at}) and from it (--from {at}) as two files"
    )]
    PictureChanged {
        /// First picture of the new format.
        at: WallTime,
    },
    /// The MP4 could not be made of these parameters.
    #[error("no MP4 can be made of what was recorded")]
    Mp4(#[from] Fmp4Error),
    /// The output is there already.
    #[error(
        "{path}: this file exists and is left as it is; choose another name or ask for it to be replaced"
    )]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// The output could not be written. What was written of it is removed.
    #[error("{path}: the video could not be written; nothing of it is left")]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The caller asked to stop. What was written is removed.
    #[error("stopped; nothing was written")]
    Stopped,
}

impl VaultError {
    /// Adds the file to an error about one of several.
    pub(crate) fn within(self, path: &std::path::Path) -> Self {
        Self::InSegment { path: path.to_owned(), source: Box::new(self) }
    }
}

/// Why a text is no holder's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityProblem {
    /// Nothing like 24 words.
    #[error("this is no holder's file: 24 words are expected, as `louver holder new` writes them")]
    NoWords,
    /// Too few or too many.
    #[error("24 words are expected, and {found} are here: compare them with your copy")]
    WordCount {
        /// As many as there are.
        found: usize,
    },
    /// A word that is not in the list.
    #[error("word {number} is none of the list: compare it with your copy, letter by letter")]
    UnknownWord {
        /// Which, from 1.
        number: usize,
    },
    /// All are words of the list, but not these in this order.
    #[error("a word is wrong, or two are swapped: compare all with your copy")]
    Checksum,
    /// An identity of age.
    #[error("this is an age identity: a holder has 24 words; make one with `louver holder new`")]
    AgeIdentity,
    /// It holds only the public half.
    #[error("this is the public half (holder1…): the file with the 24 words is needed")]
    OnlyPublic,
    /// Protected by a passphrase or another key.
    #[error("this file is itself encrypted: decrypt it first (`age -d`), then use the result")]
    Encrypted,
    /// A holder's file has a few hundred bytes.
    #[error("this is no holder's file: it is longer than 64 KiB")]
    TooLong,
}

/// What was recorded outside a range that is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Available {
    /// There is nothing at all.
    Nothing,
    /// First and last picture in all the segments that were given.
    Between(WallTime, WallTime),
}

impl std::fmt::Display for Available {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("the segments hold no pictures"),
            Self::Between(first, last) => {
                write!(f, "the segments hold pictures from {first} to {last}, perhaps with gaps")
            }
        }
    }
}
