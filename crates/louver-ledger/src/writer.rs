//! The thread that makes leaves durable: one frame and one fsync for all that arrive within some milliseconds.

use std::io;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use louver_base::WallTime;

use crate::disk::{Disk, Log, Put};
use crate::error::LedgerError;
use crate::journal::{self, Base, HEAD};
use crate::keys::{JOURNAL, JOURNAL_NEXT};
use crate::leaf::Leaf;
use crate::shared::{Queued, Shared, State, wait, wait_for};

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) log: Box<dyn Log>,
    /// Where the next frame is written.
    pub(crate) end: u64,
    /// How long the first leaf of a frame waits for others.
    pub(crate) gather: Duration,
}

/// Writes a journal of these leaves in place of the one that is there, and opens it. What the system's cache held of the old
/// one is then on the disk, or this fails.
///
/// # Errors
/// The step that failed, and whether the old journal is still in its place for sure.
pub(crate) fn rewrite<L: AsRef<[u8]>>(
    disk: &dyn Disk,
    base: Base,
    leaves: &[L],
) -> Result<(Box<dyn Log>, u64), (bool, io::Error)> {
    let bytes = [base.to_bytes(), journal::frames(base.size, leaves)].concat();
    debug_assert!(bytes.len() >= HEAD);
    // Two steps: while the first fails, on a full disk say, the old journal goes on.
    disk.put(JOURNAL_NEXT, &bytes, Put::Secret).map_err(|e| (true, e))?;
    disk.rename(JOURNAL_NEXT, JOURNAL).map_err(|e| (false, e))?;
    let log = disk.open(JOURNAL).map_err(|e| (false, e))?;
    Ok((log, bytes.len() as u64))
}

enum Work {
    Write(Vec<Queued>),
    Trim(Base, Vec<Arc<[u8]>>),
    End,
}

impl Writer {
    pub(crate) fn run(mut self) {
        loop {
            match self.next() {
                Work::Write(batch) => self.write(batch),
                Work::Trim(base, leaves) => self.trim(base, &leaves),
                Work::End => break,
            }
        }
        self.shared.lock().writer_ended = true;
        self.shared.news.notify_all();
        self.shared.done.notify_all();
    }

    fn next(&self) -> Work {
        let mut state = self.shared.lock();
        loop {
            if let Some(base) = state.trim.take() {
                let from = (base.size - state.base.size) as usize;
                return Work::Trim(base, state.recent.iter().skip(from).cloned().collect());
            }
            if !state.queue.is_empty() {
                break;
            }
            if state.stopping {
                return Work::End;
            }
            state = wait(&self.shared.work, state);
        }
        state = self.gather(state);
        if state.omitted > 0 {
            let leaf = Leaf::Omitted { leaves: state.omitted }.to_bytes(WallTime::now());
            if let Ok(leaf) = leaf {
                state.omitted = 0;
                state.push(leaf.into(), None);
            }
        }
        let take = journal::fit(state.queue.iter().map(|q| q.leaf.len()));
        let batch: Vec<_> = state.queue.drain(..take).collect();
        state.queue_bytes -= batch.iter().map(|q| q.leaf.len()).sum::<usize>();
        state.hurry &= !state.queue.is_empty();
        Work::Write(batch)
    }

    fn gather<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let until = Instant::now() + self.gather;
        while !(state.hurry || state.stopping || state.queue.len() >= journal::FRAME_LEAVES) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait_for(&self.shared.work, state, left);
        }
        state
    }

    fn write(&mut self, batch: Vec<Queued>) {
        let first = self.shared.lock().durable;
        let frame = journal::frame(first, batch.iter().map(|q| &*q.leaf));
        // A failed write is cut off and may be tried again with room on the disk. After a failed fsync nobody knows what the disk
        // holds, and asking once more would say that all is well: nothing more is written.
        let written = match self.log.write_at(self.end, &frame) {
            Ok(()) => self.log.sync().map_err(|e| LedgerError::Failed(e.to_string())),
            Err(e) => match self.log.cut(self.end) {
                Ok(()) => Err(LedgerError::Write(e.to_string())),
                Err(cut) => Err(LedgerError::Failed(format!("{e}; {cut}"))),
            },
        };
        match written {
            Ok(()) => {
                self.end += frame.len() as u64;
                self.acknowledge(batch);
            }
            Err(e) => self.refuse(batch, &e),
        }
    }

    fn acknowledge(&self, batch: Vec<Queued>) {
        let mut state = self.shared.lock();
        for queued in batch {
            let number = state.durable;
            state.durable += 1;
            state.recent_bytes += queued.leaf.len();
            state.recent.push_back(queued.leaf);
            if let Some(slot) = queued.slot {
                let _ = slot.set(Ok(number));
            }
        }
        state.trouble = None;
        drop(state);
        self.shared.done.notify_all();
        self.shared.news.notify_all();
    }

    /// Nothing of the batch counts, nor what was queued behind it: each leaf may build on the one before.
    fn refuse(&self, batch: Vec<Queued>, e: &LedgerError) {
        tracing::error!(error = e as &dyn std::error::Error, "the ledger could not be written");
        let mut state = self.shared.lock();
        let waiting: Vec<_> = batch.into_iter().chain(std::mem::take(&mut state.queue)).collect();
        state.queue_bytes = 0;
        state.hurry = false;
        state.trouble = Some(e.to_string());
        if matches!(e, LedgerError::Failed(_)) {
            state.dead = Some(e.clone());
        }
        for queued in waiting {
            match queued.slot {
                Some(slot) => drop(slot.set(Err(e.clone()))),
                None => state.omit(1),
            }
        }
        drop(state);
        self.shared.done.notify_all();
    }

    fn trim(&mut self, base: Base, leaves: &[Arc<[u8]>]) {
        match rewrite(&*self.disk, base, leaves) {
            Ok((log, end)) => {
                (self.log, self.end) = (log, end);
                let mut state = self.shared.lock();
                let gone = (base.size - state.base.size) as usize;
                state.recent_bytes -= state.recent.drain(..gone).map(|leaf| leaf.len()).sum::<usize>();
                state.base = base;
                drop(state);
                self.shared.done.notify_all();
            }
            Err((true, e)) => {
                tracing::warn!(error = &e as &dyn std::error::Error, "the ledger's journal stays long")
            }
            Err((false, e)) => self.refuse(Vec::new(), &LedgerError::Failed(e.to_string())),
        }
    }
}
