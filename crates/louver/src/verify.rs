//! `louver verify`: checks an exported video, without a recorder and without a network.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use louver_export::{Finding, Kind, Refusal, Report, Step, check};
use louver_ledger::note::VerifierKey;

use crate::error::Error;
use crate::{terminal, when};

const EXAMPLES: &str = "\
Examples:
  louver verify gate.mp4
  louver verify gate.mp4 --site louver.invalid/site/0a…+1b2c3d4e+AQ…
  louver verify gate.mp4 --site KEY --json
Without --site the video is whole and from somebody who calls himself so: have the site's key from elsewhere, from its file
ledger/vkey or from https://RECORDER/ledger/vkey, and keep it. It is checked offline; the page verify.html does the same in a browser.
Exit codes:
  0  all of it holds
  1  it is refused, and the sentences say what does not fit and where
  5  the file could not be read: this says nothing about it";

/// The file could not be read: nothing is said about it.
const UNREADABLE: u8 = 5;
/// Findings that are told one by one.
const TOLD: usize = 20;

/// Arguments of `louver verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Exported video (MP4)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Key of the site's ledger, kept from elsewhere
    #[arg(long, value_name = "VKEY")]
    site: Option<String>,
    /// Print what was found as JSON; times are milliseconds since 1970, UTC
    #[arg(long)]
    json: bool,
}

/// Checks.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Error> {
    let site = args.site.as_deref().map(|key| key.trim().parse::<VerifierKey>()).transpose();
    let site = site.map_err(|e| Error::because("--site cannot be used", e))?;
    let opened = File::open(&args.file).map_err(Refusal::from);
    let outcome = opened.and_then(|file| check(&mut BufReader::new(file), site.as_ref()));
    if args.json {
        println!("{}", json(&outcome));
    }
    match outcome {
        Ok(report) => {
            if !args.json {
                tell(&report);
            }
            Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(refusal) => {
            let unreadable = refusal.is_about_reading();
            let what = if unreadable {
                "the video could not be read; this says nothing about it"
            } else {
                "the video is refused"
            };
            Error::because(what, refusal).print();
            Ok(ExitCode::from(if unreadable { UNREADABLE } else { 1 }))
        }
    }
}

/// What each step shows, as it is told.
fn shown(step: Step, report: &Report) -> String {
    let facts = &report.facts;
    match step {
        Step::Unchanged => "not a byte was changed since it was exported".to_owned(),
        Step::Site if report.pinned => format!("the site signed it whose key you gave ({})", facts.site),
        Step::Site => format!("a site signed it that calls itself {}: give its key with --site", facts.site),
        Step::Sealed => "the pictures are those that the recorder sealed at that time".to_owned(),
        Step::Allowed => "the holders had released them".to_owned(),
    }
}

/// Masked pictures were never sealed, and need nobody's leave.
fn steps(kind: Kind) -> &'static [Step] {
    match kind {
        Kind::Original => &Step::ALL,
        Kind::Masked => &[Step::Unchanged, Step::Site],
    }
}

fn tell(report: &Report) {
    let facts = &report.facts;
    println!("{}", if report.holds() { "The video holds." } else { "The video is refused." });
    for step in steps(facts.kind) {
        let mut findings = report.findings.iter().filter(|f| f.step == *step).peekable();
        if findings.peek().is_none() {
            println!("  yes  {}", shown(*step, report));
            continue;
        }
        for finding in findings.by_ref().take(TOLD) {
            println!("  NO   {}", terminal::plain(&finding.to_string()));
        }
        match findings.count() {
            0 => {}
            more => println!("       and {more} more"),
        }
    }
    let what = match facts.kind {
        Kind::Original => "original",
        Kind::Masked => "masked: people are not in it",
    };
    println!("What it says of itself{}:", if report.holds() { "" } else { ", which is not proven" });
    println!("  camera         {} ({what})", facts.camera);
    println!("  first picture  {}\n  last picture   {}", when::show(facts.from), when::show(facts.to));
    println!("  exported       {}", when::show(facts.made));
    if let Some(told) = report.told {
        println!("  in the ledger  {}", when::show(told));
    }
    if let Some(request) = facts.request {
        println!("  request        {request}");
    }
    println!("  ledger's key   {}", terminal::plain(&facts.ledger));
    println!("  manifest       {}", facts.manifest);
    for gap in &report.gaps {
        println!("  nothing        {} to {}", when::show(gap.from), when::show(gap.to));
    }
    if report.recovered > 0 {
        println!(
            "  Segments of which the recorder told its ledger what it read back from its disk, after a crash or while it still recorded: {}.",
            report.recovered
        );
    }
}

fn json(outcome: &Result<Report, Refusal>) -> serde_json::Value {
    let report = match outcome {
        Ok(report) => report,
        Err(refusal) => {
            return serde_json::json!({ "holds": false, "read": !refusal.is_about_reading(), "sentence": refusal.to_string() });
        }
    };
    let facts = &report.facts;
    let finding = |f: &Finding| {
        let mut told = serde_json::json!({ "step": f.step.word(), "sentence": f.problem.to_string() });
        if let Some(at) = f.at {
            let time = at.time.map(louver_base::WallTime::millis);
            told["at"] = serde_json::json!({ "segment": at.segment, "fragment": at.fragment, "ms": time, "byte": at.byte });
        }
        told
    };
    let kind = match facts.kind {
        Kind::Original => "original",
        Kind::Masked => "masked",
    };
    let gaps =
        report.gaps.iter().map(|g| serde_json::json!({ "from": g.from.millis(), "to": g.to.millis() }));
    serde_json::json!({
        "holds": report.holds(),
        "read": true,
        "site_was_given": report.pinned,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "kind": kind,
        "site": facts.site,
        "camera": facts.camera.as_str(),
        "from": facts.from.millis(),
        "to": facts.to.millis(),
        "made": facts.made.millis(),
        "request": facts.request.map(|r| r.to_string()),
        "ledger": facts.ledger,
        "manifest": facts.manifest.to_string(),
        "bytes": facts.bytes,
        "fragments": report.fragments,
        "recovered": report.recovered,
        "told": report.told.map(louver_base::WallTime::millis),
        "gaps": gaps.collect::<Vec<_>>(),
    })
}
