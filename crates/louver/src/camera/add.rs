//! `louver camera add`.

use std::path::Path;

use louver_base::CameraAddress;
use toml_edit::Value;
use url::Url;

use super::probe;
use crate::error::Error;
use crate::settings::{Problem, Settings, SettingsError};
use crate::settings_file::SettingsFile;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  louver camera add --id front-door --name \"Front door\" \\
      --main rtsp://louver@192.0.2.10/stream1 --sub rtsp://louver@192.0.2.10/stream2 --password-stdin \\
      --purpose \"Deliveries and break-ins at the front door\" --owner \"Ada Example\" --contact ada@example.org
  louver camera add --id yard --main rtsp://user:password@192.0.2.11/live --no-probe \\
      --purpose \"Break-ins\" --owner \"Ada Example\" --contact ada@example.org --analysis off

A password typed on the command line can be read by others on this machine and stays in the shell's history;
--password-stdin keeps it out of both: it is asked for, or read from the first line of standard input.";

/// Arguments of `louver camera add`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Short name of the camera: 1 to 32 of a-z, 0-9 and '-'; it names the folder of its recordings
    #[arg(long)]
    id: String,
    /// Name on the page [default: the id]
    #[arg(long)]
    name: Option<String>,
    /// Address of the best stream, rtsp://[user[:password]@]host[:port]/path; it is sealed as it comes
    #[arg(long, value_name = "ADDRESS")]
    main: Secret,
    /// Address of the small stream that is seen and masked; without it the main stream is decoded and scaled
    #[arg(long, value_name = "ADDRESS")]
    sub: Option<Secret>,
    /// How pictures travel [default: tcp]
    #[arg(long, value_name = "tcp|udp")]
    transport: Option<String>,
    /// SHA-256 fingerprint of the camera's own certificate, for rtsps:// addresses
    #[arg(long, value_name = "sha256:…")]
    certificate: Option<String>,
    /// "sealed": sound is sealed beside the main stream [default: off]
    #[arg(long, value_name = "off|sealed")]
    audio: Option<String>,
    /// What the camera is for; no camera records without it
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// Who answers for the camera; no camera records without it
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,
    /// How people who are recorded reach the owner; no camera records without it
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// Hours that recordings are kept; more than 72 need --retention-reason [default: 72]
    #[arg(long, value_name = "HOURS")]
    retention_hours: Option<u32>,
    /// Why recordings are kept longer than 72 hours
    #[arg(long, value_name = "TEXT")]
    retention_reason: Option<String>,
    /// "on": seen, masked and shown; "off": sealed only, nothing can be seen without opening [default: on]
    #[arg(long, value_name = "on|off")]
    analysis: Option<String>,
    /// Read the password for both addresses from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Do not look at the camera first
    #[arg(long)]
    no_probe: bool,
}

/// An address as typed; prints as `[…]`.
#[derive(Clone)]
struct Secret(String);

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[…]")
    }
}

/// Checks, probes, writes.
pub(super) fn run(mut args: Args, settings: Option<&Path>) -> Result<(), Error> {
    let mut file = SettingsFile::open_or_begin(settings)?;
    let before = Settings::parse(&file.path, &file.text())?;
    if let Some(taken) = before.cameras.iter().find(|c| c.id.as_str() == args.id) {
        return Err(Error::CameraExists(taken.id.clone()));
    }
    // Wrong addresses are told before anybody is asked for a password.
    parse("--main", &args.main)?;
    args.sub.as_ref().map(|s| parse("--sub", s)).transpose()?;
    if args.password_stdin {
        let password = password()?;
        for address in std::iter::once(&mut args.main).chain(&mut args.sub) {
            *address = with_password(address, &password)?;
        }
    }
    file.add_camera(&keys(&args))?;
    let after = match Settings::parse(&file.path, &file.text()) {
        Ok(after) => after,
        // Of a file that was in order, so every problem is the new camera's; its line is not written yet.
        Err(Error::Settings(SettingsError { problems, .. })) => {
            return Err(Error::CameraRefused(
                problems.into_iter().map(|(_, p): (usize, Problem)| p).collect(),
            ));
        }
        Err(other) => return Err(other),
    };
    let camera = after.camera(&args.id)?;
    if !args.no_probe {
        probe::before_adding(camera)?;
    }
    file.save()?;
    if file.new {
        println!("Made {}: recordings will lie in {}.", file.path.display(), after.data.display());
    }
    println!("Camera \"{}\" now stands in {}.", camera.id, file.path.display());
    if after.holders.is_none() {
        println!("Nothing is recorded before there is a holder: `louver holder new -o holder.txt --add`.");
    }
    println!("A server that is running takes it up when it is started again.");
    Ok(())
}

fn parse(what: &'static str, address: &Secret) -> Result<CameraAddress, Error> {
    address.0.parse().map_err(|why| Error::Address { what, why })
}

fn keys(args: &Args) -> Vec<(&'static str, Value)> {
    let text = |key, value: &Option<String>| value.as_deref().map(|v| (key, Value::from(v)));
    let secret = |value: &Secret| Some(value.0.clone());
    [
        text("id", &Some(args.id.clone())),
        text("name", &args.name),
        text("main", &secret(&args.main)),
        text("sub", &args.sub.as_ref().and_then(secret)),
        text("transport", &args.transport),
        text("certificate", &args.certificate),
        text("audio", &args.audio),
        text("purpose", &args.purpose),
        text("owner", &args.owner),
        text("contact", &args.contact),
        args.retention_hours.map(|h| ("retention_hours", Value::from(i64::from(h)))),
        text("retention_reason", &args.retention_reason),
        text("analysis", &args.analysis),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first line of standard input; a terminal does not show it.
fn password() -> Result<String, Error> {
    let line = terminal::secret("Password of the camera")?;
    if line.is_empty() {
        return Err(Error::Input("--password-stdin was given, but standard input holds no password"));
    }
    Ok(line.to_string())
}

/// The address with the password in it; one that has a password already or is a file stays as it is.
fn with_password(address: &Secret, password: &str) -> Result<Secret, Error> {
    let Ok(mut url) = Url::parse(&address.0) else { return Ok(address.clone()) };
    if !matches!(url.scheme(), "rtsp" | "rtsps") || url.password().is_some() {
        return Ok(address.clone());
    }
    if url.username().is_empty() {
        return Err(Error::Input(
            "--password-stdin needs a user name in the address, such as rtsp://louver@192.0.2.10/stream1",
        ));
    }
    // A '%' stays as it is in a URL, so it would be read back as the start of a code.
    let set = url.set_password(Some(&password.replace('%', "%25")));
    set.map_err(|()| Error::Input("the address cannot hold a password"))?;
    Ok(Secret(url.into()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn any_password_from_standard_input_reaches_the_camera_as_it_was_typed() {
        for password in ["simple", "p@ss:w/rd?#", "100%41", "ä b\"'\\"] {
            let address = with_password(&Secret("rtsp://louver@cam:8554/a?b=c".into()), password).unwrap();
            let read: CameraAddress = address.0.parse().unwrap();
            assert_eq!(read.credentials().unwrap().password.expose_secret(), password);
            assert_eq!(read.rtsp_url().unwrap().as_str(), "rtsp://cam:8554/a?b=c");
        }
    }

    #[test]
    fn a_password_without_user_name_is_asked_back() {
        assert!(with_password(&Secret("rtsp://cam/".into()), "x").is_err());
    }

    #[test]
    fn printed_arguments_hold_no_address() {
        let secret = Secret("rtsp://a:hunter2@cam/".into());
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
