//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{
    approve, backup, camera, decoding, doctor, eval, hold, holder, ledger, link, open, opening, redact,
    serve, top, verify,
};

/// Cameras that watch over places, not people.
///
/// Louver records every camera without re-encoding, masks people in everything it shows, and seals the original the
/// moment it arrives.
#[derive(Debug, Parser)]
#[command(name = "louver", version, after_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Cli {
    /// Settings file; without it ./louver.toml, then /etc/louver/louver.toml
    #[arg(long, global = true, value_name = "FILE", env = "LOUVER_SETTINGS", hide_env_values = true)]
    pub settings: Option<PathBuf>,
    /// What to log to standard error: off, error, warn, info, debug, trace, or a filter such as "info,louver_ingest=debug"
    #[arg(long, global = true, value_name = "FILTER", env = "LOUVER_LOG", hide_env_values = true)]
    pub log: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
First steps:
  louver holder new -o holder.txt --add      make a holder, who can open originals; begin louver.toml
  louver camera add --id front-door ...      enter a camera into the register (louver camera add --help)
  louver doctor                              find out what is wrong, in plain words
  louver serve                               record, mask and show

Exit codes:
  0  done; for `doctor`: no trouble found
  1  it failed; for `doctor`: trouble found
  2  the command line is wrong
  3  the settings are missing or wrong
  4  the port or the data directory is taken
  5  a ledger, or a file to be verified, could not be read";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Record all cameras, mask people, and serve the page
    Serve(serve::Args),
    /// Enter cameras into the register, list, probe and remove them
    #[command(subcommand)]
    Camera(camera::Command),
    /// Make the key that opens sealed originals, and change the list of those who have one
    #[command(subcommand)]
    Holder(holder::Command),
    /// Open sealed originals and write them as video files: what holders agreed to, or in an emergency without asking
    Open(open::Args),
    /// Ask the holders of a recorder for originals, and see what became of it
    #[command(subcommand)]
    Opening(opening::Command),
    /// Agree to an opening as a holder, say no, or stop one as an observer
    Approve(approve::Args),
    /// Keep recordings beyond their retention, until a date, with the holders' consent
    #[command(subcommand)]
    Hold(hold::Command),
    /// Copy what should outlive this machine; never the key ring
    Backup(backup::Args),
    /// Check, read and pin the append-only log of everything that matters
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Check an exported video: whose it is, and that not a byte of it was changed
    Verify(verify::Args),
    /// Say in plain words what is wrong with this machine or set-up
    Doctor(doctor::Args),
    /// See how the running server is doing, a line a camera
    Top(top::Args),
    /// Print a new one-time sign-in link, for whoever forgot the password
    Link(link::Args),
    /// Mask people in a video file
    Redact(redact::Args),
    /// Measure masking against ground truth
    Eval(eval::Args),
    /// Decode what cameras send, without any right; `louver serve` starts it
    #[command(hide = true)]
    DecodeChild(decoding::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn walk(command: &clap::Command, path: &str, each: &mut impl FnMut(&clap::Command, &str)) {
        let path = format!("{path} {}", command.get_name());
        each(command, path.trim());
        for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
            walk(sub, &path, each);
        }
    }

    #[test]
    fn every_command_and_every_argument_has_help() {
        let mut seen = 0;
        walk(&Cli::command(), "", &mut |command, path| {
            assert!(command.get_about().is_some(), "`{path}` has no description");
            for arg in command.get_arguments() {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.len() >= 10, "{} of `{path}` has no help", arg.get_id());
                seen += 1;
            }
        });
        assert!(seen > 20, "only {seen} arguments were looked at");
    }

    #[test]
    fn every_command_that_does_something_has_an_example() {
        walk(&Cli::command(), "", &mut |command, path| {
            if command.get_subcommands().next().is_none() {
                let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(after.contains(&format!("  {path}")), "`{path}` has no example of its own");
            }
        });
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
