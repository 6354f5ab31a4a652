//! The digest of a segment: what the ledger is told when it ends. docs/format-sealed.md, "Fragment".

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;

/// Hash of a segment's header and of all its fragments' heads, which carry commitments to the pictures: 64 hexadecimal
/// digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentDigest([u8; 32]);

/// A text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a segment's digest has 64 hexadecimal digits")]
pub struct SegmentDigestError;

impl SegmentDigest {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From a header's hash and the joined heads (68 bytes each, the end marker's last), as a manifest of an export has them.
    pub fn of(header_hash: &[u8; 32], heads: &[u8]) -> Self {
        let mut digest = DigestOfHeads::new(header_hash);
        digest.add(heads);
        digest.finish()
    }
}

impl FromStr for SegmentDigest {
    type Err = SegmentDigestError;
    fn from_str(text: &str) -> Result<Self, SegmentDigestError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| SegmentDigestError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for SegmentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SegmentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest in the making.
pub(crate) struct DigestOfHeads(digest::Context);

impl DigestOfHeads {
    pub(crate) fn new(header_hash: &[u8; 32]) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"louver segment");
        hash.update(header_hash);
        Self(hash)
    }

    pub(crate) fn add(&mut self, head: &[u8]) {
        self.0.update(head);
    }

    pub(crate) fn finish(self) -> SegmentDigest {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        SegmentDigest(out)
    }
}
