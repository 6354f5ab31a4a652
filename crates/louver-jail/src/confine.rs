//! Giving up every right, for good.

use std::io;

use landlock::{ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus, Scope};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::calls::{Call, LEFT, Only};

/// Bytes of address space of a child, libraries included: what a stream that claims huge pictures can take at the most.
const ADDRESS_SPACE: u64 = 4 << 30;

/// What keeps a child from files, besides the missing system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// Landlock: no file, no port, no signal to others.
    Landlock,
    /// Landlock of an older kernel: no file, but it does not know ports or signals.
    OlderLandlock,
    /// The system calls alone: this kernel has no landlock, or it is switched off.
    CallsAlone,
}

/// Why a process could not give up its rights. It must not go on then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfineError {
    /// A limit could not be set.
    #[error("its limits cannot be lowered")]
    Limits(#[source] io::Error),
    /// Landlock is there, but refuses.
    #[error("landlock refuses its rules")]
    Landlock(#[source] landlock::RulesetError),
    /// The kernel was built without seccomp filters, or they are forbidden here.
    #[error("this kernel takes no filter of system calls (seccomp)")]
    Seccomp(#[source] seccompiler::Error),
    /// There is no list of system calls for this kind of machine.
    #[error("there is no filter of system calls (seccomp) for this kind of machine")]
    Machine(#[source] seccompiler::BackendError),
}

/// Takes all rights from this process, down to [`LEFT`]. There is no way back.
pub(crate) fn confine() -> Result<Files, ConfineError> {
    // Its rules are a file descriptor until they hold, so it comes before the limits.
    let files = no_files().map_err(ConfineError::Landlock)?;
    limits().map_err(ConfineError::Limits)?;
    let filter = filter(LEFT, SeccompAction::KillProcess).map_err(ConfineError::Machine)?;
    seccompiler::apply_filter_all_threads(&filter).map_err(ConfineError::Seccomp)?;
    Ok(files)
}

/// Not one more file descriptor, not a byte into files, no core dump; no other process of this user may look into it.
fn limits() -> io::Result<()> {
    let most = |n| Rlimit { current: Some(n), maximum: Some(n) };
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, most(0))?;
    setrlimit(Resource::Fsize, most(0))?;
    setrlimit(Resource::Nofile, most(0))?;
    setrlimit(Resource::As, most(ADDRESS_SPACE))?;
    Ok(())
}

/// Landlock with no exception at all. What an older kernel does not know is left to the missing system calls.
fn no_files() -> Result<Files, landlock::RulesetError> {
    let abi = ABI::V7;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Files::Landlock,
        RulesetStatus::PartiallyEnforced => Files::OlderLandlock,
        RulesetStatus::NotEnforced => Files::CallsAlone,
    })
}

/// A filter that lets these calls through.
fn filter(left: &[Call], otherwise: SeccompAction) -> Result<BpfProgram, seccompiler::BackendError> {
    let rules = left
        .iter()
        .map(|call| Ok((call.number, rules(call.only)?)))
        .collect::<Result<_, seccompiler::BackendError>>()?;
    SeccompFilter::new(rules, otherwise, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?.try_into()
}

fn rules(only: Only) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let bits = |argument, mask: libc::c_int, value: libc::c_int| {
        let masked = SeccompCmpOp::MaskedEq(mask as u64);
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, masked, value as u64)
    };
    let not_code = || bits(2, libc::PROT_EXEC, 0);
    let conditions = match only {
        Only::Any => return Ok(vec![]),
        Only::Socket => vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, 0)?],
        Only::Anonymous => vec![not_code()?, bits(3, libc::MAP_ANONYMOUS, libc::MAP_ANONYMOUS)?],
        Only::NotCode => vec![not_code()?],
    };
    Ok(vec![SeccompRule::new(conditions)?])
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::TcpStream;

    use super::*;

    /// Landlock holds for the thread that asks for it, so a thread of a test is enough.
    #[test]
    fn landlock_alone_keeps_from_files_and_ports_too() {
        std::thread::spawn(|| {
            let files = no_files().unwrap();
            if files == Files::CallsAlone {
                println!("skipped: this kernel has no landlock");
                return;
            }
            for path in ["/etc/passwd", "/proc/self/status", "/dev/null", "/"] {
                assert_eq!(File::open(path).unwrap_err().kind(), io::ErrorKind::PermissionDenied, "{path}");
            }
            let written = File::create(std::env::temp_dir().join("louver-jail-test"));
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
            if files == Files::Landlock {
                let connected = TcpStream::connect("127.0.0.1:9");
                assert_eq!(connected.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
            }
        })
        .join()
        .unwrap();
    }
}
