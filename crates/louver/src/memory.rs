//! Keeps originals in memory off the disk: no core dumps, no swap.
//!
//! Between the camera and the seal, and between the decoder and the mask, an original stands in memory. The system may
//! write memory to a disk on its own: as a core dump when a program crashes, or as swap when memory is short. Both are
//! switched off here. What a program cannot switch off is hibernation of the whole machine, and root reading its memory.

mod swap;

use std::io;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

use swap::Swap;

/// What can be done where memory cannot be locked and swap lies on a disk.
pub(crate) const MEND: &str = "let Louver lock its memory (`LimitMEMLOCK=infinity` in its systemd unit, or `ulimit -l \
     unlimited` before it), or turn swap off (`swapoff -a`), or use encrypted or zram swap";

/// Whether the system may write this process's memory to a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// It is locked: no page of it is ever swapped out.
    Locked,
    /// It is not, but there is no swap that could keep a picture readable.
    NoSwap,
    /// It is not, and what is swapped out stands readable on these disks.
    Swapped(Vec<String>),
    /// It is not, and the system does not say whether it swaps.
    Unknown,
}

impl Memory {
    /// What the owner should know and do, for the terminal and the page; `None` when all is well.
    pub(crate) fn notice(&self) -> Option<String> {
        let concern = self.concern()?;
        let mut letters = concern.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase()).into_iter();
        Some(format!("{}: {MEND}.", first.chain(letters).collect::<String>()))
    }

    /// What the owner should know, in a sentence without its end; `None` when all is well.
    pub(crate) fn concern(&self) -> Option<String> {
        match self {
            Self::Locked | Self::NoSwap => None,
            Self::Swapped(disks) => Some(format!(
                "unsealed pictures can reach the disk: this machine swaps to {}, and Louver is not allowed to lock its \
                 memory",
                disks.join(", ")
            )),
            Self::Unknown => Some(
                "unsealed pictures may reach the disk: Louver is not allowed to lock its memory, and /proc/swaps does not \
                 say whether this machine swaps"
                    .to_owned(),
            ),
        }
    }
}

/// Protects the memory of a process that handles originals. Call it before any thread is started.
///
/// A machine that allows less still records: evidence comes before it, and the answer says so loudly.
pub(crate) fn protect() -> Memory {
    if let Err(e) = no_core_dumps() {
        // Not known to fail anywhere.
        tracing::error!(error = %e, "core dumps cannot be switched off");
    }
    look()
}

/// Locks this process's memory, or says what swap there is. Core dumps stay as they are.
pub(crate) fn look() -> Memory {
    match lock() {
        Ok(()) => Memory::Locked,
        Err(e) => {
            tracing::debug!(error = %e, "memory is not locked");
            match Swap::of_this_machine() {
                Some(Swap { disks }) if disks.is_empty() => Memory::NoSwap,
                Some(Swap { disks }) => Memory::Swapped(disks),
                None => Memory::Unknown,
            }
        }
    }
}

/// Neither by size nor at all: a pipe in `core_pattern` ignores the size, and "not dumpable" keeps other programs of the
/// same user from reading this one's memory, too.
fn no_core_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Locks what is mapped now and later, each page when it is first touched: whole thread stacks and arenas at once would
/// cost several times the memory that is used.
///
/// Only where there is no limit. Under a limit it would work at first, and later an allocation beyond it would fail, which
/// ends the process.
fn lock() -> io::Result<()> {
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    let before = getrlimit(Resource::Memlock);
    if before.maximum.is_none() {
        setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None })?;
        mlockall(flags)?;
        return Ok(());
    }
    // Whoever holds CAP_IPC_LOCK is beyond limits. The kernel alone can tell: in a container the capability may be there
    // in name only. Under a limit smaller than any process it grants the lock to those who truly hold it.
    setrlimit(Resource::Memlock, Rlimit { current: Some(TINY), ..before })?;
    let locked = mlockall(flags);
    setrlimit(Resource::Memlock, before)?;
    Ok(locked?)
}

/// Bytes; above 0, which the kernel refuses to everybody without asking for the capability.
const TINY: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_reach_a_disk_is_told_and_what_cannot_is_not() {
        assert_eq!(Memory::Locked.concern(), None);
        assert_eq!(Memory::NoSwap.concern(), None);
        let swapped =
            Memory::Swapped(vec!["/dev/sda2".to_owned(), "/swapfile".to_owned()]).concern().unwrap();
        assert!(swapped.contains("swaps to /dev/sda2, /swapfile"), "{swapped}");
        assert!(Memory::Unknown.concern().is_some());
        let notice = Memory::Swapped(vec!["/dev/sda2".to_owned()]).notice().unwrap();
        assert!(
            notice.starts_with("Unsealed pictures") && notice.contains("LimitMEMLOCK=infinity"),
            "{notice}"
        );
        assert_eq!(Memory::Locked.notice(), None);
    }
}
