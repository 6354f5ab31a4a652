//! What the file of a hold, or of the end of one, says.

use louver_base::CameraId;
use louver_opening::{HoldDocument, HoldFile};

use crate::error::Error;
use crate::terminal::plain;
use crate::when;

/// What the document says, if it keeps to the rules. Its site is its own word.
pub(super) fn document(file: &HoldFile) -> Result<HoldDocument, Error> {
    let site = serde_json::from_str::<serde_json::Value>(&file.document).ok();
    let site = site.as_ref().and_then(|d| d["site"].as_str()).unwrap_or_default();
    HoldDocument::read(&file.document, site).map_err(|e| Error::because("this cannot be agreed to", e))
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
