//! Users, sign-in links and sessions. Hashing of passwords is the server's.

use louver_base::{WallSpan, WallTime};
use sqlx::Row as _;

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

/// A session's use is noted no more often.
const SEEN_EVERY: WallSpan = WallSpan::from_millis(60_000);

impl Store {
    /// Sets or replaces a user's password hash (a PHC string). All sessions of the user end.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn set_password_hash(&self, user: &str, hash: &str) -> Result<(), StoreError> {
        let doing = || StoreError::db("setting a password");
        let mut tx = self.0.pool.begin().await.map_err(doing())?;
        sqlx::query("INSERT OR REPLACE INTO users (name, password_hash) VALUES (?, ?)")
            .bind(user)
            .bind(hash)
            .execute(&mut *tx)
            .await
            .map_err(doing())?;
        sqlx::query("DELETE FROM sessions WHERE user = ?")
            .bind(user)
            .execute(&mut *tx)
            .await
            .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// A user's password hash, `None` if there is no such user.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn password_hash(&self, user: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT password_hash FROM users WHERE name = ?")
            .bind(user)
            .fetch_optional(&self.0.pool)
            .await
            .map_err(StoreError::db("looking for a user"))
    }

    /// Whether anyone has set a password yet: if not, the server prints a sign-in link.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users)")
            .fetch_one(&self.0.pool)
            .await
            .map_err(StoreError::db("looking for users"))
    }

    /// Keeps a one-time sign-in link.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_sign_in_link(&self, token: TokenHash, expires: WallTime) -> Result<(), StoreError> {
        sqlx::query("INSERT OR REPLACE INTO sign_in_links (token_hash, expires_us) VALUES (?, ?)")
            .bind(&token.0[..])
            .bind(expires.micros())
            .execute(&self.0.pool)
            .await
            .map(drop)
            .map_err(StoreError::db("keeping a sign-in link"))
    }

    /// Uses up a sign-in link: `true` once, before it expires; `false` ever after. Two at once: one gets `true`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn use_sign_in_link(&self, token: TokenHash, now: WallTime) -> Result<bool, StoreError> {
        // One statement, so that two uses cannot both find it. Old ones go along.
        let used: Vec<(Vec<u8>, i64)> = sqlx::query_as(
            "DELETE FROM sign_in_links WHERE token_hash = ?1 OR expires_us <= ?2 RETURNING token_hash, expires_us",
        )
        .bind(&token.0[..])
        .bind(now.micros())
        .fetch_all(&self.0.pool)
        .await
        .map_err(StoreError::db("using a sign-in link"))?;
        Ok(used.iter().any(|(hash, expires)| *hash == token.0 && *expires > now.micros()))
    }

    /// Begins a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_session(
        &self,
        token: TokenHash,
        user: &str,
        now: WallTime,
        expires: WallTime,
    ) -> Result<(), StoreError> {
        let doing = || StoreError::db("beginning a session");
        let mut tx = self.0.pool.begin().await.map_err(doing())?;
        sqlx::query("DELETE FROM sessions WHERE expires_us <= ?")
            .bind(now.micros())
            .execute(&mut *tx)
            .await
            .map_err(doing())?;
        sqlx::query(
            "INSERT OR REPLACE INTO sessions (token_hash, user, created_us, last_seen_us, expires_us)
             VALUES (?1, ?2, ?3, ?3, ?4)",
        )
        .bind(&token.0[..])
        .bind(user)
        .bind(now.micros())
        .bind(expires.micros())
        .execute(&mut *tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// The session of a token, unless it has expired; notes that it was used (at most one write a minute).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn session(&self, token: TokenHash, now: WallTime) -> Result<Option<Session>, StoreError> {
        let doing = || StoreError::db("looking for a session");
        let row = sqlx::query(
            "SELECT user, created_us, last_seen_us, expires_us FROM sessions WHERE token_hash = ? AND expires_us > ?",
        )
        .bind(&token.0[..])
        .bind(now.micros())
        .fetch_optional(&self.0.pool)
        .await
        .map_err(doing())?;
        let Some(row) = row else { return Ok(None) };
        let time = |column: &str| row.try_get(column).map(WallTime::from_micros).map_err(doing());
        let mut session = Session {
            user: row.try_get("user").map_err(doing())?,
            created: time("created_us")?,
            last_seen: time("last_seen_us")?,
            expires: time("expires_us")?,
        };
        if now - session.last_seen >= SEEN_EVERY {
            session.last_seen = now;
            let noted = sqlx::query("UPDATE sessions SET last_seen_us = ? WHERE token_hash = ?")
                .bind(now.micros())
                .bind(&token.0[..])
                .execute(&self.0.pool)
                .await;
            // On a full disk people must still get in to see what is wrong.
            if let Err(error) = noted {
                tracing::warn!(%error, "the use of a session is not noted");
            }
        }
        Ok(Some(session))
    }

    /// Ends a session. One that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn end_session(&self, token: TokenHash) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE token_hash = ?")
            .bind(&token.0[..])
            .execute(&self.0.pool)
            .await
            .map(drop)
            .map_err(StoreError::db("ending a session"))
    }
}
