//! Random tokens: session cookies and one-time links. Only their hashes are kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use louver_store::TokenHash;
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};

/// 256 random bits as 43 characters that fit a cookie and a link.
pub(crate) struct Token(SecretString);

impl Token {
    const BYTES: usize = 32;

    /// A new one, from the system's random numbers.
    pub(crate) fn random() -> Result<Self, rand::rand_core::OsError> {
        let mut bytes = [0; Self::BYTES];
        OsRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// One that came with a request; `None` if it cannot be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // 32 bytes are 43 characters; nothing longer is looked at.
        let bytes = (text.len() == 43).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        (bytes.len() == Self::BYTES).then(|| Self(text.into()))
    }

    /// What is kept. A plain hash suffices: nobody guesses 256 random bits.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(*blake3::hash(self.0.expose_secret().as_bytes()).as_bytes())
    }

    /// The token itself, for the cookie or the link.
    pub(crate) fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_again_and_no_two_are_alike() {
        let (a, b) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(Token::parse(a.reveal()).map(|t| t.hash()), Some(a.hash()));
        assert_ne!(a.hash(), b.hash());
    }

    #[test]
    fn what_cannot_be_a_token_is_refused() {
        for text in ["", "a", &"a".repeat(44), &"ä".repeat(21), "…", &"=".repeat(43)] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }
}
