//! The `louver` command as a person meets it: the real binary, its words and its exit codes.
#![allow(clippy::unwrap_used)] // What cannot be set up here fails its test.

mod approving;
mod backup;
mod cameras;
mod decoding;
mod discovering;
mod doctor;
mod holder_sets;
mod holders;
mod holding;
mod ledger;
mod memory;
mod opening;
mod operating;
mod secrets;
mod serving;
mod settings;
mod site;
