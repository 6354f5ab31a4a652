//! `louver camera discover`: which cameras there are, what they offer, and into the register with them.

mod propose;
mod sign_in;
mod table;
mod write;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use louver_base::Credentials;
use louver_onvif::{Camera, Found, Look, OnvifAddress, OnvifError};

use super::probe::runtime;
use crate::error::Error;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  louver camera discover
  louver camera discover --write
  louver camera discover --address 192.0.2.10 --json
  LOUVER_CAMERA_USER=louver LOUVER_CAMERA_PASSWORD=… louver camera discover --write \\
      --purpose \"Break-ins\" --owner \"Ada Example\" --contact ada@example.org

User name and password are asked for, or stand in LOUVER_CAMERA_USER and LOUVER_CAMERA_PASSWORD or in the file that
--sign-in names (user name in its first line, password in its second). Questions are never signed in clear text; but
whoever answers can try passwords out against what is sent, and a stream that --write looks at is signed in to as the
camera there asks, so a camera's user should have a password of its own. Cameras often keep users for ONVIF apart from
those of their page.

Cameras without ONVIF are added by the addresses of their streams: `louver camera probe rtsp://…` looks at one,
`louver camera add --help` says how.";

/// Cameras that are asked at the same time.
const AT_ONCE: usize = 16;

/// Arguments of `louver camera discover`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Ask this camera, which multicast does not reach: its host, host:port or http://…; may be repeated
    #[arg(long, value_name = "HOST", conflicts_with_all = ["network", "wait"])]
    address: Vec<Asked>,
    /// Search only the network in which this machine has this address; may be repeated [default: all]
    #[arg(long, value_name = "ADDRESS")]
    network: Vec<Ipv4Addr>,
    /// Seconds to wait for answers, 1 to 60
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    wait: u64,
    /// File with the cameras' user name in its first line and their password in its second
    #[arg(long, value_name = "FILE")]
    sign_in: Option<PathBuf>,
    /// List who is there without signing in
    #[arg(long, conflicts_with_all = ["sign_in", "write"])]
    no_sign_in: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "write")]
    json: bool,
    /// Enter the cameras into the register (louver.toml); what the register needs is asked for where it is not given
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    entry: write::Entry,
}

/// An address as typed; somebody may put a password in it all the same, so it prints as `[…]`.
#[derive(Clone)]
struct Asked(String);

impl std::str::FromStr for Asked {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[…]")
    }
}

/// A camera that was asked.
pub(super) struct Answered {
    /// Where, and as whom.
    address: OnvifAddress,
    /// The name it gave itself when it was searched for; may be empty.
    name: String,
    look: Result<Look, OnvifError>,
}

/// Searches, asks, prints, writes.
pub(super) fn run(args: &Args, named: Option<&Path>) -> Result<(), Error> {
    let runtime = runtime()?;
    let settings = match Settings::load(named) {
        Ok(settings) => Some(settings),
        // The first camera begins the file.
        Err(Error::NoSettings | Error::ReadSettings { .. }) => None,
        Err(e) => return Err(e),
    };
    let found = if args.address.is_empty() { runtime.block_on(search(args))? } else { named_ones(args)? };
    let credentials = match args.no_sign_in {
        true => None,
        false => sign_in::credentials(args.sign_in.as_deref(), &found)?,
    };
    let answered = runtime.block_on(look_at(found, credentials.as_ref()));
    let proposals = propose::all(&answered, settings.as_ref());
    if args.json {
        println!("{}", table::json(&answered, &proposals));
        return Ok(());
    }
    table::print(&answered, &proposals);
    if let [Answered { look: Err(_), .. }, ..] = &answered[..]
        && answered.iter().all(|a| a.look.is_err())
        && !args.no_sign_in
    {
        return Err(nobody_told(answered, credentials.is_some()));
    }
    if args.write {
        return write::run(&args.entry, &answered, &proposals, named);
    }
    if proposals.iter().any(|p| p.registered.is_none()) {
        println!("\n`louver camera discover --write` enters them into the register.");
    }
    Ok(())
}

async fn search(args: &Args) -> Result<Vec<Found>, Error> {
    let networks = |asked: &[Ipv4Addr]| asked.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    eprintln!("Searching for cameras ({} s) …", args.wait);
    let searched = louver_onvif::search(&args.network, Duration::from_secs(args.wait)).await.map_err(|e| Error::Failed {
        what: "no network can be searched for cameras".into(),
        advice: "check this machine's network (`ip address`), or ask a camera whose address you know: --address HOST".into(),
        source: Some(Box::new(e)),
    })?;
    if searched.found.is_empty() {
        return Err(Error::failed(
            format!("no camera answered in the networks of {}", networks(&searched.asked)),
            "check that the cameras have power and are in the same network as this machine (multicast does not pass from one \
             VLAN to another), that ONVIF and its discovery are switched on in the cameras, and that no firewall drops UDP \
             port 3702; ask a camera whose address you know with --address HOST; one without ONVIF is added by its streams \
             (`louver camera probe rtsp://…`)",
        ));
    }
    Ok(searched.found)
}

fn named_ones(args: &Args) -> Result<Vec<Found>, Error> {
    let one = |Asked(typed): &Asked| {
        let address: OnvifAddress =
            typed.parse().map_err(|why| Error::because("--address cannot be used", why))?;
        if address.credentials().is_some() {
            return Err(Error::Input(
                "others on this machine can read the command line: leave user name and password out of --address, they are asked for",
            ));
        }
        Ok(Found::named(address))
    };
    args.address.iter().map(one).collect()
}

/// Looks at all, some at a time; the order stays.
async fn look_at(found: Vec<Found>, credentials: Option<&Credentials>) -> Vec<Answered> {
    let mut answered = Vec::new();
    let mut rest = found.into_iter().peekable();
    while rest.peek().is_some() {
        let asked: Vec<_> = rest
            .by_ref()
            .take(AT_ONCE)
            .map(|one| {
                let address = one.address.with_credentials(credentials.cloned());
                tokio::spawn(async move {
                    let look = tokio::time::timeout(LOOK, Camera::new(address.clone()).look()).await;
                    Answered {
                        address,
                        name: one.name,
                        look: look.unwrap_or(Err(OnvifError::NoAnswer(LOOK))),
                    }
                })
            })
            .collect();
        for look in asked {
            // Nothing of it is cancelled; a fault in it leaves this camera out.
            answered.extend(look.await);
        }
    }
    answered
}

/// One camera, with all of its streams.
const LOOK: Duration = Duration::from_secs(60);

fn nobody_told(answered: Vec<Answered>, signed: bool) -> Error {
    let one = answered.len() == 1;
    let what = if one {
        "the camera does not say what it offers"
    } else {
        "none of the cameras says what it offers"
    };
    let Some(why) = answered.into_iter().find_map(|a| a.look.err()) else { return Error::failed(what, "") };
    let advice = match &why {
        e if e.is_sign_in() && !signed => {
            "run this in a terminal and type user name and password, or set LOUVER_CAMERA_USER and LOUVER_CAMERA_PASSWORD"
        }
        e if e.is_sign_in() => {
            "look on the camera's own page for its ONVIF users; after several wrong passwords many cameras refuse everybody for a while"
        }
        _ => {
            "a camera without ONVIF is added by its streams' addresses: `louver camera probe rtsp://…` looks at one, `louver camera add --help` says how"
        }
    };
    Error::Failed { what: what.into(), advice: advice.into(), source: Some(Box::new(why)) }
}
