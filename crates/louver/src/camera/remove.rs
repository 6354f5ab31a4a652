//! `louver camera remove`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use crate::error::Error;
use crate::settings::Settings;
use crate::settings_file::SettingsFile;

const EXAMPLES: &str = "\
Examples:
  louver camera remove front-door
  louver camera remove front-door --yes";

/// Arguments of `louver camera remove`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Id of the camera
    id: String,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

/// Says what will happen, asks, writes.
pub(super) fn run(args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    let before = Settings::load(settings)?;
    let camera = before.camera(&args.id)?;
    println!(
        "Camera \"{}\" ({}) will not be recorded any more once the server is started again.",
        camera.id, camera.name
    );
    println!(
        "Its recordings stay until they are {} hours old and are deleted then, as long as a server runs on {}.",
        camera.retention_hours,
        before.data.display()
    );
    if !args.yes && !confirmed(&args.id)? {
        println!("Nothing was changed.");
        return Ok(());
    }
    let mut file = SettingsFile::open_or_begin(Some(&before.file))?;
    file.remove_camera(&args.id)?;
    file.save()?;
    println!("Camera \"{}\" was taken out of {}.", args.id, before.file.display());
    Ok(())
}

fn confirmed(id: &str) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::Input(
            "nobody is there to confirm this: say --yes to remove the camera without being asked",
        ));
    }
    print!("Type the id ({id}) to confirm: ");
    let _ = io::stdout().flush();
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|e| Error::because("the answer cannot be read", e))?;
    Ok(line.trim() == id)
}
