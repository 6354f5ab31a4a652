//! Files that travel from holder to holder: a document and their consents, as JSON.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_opening::{Consent, PartyId};
use louver_vault::Identity;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::settings_file;

/// A document of 64 KiB as text within text, and the consents.
const LONGEST: u64 = 256 << 10;

/// Reads one; `what` it should be: "file of a hold".
pub(crate) fn read<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, Error> {
    let failed = |source| Error::File { doing: "read", file: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).and_then(|f| f.take(LONGEST + 1).read_to_string(&mut text)).map_err(failed)?;
    let other = |e: serde_json::Error| Error::because(format!("{} is no {what}", path.display()), e);
    serde_json::from_str(&text).map_err(other)
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, file: &impl Serialize) -> Result<(), Error> {
    let failed = |source| Error::File { doing: "written", file: path.to_owned(), source };
    let mut out = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(Error::Exists(path.to_owned())),
        out => out.map_err(failed)?,
    };
    out.write_all(text(file).as_bytes()).and_then(|()| out.sync_all()).map_err(failed)
}

/// Writes it with one consent more.
pub(crate) fn rewrite(path: &Path, file: &impl Serialize) -> Result<(), Error> {
    let written = settings_file::replace(path, text(file).as_bytes());
    written.map_err(|source| Error::File { doing: "written", file: path.to_owned(), source })
}

fn text(file: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(file).unwrap_or_default();
    text.push('\n');
    text
}

/// This holder's consent to a document.
pub(crate) fn consent(document: &str, identity: &Identity) -> Result<Consent, Error> {
    let signature = identity.consent(document.as_bytes());
    let signature = signature.map_err(|e| Error::because("the document cannot be signed", e))?;
    Ok(Consent { holder: PartyId::of(&identity.public()), signature: BASE64.encode(signature) })
}
