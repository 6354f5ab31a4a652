//! The ledger as its callers see it.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use louver_base::WallTime;

use crate::disk::{Disk, Folder};
use crate::error::LedgerError;
use crate::keys::Salt;
use crate::leaf::Leaf;
use crate::note::VerifierKey;
use crate::proof;
use crate::publish::Publisher;
use crate::shared::{Shared, Slot, State, WitnessStatus, wait};
use crate::source::{MAX_FILE, TileError, TileNodes, tile};
use crate::start::{self, Opened};
use crate::tile::{Kind, TileId, entries};
use crate::witness::{Post, Witness, Witnesses};
use crate::writer::Writer;

/// Leaves that are queued at once by one call: fewer than the queue holds.
const PUSH_LEAVES: usize = 1024;

/// How a ledger is run.
pub struct Options {
    /// At most so long after a leaf was written a checkpoint covers it, and so long lies between two that nobody asked for. 1 s.
    pub publish_every: Duration,
    /// How long a leaf waits for others that share its fsync. 5 ms.
    pub gather: Duration,
    /// Who is asked to sign checkpoints, and how they are reached.
    pub witnesses: Vec<Witness>,
    /// Sends to witnesses; without it none is asked.
    pub post: Option<Box<dyn Post>>,
    /// Least time between two rounds of asking. 10 s.
    pub witness_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            publish_every: Duration::from_secs(1),
            gather: Duration::from_millis(5),
            witnesses: Vec::new(),
            post: None,
            witness_every: Duration::from_secs(10),
        }
    }
}

/// How it stands with the ledger, for health and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Leaves that are durable.
    pub size: u64,
    /// Leaves under the latest checkpoint.
    pub published: u64,
    /// Leaves that wait for the disk.
    pub waiting: u64,
    /// What is wrong, as a sentence; openings stop then.
    pub trouble: Option<String>,
    /// Leaves since the start that could not be written and that nothing waited for.
    pub omitted: u64,
    /// One for each witness.
    pub witnesses: Vec<WitnessStatus>,
}

/// An append-only log in a folder. Cheap to clone; all clones are one ledger.
///
/// One process writes to it: the lock on the data directory sees to that. Calls that say so wait for the disk; in async code they belong
/// on a thread where waiting is fine.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ledger({})", self.0.verifier.name())
    }
}

struct Inner {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    salt: Salt,
    verifier: VerifierKey,
    opened: Opened,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Ledger {
    /// Opens the ledger in `dir`, or begins one. `site`: the site's 16 bytes.
    ///
    /// # Errors
    /// [`LedgerError`]: a sentence that says what does not fit. Nothing is written then but, where none was, key and salt.
    pub fn open(dir: &Path, site: &[u8; 16], options: Options) -> Result<Self, LedgerError> {
        Self::open_on(Arc::new(Folder::new(dir)), site, options)
    }

    /// As [`Ledger::open`], on a disk that the caller gives.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_on(disk: Arc<dyn Disk>, site: &[u8; 16], options: Options) -> Result<Self, LedgerError> {
        let parts = start::open(&*disk, site)?;
        let verifier = parts.key.verifier().clone();
        let mut state = State::new(parts.base, parts.recent, parts.published);
        state.witnesses = options.witnesses.iter().map(Witness::status).collect();
        let shared = Arc::new(Shared::new(state));
        let writer = Writer {
            shared: Arc::clone(&shared),
            disk: Arc::clone(&disk),
            log: parts.log,
            end: parts.end,
            gather: options.gather,
        };
        let publisher = Publisher {
            shared: Arc::clone(&shared),
            disk: Arc::clone(&disk),
            key: parts.key,
            edge: parts.edge,
            unsynced: parts.unsynced,
            every: options.publish_every,
        };
        let mut threads = vec![
            named("ledger-write", move || writer.run())?,
            named("ledger-sign", move || publisher.run())?,
        ];
        if let Some(post) = options.post.filter(|_| !options.witnesses.is_empty()) {
            let (shared, disk) = (Arc::clone(&shared), Arc::clone(&disk));
            let round =
                Witnesses { shared, disk, post, witnesses: options.witnesses, every: options.witness_every };
            threads.push(named("ledger-witness", move || round.run())?);
        }
        let (salt, opened, threads) = (parts.salt, parts.opened, Mutex::new(threads));
        Ok(Self(Arc::new(Inner { shared, disk, salt, verifier, opened, threads })))
    }

    /// What the start found.
    pub fn opened(&self) -> Opened {
        self.0.opened
    }

    /// Makes opaque ids for leaves.
    pub fn salt(&self) -> &Salt {
        &self.0.salt
    }

    /// The key that others check this ledger with.
    pub fn verifier(&self) -> &VerifierKey {
        &self.0.verifier
    }

    /// Writes a leaf, with the time of now, and gives its number. Waits until it is durable.
    ///
    /// # Errors
    /// [`LedgerError`]: it is not written, or nobody knows; what it was to state must not happen.
    pub fn append(&self, leaf: &Leaf) -> Result<u64, LedgerError> {
        self.append_all(std::slice::from_ref(leaf)).map(|numbers| numbers.start)
    }

    /// Writes leaves one behind the other, and gives their numbers. Waits until all are durable. Leaves of others may stand
    /// between them where they are more than 1024; the numbers then are those from the first to the last.
    ///
    /// # Errors
    /// As [`Ledger::append`]; some of the leaves may be written.
    pub fn append_all(&self, leaves: &[Leaf]) -> Result<Range<u64>, LedgerError> {
        self.write(leaves, false)
    }

    /// As [`Ledger::append`], and returns only when a checkpoint over the leaf is published: everybody can see it then.
    ///
    /// # Errors
    /// As [`Ledger::append`]; [`LedgerError::Publish`] where the leaf is written and the checkpoint is not.
    pub fn append_now(&self, leaf: &Leaf) -> Result<u64, LedgerError> {
        let number = self.write(std::slice::from_ref(leaf), true)?.start;
        self.publish(number + 1)?;
        Ok(number)
    }

    /// Queues a leaf that nothing waits for, and returns at once. What cannot be written of such leaves is counted and, when the disk works
    /// again, stands in the ledger as a number.
    ///
    /// # Errors
    /// [`LedgerError`]: it is lost, and counted.
    pub fn offer(&self, leaf: &Leaf) -> Result<(), LedgerError> {
        let bytes = leaf.to_bytes(WallTime::now())?;
        let mut state = self.0.shared.lock();
        let full = (!state.has_room()).then(|| LedgerError::Busy(state.queue.len() as u64));
        if let Some(e) = state.refusal().or(full) {
            state.omit(1);
            return Err(e);
        }
        state.push(bytes.into(), None);
        drop(state);
        self.0.shared.work.notify_all();
        Ok(())
    }

    fn write(&self, leaves: &[Leaf], hurry: bool) -> Result<Range<u64>, LedgerError> {
        let mut numbers = None;
        for part in leaves.chunks(PUSH_LEAVES) {
            let now = WallTime::now();
            let bytes = part
                .iter()
                .map(|leaf| Ok(leaf.to_bytes(now)?.into()))
                .collect::<Result<Vec<Arc<[u8]>>, LedgerError>>()?;
            let last = self.wait_for(&self.push(bytes, hurry)?)?;
            let first = last + 1 - part.len() as u64;
            numbers = Some(numbers.map_or(first, |r: Range<u64>| r.start)..last + 1);
        }
        Ok(numbers.unwrap_or(0..0))
    }

    fn push(&self, leaves: Vec<Arc<[u8]>>, hurry: bool) -> Result<Slot, LedgerError> {
        let slot = Slot::new(OnceLock::new());
        let mut state = self.0.shared.lock();
        loop {
            if let Some(e) = state.refusal() {
                return Err(e);
            }
            if state.has_room() {
                break;
            }
            state = wait(&self.0.shared.done, state);
        }
        let last = leaves.len() - 1;
        for (n, leaf) in leaves.into_iter().enumerate() {
            state.push(leaf, (n == last).then(|| Arc::clone(&slot)));
        }
        state.hurry |= hurry;
        drop(state);
        self.0.shared.work.notify_all();
        Ok(slot)
    }

    fn wait_for(&self, slot: &Slot) -> Result<u64, LedgerError> {
        let mut state = self.0.shared.lock();
        loop {
            if let Some(outcome) = slot.get() {
                return outcome.clone();
            }
            if state.writer_ended {
                return Err(LedgerError::Closed);
            }
            state = wait(&self.0.shared.done, state);
        }
    }

    /// Waits until a checkpoint over the first `size` leaves is published, and has it made at once.
    ///
    /// # Errors
    /// [`LedgerError::Publish`] where the next attempt fails.
    pub fn publish(&self, size: u64) -> Result<(), LedgerError> {
        let mut state = self.0.shared.lock();
        let (size, failures) = (size.min(state.durable), state.publish_failures);
        state.wanted = state.wanted.max(size);
        self.0.shared.news.notify_all();
        loop {
            if state.published.head.size >= size {
                return Ok(());
            }
            if state.publish_failures > failures || state.publisher_ended {
                let why = state.publish_trouble.clone();
                return Err(why.map_or(LedgerError::Closed, LedgerError::Publish));
            }
            state = wait(&self.0.shared.done, state);
        }
    }

    /// The latest checkpoint as it is served; empty where there is none yet.
    pub fn checkpoint(&self) -> String {
        self.0.shared.lock().published.text.to_string()
    }

    /// A leaf that is under a checkpoint.
    ///
    /// # Errors
    /// [`LedgerError::NotPublished`], [`LedgerError::Tile`], [`LedgerError::Read`].
    pub fn leaf(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        let size = self.0.shared.lock().published.head.size;
        let id = TileId::at(Kind::Entries, index, size).ok_or(LedgerError::NotPublished { index, size })?;
        let bytes = tile(&*self.0.disk, id).map_err(|e| self.tile_error(e))?;
        let leaf = entries(&bytes, id.width)
            .and_then(|leaves| leaves.get((index % 256) as usize).map(|l| l.to_vec()));
        leaf.ok_or_else(|| LedgerError::Tile(self.0.disk.place(&id.to_string())))
    }

    /// Gives the leaves that are under a checkpoint to `each`, the last first, until it breaks; with their numbers.
    ///
    /// # Errors
    /// [`LedgerError::Tile`], [`LedgerError::Read`].
    pub fn leaves_back(
        &self,
        mut each: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        let mut end = self.0.shared.lock().published.head.size;
        let size = end;
        while let Some(id) = end.checked_sub(1).and_then(|last| TileId::at(Kind::Entries, last, size)) {
            let bytes = tile(&*self.0.disk, id).map_err(|e| self.tile_error(e))?;
            let leaves = entries(&bytes, id.width)
                .ok_or_else(|| LedgerError::Tile(self.0.disk.place(&id.to_string())))?;
            for leaf in leaves.iter().rev() {
                end -= 1;
                if each(end, leaf).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The disk that the ledger lies on.
    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.0.disk
    }

    /// The proof, as a [tlog-proof](https://c2sp.org/tlog-proof), that leaf `index` is in the log of the latest checkpoint, which is in it.
    /// `extra` is carried along for whoever needs more to read the proof by, the leaf itself for example.
    ///
    /// # Errors
    /// As [`Ledger::leaf`]; after [`Ledger::append_now`] the leaf is there.
    pub fn proof(&self, index: u64, extra: Option<&[u8]>) -> Result<String, LedgerError> {
        let published = self.0.shared.lock().published.clone();
        let size = published.head.size;
        if index >= size {
            return Err(LedgerError::NotPublished { index, size });
        }
        let mut nodes = TileNodes::new(&*self.0.disk, size);
        let hashes = crate::tree::inclusion(&mut nodes, index, size).map_err(|e| self.tile_error(e))?;
        Ok(proof::to_text(index, &hashes, extra, &published.text))
    }

    fn tile_error(&self, e: TileError) -> LedgerError {
        match e {
            TileError::Source(e) => e.into(),
            TileError::Missing(id) | TileError::Malformed(id) => {
                LedgerError::Tile(self.0.disk.place(&id.to_string()))
            }
            TileError::Beyond => LedgerError::Tile(self.0.disk.place("tile")),
        }
    }

    /// A file that is served, by its path below `/ledger/`; `None` for every other path.
    ///
    /// # Errors
    /// [`LedgerError::Read`].
    pub fn served(&self, path: &str) -> Result<Option<(crate::tile::Served, Vec<u8>)>, LedgerError> {
        let Ok(file) = path.parse::<crate::tile::Served>() else { return Ok(None) };
        Ok(self.0.disk.get(path, MAX_FILE)?.map(|bytes| (file, bytes)))
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        let state = self.0.shared.lock();
        let trouble = state.dead.as_ref().map(ToString::to_string).or_else(|| state.trouble.clone());
        let publish = state.publish_trouble.clone().map(|e| LedgerError::Publish(e).to_string());
        Status {
            size: state.durable,
            published: state.published.head.size,
            waiting: state.queue.len() as u64,
            trouble: trouble.or(publish),
            omitted: state.omitted_ever,
            witnesses: state.witnesses.clone(),
        }
    }

    /// Writes what is queued, publishes it, and ends the threads. Leaves that come later are refused. Waits for the disk, and for a
    /// witness that is being asked.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Inner {
    fn close(&self) {
        self.shared.lock().stopping = true;
        self.shared.work.notify_all();
        self.shared.news.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the ledger panicked");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn named(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LedgerError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(LedgerError::open(format!("starting the thread {name}")))
}
