//! A child, seen from inside.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::confine::{ConfineError, Files, confine};
use crate::{MESSAGE_BYTES, Message};

/// Why a process did not come to be a child without rights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnterError {
    /// It was not started by a [`Starter`](crate::Starter).
    #[error(
        "this is started by Louver itself, with a socket as its standard input and shared memory as its output"
    )]
    ByHand(#[source] io::Error),
    /// A right could not be given up.
    #[error("it could not give up its rights")]
    NotConfined(#[from] ConfineError),
}

/// The inside of a child: messages from the parent, and the memory shared with it.
#[derive(Debug)]
pub struct Inside {
    memory: Mapping,
}

impl Inside {
    /// Gives up all rights and says so to the parent. `prepare` is run before: what a library loads, reads or asks the system
    /// for at its first use it must have loaded, read and asked for then.
    ///
    /// # Errors
    /// When this is no child of ours, or a right cannot be given up; the parent is told. The process must end then.
    pub fn enter(prepare: impl FnOnce()) -> Result<Self, EnterError> {
        // Killed with its parent, even if the parent has no time to say anything and this process no mind to listen.
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| EnterError::ByHand(e.into()))?;
        let memory = Mapping::new(std::io::stdout()).map_err(EnterError::ByHand)?;
        prepare();
        leave_ending_to_the_parent();
        let confined = confine();
        let began = match &confined {
            Ok(files) => Began::Confined(*files).write(),
            Err(e) => not(e),
        };
        send(std::io::stdin(), &began, SendFlags::NOSIGNAL).map_err(|e| EnterError::ByHand(e.into()))?;
        confined?;
        Ok(Self { memory })
    }

    /// The next message; `None` when the parent is gone, or wants this to end.
    pub fn message(&mut self) -> Option<Message> {
        let mut message = [0; MESSAGE_BYTES];
        loop {
            match recv(std::io::stdin(), &mut message, RecvFlags::empty()) {
                Ok((_, MESSAGE_BYTES)) => return Some(message),
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Answers the last message. A parent that is gone needs none.
    pub fn answer(&mut self, message: &Message) {
        let _ = send(std::io::stdin(), message, SendFlags::NOSIGNAL);
    }

    /// The memory shared with the parent, which leaves it alone between a message and its answer.
    pub fn memory(&mut self) -> &mut [u8] {
        self.memory.bytes()
    }
}

/// Ctrl-C at a terminal and an ordinary stop of a service reach all processes: a child that ended by them while its parent still has
/// something to ask would be taken for one that a camera's bytes ended.
fn leave_ending_to_the_parent() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: to ignore a signal sets no handler, so nothing of ours is called by it.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// The first message of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Began {
    /// All rights are gone.
    Confined(Files),
    /// They are not, because of this.
    Not(&'static str),
}

/// Reasons by number: words of a child must not come to a log.
const REASONS: [&str; 4] = [
    "its limits cannot be lowered",
    "landlock refuses its rules",
    "this kernel takes no filter of system calls (seccomp)",
    "there is no filter of system calls (seccomp) for this kind of machine",
];

fn not(e: &ConfineError) -> Message {
    let reason = match e {
        ConfineError::Limits(_) => 0,
        ConfineError::Landlock(_) => 1,
        ConfineError::Seccomp(_) => 2,
        ConfineError::Machine(_) => 3,
    };
    let mut message = [0; MESSAGE_BYTES];
    (message[0], message[1]) = (2, reason);
    message
}

impl Began {
    fn write(self) -> Message {
        let mut message = [0; MESSAGE_BYTES];
        let (kind, detail) = match self {
            Self::Confined(Files::Landlock) => (1, 0),
            Self::Confined(Files::OlderLandlock) => (1, 1),
            Self::Confined(Files::CallsAlone) => (1, 2),
            Self::Not(why) => (2, REASONS.iter().position(|r| *r == why).unwrap_or(0) as u8),
        };
        (message[0], message[1]) = (kind, detail);
        message
    }

    /// `None` for anything but a first message.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        if message.get(2..)?.iter().any(|b| *b != 0) {
            return None;
        }
        match (message[0], message[1]) {
            (1, 0) => Some(Self::Confined(Files::Landlock)),
            (1, 1) => Some(Self::Confined(Files::OlderLandlock)),
            (1, 2) => Some(Self::Confined(Files::CallsAlone)),
            (2, reason) => REASONS.get(usize::from(reason)).map(|why| Self::Not(why)),
            _ => None,
        }
    }
}

/// Memory shared with the parent.
#[derive(Debug)]
struct Mapping {
    start: *mut u8,
    len: usize,
}

impl Mapping {
    fn new(memory: impl AsFd) -> io::Result<Self> {
        let len = usize::try_from(fstat(&memory)?.st_size).unwrap_or(0);
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the address is the kernel's choice, so no other mapping is touched.
        let start = unsafe { mmap(std::ptr::null_mut(), len, protection, MapFlags::SHARED, memory, 0)? };
        Ok(Self { start: start.cast(), len })
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: mapped for as long as the process lives, `len` bytes, which the seals on its size hold; nobody else in this
        // process has a pointer to it, and the parent touches it only while this process waits for a message.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_first_is_read_back_and_nothing_else_is_taken_for_it() {
        for files in [Files::Landlock, Files::OlderLandlock, Files::CallsAlone] {
            assert_eq!(Began::read(&Began::Confined(files).write()), Some(Began::Confined(files)));
        }
        for why in REASONS {
            assert_eq!(Began::read(&Began::Not(why).write()), Some(Began::Not(why)));
        }
        let mut known = 0;
        for (kind, detail) in (0..=u8::MAX).flat_map(|k| (0..=u8::MAX).map(move |d| (k, d))) {
            let mut message = [0; MESSAGE_BYTES];
            (message[0], message[1]) = (kind, detail);
            known += usize::from(Began::read(&message).is_some());
            message[MESSAGE_BYTES - 1] = 1;
            assert_eq!(Began::read(&message), None);
        }
        assert_eq!(known, 3 + REASONS.len());
    }
}
