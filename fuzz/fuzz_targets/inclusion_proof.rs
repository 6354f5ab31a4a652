#![no_main]

#[path = "../checks/inclusion_proof.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::any_bytes(bytes));
