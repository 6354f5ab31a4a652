//! `louver holder new`: the key that opens originals.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use louver_base::WallTime;
use louver_vault::Identity;

use crate::error::Error;
use crate::settings::Settings;
use crate::settings_file::SettingsFile;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a holder's identity: the one thing that can open what is sealed for it
    New(New),
}

const EXAMPLES: &str = "\
Examples:
  louver holder new -o holder.age            make an identity, print its recipient
  louver holder new -o holder.age --add      and put the recipient into louver.toml

The file is an age identity. Whoever has it can open every original that is sealed for it. Without it nobody can: keep
a copy in a safe place, and the file itself away from the recorder. An existing file is never overwritten.";

/// Arguments of `louver holder new`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct New {
    /// File to write the identity to (mode 0600); it must not exist
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Put the recipient into the settings file too, beginning one (./louver.toml) where there is none
    #[arg(long)]
    add: bool,
}

/// Runs `louver holder`.
pub(crate) fn run(command: &Command, settings: Option<&Path>) -> Result<(), Error> {
    let Command::New(args) = command;
    // Opened first, so that a file with mistakes is told before a key is made that nobody would use.
    let mut file = if args.add { Some(SettingsFile::open_or_begin(settings)?) } else { None };
    let identity = Identity::generate();
    write(&identity, &args.out)?;
    let recipient = identity.recipient();
    println!("Wrote the holder's identity to {} (readable by its owner alone).", args.out.display());
    println!("Its recipient, the public half:\n\n  {recipient}\n");
    match &mut file {
        Some(file) => {
            file.add_recipient(&recipient.to_string())?;
            file.save()?;
            let made = if file.new { "Made" } else { "Added it to" };
            println!(
                "{made} {}: everything recorded from the next start on is sealed for it.",
                file.path.display()
            );
            let holders = Settings::read(&file.path)?.recipients.len();
            if holders > 1 {
                println!("There are {holders} holders now; each of them can open originals alone.");
            }
        }
        None => println!(
            "What to do next: put it into louver.toml,\n\n  [vault]\n  recipients = [\"{recipient}\"]\n"
        ),
    }
    println!("Now copy {} to a safe place away from this machine and delete it here.", args.out.display());
    println!("If it is lost, nothing that was sealed for it can ever be opened.");
    Ok(())
}

fn write(identity: &Identity, path: &Path) -> Result<(), Error> {
    use louver_vault::VaultError;
    identity.write_file(path, WallTime::now()).map_err(|e| match e {
        VaultError::IdentityExists { path } => Error::Exists(path),
        VaultError::IdentityWrite { path, source } => Error::File { doing: "written", file: path, source },
        other => Error::because("the identity could not be made", other),
    })?;
    // The folder's entry too: the file must not vanish with the power when things are sealed for it already.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let synced = File::open(folder).and_then(|f| f.sync_all());
    synced.map_err(|source| Error::File { doing: "written", file: path.to_path_buf(), source })
}
