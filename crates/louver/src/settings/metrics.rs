//! `[metrics]`: who may read what is counted.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{Settings, read_text};
use crate::error::Error;

/// Shorter ones could be guessed.
const SHORTEST: usize = 16;

impl Settings {
    /// The token that reads `/metrics`, from the file that the settings name; `None` where they name none.
    pub(crate) fn metrics_token(&self) -> Result<Option<SecretString>, Error> {
        let Some(file) = &self.metrics_token_file else { return Ok(None) };
        let failed = |why, source| Error::TokenFile { file: file.clone(), why, source };
        let text = read_text(file).map_err(|e| match e {
            Error::ReadSettings { source, .. } => failed("cannot be read", Some(source)),
            other => other,
        })?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_file_without_a_token_is_a_mistake_in_the_settings_which_a_restart_does_not_mend() {
        let dir = tempfile::tempdir().unwrap();
        let text = "data = \"d\"\n[metrics]\ntoken_file = \"token\"\n";
        let settings = Settings::parse(&dir.path().join("louver.toml"), text).unwrap();
        let missing = settings.metrics_token().unwrap_err();
        assert!(missing.to_string().contains("token cannot be read"), "{missing}");
        for bad in ["short", "two words that are long", ""] {
            std::fs::write(dir.path().join("token"), bad).unwrap();
            let e = settings.metrics_token().unwrap_err();
            assert!(e.advice().unwrap().contains("openssl rand"), "{e}");
            // RestartPreventExitStatus= in packaging/louver.service.
            assert_eq!((e.exit_code(), missing.exit_code()), (3, 3));
        }
        std::fs::write(dir.path().join("token"), "0123456789abcdef\n").unwrap();
        assert!(settings.metrics_token().unwrap().is_some());
    }
}
