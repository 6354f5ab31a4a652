//! A site's name inside sealed segments.

use std::fmt;
use std::str::FromStr;

use crate::VaultError;

/// Names the site in every segment's key context: 16 random bytes, drawn once and kept; 32 hexadecimal digits as text.
///
/// It is no secret. Segments of two sites cannot be passed off as each other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiteId([u8; 16]);

/// A text that is no site id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a site id has 32 hexadecimal digits")]
pub struct SiteIdError;

impl SiteId {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, VaultError> {
        let mut bytes = [0; 16];
        crate::keys::fill_random(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for SiteId {
    type Err = SiteIdError;
    fn from_str(text: &str) -> Result<Self, SiteIdError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| SiteIdError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
