//! Entering cameras that were found into the register. No camera records without its entry, so what that needs is asked for.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use toml_edit::Value;

use super::Answered;
use super::propose::Proposal;
use crate::camera::probe;
use crate::error::Error;
use crate::settings::{Problem, Settings, SettingsError};
use crate::settings_file::SettingsFile;
use crate::terminal;

/// The register's entry, as far as it was given.
#[derive(Debug, clap::Args)]
pub(crate) struct Entry {
    /// Id of the camera, where only one is found [default: made from its name]
    #[arg(long, requires = "write")]
    id: Option<String>,
    /// Name of the camera on the page, where only one is found [default: its own]
    #[arg(long, requires = "write")]
    name: Option<String>,
    /// What the cameras are for; no camera records without it
    #[arg(long, value_name = "TEXT", requires = "write")]
    purpose: Option<String>,
    /// Who answers for the cameras; no camera records without it
    #[arg(long, value_name = "TEXT", requires = "write")]
    owner: Option<String>,
    /// How people who are recorded reach the owner; no camera records without it
    #[arg(long, value_name = "TEXT", requires = "write")]
    contact: Option<String>,
    /// Do not look at the cameras' streams first
    #[arg(long, requires = "write")]
    no_probe: bool,
}

/// What one camera's entry says.
struct Filled {
    id: String,
    name: String,
    purpose: String,
    owner: String,
    contact: String,
}

/// Asks for what is missing, looks at each camera's streams, writes.
pub(super) fn run(
    entry: &Entry,
    answered: &[Answered],
    proposals: &[Proposal<'_>],
    named: Option<&Path>,
) -> Result<(), Error> {
    let new: Vec<&Proposal<'_>> = proposals.iter().filter(|p| p.registered.is_none()).collect();
    if new.is_empty() {
        println!("\nAll of them stand in the register already.");
        return Ok(());
    }
    if new.len() > 1 && (entry.id.is_some() || entry.name.is_some()) {
        return Err(Error::Input(
            "--id and --name are one camera's, and several were found: choose one with --address",
        ));
    }
    let asks = io::stdin().is_terminal();
    let complete = entry.purpose.is_some() && entry.owner.is_some() && entry.contact.is_some();
    if !asks && !complete {
        return Err(Error::Input(
            "nobody is there to be asked: say --purpose, --owner and --contact, without which no camera records",
        ));
    }
    let mut file = SettingsFile::open_or_begin(named)?;
    let (mut written, mut failed, mut before) = (Vec::new(), 0, None);
    for proposal in new {
        let Some(filled) = fill(entry, proposal, before.as_ref(), asks)? else { continue };
        match enter(&mut file, proposal, &filled, entry.no_probe) {
            Ok(()) => written.push(filled.id.clone()),
            // Of several, the others are still entered.
            Err(e) if proposals.len() > 1 => {
                failed += 1;
                e.print();
            }
            Err(e) => return Err(e),
        }
        before = Some(filled);
    }
    if written.is_empty() && failed > 0 {
        return Err(Error::failed(
            "no camera was entered into the register",
            "see what stands above about each",
        ));
    }
    if written.is_empty() {
        println!("Nothing was changed.");
        return Ok(());
    }
    file.save()?;
    let after = Settings::read(&file.path)?;
    if file.new {
        println!("Made {}: recordings will lie in {}.", file.path.display(), after.data.display());
    }
    for id in written {
        println!("Camera \"{id}\" now stands in {}.", file.path.display());
    }
    let silent = answered.iter().filter(|a| a.look.is_err()).count();
    if silent + failed > 0 {
        println!("{} more could not be entered: see above.", silent + failed);
    }
    if after.holders.is_none() {
        println!("Nothing is recorded before there is a holder: `louver holder new -o holder.txt --add`.");
    }
    println!("A server that is running takes them up when it is started again.");
    Ok(())
}

/// `None` if whoever sits there does not want this camera.
fn fill(
    entry: &Entry,
    proposal: &Proposal<'_>,
    before: Option<&Filled>,
    asks: bool,
) -> Result<Option<Filled>, Error> {
    let given =
        |value: &Option<String>, otherwise: &str| value.clone().unwrap_or_else(|| otherwise.to_owned());
    let (id, name) = (given(&entry.id, &proposal.id), given(&entry.name, &proposal.name));
    let last = |of: fn(&Filled) -> &String| before.map(of).cloned().unwrap_or_default();
    let mut filled = Filled {
        id,
        name,
        purpose: given(&entry.purpose, &last(|f| &f.purpose)),
        owner: given(&entry.owner, &last(|f| &f.owner)),
        contact: given(&entry.contact, &last(|f| &f.contact)),
    };
    if !asks {
        return Ok(Some(filled));
    }
    let question =
        format!("\nEnter {} at {} into the register?", proposal.name, proposal.camera.address.host());
    if !terminal::yes(&question, "nobody is there to be asked")? {
        return Ok(None);
    }
    for (what, value, is_given) in [
        (
            "Short name (a-z, 0-9, -); it names the folder of its recordings",
            &mut filled.id,
            entry.id.is_some(),
        ),
        ("Name on the page", &mut filled.name, entry.name.is_some()),
        ("What is the camera for", &mut filled.purpose, entry.purpose.is_some()),
        ("Who answers for it", &mut filled.owner, entry.owner.is_some()),
        ("How do people who are recorded reach them", &mut filled.contact, entry.contact.is_some()),
    ] {
        if is_given {
            continue;
        }
        let proposed = if value.is_empty() { String::new() } else { format!(" [{value}]") };
        let answer = terminal::ask(&format!("{what}{proposed}"))?;
        if !answer.is_empty() {
            *value = answer;
        }
    }
    Ok(Some(filled))
}

/// Adds the camera to the text that will be written, or leaves that as it was.
fn enter(
    file: &mut SettingsFile,
    proposal: &Proposal<'_>,
    filled: &Filled,
    no_probe: bool,
) -> Result<(), Error> {
    let before = Settings::parse(&file.path, &file.text())?;
    if let Some(taken) = before.cameras.iter().find(|c| c.id.as_str() == filled.id) {
        return Err(Error::CameraExists(taken.id.clone()));
    }
    let text = |key, value: &str| (key, Value::from(value));
    let mut keys = vec![
        text("id", &filled.id),
        text("name", &filled.name),
        // Without name and password: those of `main` are used.
        text("onvif", proposal.camera.address.url().as_str()),
        text("main", &proposal.streams.main.address.reveal()),
    ];
    keys.extend(proposal.streams.sub.iter().map(|sub| text("sub", &sub.address.reveal())));
    keys.extend([
        text("purpose", &filled.purpose),
        text("owner", &filled.owner),
        text("contact", &filled.contact),
    ]);
    file.add_camera(&keys)?;
    let entered = (|| {
        let after = match Settings::parse(&file.path, &file.text()) {
            // Of a text that was in order, so every problem is the new camera's.
            Err(Error::Settings(SettingsError { problems, .. })) => {
                return Err(Error::CameraRefused(
                    problems.into_iter().map(|(_, p): (usize, Problem)| p).collect(),
                ));
            }
            after => after?,
        };
        if no_probe { Ok(()) } else { probe::before_adding(after.camera(&filled.id)?) }
    })();
    if entered.is_err() {
        file.remove_camera(&filled.id)?;
    }
    entered
}
