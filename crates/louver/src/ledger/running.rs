//! The ledger beside a running recorder.

use louver_ledger::leaf::Version;
use louver_ledger::{Leaf, Ledger, Options};
use louver_vault::SiteId;

use super::{FOLDER, Poster, register};
use crate::error::Error;
use crate::settings::Settings;

/// This program's version, as leaves carry it.
fn version() -> Version {
    let number = |text: &str| text.parse().unwrap_or(0);
    Version(
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    )
}

/// Opens the ledger and writes that the recorder starts, and what changed in the register. Waits for the disk.
///
/// # Errors
/// Where the past was changed or cannot be read: recording does not start then. A disk that takes no leaf keeps nothing from being
/// recorded; openings are.
pub(crate) fn begin(settings: &Settings, site: SiteId) -> Result<Ledger, Error> {
    let folder = settings.data.join(FOLDER);
    let witnesses = settings.witnesses.clone();
    let options = Options {
        post: (!witnesses.is_empty()).then(|| Box::new(Poster::new()) as _),
        witnesses,
        ..Options::default()
    };
    let ledger = Ledger::open(&folder, site.as_bytes(), options)
        .map_err(|e| Error::because("the ledger cannot be opened, and nothing is recorded without it", e))?;
    let opened = ledger.opened();
    tracing::info!(leaves = opened.size, clean = opened.clean, "ledger opened");
    if opened.torn > 0 {
        tracing::warn!(
            bytes = opened.torn,
            "the ledger's end was cut off by the last stop; it was never acknowledged"
        );
    }
    let known = register::recall(&folder);
    let now = register::of(&settings.cameras, ledger.salt());
    let mut leaves = vec![Leaf::Start { version: version(), clean: opened.clean }];
    leaves.extend(register::changes(&known, &now));
    match ledger.append_all(&leaves) {
        Ok(_) if known != now => register::remember(&folder, &now),
        Ok(_) => {}
        Err(e) => {
            tracing::error!(error = &e as &dyn std::error::Error, "the start does not stand in the ledger")
        }
    }
    Ok(ledger)
}

/// Writes that the recorder ends, and ends the ledger. Waits for the disk.
pub(crate) fn end(ledger: &Ledger) {
    if let Err(e) = ledger.append(&Leaf::Stop { version: version(), clean: true }) {
        tracing::error!(error = &e as &dyn std::error::Error, "the end does not stand in the ledger");
    }
    ledger.close();
}
