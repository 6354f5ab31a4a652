//! Passwords: argon2id, a few at a time, off the async threads.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Fewest characters of a new password.
pub(crate) const SHORTEST: usize = 10;
/// Most characters: hashing must not become work for the asking.
pub(crate) const LONGEST: usize = 1024;

/// Why hashing failed: never the password's fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("no random numbers for the salt")]
    Random(#[source] rand::rand_core::OsError),
    #[error("argon2 failed: {0}")]
    Argon2(String),
    #[error("hashing was cut short because the server stops")]
    Stopped,
}

/// Hashes and checks passwords, two at a time: each takes 19 MiB.
#[derive(Debug)]
pub(crate) struct Passwords(Semaphore);

impl Default for Passwords {
    fn default() -> Self {
        Self(Semaphore::new(2))
    }
}

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

impl Passwords {
    /// The hash to keep, as a PHC string.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        self.work(move || {
            let mut salt = [0; 16];
            OsRng.try_fill_bytes(&mut salt).map_err(PasswordError::Random)?;
            let bytes = password.expose_secret().as_bytes();
            let hash = argon2().hash_password_with_salt(bytes, &salt);
            hash.map(|h: PasswordHash| h.to_string()).map_err(|e| PasswordError::Argon2(e.to_string()))
        })
        .await
    }

    /// Whether the password is the one that `kept` was made of.
    pub(crate) async fn is_right(&self, password: SecretString, kept: String) -> Result<bool, PasswordError> {
        self.work(move || {
            let kept = PasswordHash::new(&kept).map_err(|e| PasswordError::Argon2(e.to_string()))?;
            Ok(argon2().verify_password(password.expose_secret().as_bytes(), &kept).is_ok())
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        what: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _turn = self.0.acquire().await.map_err(|_| PasswordError::Stopped)?;
        tokio::task::spawn_blocking(what).await.map_err(|_| PasswordError::Stopped)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_and_known_again() {
        let passwords = Passwords::default();
        let kept = passwords.hash("correct horse".into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(passwords.is_right("correct horse".into(), kept.clone()).await.unwrap());
        assert!(!passwords.is_right("correct hors".into(), kept.clone()).await.unwrap());
        assert_ne!(passwords.hash("correct horse".into()).await.unwrap(), kept, "a salt of its own");
    }
}
