//! The ledger over the web: reading somebody's, and asking witnesses.

use std::sync::Arc;
use std::time::Duration;

use louver_ledger::witness::{Answer, Post};
use louver_ledger::{Source, SourceError};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::Error;

/// A server that takes longer for one file, or a witness for one answer, counts as away.
const WITHIN: Duration = Duration::from_secs(15);
/// Longest answer of a witness that is read.
const ANSWER: u64 = 64 * 1024;

/// Certificates are those that the system trusts, so that a site's own authority works; proxies are those of the environment
/// (HTTPS_PROXY and its like).
fn agent() -> Agent {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|cert| Certificate::from_der(cert.as_ref()).to_owned()).collect();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(WITHIN))
        .http_status_as_error(false)
        // A file of a ledger lies where it lies.
        .max_redirects(0)
        .user_agent(concat!("louver/", env!("CARGO_PKG_VERSION")))
        .build();
    config.new_agent()
}

/// A ledger that somebody serves.
pub(super) struct Web {
    base: String,
    agent: Agent,
}

impl Web {
    pub(super) fn new(base: &str) -> Result<Self, Error> {
        let parsed = url::Url::parse(base).ok().filter(|url| url.has_host() && url.query().is_none());
        match parsed {
            Some(_) => Ok(Self { base: base.trim_end_matches('/').to_owned(), agent: agent() }),
            None => Err(Error::failed(
                format!("\"{base}\" is no address of a ledger"),
                "it looks like https://recorder.example/ledger",
            )),
        }
    }
}

impl Source for Web {
    fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let url = format!("{}/{path}", self.base);
        let failed = |why: String| SourceError::Web { path: url.clone(), why };
        let mut answer = self.agent.get(&url).call().map_err(|e| failed(e.to_string()))?;
        match answer.status().as_u16() {
            200 => {}
            404 | 410 => return Ok(None),
            other => return Err(failed(format!("the server answered {other}"))),
        }
        let body = answer.body_mut().with_config().limit(limit as u64).read_to_vec();
        body.map(Some).map_err(|e| match e {
            ureq::Error::BodyExceedsLimit(_) => SourceError::TooLarge { path: url.clone(), limit },
            e => failed(e.to_string()),
        })
    }
}

/// Sends checkpoints to witnesses.
pub(crate) struct Poster(Agent);

impl Poster {
    pub(crate) fn new() -> Self {
        Self(agent())
    }
}

impl Post for Poster {
    fn post(&self, url: &str, body: &str) -> Result<Answer, String> {
        let sent = self.0.post(url).header("content-type", "text/plain; charset=utf-8").send(body);
        let mut answer = sent.map_err(|e| e.to_string())?;
        let status = answer.status().as_u16();
        let body =
            answer.body_mut().with_config().limit(ANSWER).read_to_string().map_err(|e| e.to_string())?;
        Ok(Answer { status, body })
    }
}
