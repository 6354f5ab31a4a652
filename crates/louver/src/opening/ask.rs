//! `louver opening request`.

use std::path::PathBuf;

use louver_base::WallTime;
use louver_opening::{Reason, Request};
use louver_vault::OneTime;
use serde_json::json;

use super::key_file::{KeyFile, usual_place};
use super::shown;
use crate::error::Error;
use crate::remote::views::{Opening, Vault};
use crate::remote::{AsUser, Recorder, Trouble};
use crate::when;

const EXAMPLES: &str = "\
Examples:
  louver opening request https://recorder.example --camera gate --from \"2026-11-23 14:00\" --to \"2026-11-23 14:15\" \\
      --reason theft --text \"the red bicycle at the gate\"
  louver opening request \"$(louver link)\" --camera gate --camera yard --from -2h --to now --reason accident \\
      --text \"the delivery van and the bollard\" --hours 48 --key bollard.key

The holders read reason and text, and agree or do not: `louver approve`, or in a browser. A one-time key is made here, to which
all is encrypted; it is kept in a file of yours (0600) and goes nowhere. Then: `louver open --request ID -o video.mp4`.
Reasons: accident, theft, violence, damage, authority, subject-access, missing-person, technical, test, other.
Times without a zone are this machine's local time.";

/// Arguments of `louver opening request`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Address of the recorder, or a sign-in link
    #[arg(value_name = "URL")]
    recorder: String,
    #[command(flatten)]
    who: AsUser,
    /// Id of a camera; may be given up to 32 times
    #[arg(long = "camera", value_name = "ID", required = true)]
    cameras: Vec<String>,
    /// First moment wanted: 2026-11-23T14:00:00Z, "2026-11-23 14:00", -10m, -2h or -1d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: String,
    /// Moment to end before; the same forms, and "now"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: String,
    /// Why: one of the words below; it stands in the ledger
    #[arg(long, value_name = "REASON")]
    reason: String,
    /// What for, 10 to 2000 characters: the holders decide by it
    #[arg(long, value_name = "TEXT")]
    text: String,
    /// For how long it may be watched after the release, 1 to 168
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    hours: u32,
    /// For how long the holders can agree, hours, 1 to 336
    #[arg(long, value_name = "HOURS", default_value_t = 72)]
    open_for: u32,
    /// File to keep the one-time key in; without it one in $XDG_STATE_HOME/louver/requests
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print the request's id and the key's file as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Error> {
    let (from, to) = when::range(&args.from, &args.to)?;
    let reason: Reason = serde_json::from_value(args.reason.as_str().into()).map_err(|_| {
        Error::failed(
            "--reason is none of the words that the ledger has",
            "see `louver opening request --help`",
        )
    })?;
    let mut recorder = Recorder::at(&args.recorder)?;
    recorder.sign_in(&args.who)?;
    let vault: Vault = recorder.get("vault")?;
    let key = OneTime::generate();
    let mut salt = [0_u8; 32];
    let random = aws_lc_rs::rand::fill(&mut salt);
    random.map_err(|_| Error::failed("the system gives no random numbers", ""))?;
    let now = WallTime::now().millis();
    let document = json!({
        "what": "louver opening request", "v": 1, "site": vault.site, "at": now,
        "expires": now + i64::from(args.open_for) * 3_600_000, "cameras": args.cameras,
        "from": from.millis(), "to": to.millis(), "reason": reason, "text": args.text.trim(),
        "salt": hex::encode(salt), "recipient": key.recipient(), "hours": args.hours
    });
    let text = document.to_string();
    let request = Request::read(&text, &vault.site);
    let request = request.map_err(|e| Error::because("this cannot be asked for", e))?;
    let id = request.hash().id();
    let path = args.key.clone().map_or_else(|| usual_place(&id), Ok)?;
    // First, and on the disk: what is encrypted to this key opens with nothing else.
    KeyFile { recorder: recorder.base().to_owned(), request: id.clone(), key }.write(&path)?;
    let opening: Opening = match recorder.post("openings", &json!({ "document": text })) {
        Ok(opening) => opening,
        Err(trouble) => {
            if matches!(trouble, Trouble::Refused { .. }) {
                let _ = std::fs::remove_file(&path);
            } else {
                eprintln!("The key stays in {}: the recorder may have taken the request.", path.display());
            }
            return Err(trouble.into());
        }
    };
    if args.json {
        println!("{}", json!({ "request": id, "key": path, "recorder": recorder.base() }));
        return Ok(());
    }
    print!("{}", shown::whole(&opening, &request));
    println!("Asked. The request's key is in {}, readable by you alone.", path.display());
    let key = args.key.as_ref().map_or_else(String::new, |path| format!(" --key {}", path.display()));
    println!("What to do next: louver open --request {id}{key} -o video.mp4    (it waits for the holders)");
    Ok(())
}
