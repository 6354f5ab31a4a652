#![no_main]
// The site is that of the server's own tests.
#![allow(dead_code)]

#[path = "../checks/api_bodies.rs"]
mod check;
#[path = "../../crates/louver-server/tests/site/mod.rs"]
mod site;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::any_bytes(bytes));
