//! `louver ledger`: checking, reading and pinning the append-only log.

mod check;
pub(crate) mod late;
pub(crate) mod register;
pub(crate) mod running;
mod web;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use louver_ledger::{DirSource, Source};

use crate::error::Error;
use crate::settings::Settings;

pub(crate) use web::Poster;

/// Folder of the ledger in the data directory.
pub(crate) const FOLDER: &str = "ledger";

const VERIFY_EXAMPLES: &str = "\
Examples:
  louver ledger verify
  louver ledger verify /mnt/copy/ledger --vkey louver.invalid/site/0a…+1b2c3d4e+AQ…
  louver ledger verify https://recorder.example/ledger --vkey KEY --since pinned.checkpoint
  louver ledger verify --witness witness.example/w1+…+BA… --quorum 1 --json

Without --vkey the key that lies beside the ledger is believed: that finds damage, not a ledger that somebody made anew
with a key of his own. Keep the key and a pinned checkpoint (`louver ledger pin`) in another place than the recorder.

Exit codes:
  0  all that was asked for holds
  1  the ledger is refused, and the sentence says what does not fit
  5  it could not be read: this says nothing about the ledger";

const SHOW_EXAMPLES: &str = "\
Examples:
  louver ledger show
  louver ledger show --from 1200
  louver ledger show https://recorder.example/ledger --from 1200

One line a leaf: its number, then what is written, as JSON. Only what is proven to be in the log is shown: the whole of it is
checked first.";

const PIN_EXAMPLES: &str = "\
Examples:
  louver ledger pin > pinned.checkpoint
  louver ledger pin https://recorder.example/ledger --vkey KEY > pinned.checkpoint

Checks the ledger, then prints its checkpoint. Keep it elsewhere: with `louver ledger verify --since pinned.checkpoint` it
shows later that nothing of the past was changed.";

/// Subcommands of `louver ledger`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check that nothing in the ledger was taken out, changed, moved or doubled
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(check::Verify),
    /// Print what is written in the ledger
    #[command(after_help = SHOW_EXAMPLES)]
    Show(check::Show),
    /// Print the checkpoint of today, to be kept in another place
    #[command(after_help = PIN_EXAMPLES)]
    Pin(check::Pin),
}

/// Runs one.
pub(crate) fn run(command: &Command, settings: Option<&Path>) -> Result<ExitCode, Error> {
    match command {
        Command::Verify(args) => check::verify(args, settings),
        Command::Show(args) => check::show(args, settings),
        Command::Pin(args) => check::pin(args, settings),
    }
}

/// A folder, or an address of the web.
fn source(named: Option<&str>, settings: Option<&Path>) -> Result<Box<dyn Source>, Error> {
    let Some(named) = named else {
        return Ok(Box::new(DirSource::new(Settings::load(settings)?.data.join(FOLDER))));
    };
    if named.starts_with("http://") || named.starts_with("https://") {
        return Ok(Box::new(web::Web::new(named)?));
    }
    let folder = PathBuf::from(named);
    // A data directory is meant as the ledger in it.
    let inside = folder.join(FOLDER);
    Ok(Box::new(DirSource::new(if inside.is_dir() { inside } else { folder })))
}
