//! Signed exports ([format](../../../docs/format-export.md)): what an exported video says of itself, and how anybody checks it without Louver's server.
//!
//! [`Manifest`] is what the site signs; [`manifest_box`] puts it behind the video; [`check()`] reads a file and tells what does not fit. A [`Draft`] is what the program
//! that wrote the video knows: the site's server makes a manifest of it. Nothing here does I/O but through [`std::io::Read`] and [`std::io::Seek`].

mod boxes;
mod check;
mod draft;
mod manifest;
mod pictures;
mod problem;
mod proven;

pub use boxes::{MANIFEST_UUID, NoManifest, manifest_box};
pub use check::{Facts, Refusal, Report, check};
pub use draft::{Draft, DraftSegment};
pub use manifest::{Base64, Fragment, Kind, MAX_MANIFEST, Manifest, ManifestError, Segment};
pub use problem::{At, Finding, Problem, Step};
