#![no_main]

#[path = "../checks/rtp_packets.rs"]
mod check;
#[path = "../checks/session.rs"]
mod session;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::any_bytes(bytes));
