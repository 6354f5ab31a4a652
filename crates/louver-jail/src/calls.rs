//! The system calls that are left to a child.

/// One system call and how it may be used; everything else ends the process at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// As the kernel's manual names it.
    pub name: &'static str,
    /// Its number on this machine.
    pub number: i64,
    /// What its arguments must be.
    pub only: Only,
}

/// What the arguments of a call must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Only {
    /// Anything.
    Any,
    /// The socket to the parent, which is file descriptor 0, as the first argument.
    Socket,
    /// Memory of its own (`MAP_ANONYMOUS`) that cannot be run as code.
    Anonymous,
    /// No right to run the memory as code.
    NotCode,
}

const fn call(name: &'static str, number: libc::c_long, only: Only) -> Call {
    Call { name, number, only }
}

/// All that a child can ask the kernel for, once it is confined.
pub const LEFT: &[Call] = &[
    // Messages from and to the parent. No other socket, no descriptors along with a message (`sendmsg`).
    call("recvfrom", libc::SYS_recvfrom, Only::Socket),
    call("sendto", libc::SYS_sendto, Only::Socket),
    // What malloc needs.
    call("brk", libc::SYS_brk, Only::Any),
    call("mmap", libc::SYS_mmap, Only::Anonymous),
    call("mprotect", libc::SYS_mprotect, Only::NotCode),
    call("mremap", libc::SYS_mremap, Only::Any),
    call("munmap", libc::SYS_munmap, Only::Any),
    call("madvise", libc::SYS_madvise, Only::Any),
    // Locks of the C library, which has one thread to take them here.
    call("futex", libc::SYS_futex, Only::Any),
    // Clocks where the kernel's shared page cannot tell them, and the seeds of hash tables.
    call("clock_gettime", libc::SYS_clock_gettime, Only::Any),
    call("getrandom", libc::SYS_getrandom, Only::Any),
    // The end of a signal handler, of a thread, of the process.
    call("rt_sigreturn", libc::SYS_rt_sigreturn, Only::Any),
    call("sigaltstack", libc::SYS_sigaltstack, Only::Any),
    call("exit", libc::SYS_exit, Only::Any),
    call("exit_group", libc::SYS_exit_group, Only::Any),
];
