//! The `louver` command: reads the command line and the settings, and wires the crates together.

#[macro_use]
mod printing;

mod approve;
mod backup;
mod camera;
mod cli;
mod control;
#[cfg(test)]
mod corpus;
mod decoding;
mod detector;
mod doctor;
mod error;
mod eval;
mod hold;
mod holder;
mod holders_in_force;
mod ledger;
mod link;
mod logging;
mod memory;
mod open;
mod opening;
mod recorder;
mod redact;
mod remote;
mod retention;
mod serve;
mod settings;
mod settings_file;
mod stop;
mod systemd;
mod terminal;
mod top;
mod travelling;
mod verify;
mod web;
mod when;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use error::Error;
use settings::{DetectorSettings, Settings};

fn main() -> ExitCode {
    // Before there is a thread: nothing in this process reports to anybody.
    louver_codec::detector::refuse_telemetry();
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) if code == ExitCode::SUCCESS && printing::lacks() => ExitCode::FAILURE,
        Ok(code) => code,
        Err(e) => {
            e.print();
            ExitCode::from(e.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Error> {
    let named = cli.settings.as_deref();
    let ok = |()| ExitCode::SUCCESS;
    // It gives up the right to open anything before anything is opened.
    if !matches!(cli.command, Command::DecodeChild(_)) {
        logging::start(cli.log.as_deref(), matches!(cli.command, Command::Serve(_)))?;
    }
    match cli.command {
        Command::Serve(args) => serve::run(&args, &Settings::load(named)?).map(ok),
        Command::Camera(command) => camera::run(command, named).map(ok),
        Command::Holder(command) => holder::run(&command, named).map(ok),
        Command::Backup(args) => backup::run(&args, named).map(ok),
        Command::Open(args) => open::run(&args, named).map(ok),
        Command::Opening(command) => opening::run(&command).map(ok),
        Command::Approve(args) => approve::run(&args).map(ok),
        Command::Hold(command) => hold::run(&command).map(ok),
        Command::Ledger(command) => ledger::run(&command, named),
        Command::Verify(args) => verify::run(&args),
        Command::Doctor(args) => doctor::run(&args, named),
        Command::Top(args) => top::run(&args, named).map(ok),
        Command::Link(args) => link::run(&args, named).map(ok),
        Command::Redact(args) => redact::run(&args, &detector_settings(named)?),
        Command::DecodeChild(_) => Ok(decoding::child()),
        Command::Eval(args) => eval::run(&args, &detector_settings(named)?),
    }
}

/// What the settings say about the detector, for commands that work without a settings file too.
fn detector_settings(named: Option<&std::path::Path>) -> Result<DetectorSettings, Error> {
    match Settings::load(named) {
        Ok(settings) => Ok(settings.detector),
        Err(Error::NoSettings) => Ok(DetectorSettings::default()),
        Err(e) => Err(e),
    }
}
