//! Scene records on their way to viewers.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use louver_scene::Masked;
use tokio::sync::broadcast;

/// Records that a slow viewer may fall behind before it is set up anew; at 10 a second about six seconds.
const BACKLOG: usize = 64;
/// After so many records a new viewer gets a newer full record instead of all of them.
const RENEW: usize = 32;

/// One camera's live scene stream: any number of viewers, none of which can slow the camera or each other.
#[derive(Clone, Debug)]
pub struct SceneHub {
    shared: Arc<Mutex<Shared>>,
    sender: broadcast::Sender<Masked<Bytes>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Header and full record, then the records since; empty before the first picture.
    since_full: Vec<Masked<Bytes>>,
}

/// A viewer's end of a feed. Every message is one or more whole boxes of docs/format-scene.md.
#[derive(Debug)]
pub struct SceneSubscription {
    /// What to send at once: nothing before the camera's first picture.
    pub backlog: Vec<Masked<Bytes>>,
    /// What follows. After `Lagged`, subscribe anew: records that were missed cannot be made up for.
    pub feed: broadcast::Receiver<Masked<Bytes>>,
}

impl Default for SceneHub {
    fn default() -> Self {
        Self { shared: Arc::default(), sender: broadcast::channel(BACKLOG).0 }
    }
}

impl SceneHub {
    /// Starts or restarts the stream: its header, and the full record of its state.
    pub fn start(&self, header: &Masked<Bytes>, full: &Masked<Bytes>) {
        let start = Masked::joined([header, full]);
        let mut shared = self.lock();
        shared.since_full = vec![start.clone()];
        // No viewer is no error.
        let _ = self.sender.send(start);
    }

    /// Sends one record; `start` gives header and full record after it, for those who come later.
    pub fn send(&self, record: Masked<Bytes>, start: impl FnOnce() -> Masked<Bytes>) {
        let mut shared = self.lock();
        if shared.since_full.len() > RENEW {
            shared.since_full = vec![start()];
        } else {
            shared.since_full.push(record.clone());
        }
        let _ = self.sender.send(record);
    }

    /// A new viewer.
    pub fn subscribe(&self) -> SceneSubscription {
        // Under the lock, so that no record falls between backlog and feed or stands in both.
        let shared = self.lock();
        SceneSubscription { backlog: shared.since_full.clone(), feed: self.sender.subscribe() }
    }

    /// Whether pictures have begun.
    pub fn started(&self) -> bool {
        !self.lock().since_full.is_empty()
    }

    /// Viewers now.
    pub fn viewers(&self) -> usize {
        self.sender.receiver_count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
