//! The thread that makes tiles and checkpoints from leaves that are durable. It alone writes the files that are served.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, Put};
use crate::edge::Edge;
use crate::journal::Base;
use crate::keys::{CHECKPOINT, SiteKey, WITNESSED};
use crate::note::{Note, Signature};
use crate::shared::{JOURNAL_BYTES, Published, Shared, wait_for};
use crate::tile::TileId;
use crate::tree::Head;

/// Most leaves in one checkpoint more than in the one before, so that what is in memory is bounded.
const LEAVES_A_ROUND: usize = 32_768;
/// The journal is begun anew when so much of it stands in tiles.
const TRIM_LEAVES: u64 = 16_384;
const TRIM_BYTES: usize = 8 << 20;
/// Tiles that are fsynced after one checkpoint.
const SYNC_AT_ONCE: usize = 32;
/// How long nothing is tried after a failure: as long as between two checkpoints, within these.
const RETRY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));

pub(crate) struct Publisher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) key: SiteKey,
    /// Of the tree that is published.
    pub(crate) edge: Edge,
    /// Full tiles that are perhaps only in the system's cache.
    pub(crate) unsynced: Vec<TileId>,
    pub(crate) every: Duration,
}

enum Work {
    Leaves(Vec<Arc<[u8]>>),
    Cosigned(Published, Vec<Signature>),
    End,
}

impl Publisher {
    pub(crate) fn run(mut self) {
        let mut last = Instant::now().checked_sub(self.every);
        loop {
            match self.next(last) {
                Work::End => break,
                Work::Cosigned(of, signatures) => {
                    if let Err(e) = self.cosign(&of, signatures) {
                        tracing::warn!(
                            error = &e as &dyn std::error::Error,
                            "a witness's signature is not kept"
                        );
                    }
                }
                Work::Leaves(leaves) => match self.publish(&leaves) {
                    Ok(published) => {
                        last = Some(Instant::now());
                        self.tell(published);
                        self.trim();
                    }
                    Err(e) => self.fail(&e),
                },
            }
        }
        self.shared.lock().publisher_ended = true;
        self.shared.done.notify_all();
        self.shared.news.notify_all();
    }

    fn next(&self, last: Option<Instant>) -> Work {
        let mut state = self.shared.lock();
        loop {
            let published = state.published.head.size;
            let due = last.map_or(Duration::ZERO, |l| self.every.saturating_sub(l.elapsed()));
            let behind = state.durable > published;
            if let Some((of, signatures)) = state.cosigned.take() {
                return Work::Cosigned(of, signatures);
            }
            if state.writer_ended && (!behind || state.publish_trouble.is_some()) {
                return Work::End;
            }
            if behind && (state.wanted > published || due.is_zero() || state.writer_ended) {
                let skip = (published - state.base.size) as usize;
                return Work::Leaves(state.recent.iter().skip(skip).take(LEAVES_A_ROUND).cloned().collect());
            }
            let most = if behind { due } else { Duration::from_secs(60) };
            state = wait_for(&self.shared.news, state, most);
        }
    }

    /// Writes what is new of the tree, then a checkpoint over it. Until that is written the edge stays as it was, so that a
    /// failure is simply tried again.
    fn publish(&mut self, leaves: &[Arc<[u8]>]) -> io::Result<Published> {
        let known: HashSet<TileId> = self.edge.partials().into_iter().map(|(id, _)| id).collect();
        let (mut edge, mut full) = (self.edge.clone(), Vec::new());
        for leaf in leaves {
            edge.push(leaf, &mut |id, bytes: &[u8]| {
                full.push(id);
                self.disk.put(&id.to_string(), bytes, Put::Soon)
            })?;
        }
        // A tile of the same place and width has the same bytes: the tree only grows.
        for (id, bytes) in edge.partials().into_iter().filter(|(id, _)| !known.contains(id)) {
            self.disk.put(&id.to_string(), &bytes, Put::Soon)?;
        }
        let head = Head { size: edge.size(), root: edge.root() };
        let note = self.key.sign(&Checkpoint { origin: self.key.verifier().name().to_owned(), head });
        let text: Arc<str> = note.to_string().into();
        self.disk.put(CHECKPOINT, text.as_bytes(), Put::Durable)?;
        // Who still reads by the checkpoint before finds the beginning of the full tile.
        for id in &full {
            if let Err(e) = self.disk.remove_folder(&id.partial_folder()) {
                tracing::debug!(error = &e as &dyn std::error::Error, "narrow tiles stay");
            }
        }
        self.edge = edge;
        self.unsynced.append(&mut full);
        Ok(Published { head, text })
    }

    fn tell(&self, published: Published) {
        let mut state = self.shared.lock();
        state.published = published;
        state.publish_trouble = None;
        drop(state);
        self.shared.done.notify_all();
        self.shared.news.notify_all();
    }

    fn fail(&self, e: &io::Error) {
        tracing::error!(error = e as &dyn std::error::Error, "the ledger's checkpoint could not be written");
        let mut state = self.shared.lock();
        state.publish_failures += 1;
        state.publish_trouble = Some(e.to_string());
        self.shared.done.notify_all();
        let until = Instant::now() + self.every.clamp(RETRY.0, RETRY.1);
        while !state.writer_ended && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            state = wait_for(&self.shared.news, state, left);
        }
    }

    /// Lets the journal begin later, once the tiles of what leaves it are on the disk.
    fn trim(&mut self) {
        let size = self.edge.size() & !255;
        let state = self.shared.lock();
        let (base, bytes, asked) = (state.base.size, state.recent_bytes, state.trim.is_some());
        // While many leaves come at once, they come first, as long as the journal has room.
        let later = state.durable - self.edge.size() > TRIM_LEAVES && bytes < JOURNAL_BYTES / 2;
        drop(state);
        let due = !asked && size > base && (size - base >= TRIM_LEAVES || bytes >= TRIM_BYTES);
        if later {
            return;
        }
        // A few at a time as they come, so that appends do not wait behind hundreds of them at once.
        let few = if due { self.unsynced.len() } else { self.unsynced.len().min(SYNC_AT_ONCE) };
        let paths: Vec<String> = self.unsynced[..few].iter().map(ToString::to_string).collect();
        if paths.is_empty() && !due {
            return;
        }
        if let Err(e) = self.disk.sync(&paths) {
            tracing::warn!(error = &e as &dyn std::error::Error, "the ledger's journal stays long");
            return;
        }
        self.unsynced.drain(..few);
        if !due {
            return;
        }
        self.shared.lock().trim = Some(Base { size, root: self.edge.root_of_full() });
        self.shared.work.notify_all();
    }

    /// Adds cosignatures: to the latest checkpoint if it is still that one, and in any case to the latest witnessed one.
    fn cosign(&self, of: &Published, signatures: Vec<Signature>) -> io::Result<()> {
        let now = self.shared.lock().published.clone();
        let same = now.head == of.head;
        let text = if same { &now.text } else { &of.text };
        let mut note = Note::parse(text.as_bytes()).map_err(io::Error::other)?;
        signatures.into_iter().for_each(|s| note.add(s));
        let text: Arc<str> = note.to_string().into();
        self.disk.put(WITNESSED, text.as_bytes(), Put::Durable)?;
        if same {
            self.disk.put(CHECKPOINT, text.as_bytes(), Put::Durable)?;
            self.shared.lock().published.text = text;
        }
        Ok(())
    }
}
