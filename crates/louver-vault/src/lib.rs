//! Sealed segments: originals that only their holders can open.
//!
//! The recorder makes a [`SegmentSealer`] for some minutes of one camera and hands the [`Sealed`] bytes that come out to
//! the store. It needs the holders' public halves only ([`Holders`]) and cannot open what it sealed. A holder's
//! [`Identity`] opens it: [`SegmentReader`], or [`opening::export_mp4`] for a video file. [`SegmentInfo`] tells what a
//! file holds without any key. The format is written down in `docs/format-sealed.md`.

mod error;
mod holder;
mod hour;
mod inside;
mod inspect;
mod keyring;
mod keys;
mod layout;
pub mod opening;
mod reader;
mod sealer;
mod site;
#[cfg(test)]
mod vector_tests;

pub use error::{Available, IdentityProblem, VaultError};
pub use holder::{Holders, Identity, MAX_HOLDERS, Recipient, RecipientError};
pub use hour::{Hour, HourSecret};
pub use inspect::{Damage, FragmentInfo, SegmentInfo, Tail};
pub use keyring::{Absent, CameraHour, KeyRing, KeyRingError};
pub use reader::{Fragments, SegmentReader};
pub use sealer::{Sealed, SegmentSealer};
pub use site::{SiteId, SiteIdError};
