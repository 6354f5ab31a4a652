//! `louver link`: a new one-time sign-in link.

use std::path::Path;

use louver_store::{Store, StoreError, StoreOptions};

use crate::control;
use crate::error::Error;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  louver link
  sudo -u louver louver link --settings /etc/louver/louver.toml

The link signs in once within 24 hours; a new password can be set then. Whoever can use the data directory can make
one, with the server running or not.";

/// Arguments of `louver link`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// Prints a link.
pub(crate) fn run(_args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    let settings = Settings::load(settings)?;
    if !settings.data.is_dir() {
        let what = format!("there is no data directory {} yet", settings.data.display());
        return Err(Error::failed(what, "`louver serve` makes it and prints the first link"));
    }
    let link = match make(&settings)? {
        Some(link) => link,
        None => control::ask(&settings.data)?,
    };
    println!("{link}");
    eprintln!("This link signs in once within 24 hours.");
    Ok(())
}

/// A link of one's own making, or `None` when a server holds the directory.
fn make(settings: &Settings) -> Result<Option<String>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Error::because("the sign-in link cannot be made", e))?;
    runtime.block_on(async {
        let store = match Store::open(&settings.data, StoreOptions::default()).await {
            Ok((store, _)) => store,
            Err(StoreError::InUse(_)) => return Ok(None),
            Err(e) => return Err(crate::serve::store_error(e)),
        };
        let link = louver_server::issue_sign_in_link(&store, settings.listen).await;
        let closed = store.close().await;
        let link = link.map_err(|e| Error::because("the sign-in link cannot be made", e))?;
        closed.map_err(crate::serve::store_error)?;
        Ok(Some(link))
    })
}
