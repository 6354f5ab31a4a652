//! `louver holder`: somebody who can agree to the opening of originals, and the list of them.

mod set;
mod sheet;

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use louver_base::WallTime;
use louver_vault::{Identity, VaultError};

use crate::error::Error;
use crate::holders_in_force;
use crate::settings::Settings;
use crate::settings_file::{self, SettingsFile};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a holder: 24 words, without which what is sealed for it is not opened
    New(New),
    /// Change who the holders of a recorder are, with the consent of those before
    #[command(subcommand)]
    Set(set::Command),
}

const EXAMPLES: &str = "\
Examples:
  louver holder new -o holder.txt                      make a holder, print its public half
  louver holder new -o holder.txt --add --name Ada     and put the public half into louver.toml
  louver holder new -o holder.txt --sheet sheet.html   and write a page to print and lock away

The file holds 24 words. Whoever has them is the holder; as many holders as the settings say open originals together.
Without the words nothing that was sealed for this holder can be opened by it: print the sheet, and keep the file away
from the recorder. An existing file is never overwritten.";

/// Arguments of `louver holder new`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct New {
    /// File to write the words to (mode 0600); it must not exist
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Page to print (HTML, mode 0600), with the words numbered; it must not exist
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
    /// Put the public half into the settings file too, beginning one (./louver.toml) where there is none
    #[arg(long)]
    add: bool,
    /// Who the holder is, for the settings and the sheet
    #[arg(long, value_name = "NAME", default_value = "Holder")]
    name: String,
}

/// Runs `louver holder`.
pub(crate) fn run(command: &Command, settings: Option<&Path>) -> Result<(), Error> {
    match command {
        Command::New(args) => new(args, settings),
        Command::Set(command) => set::run(command),
    }
}

fn new(args: &New, settings: Option<&Path>) -> Result<(), Error> {
    // Opened first, so that a file with mistakes is told before words are made that nobody would use.
    let mut file = if args.add { Some(SettingsFile::open_or_begin(settings)?) } else { None };
    if let Some(file) = file.as_ref().filter(|file| !file.new) {
        not_begun(&Settings::read(&file.path)?)?;
    }
    if let Some(sheet) = args.sheet.as_ref().filter(|sheet| sheet.symlink_metadata().is_ok()) {
        return Err(Error::Exists(sheet.clone()));
    }
    let made = |e| Error::because("the holder could not be made", e);
    let identity = Identity::generate().map_err(made)?;
    write(&identity, &args.out)?;
    let public = identity.public();
    println!("Wrote the holder's 24 words to {} (readable by its owner alone).", args.out.display());
    if let Some(path) = &args.sheet {
        let page = sheet::page(&identity, &args.name, WallTime::now());
        settings_file::replace(path, page.as_bytes()).map_err(|source| Error::File {
            doing: "written",
            file: path.clone(),
            source,
        })?;
        println!("Wrote a page to print to {}: print it, lock it away, delete the file.", path.display());
    }
    println!("Id {}. Its public half:\n\n  {public}\n", identity.id());
    match &mut file {
        Some(file) => add(file, &args.name, &public.to_string())?,
        None => println!(
            "What to do next: put it into louver.toml,\n\n  [holders]\n  needed = 1    # how many of them open together\n  \
             [[holders.list]]\n  name = \"{}\"\n  public = \"{public}\"\n",
            args.name.escape_default()
        ),
    }
    println!("Now copy {} to a safe place away from this machine and delete it here.", args.out.display());
    println!("If the words are lost, this holder can open nothing any more.");
    Ok(())
}

/// Once a site's list has begun, settings add nobody to it.
fn not_begun(settings: &Settings) -> Result<(), Error> {
    match holders_in_force::last_on_disk(&settings.data) {
        None => Ok(()),
        Some(_) => Err(Error::failed(
            "this site's list of holders has begun, and only its holders change it: nothing was made",
            "make the key without --add, and let a holder propose it with `louver holder set make`",
        )),
    }
}

fn add(file: &mut SettingsFile, name: &str, public: &str) -> Result<(), Error> {
    file.add_holder(name, public)?;
    file.save()?;
    let made = if file.new { "Made" } else { "Added it to" };
    println!("{made} {}: everything recorded from the next start on is sealed for it.", file.path.display());
    let settings = Settings::read(&file.path)?;
    if settings.holder_count() > 1 {
        println!(
            "There are {} holders now, and needed = {}: decide how many of them have to agree.",
            settings.holder_count(),
            settings.holders.as_ref().map_or(0, |set| set.needed())
        );
    }
    Ok(())
}

fn write(identity: &Identity, path: &Path) -> Result<(), Error> {
    identity.write_file(path, WallTime::now()).map_err(|e| match e {
        VaultError::IdentityExists { path } => Error::Exists(path),
        VaultError::IdentityWrite { path, source } => Error::File { doing: "written", file: path, source },
        other => Error::because("the holder could not be made", other),
    })?;
    // The folder's entry too: the file must not vanish with the power when things are sealed for it already.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let synced = File::open(folder).and_then(|f| f.sync_all());
    synced.map_err(|source| Error::File { doing: "written", file: path.to_path_buf(), source })
}
