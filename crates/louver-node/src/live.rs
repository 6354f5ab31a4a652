//! Masked live pictures on their way to viewers.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use louver_scene::{LiveFragment, Masked};
use tokio::sync::broadcast;

/// Fragments a slow viewer may fall behind before it loses some; at 10 fragments a second about six seconds.
const BACKLOG: usize = 64;

/// What a viewer needs before the first fragment.
#[derive(Clone, Debug)]
pub struct LiveStart {
    /// MIME type with codecs, for Media Source Extensions: `video/mp4; codecs="avc1.…"`.
    pub mime: String,
    /// `ftyp` and `moov`.
    pub init: Masked<Bytes>,
}

/// What goes over a live feed.
#[derive(Clone, Debug)]
pub enum LiveFeed {
    /// The stream (re)starts with other parameters: a player must be set up anew.
    Start(Arc<LiveStart>),
    /// One fragment.
    Fragment(Arc<LiveFragment>),
}

/// One camera's live feed: any number of viewers, none of which can slow the camera or each other.
#[derive(Clone, Debug)]
pub struct LiveHub {
    shared: Arc<Mutex<Shared>>,
    sender: broadcast::Sender<LiveFeed>,
}

#[derive(Debug, Default)]
struct Shared {
    start: Option<Arc<LiveStart>>,
    /// The fragments since the last key frame, so that a new viewer sees a picture at once.
    since_key: Vec<Arc<LiveFragment>>,
}

/// A viewer's end of a feed.
#[derive(Debug)]
pub struct Subscription {
    /// What to send at once: nothing before the camera's first masked picture.
    pub backlog: Vec<LiveFeed>,
    /// What follows. After `Lagged`, skip to the next fragment with `key`.
    pub feed: broadcast::Receiver<LiveFeed>,
}

impl Default for LiveHub {
    fn default() -> Self {
        Self { shared: Arc::default(), sender: broadcast::channel(BACKLOG).0 }
    }
}

impl LiveHub {
    /// Starts or restarts the feed.
    pub fn start(&self, start: LiveStart) {
        let start = Arc::new(start);
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = Shared { start: Some(Arc::clone(&start)), since_key: Vec::new() };
        // No viewer is no error.
        let _ = self.sender.send(LiveFeed::Start(start));
    }

    /// Sends one fragment.
    pub fn send(&self, fragment: LiveFragment) {
        let fragment = Arc::new(fragment);
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if fragment.key {
            shared.since_key.clear();
        }
        if shared.since_key.len() >= BACKLOG {
            // A stream with few key frames must not fill the memory, and a part of what follows a key frame would leave
            // a hole that no player can decode across: a new viewer waits for the next key frame.
            shared.since_key.clear();
        } else if fragment.key || !shared.since_key.is_empty() {
            shared.since_key.push(Arc::clone(&fragment));
        }
        let _ = self.sender.send(LiveFeed::Fragment(fragment));
    }

    /// Ends the feed until it is started again: a viewer that comes in between gets nothing old.
    pub fn clear(&self) {
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Shared::default();
    }

    /// A new viewer.
    pub fn subscribe(&self) -> Subscription {
        // Under the lock, so that no fragment falls between backlog and feed or stands in both.
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let start = shared.start.iter().map(|s| LiveFeed::Start(Arc::clone(s)));
        let fragments = shared.since_key.iter().map(|f| LiveFeed::Fragment(Arc::clone(f)));
        Subscription { backlog: start.chain(fragments).collect(), feed: self.sender.subscribe() }
    }

    /// Whether masked pictures have begun.
    pub fn started(&self) -> bool {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).start.is_some()
    }

    /// Viewers now.
    pub fn viewers(&self) -> usize {
        self.sender.receiver_count()
    }
}
