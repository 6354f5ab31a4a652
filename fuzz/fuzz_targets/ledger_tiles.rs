#![no_main]

#[path = "../checks/ledger_tiles.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::any_bytes(bytes));
