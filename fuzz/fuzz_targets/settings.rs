#![no_main]
// The command has no library: its modules that read the settings, as they are, and of them what is used.
#![allow(dead_code, unused_imports)]

#[path = "../checks/settings.rs"]
mod check;
#[path = "../../crates/louver/src/error.rs"]
mod error;
#[path = "../../crates/louver/src/settings/mod.rs"]
mod settings;
#[path = "../../crates/louver/src/settings_file.rs"]
mod settings_file;
#[path = "../../crates/louver/src/terminal.rs"]
mod terminal;
#[path = "../../crates/louver/src/when.rs"]
mod when;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::any_bytes(bytes));
