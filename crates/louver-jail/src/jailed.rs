//! A child, seen by its parent.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::io::{Errno, pread};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::inside::Began;
use crate::process::Moment;
use crate::{Files, MESSAGE_BYTES, Message, StartError};

/// How long a child may compute for one answer; one that waits or was stopped meanwhile has this long by the clock.
const COMPUTES: Duration = Duration::from_millis(500);
/// How long it may take by the clock, however busy the machine is.
const AT_ALL: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why there is no answer. The child is dead then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// It was gone before it could get the message, which had no part in that.
    #[error("the process had ended before")]
    Before,
    /// It ended over this message.
    #[error("the process ended ({how})", how = how_it_ended(*.0))]
    Over(Option<ExitStatus>),
    /// It did not answer within half a second of computing, or five seconds in all.
    #[error("the process gave no answer within {} ms", .0.as_millis())]
    Hung(Duration),
    /// Its answer is none.
    #[error("the process said what it cannot say: {0}")]
    Lied(&'static str),
    /// The socket or the memory between us failed.
    #[error("the process cannot be talked to")]
    Broken(#[source] io::Error),
}

fn how_it_ended(status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "it is not known how".to_owned() };
    match (status.signal(), status.code()) {
        (Some(libc::SIGSYS), _) => "it asked the system for what it may not".to_owned(),
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "it is not known how".to_owned(),
    }
}

/// A child without rights. It is killed when this goes.
#[derive(Debug)]
pub struct Jailed {
    child: Child,
    link: OwnedFd,
    memory: File,
    bytes: usize,
    files: Files,
}

impl Jailed {
    pub(crate) fn begin(
        child: Child,
        link: OwnedFd,
        memory: OwnedFd,
        bytes: usize,
        within: Duration,
    ) -> Result<Self, StartError> {
        let mut jailed = Self { child, link, memory: memory.into(), bytes, files: Files::CallsAlone };
        let wait = |time| set_socket_timeout(&jailed.link, Timeout::Recv, Some(time));
        wait(within).map_err(|e| StartError::System(e.into()))?;
        let began = match jailed.receive() {
            Ok(Some(message)) => Began::read(&message),
            Ok(None) => return Err(StartError::Began(jailed.killed(Ended::Hung(within)))),
            Err(ended) => return Err(StartError::Began(jailed.killed(ended))),
        };
        match began {
            Some(Began::Confined(files)) => jailed.files = files,
            Some(Began::Not(why)) => return Err(StartError::NotConfined(why)),
            None => {
                return Err(StartError::Began(jailed.killed(Ended::Lied("it did not begin as it should"))));
            }
        }
        let wait = set_socket_timeout(&jailed.link, Timeout::Recv, Some(LOOK_EVERY));
        wait.map_err(|e| StartError::System(e.into()))?;
        Ok(jailed)
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What keeps it from files.
    pub fn files(&self) -> Files {
        self.files
    }

    /// Writes into the shared memory, from byte `at` on.
    ///
    /// # Errors
    /// When it does not fit, or the system fails. The child is not to blame.
    pub fn put(&self, at: usize, bytes: &[u8]) -> io::Result<()> {
        if at.checked_add(bytes.len()).is_none_or(|end| end > self.bytes) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.memory.write_all_at(bytes, at as u64)
    }

    /// A copy of `len` bytes of the shared memory, from byte `at` on.
    ///
    /// # Errors
    /// When so much is not there, or the system fails.
    pub fn take(&self, at: usize, len: usize) -> io::Result<Vec<u8>> {
        if at.checked_add(len).is_none_or(|end| end > self.bytes) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let from = (at + bytes.len()) as u64;
            // Its room is `len` or more: what came too much is cut off below.
            if pread(&self.memory, spare_capacity(&mut bytes), from)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Sends a message and waits for its answer. What it says must be checked.
    ///
    /// # Errors
    /// When there is none. The child is killed then.
    pub fn exchange(&mut self, message: &Message) -> Result<Message, Ended> {
        match send(&self.link, message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(MESSAGE_BYTES) => {}
            Ok(_) => return Err(self.killed(Ended::Broken(io::ErrorKind::WriteZero.into()))),
            Err(Errno::PIPE | Errno::CONNRESET) => return Err(self.killed(Ended::Before)),
            Err(e) => return Err(self.killed(Ended::Broken(e.into()))),
        }
        self.answer().map_err(|ended| self.killed(ended))
    }

    /// Says that an answer was a lie, and kills the child.
    pub fn lied(&mut self, what: &'static str) -> Ended {
        self.killed(Ended::Lied(what))
    }

    fn answer(&mut self) -> Result<Message, Ended> {
        let begun = Instant::now();
        let mut first: Option<Moment> = None;
        loop {
            if let Some(message) = self.receive()? {
                return Ok(message);
            }
            // A machine that is busy with other things does not let it compute: that is no hang.
            let (now, waited) = (Moment::of(self.pid()), begun.elapsed());
            let patient = match (first, now) {
                (None, Some(_)) => true,
                (Some(first), Some(now)) => {
                    now.works && now.computed.saturating_sub(first.computed) + LOOK_EVERY < COMPUTES
                }
                (_, None) => waited < COMPUTES,
            };
            if !patient || waited >= AT_ALL {
                return Err(Ended::Hung(waited));
            }
            first = first.or(now);
        }
    }

    /// One message; `None` when none came within the socket's time.
    fn receive(&self) -> Result<Option<Message>, Ended> {
        // One byte more than a message: a longer one is not taken for one.
        let mut bytes = [0; MESSAGE_BYTES + 1];
        loop {
            return match recv(&self.link, &mut bytes[..], RecvFlags::empty()) {
                Ok((_, 0)) | Err(Errno::CONNRESET) => Err(Ended::Over(None)),
                Ok((_, MESSAGE_BYTES)) => Ok(bytes.first_chunk().copied()),
                Ok(_) => Err(Ended::Lied("a message of another length")),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Ok(None),
                Err(e) => Err(Ended::Broken(e.into())),
            };
        }
    }

    /// Kills and buries it. Says how it had ended, where it had on its own.
    fn killed(&mut self, ended: Ended) -> Ended {
        // One that has ended already keeps its own status.
        let _ = self.child.kill();
        let status = self.child.wait().ok();
        match ended {
            Ended::Over(None) => Ended::Over(status),
            other => other,
        }
    }
}

impl Drop for Jailed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
