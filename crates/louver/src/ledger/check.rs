//! `louver ledger verify`, `show` and `pin`.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use louver_ledger::note::VerifierKey;
use louver_ledger::verify::{Demands, Refusal, Report, verify as verify_ledger};

use super::source;
use crate::error::Error;

/// Longest pinned checkpoint that is read.
const PIN_MAX: u64 = 256 * 1024;
/// The ledger could not be read: nothing is said about it.
const UNREADABLE: u8 = 5;

/// Arguments of `louver ledger verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// Folder or web address of the ledger; without it the one in the data directory of the settings
    #[arg(value_name = "DIR|URL")]
    ledger: Option<String>,
    /// The site's key, as it stands in the ledger's file `vkey`, kept from earlier
    #[arg(long, value_name = "VKEY")]
    vkey: Option<String>,
    /// A checkpoint pinned earlier: what came since is checked, and that what was before is the same
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// With --since: read all leaves even so
    #[arg(long, requires = "since")]
    full: bool,
    /// Key of a witness; may be given several times
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,
    /// How many of the witnesses must have signed; without it, all that are given
    #[arg(long, value_name = "N")]
    quorum: Option<usize>,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `louver ledger show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// Folder or web address of the ledger; without it the one in the data directory of the settings
    #[arg(value_name = "DIR|URL")]
    ledger: Option<String>,
    /// Number of the first leaf to show
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
}

/// Arguments of `louver ledger pin`.
#[derive(Debug, clap::Args)]
pub(crate) struct Pin {
    /// Folder or web address of the ledger; without it the one in the data directory of the settings
    #[arg(value_name = "DIR|URL")]
    ledger: Option<String>,
    /// The site's key, as it stands in the ledger's file `vkey`, kept from earlier
    #[arg(long, value_name = "VKEY")]
    vkey: Option<String>,
}

pub(super) fn verify(args: &Verify, settings: Option<&Path>) -> Result<ExitCode, Error> {
    let witnesses = args.witness.iter().map(|key| parse("--witness", key)).collect::<Result<Vec<_>, _>>()?;
    let demands = Demands {
        key: key(args.vkey.as_deref())?,
        since: args.since.as_deref().map(read_pin).transpose()?,
        everything: args.full,
        quorum: args.quorum.unwrap_or(witnesses.len()),
        witnesses,
    };
    let source = source(args.ledger.as_deref(), settings)?;
    let outcome = verify_ledger(&*source, &demands, |_, _| {});
    if args.json {
        println!("{}", json(&outcome));
    } else if let Ok(report) = &outcome {
        tell(report);
    }
    match outcome {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(refusal) => {
            let code = if matches!(refusal, Refusal::Unreadable(_)) { UNREADABLE } else { 1 };
            Error::because(headline(&refusal), refusal).print();
            Ok(ExitCode::from(code))
        }
    }
}

fn headline(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Unreadable(_) => "the ledger could not be read; this says nothing about it",
        _ => "the ledger is refused",
    }
}

fn tell(report: &Report) {
    let head = report.head;
    match report.since {
        Some(since) if report.from > 0 => println!(
            "The ledger holds: {} leaves, of which {} came since the pinned checkpoint; those before are the same as then.",
            head.size,
            head.size - since
        ),
        Some(since) => println!(
            "The ledger holds: {} leaves, and the first {since} are those of the pinned checkpoint.",
            head.size
        ),
        None => println!("The ledger holds: {} leaves, all read.", head.size),
    }
    println!("  root  {}", head.root);
    println!("  key   {}", report.key);
    match report.witnessed {
        Some(size) if size == head.size => println!("  Witnesses have signed all of it."),
        Some(size) => println!("  Witnesses have signed the first {size} leaves."),
        None => {}
    }
    if report.unknown > 0 {
        println!("  {} leaves are of kinds that this version does not know.", report.unknown);
    }
    if !report.key_was_given {
        println!(
            "The key is the one that lies beside the ledger: give yours with --vkey to know that it is the site's."
        );
    }
}

fn json(outcome: &Result<Report, Refusal>) -> serde_json::Value {
    match outcome {
        Ok(report) => serde_json::json!({
            "holds": true,
            "size": report.head.size,
            "root": report.head.root.to_string(),
            "vkey": report.key.to_string(),
            "vkey_was_given": report.key_was_given,
            "read_from": report.from,
            "since": report.since,
            "witnessed": report.witnessed,
            "unknown": report.unknown,
        }),
        Err(refusal) => {
            serde_json::json!({ "holds": false, "reason": refusal.reason(), "sentence": refusal.to_string() })
        }
    }
}

pub(super) fn show(args: &Show, settings: Option<&Path>) -> Result<ExitCode, Error> {
    let source = source(args.ledger.as_deref(), settings)?;
    // Twice: nothing is printed of a ledger that turns out to be false.
    let report = holds(verify_ledger(&*source, &Demands::default(), |_, _| {}))?;
    let pinned =
        Demands { since: Some(report.checkpoint.into_bytes()), everything: true, ..Demands::default() };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut wrote = Ok(());
    holds(verify_ledger(&*source, &pinned, |number, leaf| {
        if number >= args.from && number < report.head.size && wrote.is_ok() {
            // The leaf of a later version may hold anything, also what a terminal would act upon.
            let text: String = String::from_utf8_lossy(leaf).chars().filter(|c| !c.is_control()).collect();
            wrote = writeln!(out, "{number} {text}");
        }
    }))?;
    match wrote.and_then(|()| out.flush()) {
        // `louver ledger show | head` is no failure.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::because("the leaves cannot be printed", e))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

pub(super) fn pin(args: &Pin, settings: Option<&Path>) -> Result<ExitCode, Error> {
    let source = source(args.ledger.as_deref(), settings)?;
    let demands = Demands { key: key(args.vkey.as_deref())?, ..Demands::default() };
    let report = holds(verify_ledger(&*source, &demands, |_, _| {}))?;
    print!("{}", report.checkpoint);
    eprintln!(
        "{} leaves are pinned. Keep this checkpoint in another place than the recorder.",
        report.head.size
    );
    Ok(ExitCode::SUCCESS)
}

fn holds(outcome: Result<Report, Refusal>) -> Result<Report, Error> {
    outcome.map_err(|refusal| Error::because(headline(&refusal), refusal))
}

fn key(text: Option<&str>) -> Result<Option<VerifierKey>, Error> {
    text.map(|text| parse("--vkey", text)).transpose()
}

fn parse(what: &str, text: &str) -> Result<VerifierKey, Error> {
    text.trim().parse().map_err(|e| Error::because(format!("{what} cannot be used"), e))
}

fn read_pin(file: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File { doing: "read", file: file.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(file).map_err(failed)?.take(PIN_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
