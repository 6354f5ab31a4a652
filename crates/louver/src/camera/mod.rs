//! `louver camera`: the register from the command line.

mod add;
mod discover;
mod list;
mod probe;
mod remove;

use std::path::Path;

use clap::Subcommand;

use crate::error::Error;

pub(crate) use probe::{Look, advice, bits, in_words, look_at};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Enter a camera into the register (louver.toml), after a look at its streams
    Add(add::Args),
    /// Find the cameras of the networks, say what they offer, and enter them into the register
    Discover(discover::Args),
    /// List the cameras of the register, without passwords
    List(list::Args),
    /// Say what a camera sends and what could be better
    Probe(probe::Args),
    /// Take a camera out of the register
    Remove(remove::Args),
}

/// Runs one of the commands.
pub(crate) fn run(command: Command, settings: Option<&Path>) -> Result<(), Error> {
    match command {
        Command::Add(args) => add::run(args, settings),
        Command::Discover(args) => discover::run(&args, settings),
        Command::List(args) => list::run(&args, settings),
        Command::Probe(args) => probe::run(&args, settings),
        Command::Remove(args) => remove::run(&args, settings),
    }
}
