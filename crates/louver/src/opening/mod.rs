//! `louver opening`: asking for originals of a recorder somewhere, and what became of it. docs/opening.md.

mod ask;
pub(crate) mod key_file;
pub(crate) mod shown;

use clap::Subcommand;

use crate::approve::one;
use crate::error::Error;
use crate::remote::views::Opening;
use crate::remote::{AsUser, Recorder};
use crate::terminal;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask the holders for originals of some cameras and a time
    Request(ask::Args),
    /// List requests, the latest first
    List(List),
    /// Show one request and what was said to it
    Show(Show),
    /// Take a request back, or close one that was released
    Withdraw(Withdraw),
}

const LIST_EXAMPLES: &str = "\
Examples:
  louver opening list https://recorder.example
  LOUVER_PASSWORD_FILE=password louver opening list https://recorder.example --json";

const SHOW_EXAMPLES: &str = "\
Examples:
  louver opening show https://recorder.example 0f1e2d3c4b5a69788796a5b4c3d2e1f0";

const WITHDRAW_EXAMPLES: &str = "\
Examples:
  louver opening withdraw https://recorder.example 0f1e2d3c4b5a69788796a5b4c3d2e1f0

What was seen or saved before stays seen and saved.";

/// Arguments of `louver opening list`.
#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(crate) struct List {
    /// Address of the recorder, or a sign-in link
    #[arg(value_name = "URL")]
    recorder: String,
    #[command(flatten)]
    who: AsUser,
    /// Print what the recorder answers, as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `louver opening show`.
#[derive(Debug, clap::Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct Show {
    /// Address of the recorder, or a sign-in link
    #[arg(value_name = "URL")]
    recorder: String,
    /// Id of the request: 32 hexadecimal digits
    id: String,
    #[command(flatten)]
    who: AsUser,
}

/// Arguments of `louver opening withdraw`.
#[derive(Debug, clap::Args)]
#[command(after_help = WITHDRAW_EXAMPLES)]
pub(crate) struct Withdraw {
    /// Address of the recorder, or a sign-in link
    #[arg(value_name = "URL")]
    recorder: String,
    /// Id of the request: 32 hexadecimal digits
    id: String,
    #[command(flatten)]
    who: AsUser,
}

/// Runs `louver opening`.
pub(crate) fn run(command: &Command) -> Result<(), Error> {
    match command {
        Command::Request(args) => ask::run(args),
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Withdraw(args) => withdraw(args),
    }
}

fn signed_in(address: &str, who: &AsUser) -> Result<Recorder, Error> {
    let mut recorder = Recorder::at(address)?;
    recorder.sign_in(who)?;
    Ok(recorder)
}

fn list(args: &List) -> Result<(), Error> {
    let recorder = signed_in(&args.recorder, &args.who)?;
    if args.json {
        println!("{}", recorder.get::<serde_json::Value>("openings")?);
        return Ok(());
    }
    let all: Vec<Opening> = recorder.get("openings")?;
    if all.is_empty() {
        println!("Nobody has asked for anything yet: `louver opening request --help`.");
    }
    for opening in &all {
        println!("{}", shown::line(opening));
    }
    Ok(())
}

fn show(args: &Show) -> Result<(), Error> {
    let recorder = signed_in(&args.recorder, &args.who)?;
    let opening = one(&recorder, &args.id)?;
    let request = shown::checked(&opening)?;
    print!("{}", shown::whole(&opening, &request));
    Ok(())
}

fn withdraw(args: &Withdraw) -> Result<(), Error> {
    let recorder = signed_in(&args.recorder, &args.who)?;
    let opening = one(&recorder, &args.id)?;
    let after: Opening = recorder.delete(&format!("openings/{}", opening.id))?;
    println!("The request {}: {}.", terminal::plain(&after.id), after.state.sentence());
    Ok(())
}
