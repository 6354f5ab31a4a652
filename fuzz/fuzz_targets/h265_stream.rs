#![no_main]

#[path = "../checks/h265_stream.rs"]
mod check;
#[path = "../checks/packets.rs"]
mod packets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::any_bytes(bytes));
