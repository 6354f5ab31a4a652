//! The file of a hold, or of the end of one, that travels from holder to holder: the document and their consents, as JSON.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::CameraId;
use louver_opening::{Consent, HoldDocument, HoldFile, PartyId};
use louver_vault::Identity;

use crate::error::Error;
use crate::terminal::plain;
use crate::{settings_file, when};

/// A document of 64 KiB as text within text, and the consents.
const LONGEST: u64 = 256 << 10;

pub(super) fn read(path: &Path) -> Result<HoldFile, Error> {
    let failed = |source| Error::File { doing: "read", file: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).and_then(|f| f.take(LONGEST + 1).read_to_string(&mut text)).map_err(failed)?;
    let no_hold =
        |e: serde_json::Error| Error::because(format!("{} is no file of a hold", path.display()), e);
    serde_json::from_str(&text).map_err(no_hold)
}

pub(super) fn write_new(path: &Path, file: &HoldFile) -> Result<(), Error> {
    let failed = |source| Error::File { doing: "written", file: path.to_owned(), source };
    let mut out = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(Error::Exists(path.to_owned())),
        out => out.map_err(failed)?,
    };
    out.write_all(text(file).as_bytes()).and_then(|()| out.sync_all()).map_err(failed)
}

pub(super) fn rewrite(path: &Path, file: &HoldFile) -> Result<(), Error> {
    let written = settings_file::replace(path, text(file).as_bytes());
    written.map_err(|source| Error::File { doing: "written", file: path.to_owned(), source })
}

fn text(file: &HoldFile) -> String {
    let mut text = serde_json::to_string_pretty(file).unwrap_or_default();
    text.push('\n');
    text
}

/// What the document says, if it keeps to the rules. Its site is its own word.
pub(super) fn document(file: &HoldFile) -> Result<HoldDocument, Error> {
    let site = serde_json::from_str::<serde_json::Value>(&file.document).ok();
    let site = site.as_ref().and_then(|d| d["site"].as_str()).unwrap_or_default();
    HoldDocument::read(&file.document, site).map_err(|e| Error::because("this cannot be agreed to", e))
}

/// Adds this holder's consent.
pub(super) fn consent(file: &mut HoldFile, identity: &Identity) -> Result<(), Error> {
    let signature = identity.consent(file.document.as_bytes());
    let signature = signature.map_err(|e| Error::because("the document cannot be signed", e))?;
    let holder = PartyId::of(&identity.public());
    file.consents.push(Consent { holder, signature: BASE64.encode(signature) });
    Ok(())
}

/// For who is about to sign.
pub(super) fn about(file: &HoldFile) -> Result<String, Error> {
    let signed: Vec<String> = file.consents.iter().map(|c| c.holder.to_string()).collect();
    let signed = if signed.is_empty() { "nobody yet".to_owned() } else { signed.join(", ") };
    let site = serde_json::from_str::<serde_json::Value>(&file.document).ok();
    let site = site.as_ref().and_then(|d| d["site"].as_str()).unwrap_or_default().to_owned();
    Ok(match document(file)? {
        HoldDocument::Hold(hold) => {
            let cameras: Vec<&str> = hold.cameras().iter().map(CameraId::as_str).collect();
            format!(
                "Keep recordings beyond their retention\n  hold      {}\n  site      {}\n  cameras   {}\n  from      {}\n  to        {}\n  \
                 until     {}\n  reason    {}\n  made      {}\n  signed by {signed}\n",
                hold.hash().id(),
                plain(&site),
                cameras.join(", "),
                when::show(hold.from()),
                when::show(hold.to()),
                when::show(hold.until()),
                plain(hold.reason()),
                when::show(hold.at()),
            )
        }
        HoldDocument::End(end) => format!(
            "End a hold before its date\n  hold      {}\n  site      {}\n  reason    {}\n  made      {}\n  signed by {signed}\n",
            end.hold().id(),
            plain(&site),
            plain(end.reason()),
            when::show(end.at()),
        ),
    })
}
