//! The ledger over the web: reading somebody's, and asking witnesses.

use std::time::Duration;

use louver_ledger::witness::{Answer, Post};
use louver_ledger::{Source, SourceError};
use ureq::Agent;

use crate::error::Error;
use crate::web::{Patience, agent};

/// A server that takes longer for one file, or a witness for one answer, counts as away.
const WITHIN: Duration = Duration::from_secs(15);
/// Longest answer of a witness that is read.
const ANSWER: u64 = 64 * 1024;

/// A ledger that somebody serves.
pub(super) struct Web {
    base: String,
    agent: Agent,
}

impl Web {
    pub(super) fn new(base: &str) -> Result<Self, Error> {
        let parsed = url::Url::parse(base).ok().filter(|url| url.has_host() && url.query().is_none());
        match parsed {
            Some(_) => Ok(Self {
                base: base.trim_end_matches('/').to_owned(),
                agent: agent(Patience::Whole(WITHIN)),
            }),
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
        Self(agent(Patience::Whole(WITHIN)))
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
