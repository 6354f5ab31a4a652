//! What the ledger's callers and threads share, and the rules of waiting for it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::LedgerError;
use crate::hash::Hash;
use crate::journal::Base;
use crate::note::Signature;
use crate::tree::Head;

/// Most leaves and bytes that wait for the disk; who appends then waits, who offers is told.
pub(crate) const QUEUE_LEAVES: usize = 8192;
pub(crate) const QUEUE_BYTES: usize = 16 << 20;
/// Most bytes in the journal. It is reached only when tiles cannot be written.
pub(crate) const JOURNAL_BYTES: usize = 64 << 20;

/// Where the outcome of one append is put: the number of its last leaf.
pub(crate) type Slot = Arc<OnceLock<Result<u64, LedgerError>>>;

pub(crate) struct Queued {
    pub(crate) leaf: Arc<[u8]>,
    /// Set for the last leaf of an append that somebody waits for.
    pub(crate) slot: Option<Slot>,
}

/// A checkpoint as it is served.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) head: Head,
    pub(crate) text: Arc<str>,
}

pub(crate) struct State {
    pub(crate) queue: VecDeque<Queued>,
    pub(crate) queue_bytes: usize,
    /// Somebody waits for a checkpoint: what is in the queue is written at once.
    pub(crate) hurry: bool,
    /// Leaves that are fsynced in the journal.
    pub(crate) durable: u64,
    /// Where the journal begins, and its leaves.
    pub(crate) base: Base,
    pub(crate) recent: VecDeque<Arc<[u8]>>,
    pub(crate) recent_bytes: usize,
    /// Why nothing more can be written until a restart.
    pub(crate) dead: Option<LedgerError>,
    /// Why the last write failed; none when the last one went well.
    pub(crate) trouble: Option<String>,
    /// Leaves that nobody waited for and that are lost, not yet written down as such.
    pub(crate) omitted: u64,
    pub(crate) omitted_ever: u64,
    /// The latest checkpoint.
    pub(crate) published: Published,
    /// A checkpoint over so many leaves is wanted at once.
    pub(crate) wanted: u64,
    pub(crate) publish_failures: u64,
    pub(crate) publish_trouble: Option<String>,
    /// The journal can begin here.
    pub(crate) trim: Option<Base>,
    /// Cosignatures that wait to be written.
    pub(crate) cosigned: Option<(Published, Vec<Signature>)>,
    pub(crate) witnesses: Vec<WitnessStatus>,
    pub(crate) stopping: bool,
    pub(crate) writer_ended: bool,
    pub(crate) publisher_ended: bool,
}

/// How it stands with a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessStatus {
    /// Its name.
    pub name: String,
    /// Leaves of the latest checkpoint that it has signed since the start.
    pub signed: u64,
    /// What is wrong, as a sentence.
    pub trouble: Option<String>,
}

impl State {
    pub(crate) fn new(base: Base, recent: VecDeque<Arc<[u8]>>, published: Option<Published>) -> Self {
        let empty = || Published { head: Head { size: 0, root: Hash::EMPTY }, text: Arc::from("") };
        Self {
            queue: VecDeque::new(),
            queue_bytes: 0,
            hurry: false,
            durable: base.size + recent.len() as u64,
            base,
            recent_bytes: recent.iter().map(|leaf| leaf.len()).sum(),
            recent,
            dead: None,
            trouble: None,
            omitted: 0,
            omitted_ever: 0,
            published: published.unwrap_or_else(empty),
            wanted: 0,
            publish_failures: 0,
            publish_trouble: None,
            trim: None,
            cosigned: None,
            witnesses: Vec::new(),
            stopping: false,
            writer_ended: false,
            publisher_ended: false,
        }
    }

    /// Whether a leaf can never be taken as things are.
    pub(crate) fn refusal(&self) -> Option<LedgerError> {
        if let Some(dead) = &self.dead {
            return Some(dead.clone());
        }
        if self.stopping {
            return Some(LedgerError::Closed);
        }
        // Tiles that cannot be written at all leave a full journal full.
        let stuck = self.journal_is_full() && self.publish_trouble.is_some();
        stuck.then(|| LedgerError::Busy(self.durable - self.published.head.size))
    }

    fn journal_is_full(&self) -> bool {
        self.recent_bytes + self.queue_bytes >= JOURNAL_BYTES
    }

    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() < QUEUE_LEAVES && self.queue_bytes < QUEUE_BYTES && !self.journal_is_full()
    }

    pub(crate) fn push(&mut self, leaf: Arc<[u8]>, slot: Option<Slot>) {
        self.queue_bytes += leaf.len();
        self.queue.push_back(Queued { leaf, slot });
    }

    pub(crate) fn omit(&mut self, leaves: u64) {
        self.omitted += leaves;
        self.omitted_ever += leaves;
    }
}

/// The state behind its lock. Nothing is read or written on a disk or a network while it is held.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// For the writer: something is queued, can be trimmed, or all ends.
    pub(crate) work: Condvar,
    /// For who waits: something was written, published, failed, or there is room.
    pub(crate) done: Condvar,
    /// For publisher and witnesses: something was written, is wanted, or all ends.
    pub(crate) news: Condvar,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), work: Condvar::new(), done: Condvar::new(), news: Condvar::new() }
    }

    /// The state is changed in whole steps, none of which can panic half-way: a poisoned lock is as good.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for news.
pub(crate) fn wait<'a>(on: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    on.wait(state).unwrap_or_else(PoisonError::into_inner)
}

/// Waits for news, at most so long.
pub(crate) fn wait_for<'a>(
    on: &Condvar,
    state: MutexGuard<'a, State>,
    most: std::time::Duration,
) -> MutexGuard<'a, State> {
    on.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
}
