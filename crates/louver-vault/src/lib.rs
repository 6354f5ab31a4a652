//! Sealed segments: originals that only k of n holders can open, and only while the recorder keeps the hour's secret.
//!
//! The recorder begins an [`Epoch`] for one camera and hour, makes a [`SegmentSealer`] from it for some minutes and hands the
//! [`Sealed`] bytes that come out to the store. It needs the holders' public halves only ([`HolderSet`]) and cannot open
//! what it sealed in segments before. [`OpeningKeys`] gathers k shares and the hour secrets and opens: [`SegmentReader`], or
//! [`opening::export_mp4`] for a video file. [`SegmentInfo`] tells what a file holds without any key. The format is
//! written down in `docs/format-sealed.md`, the keys in `docs/keys.md`.

mod agefile;
mod digest;
mod epoch;
mod error;
mod frame;
mod header;
mod heads;
mod holder;
mod hour;
mod inside;
mod inspect;
mod keyblock;
mod keyring;
mod keys;
mod layout;
pub mod opening;
mod opening_keys;
mod part;
mod passing;
mod reader;
mod sealer;
mod share;
mod shares;
mod site;
#[cfg(test)]
mod vector_tests;

pub use digest::{SegmentDigest, SegmentDigestError};
pub use epoch::{Epoch, EpochId, EpochIdError};
pub use error::{Available, IdentityProblem, VaultError};
pub use header::SegmentHead;
pub use heads::{HeadsError, SealedFragment, SealedHeads};
pub use holder::{
    HolderId, HolderIdError, HolderPublic, HolderPublicError, HolderSet, IDENTITY_WORDS, Identity,
    MAX_HOLDERS, is_age_recipient,
};
pub use hour::{Hour, HourSecret};
pub use inspect::{Damage, FragmentInfo, SegmentInfo, Tail};
pub use keyblock::{KeyBlock, WrappedShare};
pub use keyring::{Absent, CameraHour, HourInUse, KeyRing, KeyRingError};
pub use opening_keys::OpeningKeys;
pub use part::{Arrived, GROUP_SPAN, within};
pub use passing::{OneTime, pass_on};
pub use reader::{Fragments, OpenedFragment, SegmentReader};
pub use sealer::{Finished, Sealed, SegmentSealer};
pub use share::{Share, ShareError};
pub use site::{SiteId, SiteIdError};
