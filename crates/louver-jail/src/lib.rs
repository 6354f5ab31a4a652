//! A process without rights, and the way to talk to it.
//!
//! Foreign code that reads a camera's bytes may have a hole, and whoever finds it runs code of his own in its process. So it
//! runs in a child process that has nothing: no files, no network, no other processes, no new memory that could be run as
//! code, and a short list of system calls. What is left of a hole there is false pictures.
//!
//! ```text
//! parent (all rights)                                  child (none)
//! Starter ── start ──► Jailed ── one message ───────►  Inside ── message()
//!                        │       ◄─────── its answer ──    │  ── answer()
//!                        └─ put, take ─► shared memory ◄───┘  ── memory()
//! ```
//!
//! **The parent takes the child for an attacker.** It maps no memory that the child can change: it reads copies (`pread`), so
//! nothing changes while it is looked at. The memory's size is sealed, messages have one length, each is waited for with a
//! deadline, and what stands in them is for the caller to check. A child that ends, hangs or says something else is killed.
//!
//! **The child trusts its parent**, which is the only one that holds the other end of its socket.

mod calls;
mod confine;
mod inside;
mod jailed;
mod process;
mod starter;

pub use calls::{Call, LEFT};
pub use confine::{ConfineError, Files};
pub use inside::{EnterError, Inside};
pub use jailed::{Ended, Jailed};
pub use starter::{Program, StartError, Starter};

/// Bytes of a message, either way.
pub const MESSAGE_BYTES: usize = 40;

/// A request, or the answer to one.
pub type Message = [u8; MESSAGE_BYTES];
