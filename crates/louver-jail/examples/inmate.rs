//! What the tests of this crate run as a child: it gives up its rights in the way in which decoding does, and then does what it
//! is told, escape attempts above all.
#![allow(clippy::unwrap_used)] // Part of the tests.

use std::fs::File;
use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use louver_jail::Inside;
use rustix::process::{Pid, Signal, kill_process};

const COPY: u8 = 2;
const CALL: u8 = 3;
const SPIN: u8 = 4;
const PANIC: u8 = 5;
const LONG: u8 = 6;
const TWICE: u8 = 7;
const ATTEMPT: u8 = 8;
const ALLOCATE: u8 = 9;

/// What somebody might try who runs his own code in there; each comes back only if it was let through.
const ATTEMPTS: &[(&str, fn())] = &[
    ("read a file", || drop(File::open("/etc/passwd"))),
    ("write a file", || drop(File::create("/tmp/louver-jail-escape"))),
    ("read what /proc knows of the parent", || drop(File::open("/proc/self/status"))),
    ("list a folder", || drop(std::fs::read_dir("/"))),
    ("write to an inherited descriptor", || drop(std::io::stderr().write_all(b"x"))),
    ("open a socket to the network", || drop(TcpStream::connect("127.0.0.1:9"))),
    ("open a socket for datagrams", || drop(UdpSocket::bind("127.0.0.1:0"))),
    ("open a socket of the system's own", || drop(UnixStream::connect("/run/systemd/journal/stdout"))),
    ("start a program", || drop(Command::new("/bin/true").spawn())),
    ("become another program", || drop(Command::new("/bin/true").exec())),
    ("start a thread", || drop(std::thread::Builder::new().spawn(|| ()))),
    ("kill its parent", || {
        let parent = rustix::process::getppid().or_else(|| Pid::from_raw(1)).unwrap();
        let _ = kill_process(parent, Signal::KILL);
    }),
    ("kill everybody", || {
        // SAFETY: no memory is touched; it is the system's refusal that is being looked for.
        unsafe { libc::kill(-1, 0) };
    }),
    ("look into another process", || {
        // SAFETY: as above.
        unsafe { libc::ptrace(libc::PTRACE_ATTACH, 1, 0, 0) };
    }),
    ("read another process's memory", || {
        // SAFETY: no vector is given, so nothing is written.
        unsafe { libc::process_vm_readv(1, std::ptr::null(), 0, std::ptr::null(), 0, 0) };
    }),
    ("get memory that can be run", || {
        let (rights, kind) = (libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address of the kernel's choice.
        unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, kind, -1, 0) };
    }),
    ("make memory runnable", || {
        // SAFETY: a page of its own, which nobody else uses.
        unsafe {
            let page = libc::mmap(
                std::ptr::null_mut(),
                4096,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            libc::mprotect(page, 4096, libc::PROT_READ | libc::PROT_EXEC);
        }
    }),
    ("map a file", || {
        // SAFETY: a new mapping at an address of the kernel's choice.
        unsafe { libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ, libc::MAP_SHARED, 1, 0) };
    }),
    ("read the shared memory's file through another call", || {
        let mut byte = [0_u8; 1];
        // SAFETY: one byte into one byte.
        unsafe { libc::read(1, byte.as_mut_ptr().cast(), 1) };
    }),
    ("make the shared memory smaller under the parent", || {
        // SAFETY: no memory is touched; the mapping is not used afterwards.
        unsafe { libc::ftruncate(1, 0) };
    }),
    ("send to another socket", || {
        let byte = [0_u8; 1];
        // SAFETY: one byte out of one byte.
        unsafe { libc::send(3, byte.as_ptr().cast(), 1, 0) };
    }),
    ("give itself other rights", || {
        // SAFETY: no memory is touched.
        unsafe { libc::setuid(0) };
    }),
    ("outlive its parent", || {
        // SAFETY: no memory is touched.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, 0, 0, 0, 0) };
    }),
];

fn main() {
    if std::env::args().any(|a| a == "--nothing") {
        return;
    }
    let mut inside = Inside::enter(|| ()).expect("started by a test");
    while let Some(got) = inside.message() {
        let number = u32::from_le_bytes([got[4], got[5], got[6], got[7]]);
        match got[0] {
            COPY => {
                let memory = inside.memory();
                let half = memory.len() / 2;
                let (from, to) = memory.split_at_mut(half);
                to.copy_from_slice(from);
            }
            CALL => {
                // SAFETY: arguments of zero: calls that would write memory get a null pointer and refuse it.
                unsafe { libc::syscall(i64::from(number), 0, 0, 0, 0, 0, 0) };
            }
            SPIN => loop {
                std::hint::spin_loop();
            },
            PANIC => panic!("on purpose"),
            LONG => {
                let long = [0_u8; 100];
                // SAFETY: a hundred bytes out of a hundred.
                unsafe { libc::send(0, long.as_ptr().cast(), long.len(), 0) };
            }
            TWICE => inside.answer(&got),
            ATTEMPT => (ATTEMPTS[number as usize].1)(),
            ALLOCATE => {
                let mut all: Vec<Vec<u8>> = Vec::new();
                for _ in 0..number {
                    all.push(vec![1; 16 << 20]);
                }
                std::hint::black_box(&all);
            }
            _ => {}
        }
        inside.answer(&got);
    }
}
