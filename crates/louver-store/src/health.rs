//! Whether a store goes on, for health checks, metrics and the watchdog: nothing here waits for the disk.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::Store;
use crate::store::Inner;

/// How the writing of journals and catalogue goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    at: Instant,
    failed: bool,
}

impl Turn {
    /// As a store begins.
    pub(crate) fn begin() -> Self {
        Self { at: Instant::now(), failed: false }
    }
}

/// How a store is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// How long ago journals and catalogue were last written, or trying to ended. It grows while a disk hangs, and while one that came
    /// back is looked through.
    pub flush_age: Duration,
    /// The last try failed; what it should have written stays in memory and is tried again.
    pub flush_fails: bool,
    /// Disks of recordings that are not there.
    pub disks_away: usize,
    /// Disks that writing failed on since they were last looked at.
    pub disks_failing: usize,
    /// Disks that take no recordings because they are full and nothing may be deleted.
    pub disks_full: usize,
}

impl Inner {
    /// Trying to write journals and catalogue ended.
    pub(crate) fn turned(&self, failed: bool) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Turn { at: Instant::now(), failed };
    }
}

impl Store {
    /// How it is doing.
    pub fn health(&self) -> Health {
        let inner = &self.0;
        let turn = *inner.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let count =
            |is: fn(&crate::places::Place) -> bool| inner.places.all().filter(|place| is(place)).count();
        Health {
            flush_age: turn.at.elapsed(),
            flush_fails: turn.failed,
            disks_away: count(|place| !place.is_there()),
            disks_failing: count(|place| place.is_there() && place.is_failing()),
            disks_full: count(|place| place.is_full()),
        }
    }

    /// Whether the catalogue answers.
    ///
    /// # Errors
    /// [`StoreError::Database`](crate::StoreError::Database) if not; also once the store is closed.
    pub async fn catalogue_answers(&self) -> Result<(), crate::StoreError> {
        let failed = crate::StoreError::db("asking the catalogue");
        sqlx::query("SELECT 1 FROM recordings LIMIT 1")
            .fetch_optional(&self.0.pool)
            .await
            .map(|_| ())
            .map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreOptions;

    #[tokio::test]
    async fn a_flush_that_cannot_take_its_turn_grows_old_and_is_young_again_afterwards() {
        let dir = tempfile::TempDir::new().unwrap();
        let every = Duration::from_millis(20);
        let options = StoreOptions { flush_every: every, ..StoreOptions::default() };
        let (store, _) = Store::open(dir.path(), options).await.unwrap();
        let until = |old: bool| {
            let store = store.clone();
            let limit = Duration::from_millis(400);
            let wait = async move {
                while (store.health().flush_age > limit) != old {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), wait)
        };
        until(false).await.expect("it flushes");
        let turn = store.0.maintenance.lock().await;
        until(true).await.expect("nobody flushes meanwhile");
        drop(turn);
        until(false).await.expect("it goes on");
        assert!(!store.health().flush_fails);
        store.catalogue_answers().await.unwrap();
        store.close().await.unwrap();
        assert!(store.catalogue_answers().await.is_err());
    }
}
