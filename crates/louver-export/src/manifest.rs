//! The document that a site signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use louver_base::CameraId;
use louver_ledger::leaf::Digest;
use serde::{Deserialize, Serialize};

/// Longest manifest, bytes with its signature: about a day of one camera.
pub const MAX_MANIFEST: usize = 32 << 20;
const WHAT: &str = "louver export";
const VERSION: u8 = 1;

/// Bytes as base64 in a document.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base64(pub Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = base64::DecodeError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}

impl From<Base64> for String {
    fn from(bytes: Base64) -> Self {
        STANDARD.encode(bytes.0)
    }
}

impl std::fmt::Debug for Base64 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Originals that holders opened.
    Original,
    /// What everybody is shown.
    Masked,
}

/// What a site says of an exported file. The order of fields is the order in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    what: String,
    v: u8,
    /// Originals or masked pictures.
    pub kind: Kind,
    /// The site's 16 bytes, 32 hex digits.
    pub site: String,
    /// The camera.
    pub camera: CameraId,
    /// Arrival of the first picture, ms since 1970.
    pub from: i64,
    /// Arrival of the last picture, ms since 1970.
    pub to: i64,
    /// When it was exported, by the site's clock, ms since 1970.
    pub made: i64,
    /// Bytes of the file before the manifest's box.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: Digest,
    /// The opening request (originals only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Digest>,
    /// Proofs of the leaves `opening-released` that allowed it (originals only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<String>,
    /// What the pictures are proven by, in their order (originals only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// Verifier key of the site's ledger. Who checks pins it; nobody vouches for it here.
    pub ledger: String,
    /// Verifier key of the export key.
    pub key: String,
    /// Proof of the leaf `export-key` that names it.
    pub key_proof: String,
}

/// One sealed segment of which something is in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// SHA-256 of the sealed header.
    pub header: Digest,
    /// Bytes 0 to 67 of every fragment and the end marker, joined.
    pub heads: Base64,
    /// Proof of the leaf `sealed`, which is its extra.
    pub proof: String,
    /// Those that are in the file, in order.
    pub fragments: Vec<Fragment>,
}

/// One fragment whose pictures are in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    /// Its number in the segment.
    pub n: u32,
    /// The list as sealed.
    pub list: Base64,
    /// What opens the commitment: 32 bytes.
    pub blind: Base64,
    /// Where its pictures' bytes stand in the file.
    pub at: u64,
    /// How many they are.
    pub size: u64,
}

/// A text that is no manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// No JSON, or other fields than a manifest has.
    #[error("it is no manifest of this version")]
    Json(#[from] serde_json::Error),
    /// Of another kind or version.
    #[error("it is no manifest of this version")]
    Version,
    /// It says the same in another way than it would be written.
    #[error("it is not written as a manifest is")]
    Form,
    /// Longer than any is.
    #[error("it is longer than 32 MiB: export shorter times")]
    TooLong,
}

impl Manifest {
    /// A manifest of masked pictures.
    #[allow(clippy::too_many_arguments, reason = "one for each field")]
    pub fn masked(
        site: String,
        camera: CameraId,
        (from, to): (i64, i64),
        made: i64,
        (bytes, sha256): (u64, Digest),
        ledger: String,
        key: String,
        key_proof: String,
    ) -> Self {
        let (what, kind) = (WHAT.to_owned(), Kind::Masked);
        let (released, segments) = (Vec::new(), Vec::new());
        Self {
            what,
            v: VERSION,
            kind,
            site,
            camera,
            from,
            to,
            made,
            bytes,
            sha256,
            request: None,
            released,
            segments,
            ledger,
            key,
            key_proof,
        }
    }

    /// The same for originals: what they are proven by, and who allowed it.
    #[must_use]
    pub fn original(self, request: Digest, released: Vec<String>, segments: Vec<Segment>) -> Self {
        Self { kind: Kind::Original, request: Some(request), released, segments, ..self }
    }

    /// The text that is signed: one line of JSON.
    ///
    /// # Errors
    /// [`ManifestError::TooLong`].
    pub fn to_text(&self) -> Result<String, ManifestError> {
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        // Some room for the signature.
        if text.len() + 1024 > MAX_MANIFEST { Err(ManifestError::TooLong) } else { Ok(text) }
    }

    /// Reads what [`to_text`](Self::to_text) wrote, and nothing else. Nothing in it is proven.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLong);
        }
        let line = text.strip_suffix('\n').ok_or(ManifestError::Form)?;
        let manifest: Self = serde_json::from_str(line)?;
        let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        let site = manifest.site.len() == 32 && manifest.site.bytes().all(hex);
        if manifest.what != WHAT || manifest.v != VERSION || !site {
            return Err(ManifestError::Version);
        }
        if manifest.to_text()? == text { Ok(manifest) } else { Err(ManifestError::Form) }
    }

    /// What the leaf `exported` names it by: SHA-256 of the text that is signed.
    pub fn digest_of(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }
}
