//! The processes that decode, and the cameras spread over them.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use louver_jail::{Ended, Files, Jailed, Program, StartError, Starter};

use super::protocol::{Answer, Ask, MEMORY, Request, Say};
use super::seat::Seat;

/// Processes at the most, whatever the machine has: beyond it there is nothing to gain but memory to lose.
const PROCESSES_MOST: usize = 32;
/// A process that could not be started is not tried again before.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Processes without rights that decode what cameras send, as many as the machine computes things at once. They are started
/// when a camera first needs them, and anew when they end.
#[derive(Clone, Debug)]
pub struct Decoders(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    starter: Starter,
    places: Vec<Arc<Place>>,
    next_decoder: AtomicU32,
}

/// Numbers processes, so that a decoder knows whether its own is still there.
static LIVES: AtomicU64 = AtomicU64::new(0);

impl Decoders {
    /// Nothing is started yet. `program` must come to [`decode_for_parent`](super::decode_for_parent); `processes` is how many
    /// there may be, by default one for each processor.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(program: Program, processes: Option<NonZeroUsize>) -> io::Result<Self> {
        let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let processes = processes.unwrap_or_else(processors).get().min(PROCESSES_MOST);
        let places = (0..processes).map(|_| Arc::default()).collect();
        Ok(Self(Arc::new(Shared {
            starter: Starter::new(program)?,
            places,
            next_decoder: AtomicU32::new(0),
        })))
    }

    /// A place for a camera, in the process that has the fewest.
    pub fn seat(&self, camera: &str) -> Seat {
        let fewest = self.0.places.iter().min_by_key(|p| p.seats.load(Ordering::Relaxed));
        Seat::new(self.clone(), camera, fewest.cloned().unwrap_or_default())
    }

    /// Process numbers of those that run and are shared, for whoever measures them.
    pub fn processes(&self) -> Vec<u32> {
        self.0.places.iter().filter_map(|p| Some(p.lock().running.as_ref()?.jailed.pid())).collect()
    }

    /// Starts a process, and says what keeps it from files.
    ///
    /// # Errors
    /// When it cannot be started or keeps a right.
    pub fn try_out(&self) -> Result<Files, StartError> {
        Ok(self.0.starter.start(MEMORY)?.files())
    }

    pub(super) fn starter(&self) -> &Starter {
        &self.0.starter
    }

    pub(super) fn next_decoder(&self) -> u32 {
        self.0.next_decoder.fetch_add(1, Ordering::Relaxed)
    }
}

/// Room for one process. Whoever holds its lock has the process to himself, as it does one thing at a time anyway.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Cameras that share it.
    pub(super) seats: AtomicUsize,
    child: Mutex<Child>,
}

impl Place {
    /// Waits for whoever uses the process now: for as long as one of his packets takes, which is up to five seconds when it hangs on a busy
    /// machine; ten seconds while a process is started; and after one ended as long as it takes to decode what he kept (`kept.rs`) once more.
    pub(super) fn lock(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The process in a place, or none.
#[derive(Debug, Default)]
pub(super) struct Child {
    running: Option<Running>,
    failed: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) jailed: Jailed,
    pub(super) life: u64,
    number: u32,
}

/// Why there is no process.
#[derive(Debug)]
pub(super) enum NoProcess {
    /// It was tried.
    Failed(StartError),
    /// It was tried a moment ago.
    Waits,
}

impl Child {
    /// The process, started if there is none.
    pub(super) fn running(&mut self, starter: &Starter, now: Instant) -> Result<&mut Running, NoProcess> {
        let waits = |failed: Instant| now.saturating_duration_since(failed) < TRY_AGAIN_AFTER;
        let running = match self.running.take() {
            Some(running) => running,
            None if self.failed.is_some_and(waits) => return Err(NoProcess::Waits),
            None => match starter.start(MEMORY) {
                Ok(jailed) => {
                    tracing::debug!(process = jailed.pid(), files = ?jailed.files(), "a decoding process began");
                    Running { jailed, life: LIVES.fetch_add(1, Ordering::Relaxed), number: 0 }
                }
                Err(e) => {
                    self.failed = Some(Instant::now());
                    return Err(NoProcess::Failed(e));
                }
            },
        };
        self.failed = None;
        Ok(self.running.insert(running))
    }

    /// The process has ended.
    pub(super) fn gone(&mut self) {
        self.running = None;
    }

    /// The process, if it is still the one with this number.
    pub(super) fn still(&mut self, life: u64) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| running.life == life)
    }
}

impl Running {
    /// Asks, and gives the answer to that.
    pub(super) fn ask(&mut self, decoder: u32, ask: Ask) -> Result<Say, Ended> {
        self.number = self.number.wrapping_add(1);
        let request = Request { decoder, number: self.number, ask };
        let message = self.jailed.exchange(&request.write())?;
        match Answer::read(&message) {
            Some(answer) if (answer.decoder, answer.number) == (decoder, self.number) => Ok(answer.say),
            Some(_) => Err(self.jailed.lied("an answer to another question")),
            None => Err(self.jailed.lied("something that is no answer")),
        }
    }
}
