//! A recorder somewhere, spoken to over its API (docs/opening.md) by a person at a machine of their own.

mod sign_in;
pub(crate) mod views;

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::{Method, Request};
use url::{Host, Url};

use crate::error::Error;
use crate::web::{Patience, agent};

pub(crate) use sign_in::{AsEither, AsHolder, AsUser};

/// The server answers within 30 s, or says that it does not.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// Longest answer in JSON: the segments of 31 days of 32 cameras.
const JSON_MAX: u64 = 256 << 20;
/// Longest refusal that is read.
const REFUSAL_MAX: u64 = 64 << 10;

/// Why the recorder did not do something.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It said no, with a sentence.
    Refused {
        /// For programs, as the API lists them.
        code: String,
        /// For people.
        message: String,
    },
    /// It could not be reached, or something else answered: whether it did it is not known.
    Away(Error),
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused { code, message } => Self::failed(said(&message), advice(&code)),
            Trouble::Away(error) => error,
        }
    }
}

/// The recorder's sentence, as the beginning of ours.
fn said(message: &str) -> String {
    format!("the recorder says: {}", crate::terminal::plain(message).trim_end_matches('.'))
}

fn advice(code: &str) -> &'static str {
    match code {
        "wrong_link" => "`louver link` on the recorder's machine prints a new one",
        "wrong_password" => {
            "try again; forgotten? `louver link` on the recorder's machine prints a sign-in link"
        }
        "password_needed" => "open the sign-in link in a browser and set a password first",
        "owner_only" => "use the password in place of a holder's key",
        "not_found" => "`louver opening list` and `louver hold list` show what there is",
        _ => "",
    }
}

/// One recorder and this program's session there, which ends with it.
pub(crate) struct Recorder {
    /// Without a slash at the end.
    base: String,
    agent: Agent,
    /// Of a one-time link.
    token: Option<SecretString>,
    /// `name=value`.
    cookie: Option<SecretString>,
}

impl Recorder {
    /// The recorder at an address, which may be a one-time sign-in link. Says so where everybody on the way can listen.
    pub(crate) fn at(address: &str) -> Result<Self, Error> {
        let wrong = || {
            let shown: String = address.split('#').next().unwrap_or_default().chars().take(100).collect();
            let advice = "it looks like https://recorder.example or http://127.0.0.1:8470, or is a sign-in link that `louver link` printed";
            Error::failed(format!("\"{shown}\" is no address of a recorder"), advice)
        };
        let url = Url::parse(address).map_err(|_| wrong())?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(wrong()),
        };
        let nobody = url.username().is_empty() && url.password().is_none();
        let host = url.host().filter(|_| nobody && url.query().is_none()).ok_or_else(wrong)?;
        let path = url.path().trim_end_matches('/').trim_end_matches("/sign-in").trim_end_matches('/');
        let base = format!("{}{path}", url.origin().ascii_serialization());
        let token = url.fragment().and_then(|f| f.strip_prefix("token=")).map(SecretString::from);
        if plain && !is_here(&host) {
            eprintln!(
                "warning: {base} is not encrypted: everybody on the way can read the password and take over this session, and see who asks \
                 for what; shares, secrets and originals are encrypted by themselves. Use https:// or a tunnel."
            );
        }
        Ok(Self { base, agent: agent(Patience::Begin(ANSWER_WITHIN)), token, cookie: None })
    }

    /// Its address, for other commands.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.json(&self.call(&Method::GET, path, None, JSON_MAX)?.1)
    }

    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Trouble> {
        let body = serde_json::to_vec(body).map_err(|e| away(&self.base, e))?;
        self.json(&self.call(&Method::POST, path, Some(body), JSON_MAX)?.1)
    }

    pub(crate) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.json(&self.call(&Method::DELETE, path, None, JSON_MAX)?.1)
    }

    /// Bytes, `longest` at most.
    pub(crate) fn bytes(&self, path: &str, longest: u64) -> Result<Vec<u8>, Trouble> {
        Ok(self.call(&Method::GET, path, None, longest)?.1)
    }

    fn json<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Trouble> {
        serde_json::from_slice(bytes).map_err(|e| {
            let what = format!("{} answered something else than this Louver understands", self.base);
            let advice = "check the address; recorder and this program should be of the same release";
            Trouble::Away(Error::Failed { what, advice: advice.to_owned(), source: Some(e.into()) })
        })
    }

    /// One call; gives the session cookie that was set, if one was, and the body.
    fn call(
        &self,
        method: &Method,
        path: &str,
        body: Option<Vec<u8>>,
        longest: u64,
    ) -> Result<(Option<SecretString>, Vec<u8>), Trouble> {
        let mut request = Request::builder().method(method).uri(format!("{}/api/v1/{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie.expose_secret());
        }
        let failed = |e: ureq::Error| away(&self.base, e);
        let broken = |e: ureq::http::Error| away(&self.base, e);
        let mut answer = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body);
                self.agent.run(request.map_err(broken)?).map_err(failed)?
            }
            None => self.agent.run(request.body(()).map_err(broken)?).map_err(failed)?,
        };
        let status = answer.status().as_u16();
        if !(200..300).contains(&status) {
            let body = answer.body_mut().with_config().limit(REFUSAL_MAX).read_to_vec().unwrap_or_default();
            return Err(self.refusal(status, &body));
        }
        let set = answer.headers().get("set-cookie").and_then(|v| v.to_str().ok());
        let cookie = set.and_then(|v| v.split(';').next()).map(SecretString::from);
        let body = answer.body_mut().with_config().limit(longest).read_to_vec().map_err(failed)?;
        Ok((cookie, body))
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Trouble {
        match serde_json::from_slice::<views::Refusal>(body) {
            Ok(views::Refusal { error }) => Trouble::Refused { code: error.code, message: error.message },
            Err(_) => {
                let what = format!("{} answered {status}, and not as a Louver server does", self.base);
                let advice = match status {
                    300..400 => "it points to another address: use that one",
                    _ => "check the address, and the proxy before the recorder, if there is one",
                };
                Trouble::Away(Error::failed(what, advice))
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.cookie.is_some() {
            // A session that stays ends by itself.
            let _ = self.call(&Method::DELETE, "session", None, REFUSAL_MAX);
        }
    }
}

fn away(base: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Trouble {
    Trouble::Away(Error::Failed {
        what: format!("{base} cannot be reached"),
        advice: "check the address, and that the recorder runs".to_owned(),
        source: Some(source.into()),
    })
}

/// Whether it is this machine.
fn is_here(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_sign_in_link_names_a_recorder() {
        for (address, base, token) in [
            ("https://cams.example", "https://cams.example", None),
            ("http://127.0.0.1:8470/", "http://127.0.0.1:8470", None),
            ("http://127.0.0.1:8470/sign-in#token=abc", "http://127.0.0.1:8470", Some("abc")),
            ("https://cams.example/louver/sign-in#token=abc", "https://cams.example/louver", Some("abc")),
        ] {
            let recorder = Recorder::at(address).unwrap();
            assert_eq!(recorder.base(), base);
            assert_eq!(recorder.token.as_ref().map(|t| t.expose_secret()), token);
        }
        for wrong in
            ["", "cams.example", "ftp://cams.example", "https://ada:secret@cams.example", "http://c/?a=b"]
        {
            let refused = Recorder::at(wrong).err().unwrap().to_string();
            assert!(refused.contains("is no address of a recorder"), "{refused}");
        }
        assert!(!Recorder::at("ftp://c/#token=abc").err().unwrap().to_string().contains("abc"));
    }

    #[test]
    fn only_this_machine_needs_no_encryption() {
        let here = |text: &str| is_here(&Url::parse(text).unwrap().host().unwrap());
        assert!(here("http://localhost:1/") && here("http://127.8.0.1/") && here("http://[::1]/"));
        assert!(!here("http://192.168.1.2/") && !here("http://localhost.example/"));
    }
}
