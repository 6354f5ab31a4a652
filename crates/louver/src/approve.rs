//! `louver approve`: a holder agrees to an opening, or says no, on a machine of his own; an observer stops one. The holder's secret is used here
//! and goes nowhere. docs/opening.md.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::{CameraId, WallTime};
use louver_opening::Request;
use louver_vault::{Identity, Share, SiteId, pass_on};
use serde_json::{Value, json};

use crate::error::Error;
use crate::opening::shown;
use crate::remote::views::{Epoch, Opening, Role, State};
use crate::remote::{AsHolder, Recorder};
use crate::{memory, terminal, when};

const EXAMPLES: &str = "\
Examples:
  louver approve https://recorder.example --holder holder.txt
  louver approve https://recorder.example 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --holder holder.txt
  louver approve https://recorder.example 0f1e… --camera gate --from \"2026-11-23 14:00\" --to \"2026-11-23 14:05\"
  louver approve https://recorder.example 0f1e… --deny \"the insurer has the report already\"
  louver approve https://recorder.example 0f1e… --veto \"no case number\"      (observers)

Without an id the requests that wait for you are listed. The request's own text is shown, which its id is the hash of, and
you are asked. --camera, --from and --to agree to less than was asked for; times without a zone are this machine's local
time. Your shares are encrypted here for who asked; neither your words nor your key leave this machine.";

/// Arguments of `louver approve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Address of the recorder
    #[arg(value_name = "URL")]
    recorder: String,
    /// Id of the request: 32 hexadecimal digits
    id: Option<String>,
    #[command(flatten)]
    who: AsHolder,
    /// Agree to this camera alone; may be given several times
    #[arg(long = "camera", value_name = "ID")]
    cameras: Vec<String>,
    /// Agree to pictures from this time on alone
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// Agree to pictures before this time alone
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Say no, and why
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["cameras", "from", "to", "veto"])]
    deny: Option<String>,
    /// As an observer: stop the opening, and say why
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["cameras", "from", "to"])]
    veto: Option<String>,
    /// Sign in to this site alone: its 32 hexadecimal digits
    #[arg(long, value_name = "SITE")]
    site: Option<SiteId>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

/// What a holder agrees to.
struct Scope {
    cameras: Vec<CameraId>,
    from: WallTime,
    to: WallTime,
}

/// Lists what waits, or shows one request, asks, signs and sends.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    if let Some(notice) = memory::protect().notice() {
        eprintln!("warning: {notice}");
    }
    let mut recorder = Recorder::at(&args.recorder)?;
    let identity = args.who.identity()?;
    recorder.sign_in_as(&identity, args.site)?;
    let me = identity.id().to_string();
    let opening = match &args.id {
        Some(id) => one(&recorder, id)?,
        None => match waiting(&recorder, &me)? {
            Some(opening) => opening,
            None => return Ok(()),
        },
    };
    let request = shown::checked(&opening)?;
    print!("{}", shown::whole(&opening, &request));
    let role = opening.roll.iter().find(|s| s.id == me).map(|s| s.role);
    let statement = match (role, &args.deny, &args.veto) {
        (Some(Role::Holder), Some(text), None) => refusal(args, &identity, &request, "denial", text)?,
        (Some(Role::Observer), None, Some(text)) => refusal(args, &identity, &request, "veto", text)?,
        (Some(Role::Holder), None, None) => approval(args, &recorder, &identity, &opening, &request)?,
        (Some(Role::Holder), ..) => {
            return Err(Error::failed("a holder has no veto", "say no with --deny TEXT"));
        }
        (Some(Role::Observer), ..) => {
            return Err(Error::failed(
                "an observer has no share, and can neither agree nor deny",
                "stop the opening with --veto TEXT, or leave it",
            ));
        }
        (None, ..) => {
            let advice = "those who may speak are listed above";
            return Err(Error::failed("you are neither a holder nor an observer for this request", advice));
        }
    };
    let Some(statement) = statement else {
        println!("Nothing was sent.");
        return Ok(());
    };
    let after: Opening = recorder.post(&format!("openings/{}/statements", opening.id), &statement)?;
    println!("Sent. The request: {}.", after.state.sentence());
    Ok(())
}

/// A request's path holds an id and nothing else.
pub(crate) fn one(recorder: &Recorder, id: &str) -> Result<Opening, Error> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::failed(
            format!("\"{}\" is no request's id", terminal::plain(id).chars().take(64).collect::<String>()),
            "an id has 32 hexadecimal digits; `louver opening list` shows them",
        ));
    }
    Ok(recorder.get(&format!("openings/{}", id.to_lowercase()))?)
}

/// Lists what waits for this holder; gives it if it is one and somebody is there to be asked.
fn waiting(recorder: &Recorder, me: &str) -> Result<Option<Opening>, Error> {
    let all: Vec<Opening> = recorder.get("openings")?;
    let waits = |o: &Opening| {
        o.state == State::Asked
            && o.roll.iter().any(|s| s.id == me)
            && !o.statements.iter().any(|s| s.holder == me)
    };
    let mut waiting: Vec<Opening> = all.into_iter().filter(waits).collect();
    match waiting.as_slice() {
        [] => println!("No request waits for you."),
        _ => println!("Waiting for you:"),
    }
    for opening in &waiting {
        println!("  {}", shown::line(opening));
    }
    use std::io::IsTerminal as _;
    if waiting.len() == 1 && std::io::stdin().is_terminal() {
        return Ok(waiting.pop());
    }
    if !waiting.is_empty() {
        println!("Look at one, and agree or not: `louver approve URL ID`.");
    }
    Ok(None)
}

fn confirmed(args: &Args, question: &str) -> Result<bool, Error> {
    let unasked = "nobody is there to confirm this: say --yes to send it without being asked";
    Ok(args.yes || terminal::yes(question, unasked)?)
}

/// A denial or a veto, signed. `None`: not wanted after all.
fn refusal(
    args: &Args,
    identity: &Identity,
    request: &Request,
    kind: &str,
    text: &str,
) -> Result<Option<Value>, Error> {
    if text.trim().is_empty() {
        return Err(Error::failed("a reason is missing", "say in a few words why: who asked reads it"));
    }
    if !confirmed(args, &format!("Send this {kind}: \"{}\"?", terminal::plain(text)))? {
        return Ok(None);
    }
    let document = json!({
        "what": format!("louver opening {kind}"), "v": 1, "request": request.hash().to_string(),
        "holder": identity.id().to_string(), "at": WallTime::now().millis(), "text": text.trim()
    });
    signed(identity, &document, None).map(Some)
}

/// An approval, signed, with this holder's shares for who asked.
fn approval(
    args: &Args,
    recorder: &Recorder,
    identity: &Identity,
    opening: &Opening,
    request: &Request,
) -> Result<Option<Value>, Error> {
    if opening.state != State::Asked {
        return Err(Error::failed(
            format!("the request is not open any more: {}", opening.state.sentence()),
            "",
        ));
    }
    let scope = scope(args, request)?;
    let cameras: Vec<&str> = scope.cameras.iter().map(CameraId::as_str).collect();
    let what = format!("{}, {} to {}", cameras.join(", "), when::show(scope.from), when::show(scope.to));
    if !confirmed(args, &format!("Agree to {what}?"))? {
        return Ok(None);
    }
    let offered: Vec<Epoch> =
        recorder.get(&format!("openings/{}/epochs?holder={}", opening.id, identity.id()))?;
    let site = serde_json::from_str::<Value>(request.text()).ok();
    let site = site.as_ref().and_then(|d| d["site"].as_str()).unwrap_or_default().to_owned();
    let shares = shares(identity, &offered, &scope, &site)?;
    let file =
        pass_on(&shares, request.recipient()).map_err(|e| Error::because("nothing was agreed to", e))?;
    let document = json!({
        "what": "louver opening approval", "v": 1, "request": request.hash().to_string(),
        "holder": identity.id().to_string(), "at": WallTime::now().millis(), "cameras": scope.cameras,
        "from": scope.from.millis(), "to": scope.to.millis(), "shares": hex::encode(digest(&SHA256, &file))
    });
    println!("Agreeing to {what}; {} shares go with it.", shares.len());
    signed(identity, &document, Some(&file)).map(Some)
}

/// All that was asked for, or as much of it as the arguments say.
fn scope(args: &Args, request: &Request) -> Result<Scope, Error> {
    let time = |text: &Option<String>, asked: WallTime| match text {
        Some(text) => when::one(text),
        None => Ok(asked),
    };
    let (from, to) = (time(&args.from, request.from())?, time(&args.to, request.to())?);
    let (asked_from, asked_to) = (request.from().millis(), request.to().millis());
    if from.millis() < asked_from || to.millis() > asked_to || from.millis() >= to.millis() {
        return Err(Error::failed(
            format!("{} to {} is no part of what was asked for", when::show(from), when::show(to)),
            "agree to less with --from and --to; more needs a request of its own",
        ));
    }
    let asked = request.cameras();
    let named = args.cameras.iter().map(|id| {
        asked.iter().find(|c| c.as_str() == id).cloned().ok_or_else(|| {
            let id: String = terminal::plain(id).chars().take(64).collect();
            Error::failed(format!("the request asks for no camera \"{id}\""), "its cameras are listed above")
        })
    });
    let mut cameras = named.collect::<Result<Vec<_>, _>>()?;
    cameras.sort_unstable();
    cameras.dedup();
    if cameras.is_empty() {
        cameras = asked.to_vec();
    }
    Ok(Scope { cameras, from, to })
}

const HOUR_MS: i64 = 3_600_000;

/// The shares that lie in the scope by their own words: what the recorder says of them is not believed.
fn shares(identity: &Identity, offered: &[Epoch], scope: &Scope, site: &str) -> Result<Vec<Share>, Error> {
    let mut shares = Vec::new();
    for epoch in offered {
        let foreign = || {
            Error::failed(
                "the recorder gave a share that is not what it says: nothing was agreed to",
                "somebody may have tampered with the recorder; tell the other holders",
            )
        };
        let file = BASE64.decode(&epoch.file).map_err(|_| foreign())?;
        let share = identity.own_share(&file);
        let share =
            share.map_err(|e| Error::because("a share cannot be opened: nothing was agreed to", e))?;
        let says = (share.camera().as_str(), share.hour().number(), share.epoch().to_string());
        let right = says == (epoch.camera.as_str(), epoch.hour, epoch.epoch.clone())
            && share.site().to_string() == site
            && hex::encode(share.hash()) == epoch.hash;
        if !right {
            return Err(foreign());
        }
        let start = share.hour().start().millis();
        let within = start < scope.to.millis() && start.saturating_add(HOUR_MS) > scope.from.millis();
        if within && scope.cameras.contains(share.camera()) {
            shares.push(share);
        }
    }
    if shares.is_empty() {
        return Err(Error::failed(
            "the recorder has no share of yours of what you would agree to",
            "nothing may be left of it, or it was sealed for others; agree to another part, or say no with --deny TEXT",
        ));
    }
    Ok(shares)
}

fn signed(identity: &Identity, document: &Value, shares: Option<&[u8]>) -> Result<Value, Error> {
    let text = document.to_string();
    let signature = identity.consent(text.as_bytes());
    let signature = signature.map_err(|e| Error::because("the statement cannot be signed", e))?;
    let mut body = json!({
        "document": text, "holder": identity.id().to_string(), "signature": BASE64.encode(signature)
    });
    if let Some(shares) = shares {
        body["shares"] = BASE64.encode(shares).into();
    }
    Ok(body)
}
