//! `[metrics]`: who may read what is counted.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{Settings, read_text};
use crate::error::Error;

/// Shorter ones could be guessed.
const SHORTEST: usize = 16;
const ADVICE: &str = "`openssl rand -hex 32 > FILE` makes one, which only Louver's user and the monitoring may read; or leave token_file out";

impl Settings {
    /// The token that reads `/metrics`, from the file that the settings name; `None` where they name none.
    pub(crate) fn metrics_token(&self) -> Result<Option<SecretString>, Error> {
        let Some(file) = &self.metrics_token_file else { return Ok(None) };
        let failed = |why: &str, source| Error::Failed {
            what: format!("[metrics] token_file: {} {why}", file.display()),
            advice: ADVICE.to_owned(),
            source,
        };
        let text = read_text(file).map_err(|e| failed("cannot be used", Some(e.into())))?;
        let token = text.trim();
        if token.len() < SHORTEST || token.contains(char::is_whitespace) {
            return Err(failed("does not hold one word of 16 letters and more", None));
        }
        Ok(Some(token.into()))
    }
}

/// The file of `[metrics]`, absolute.
pub(super) fn token_file(raw: super::file::Metrics, folder: &std::path::Path) -> Option<PathBuf> {
    raw.token_file.map(|file| folder.join(file.into_inner()))
}
