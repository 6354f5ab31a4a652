//! Who may have video drawn right now: it takes a processor, so only so much at once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use louver_store::TokenHash;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::gate::Caller;

/// Videos drawn at once, for all sessions together.
const AT_ONCE: usize = 2;

/// Videos being drawn.
#[derive(Debug)]
pub(crate) struct Renditions {
    places: Arc<Semaphore>,
    sessions: Arc<Mutex<HashSet<TokenHash>>>,
}

/// A place, and the session's turn; both are given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
    session: TokenHash,
    sessions: Arc<Mutex<HashSet<TokenHash>>>,
}

impl Default for Renditions {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), sessions: Arc::default() }
    }
}

impl Renditions {
    /// A turn for a session that has none; `None` when it has one, or all places are taken.
    pub(crate) fn begin(&self, caller: &Caller) -> Option<Turn> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(caller.session).then(|| Turn {
            _place: place,
            session: caller.session,
            sessions: Arc::clone(&self.sessions),
        })
    }

    /// A place for something short, when there is one.
    pub(crate) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.places).acquire_owned().await.ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_one_video_drawn_at_a_time_and_all_together_two() {
        let renditions = Renditions::default();
        let caller = |n| Caller { session: TokenHash([n; 32]), has_password: true };
        let first = renditions.begin(&caller(1)).unwrap();
        assert!(renditions.begin(&caller(1)).is_none());
        let second = renditions.begin(&caller(2)).unwrap();
        assert!(renditions.begin(&caller(3)).is_none());
        drop(first);
        let third = renditions.begin(&caller(1));
        assert!(third.is_some());
        drop((second, third));
        assert!(renditions.begin(&caller(3)).is_some());
    }
}
