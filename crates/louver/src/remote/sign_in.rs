//! Signing in: the account with its password or a one-time link, a holder or observer with a signature.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_vault::{Identity, SiteId};
use serde_json::json;
use ureq::http::Method;
use zeroize::Zeroizing;

use super::{Recorder, Trouble, views};
use crate::error::Error;
use crate::terminal;

/// Longest password that the server takes, in UTF-8.
const PASSWORD: u64 = 4096;

/// How the account is signed in to.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AsUser {
    /// File whose first line is the password; without it the password is asked for, or read from standard input
    #[arg(long, value_name = "FILE", env = "LOUVER_PASSWORD_FILE", hide_env_values = true)]
    password_file: Option<PathBuf>,
}

/// Who the holder or observer is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AsHolder {
    /// Your holder's file, made by `louver holder new`; without it the 24 words are asked for, or read from standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) holder: Option<PathBuf>,
}

impl AsHolder {
    /// Reads the file, or asks for the words.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        match &self.holder {
            Some(file) => {
                Identity::read_file(file).map_err(|e| Error::because("the holder's file cannot be used", e))
            }
            None => Identity::from_words(&terminal::secret("Your 24 words")?)
                .map_err(|e| Error::because("these are not a holder's words", e)),
        }
    }
}

impl AsUser {
    fn password(&self) -> Result<Zeroizing<String>, Error> {
        let Some(path) = &self.password_file else {
            return terminal::secret("Password of the recorder's page");
        };
        let failed = |source| Error::File { doing: "read", file: path.clone(), source };
        let mut text = Zeroizing::new(String::with_capacity(PASSWORD as usize + 1));
        File::open(path).and_then(|f| f.take(PASSWORD + 1).read_to_string(&mut text)).map_err(failed)?;
        Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
    }
}

/// Somebody who signs in: a holder or observer, or the account.
#[derive(Debug, clap::Args)]
pub(crate) struct AsEither {
    #[command(flatten)]
    holder: AsHolder,
    /// Sign in with the recorder's password, not as a holder
    #[arg(long, conflicts_with = "holder")]
    user: bool,
    #[command(flatten)]
    password: AsUser,
}

impl AsEither {
    /// Signs in at an address, or with a sign-in link.
    pub(crate) fn sign_in(&self, address: &str) -> Result<Recorder, Error> {
        let mut recorder = Recorder::at(address)?;
        if self.user {
            recorder.sign_in(&self.password)?;
        } else {
            recorder.sign_in_as(&self.holder.identity()?, None)?;
        }
        Ok(recorder)
    }
}

impl Recorder {
    /// Signs in to the account: with the link, if the address was one, else with the password.
    pub(crate) fn sign_in(&mut self, how: &AsUser) -> Result<(), Error> {
        use secrecy::ExposeSecret as _;
        let session = match self.token.take() {
            Some(token) => self.begin("session/link", &json!({ "token": token.expose_secret() }))?,
            None => {
                let password = how.password()?;
                if password.is_empty() {
                    return Err(Error::Input(
                        "there is no password: name a file that holds it with --password-file, or give a sign-in link of `louver link` as the address",
                    ));
                }
                self.begin("session", &json!({ "password": *password }))?
            }
        };
        match session.state.as_str() {
            "needs_password" => Err(Error::failed(
                "this recorder has no password yet, and until it has one a sign-in can do nothing else",
                "make a sign-in link with `louver link`, open it in a browser and set a password",
            )),
            _ => Ok(()),
        }
    }

    /// Signs in as a holder or observer: with a signature for this site; the secret stays here. `expected`: refuse any other site.
    pub(crate) fn sign_in_as(
        &mut self,
        identity: &Identity,
        expected: Option<SiteId>,
    ) -> Result<SiteId, Error> {
        let asked = self.call(&Method::POST, "holders/challenge", None, super::REFUSAL_MAX)?.1;
        let asked: views::Challenge = self.json(&asked)?;
        let foreign =
            || Error::failed("the recorder asks for something else than a sign-in", "check the address");
        let site: SiteId = asked.site.parse().map_err(|_| foreign())?;
        if expected.is_some_and(|expected| expected != site) {
            return Err(Error::failed(
                format!(
                    "this recorder is of the site {site}, and not of the one named with --site: nothing was signed"
                ),
                "check the address; who answers there may be passing your sign-in on to somebody else",
            ));
        }
        let challenge = BASE64.decode(&asked.challenge).ok().and_then(|c| <[u8; 32]>::try_from(c).ok());
        let challenge = challenge.ok_or_else(foreign)?;
        let signature = identity.sign_in(site, &challenge);
        let signature = signature.map_err(|e| Error::because("the sign-in cannot be signed", e))?;
        let answer = json!({
            "public": identity.public().to_string(),
            "challenge": asked.challenge,
            "signature": BASE64.encode(signature)
        });
        self.begin("holders/session", &answer)?;
        Ok(site)
    }

    fn begin(&mut self, path: &str, body: &serde_json::Value) -> Result<views::Session, Trouble> {
        let body = Zeroizing::new(body.to_string());
        let (cookie, answer) =
            self.call(&Method::POST, path, Some(body.as_bytes().to_vec()), super::REFUSAL_MAX)?;
        self.cookie = cookie;
        self.json(&answer)
    }
}
