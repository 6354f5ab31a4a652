//! `louver hold`: recordings that holders ask to keep beyond their retention. The document travels from holder to holder as a file; with enough
//! consents it is posted. docs/keys.md, "Legal hold".

mod file;

use std::path::PathBuf;

use clap::Subcommand;
use louver_base::WallTime;
use louver_opening::{Hold, HoldAsked, HoldDocument, HoldEnd, HoldFile, RequestHash};
use louver_vault::SiteId;

use crate::error::Error;
use crate::remote::views::{Hold as View, Vault};
use crate::remote::{AsEither, AsHolder, Recorder};
use crate::terminal::{plain, yes};
use crate::{travelling, when};

/// What is read.
const FILE: &str = "file of a hold";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make and sign a hold: a file for the other holders
    Make(Make),
    /// Make and sign the end of a hold before its date: a file for the other holders
    End(End),
    /// Read a file of a hold, or of its end, and add your consent
    Sign(Sign),
    /// Give a file that enough holders signed to the recorder
    Post(Post),
    /// List the holds of a recorder
    List(List),
}

const MAKE_EXAMPLES: &str = "\
Examples:
  louver hold make https://recorder.example --holder holder.txt --camera gate --from \"2026-11-23 14:00\" \\
      --to \"2026-11-23 15:00\" --until 2027-03-01T00:00:00Z --reason \"the police asked for it, no. 4711\" -o hold.json
  louver hold make https://recorder.example --holder holder.txt --camera gate --from -3h --to now --until +90d \\
      --reason \"the insurer asked for it\" -o hold.json

Then the other holders sign the file (`louver hold sign hold.json`), as many as open originals together, and one of them
posts it (`louver hold post`). Until then retention goes on. Whole hours are kept: originals, and what is shown of them.";

const END_EXAMPLES: &str = "\
Examples:
  louver hold end https://recorder.example 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --holder holder.txt \\
      --reason \"the case is closed\" -o end.json

The other holders sign the file (`louver hold sign end.json`), and one of them posts it (`louver hold post`).";

const SIGN_EXAMPLES: &str = "\
Examples:
  louver hold sign hold.json --holder holder.txt

It needs no recorder and no network: the file comes from another holder and goes on to the next.";

const POST_EXAMPLES: &str = "\
Examples:
  louver hold post https://recorder.example hold.json --holder holder.txt
  louver hold post \"$(louver link)\" hold.json --user";

const LIST_EXAMPLES: &str = "\
Examples:
  louver hold list https://recorder.example --holder holder.txt
  louver hold list https://recorder.example --user --json";

/// Arguments of `louver hold make`.
#[derive(Debug, clap::Args)]
#[command(after_help = MAKE_EXAMPLES)]
pub(crate) struct Make {
    /// Address of the recorder
    #[arg(value_name = "URL")]
    recorder: String,
    #[command(flatten)]
    who: AsHolder,
    /// Id of a camera; may be given up to 32 times
    #[arg(long = "camera", value_name = "ID", required = true)]
    cameras: Vec<String>,
    /// From this time on: 2026-11-23T14:00:00Z, "2026-11-23 14:00", -10m, -2h or -1d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: String,
    /// To before this time; the same forms, and "now"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: String,
    /// Keep it until then: the same forms, and +30d or +12h
    #[arg(long, value_name = "TIME")]
    until: String,
    /// Why, 10 to 2000 characters: the other holders decide by it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// File to write, for the other holders; it must not exist
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Sign in to this site alone: its 32 hexadecimal digits
    #[arg(long, value_name = "SITE")]
    site: Option<SiteId>,
}

/// Arguments of `louver hold end`.
#[derive(Debug, clap::Args)]
#[command(after_help = END_EXAMPLES)]
pub(crate) struct End {
    /// Address of the recorder
    #[arg(value_name = "URL")]
    recorder: String,
    /// Id of the hold: 32 hexadecimal digits
    id: String,
    #[command(flatten)]
    who: AsHolder,
    /// Why, 10 to 2000 characters
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// File to write, for the other holders; it must not exist
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `louver hold sign`.
#[derive(Debug, clap::Args)]
#[command(after_help = SIGN_EXAMPLES)]
pub(crate) struct Sign {
    /// The file that another holder made
    file: PathBuf,
    #[command(flatten)]
    who: AsHolder,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

/// Arguments of `louver hold post`.
#[derive(Debug, clap::Args)]
#[command(after_help = POST_EXAMPLES)]
pub(crate) struct Post {
    /// Address of the recorder, or a sign-in link
    #[arg(value_name = "URL")]
    recorder: String,
    /// The file with the holders' consents
    file: PathBuf,
    #[command(flatten)]
    as_whom: AsEither,
}

/// Arguments of `louver hold list`.
#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(crate) struct List {
    /// Address of the recorder, or a sign-in link
    #[arg(value_name = "URL")]
    recorder: String,
    #[command(flatten)]
    as_whom: AsEither,
    /// Print what the recorder answers, as JSON
    #[arg(long)]
    json: bool,
}

/// Runs `louver hold`.
pub(crate) fn run(command: &Command) -> Result<(), Error> {
    match command {
        Command::Make(args) => make(args),
        Command::End(args) => end(args),
        Command::Sign(args) => sign(args),
        Command::Post(args) => post(args),
        Command::List(args) => list(args),
    }
}

fn salt() -> Result<[u8; 32], Error> {
    let mut salt = [0; 32];
    let random = aws_lc_rs::rand::fill(&mut salt);
    random.map_err(|_| Error::failed("the system gives no random numbers", ""))?;
    Ok(salt)
}

fn make(args: &Make) -> Result<(), Error> {
    let (from, to) = when::range(&args.from, &args.to)?;
    let until = when::to_come(&args.until)?;
    let cameras = args.cameras.iter().map(|id| {
        let no_id = |e| Error::because(format!("\"{}\" is no camera's id", plain(id)), e);
        id.parse().map_err(no_id)
    });
    let cameras = cameras.collect::<Result<Vec<_>, _>>()?;
    let identity = args.who.identity()?;
    let mut recorder = Recorder::at(&args.recorder)?;
    let site = recorder.sign_in_as(&identity, args.site)?.to_string();
    let vault: Vault = recorder.get("vault")?;
    let asked = HoldAsked { cameras, from, to, reason: args.reason.trim().to_owned(), until };
    let document = Hold::document(asked, &site, WallTime::now(), salt()?);
    let mut made = HoldFile { document, consents: Vec::new() };
    let about = file::about(&made)?;
    made.consents.push(travelling::consent(&made.document, &identity)?);
    travelling::write_new(&args.out, &made)?;
    print!("{about}");
    println!("Signed by you, and written to {}.", args.out.display());
    next(&vault, made.consents.len(), &args.out);
    Ok(())
}

fn next(vault: &Vault, have: usize, out: &std::path::Path) {
    let needed = usize::from(vault.needed);
    if have >= needed {
        println!("What to do next: louver hold post URL {}", out.display());
        return;
    }
    let names: Vec<String> = vault.holders.iter().map(|h| plain(&h.name)).collect();
    println!(
        "What to do next: {} more of {} sign it (louver hold sign {}), then it is posted.",
        needed - have,
        names.join(", "),
        out.display()
    );
}

fn end(args: &End) -> Result<(), Error> {
    let identity = args.who.identity()?;
    let mut recorder = Recorder::at(&args.recorder)?;
    let site = recorder.sign_in_as(&identity, None)?.to_string();
    let all: Vec<View> = recorder.get("holds")?;
    let id = args.id.to_lowercase();
    let held = all.iter().find(|held| held.id == id && held.over_ms.is_none());
    let held = held.ok_or_else(|| {
        Error::failed("no such hold is in force", "`louver hold list` shows those that are, with their ids")
    })?;
    let hash = RequestHash::of(&held.document);
    if hash.id() != id {
        return Err(Error::failed(
            "the recorder shows another hold than its id says: nothing was signed",
            "",
        ));
    }
    let vault: Vault = recorder.get("vault")?;
    let document = HoldEnd::document(hash, args.reason.trim().to_owned(), &site, WallTime::now(), salt()?);
    let mut made = HoldFile { document, consents: Vec::new() };
    let about = file::about(&made)?;
    made.consents.push(travelling::consent(&made.document, &identity)?);
    travelling::write_new(&args.out, &made)?;
    print!("{about}{}", shown(held));
    println!("Signed by you, and written to {}.", args.out.display());
    next(&vault, made.consents.len(), &args.out);
    Ok(())
}

fn sign(args: &Sign) -> Result<(), Error> {
    let mut signed: HoldFile = travelling::read(&args.file, FILE)?;
    print!("{}", file::about(&signed)?);
    let identity = args.who.identity()?;
    let me = identity.id().to_string();
    if signed.consents.iter().any(|c| c.holder.to_string() == me) {
        println!("You have signed it already.");
        return Ok(());
    }
    let unasked = "nobody is there to confirm this: say --yes to sign it without being asked";
    if !args.yes && !yes("Sign it?", unasked)? {
        println!("Nothing was signed.");
        return Ok(());
    }
    signed.consents.push(travelling::consent(&signed.document, &identity)?);
    travelling::rewrite(&args.file, &signed)?;
    println!(
        "Signed: the file has {} consents. Pass {} on, or post it.",
        signed.consents.len(),
        args.file.display()
    );
    Ok(())
}

fn post(args: &Post) -> Result<(), Error> {
    let signed: HoldFile = travelling::read(&args.file, FILE)?;
    let ends = matches!(file::document(&signed)?, HoldDocument::End(_));
    let recorder = args.as_whom.sign_in(&args.recorder)?;
    let held: View = recorder.post("holds", &signed)?;
    print!("{}", shown(&held));
    if ends {
        println!("It has ended: retention goes on with what it kept, unless something else keeps it.");
    } else {
        let until = when::show(WallTime::from_millis(held.until_ms));
        println!("{} hours are kept until {until}.", held.hours);
    }
    Ok(())
}

fn list(args: &List) -> Result<(), Error> {
    let recorder = args.as_whom.sign_in(&args.recorder)?;
    if args.json {
        println!("{}", recorder.get::<serde_json::Value>("holds")?);
        return Ok(());
    }
    let all: Vec<View> = recorder.get("holds")?;
    if all.is_empty() {
        println!("Nothing is held: `louver hold make --help`.");
    }
    for held in &all {
        print!("{}", shown(held));
    }
    Ok(())
}

/// A hold as the recorder tells of it.
fn shown(held: &View) -> String {
    let time = |ms| when::show(WallTime::from_millis(ms));
    let state = match held.over_ms {
        None => format!("in force until {}, {} hours", time(held.until_ms), held.hours),
        Some(over) => format!("ended {}", time(over)),
    };
    let by: Vec<String> = held.by.iter().map(|n| format!("{} ({})", plain(&n.name), plain(&n.id))).collect();
    format!(
        "{}  {}, {} to {}: {state}\n  {}\n  agreed to by {}\n",
        plain(&held.id),
        plain(&held.cameras.join(", ")),
        time(held.from_ms),
        time(held.to_ms),
        plain(&held.reason),
        by.join(", ")
    )
}
