//! Users, sign-in links and sessions. Hashing of passwords is the server's.

use louver_base::WallTime;

use crate::{Store, StoreError};

/// A hash (32 bytes, of a random token of at least 128 bits): tokens themselves are never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// User name.
    pub user: String,
    /// Signed in.
    pub created: WallTime,
    /// Last used, to about a minute.
    pub last_seen: WallTime,
    /// Ends then, used or not.
    pub expires: WallTime,
}

impl Store {
    /// Sets or replaces a user's password hash (a PHC string). All sessions of the user end.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn set_password_hash(&self, _user: &str, _hash: &str) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// A user's password hash, `None` if there is no such user.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn password_hash(&self, _user: &str) -> Result<Option<String>, StoreError> {
        unimplemented!()
    }

    /// Whether nobody has set a password yet: the server then prints a sign-in link.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// Keeps a one-time sign-in link.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_sign_in_link(&self, _token: TokenHash, _expires: WallTime) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Uses up a sign-in link: `true` once, before it expires; `false` ever after. Two at once: one gets `true`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn use_sign_in_link(&self, _token: TokenHash, _now: WallTime) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// Begins a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_session(
        &self,
        _token: TokenHash,
        _user: &str,
        _now: WallTime,
        _expires: WallTime,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The session of a token, unless it has expired; notes that it was used (at most one write a minute).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn session(&self, _token: TokenHash, _now: WallTime) -> Result<Option<Session>, StoreError> {
        unimplemented!()
    }

    /// Ends a session. One that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn end_session(&self, _token: TokenHash) -> Result<(), StoreError> {
        unimplemented!()
    }
}
