//! `louver holder set`: who the holders are, changed by those before them. The document travels from holder to holder as a file; with enough
//! consents it is posted. docs/keys.md, "Site's holders".

mod change;

use std::path::PathBuf;

use clap::Subcommand;
use louver_base::WallTime;
use louver_opening::{HolderSetFile, HolderSets, Named, PartyId, SetDocument, SignedSet};
use louver_vault::SiteId;

use crate::error::Error;
use crate::remote::views::Set as View;
use crate::remote::{AsEither, AsHolder, Recorder};
use crate::terminal::{plain, yes};
use crate::{travelling, when};
use change::Change;

/// What is read.
const FILE: &str = "file of a holder set";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make and sign the next set: a file for the other holders
    Make(Make),
    /// Read a file of the next set, and add your consent
    Sign(Sign),
    /// Give a file that enough holders signed to the recorder
    Post(Post),
    /// List the sets of a recorder, checked from the first
    List(List),
}

const MAKE_EXAMPLES: &str = "\
Examples:
  louver holder set make https://recorder.example --holder ada.txt --add \"Cleo=holder1…\" --needed 2 -o next.json
  louver holder set make https://recorder.example --holder ada.txt --replace \"Bob=holder1…\" -o next.json
  louver holder set make https://recorder.example --holder ada.txt --remove 0123456789abcdef -o next.json

Then the other holders sign the file (`louver holder set sign next.json`), as many as open originals together now, and one of
them posts it (`louver holder set post`). Nothing is sealed anew: who is removed can still help, upon a request, to open what was
sealed for them, until its retention ends; who is added cannot.";

const SIGN_EXAMPLES: &str = "\
Examples:
  louver holder set sign next.json --holder bob.txt

It needs no recorder and no network: the file comes from another holder and goes on to the next.";

const POST_EXAMPLES: &str = "\
Examples:
  louver holder set post https://recorder.example next.json --holder bob.txt
  louver holder set post \"$(louver link)\" next.json --user";

const LIST_EXAMPLES: &str = "\
Examples:
  louver holder set list https://recorder.example --holder ada.txt
  louver holder set list https://recorder.example --user --json";

/// Arguments of `louver holder set make`.
#[derive(Debug, clap::Args)]
#[command(after_help = MAKE_EXAMPLES)]
pub(crate) struct Make {
    /// Address of the recorder
    #[arg(value_name = "URL")]
    recorder: String,
    #[command(flatten)]
    who: AsHolder,
    #[command(flatten)]
    change: Change,
    /// File to write, for the other holders; it must not exist
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Sign in to this site alone: its 32 hexadecimal digits
    #[arg(long, value_name = "SITE")]
    site: Option<SiteId>,
}

/// Arguments of `louver holder set sign`.
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

/// Arguments of `louver holder set post`.
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

/// Arguments of `louver holder set list`.
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

/// Runs `louver holder set`.
pub(crate) fn run(command: &Command) -> Result<(), Error> {
    match command {
        Command::Make(args) => make(args),
        Command::Sign(args) => sign(args),
        Command::Post(args) => post(args),
        Command::List(args) => list(args),
    }
}

/// The recorder's sets, checked here: what it says of them is not believed.
fn chain(recorder: &Recorder, site: &str) -> Result<HolderSets, Error> {
    let told: Vec<View> = recorder.get("holders/sets")?;
    let files: Vec<String> =
        told.into_iter().map(|set| HolderSets::file(set.document, set.consents)).collect();
    HolderSets::read(&files, site).map_err(|e| {
        let what = "the recorder's list of holders is not one that its holders agreed to";
        Error::Failed {
            what: what.to_owned(),
            advice: "trust it with nothing until you know why".to_owned(),
            source: Some(e.into()),
        }
    })
}

fn make(args: &Make) -> Result<(), Error> {
    let identity = args.who.identity()?;
    let mut recorder = Recorder::at(&args.recorder)?;
    let site = recorder.sign_in_as(&identity, args.site)?.to_string();
    let sets = chain(&recorder, &site)?;
    let before = sets.latest().ok_or_else(|| {
        Error::failed("this recorder has no holders yet", "make the first one on its page Holders")
    })?;
    let me = PartyId::of(&identity.public());
    if before.holders().iter().all(|h| PartyId::of(&h.public) != me) {
        return Err(Error::failed(
            "only a holder of today can propose other holders",
            "use the file or words of one; `louver holder set list` names them",
        ));
    }
    let (needed, holders, observers) = args.change.applied(before)?;
    let document = sets.document(needed, holders, observers, WallTime::now());
    let consent = travelling::consent(&document, &identity)?;
    let made = HolderSetFile { document, consents: vec![consent] };
    let set = sets.proposed(made.clone()).map_err(|e| Error::because("this can never be the next set", e))?;
    travelling::write_new(&args.out, &made)?;
    print!("{}", change::told(before, &set));
    println!("Signed by you, and written to {}.", args.out.display());
    let missing = usize::from(before.set().needed()).saturating_sub(made.consents.len());
    match missing {
        0 => println!("What to do next: louver holder set post URL {}", args.out.display()),
        n => {
            let names: Vec<String> = before.holders().iter().map(|h| plain(&h.name)).collect();
            println!(
                "What to do next: {n} more of {} sign it (louver holder set sign {}), then it is posted.",
                names.join(", "),
                args.out.display()
            );
        }
    }
    Ok(())
}

fn sign(args: &Sign) -> Result<(), Error> {
    let mut signed: HolderSetFile = travelling::read(&args.file, FILE)?;
    let refused = |e| Error::because("this cannot be agreed to", e);
    let document = SetDocument::read(&signed.document).map_err(refused)?;
    document.set().map_err(refused)?;
    print!("{}", about(&document, &signed));
    let identity = args.who.identity()?;
    let me = PartyId::of(&identity.public());
    if signed.consents.iter().any(|c| c.holder == me) {
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
    let (have, file) = (signed.consents.len(), args.file.display());
    println!("Signed: the file has {have} consents. Pass {file} on, or post it.");
    Ok(())
}

fn post(args: &Post) -> Result<(), Error> {
    let signed: HolderSetFile = travelling::read(&args.file, FILE)?;
    let recorder = args.as_whom.sign_in(&args.recorder)?;
    let _: View = recorder.post("holders/sets", &signed)?;
    let document = SetDocument::read(&signed.document);
    let document =
        document.map_err(|e| Error::because("the recorder took what this Louver cannot read", e))?;
    println!(
        "Set {} is in force: {} of {} holders open together what is sealed from now on.",
        document.number,
        document.needed,
        document.holders.len()
    );
    Ok(())
}

fn list(args: &List) -> Result<(), Error> {
    let recorder = args.as_whom.sign_in(&args.recorder)?;
    if args.json {
        println!("{}", recorder.get::<serde_json::Value>("holders/sets")?);
        return Ok(());
    }
    let vault: crate::remote::views::Vault = recorder.get("vault")?;
    let sets = chain(&recorder, &vault.site)?;
    let mut before: Option<&SignedSet> = None;
    for set in sets.all() {
        match before {
            None => print!("{}", first(set)),
            Some(before) => print!("{}", change::told(before, set)),
        }
        before = Some(set);
    }
    match before {
        None => println!("There are no holders yet: make the first one on the page Holders."),
        Some(last) => {
            println!("In force is set {}; each was agreed to by holders of the one before it.", last.number())
        }
    }
    Ok(())
}

fn listed(named: &[Named]) -> String {
    let one = |n: &Named| format!("{} ({})", plain(&n.name), n.public.id());
    named.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn first(set: &SignedSet) -> String {
    let (needed, count) = (set.set().needed(), set.holders().len());
    let mut text = format!(
        "Set {}, {}: {needed} of {count}\n  holders   {}\n",
        set.number(),
        at(set.at_ms()),
        listed(set.holders())
    );
    if !set.observers().is_empty() {
        text.push_str(&format!("  observers {}\n", listed(set.observers())));
    }
    text
}

fn at(ms: i64) -> String {
    when::show(WallTime::from_millis(ms))
}

/// For who is about to sign.
fn about(document: &SetDocument, file: &HolderSetFile) -> String {
    let signed: Vec<String> = file.consents.iter().map(|c| c.holder.to_string()).collect();
    format!(
        "Change who the holders are: set {}\n  site      {}\n  made      {}\n  needed    {} of {}\n  holders   {}\n  observers {}\n  signed by {}\n",
        document.number,
        plain(&document.site),
        at(document.at),
        document.needed,
        document.holders.len(),
        listed(&document.holders),
        if document.observers.is_empty() { "none".to_owned() } else { listed(&document.observers) },
        if signed.is_empty() { "nobody yet".to_owned() } else { signed.join(", ") }
    )
}
