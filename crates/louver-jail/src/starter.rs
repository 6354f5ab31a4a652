//! Starting children.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::Jailed;

/// How long a child may take to begin, on a machine that does much else too.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);

/// What a child runs; it must come to [`Inside::enter`](crate::Inside::enter).
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    words: Vec<OsString>,
}

impl Program {
    /// This very program, also when its file was replaced meanwhile, with these words on its command line.
    pub fn this(words: impl IntoIterator<Item = &'static str>) -> Self {
        Self::at(PathBuf::from("/proc/self/exe"), words)
    }

    /// Another program.
    pub fn at(path: PathBuf, words: impl IntoIterator<Item = &'static str>) -> Self {
        Self { path, words: words.into_iter().map(OsString::from).collect() }
    }
}

/// Why a child could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The system gives no memory, no socket or no process.
    #[error("the system gives no process that could be shut in")]
    System(#[source] io::Error),
    /// It ended before it was ready, or said something else.
    #[error("a process that is to be shut in did not begin")]
    Began(#[source] crate::Ended),
    /// It could not give up its rights, and ended.
    #[error("a process could not give up its rights: {0}")]
    NotConfined(&'static str),
}

/// Starts children that are alike, and outlives them: when it goes, those that are left are killed.
#[derive(Clone, Debug)]
pub struct Starter {
    orders: Sender<Order>,
}

#[derive(Debug)]
struct Order {
    link: OwnedFd,
    memory: OwnedFd,
    to: SyncSender<io::Result<Child>>,
}

impl Starter {
    /// Takes a thread. A child asks the kernel to be killed when the *thread* that started it ends, so that none outlives a
    /// parent that was killed, and threads of cameras come and go.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(program: Program) -> io::Result<Self> {
        let (orders, received) = channel();
        std::thread::Builder::new()
            .name("jail-starter".to_owned())
            .spawn(move || serve(&program, &received))?;
        Ok(Self { orders })
    }

    /// A child that shares `memory` bytes with us; they are taken page by page when they are first used.
    ///
    /// # Errors
    /// When it cannot be started or does not give up its rights.
    pub fn start(&self, memory: usize) -> Result<Jailed, StartError> {
        let (ours, theirs) = link().map_err(StartError::System)?;
        let (shared, same) = shared(memory).map_err(StartError::System)?;
        let (to, child) = sync_channel(1);
        let gone = |_| StartError::System(io::ErrorKind::BrokenPipe.into());
        self.orders.send(Order { link: theirs, memory: same, to }).map_err(|_| gone(()))?;
        let child = child.recv().map_err(|_| gone(()))?.map_err(StartError::System)?;
        Jailed::begin(child, ours, shared, memory, BEGINS_WITHIN)
    }
}

fn serve(program: &Program, orders: &Receiver<Order>) {
    while let Ok(Order { link, memory, to }) = orders.recv() {
        let child = Command::new(&program.path)
            .arg0("louver")
            .args(&program.words)
            // Nothing that we were told is for it to read; where the loader finds libraries it must know.
            .env_clear()
            .envs(std::env::var_os("LD_LIBRARY_PATH").map(|v| ("LD_LIBRARY_PATH", v)))
            .current_dir("/")
            // The two things that it gets, in the two places that need no code between fork and exec.
            .stdin(link)
            .stdout(memory)
            .stderr(Stdio::null())
            .spawn();
        if let Err(mpsc_closed) = to.send(child) {
            // Whoever asked is gone: dropping a `Child` would leave it running.
            if let Ok(mut child) = mpsc_closed.0 {
                let _ = child.kill().and_then(|()| child.wait());
            }
        }
    }
}

/// Both ends of a socket that keeps messages apart and tells when the other end is gone.
fn link() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Memory whose size nobody can change any more: what a child makes smaller would end whoever reads it.
fn shared(bytes: usize) -> io::Result<(OwnedFd, OwnedFd)> {
    let memory =
        memfd_create("louver", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::NOEXEC_SEAL)
            // Kernels before 6.3 do not know how to forbid running it.
            .or_else(|_| memfd_create("louver", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING))?;
    ftruncate(&memory, bytes as u64)?;
    fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    let same = memory.try_clone()?;
    Ok((memory, same))
}
