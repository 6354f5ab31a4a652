//! The `louver` command as a person meets it: the real binary, its words and its exit codes.

mod cameras;
mod doctor;
mod holders;
mod opening;
mod secrets;
mod serving;
mod settings;
mod site;
