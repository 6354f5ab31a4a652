//! What the program that wrote a video tells the site's server.

use louver_base::CameraId;
use louver_ledger::leaf::Digest;
use serde::{Deserialize, Serialize};

use crate::manifest::{Fragment, ManifestError};

const WHAT: &str = "louver export draft";

/// A video of originals that wants to be signed. Times, heads, proofs and who allowed it are the server's to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    what: String,
    v: u8,
    /// The camera.
    pub camera: CameraId,
    /// Bytes of the video.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: Digest,
    /// What is in it, in order.
    pub segments: Vec<DraftSegment>,
}

/// One segment of which something is in the video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftSegment {
    /// As the server named it.
    pub id: String,
    /// Those that are in the video, in order.
    pub fragments: Vec<Fragment>,
}

impl Draft {
    /// Of a video.
    pub fn new(camera: CameraId, bytes: u64, sha256: Digest, segments: Vec<DraftSegment>) -> Self {
        Self { what: WHAT.to_owned(), v: 1, camera, bytes, sha256, segments }
    }

    /// Its text.
    ///
    /// # Errors
    /// Never for what a program puts together.
    pub fn to_text(&self) -> Result<String, ManifestError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > crate::MAX_MANIFEST {
            return Err(ManifestError::TooLong);
        }
        let draft: Self = serde_json::from_str(text)?;
        if draft.what == WHAT && draft.v == 1 { Ok(draft) } else { Err(ManifestError::Version) }
    }
}
