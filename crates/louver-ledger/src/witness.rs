//! Asking witnesses to sign checkpoints ([tlog-witness](https://c2sp.org/tlog-witness)). How bytes get there is the caller's ([`Post`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::disk::Disk;
use crate::hash::Hash;
use crate::note::{Note, Signature, VerifierKey};
use crate::shared::{Published, Shared, WitnessStatus, wait_for};
use crate::source::{Source, TileNodes};
use crate::tree;

/// Somebody who signs that he saw the log only grow.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Where: `add-checkpoint` is put behind it.
    pub url: String,
    /// His key, of the kind for cosignatures.
    pub key: VerifierKey,
}

impl Witness {
    pub(crate) fn status(&self) -> WitnessStatus {
        WitnessStatus { name: self.key.name().to_owned(), signed: 0, trouble: None }
    }
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 200 and so on.
    pub status: u16,
    /// At most 64 KiB of it.
    pub body: String,
}

/// Sends something to a web address, with a time limit of some seconds.
pub trait Post: Send {
    /// POSTs the text.
    ///
    /// # Errors
    /// Why no answer came, without secrets.
    fn post(&self, url: &str, body: &str) -> Result<Answer, String>;
}

/// Why a witness did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// No answer.
    #[error("it does not answer: {0}")]
    Unreachable(String),
    /// It has signed more than is here: an old copy of the ledger was put back, or another one goes on elsewhere.
    #[error(
        "it has signed {seen} leaves of this ledger, but {here} are here: an old copy of the ledger was put back, or another one goes on elsewhere"
    )]
    Ahead {
        /// Leaves of the latest checkpoint that it signed.
        seen: u64,
        /// Leaves of ours.
        here: u64,
    },
    /// What it signed earlier is not the beginning of this log.
    #[error("it says that this ledger is not the one that it signed before (HTTP {0})")]
    Forked(u16),
    /// It does not know this log.
    #[error("it does not know this ledger; give its operator the ledger's vkey (HTTP {0})")]
    Unknown(u16),
    /// Something else.
    #[error("it answered with HTTP {0}")]
    Status(u16),
    /// Its answer has no signature by its key that is right.
    #[error("its answer is not signed by its key")]
    NotSigned,
    /// Our own tiles cannot be read.
    #[error("the ledger's tiles cannot be read to prove that it only grew")]
    Tiles,
}

/// Asks one witness to sign. `known`: leaves of what it signed last, as far as is known; corrected by its answers.
///
/// # Errors
/// [`WitnessError`].
pub(crate) fn ask<S: Source + ?Sized>(
    witness: &Witness,
    known: &mut u64,
    of: &Published,
    source: &S,
    post: &dyn Post,
) -> Result<Signature, WitnessError> {
    let url = format!("{}/add-checkpoint", witness.url.trim_end_matches('/'));
    let here = of.head.size;
    // Whatever it says, it is asked twice at the most.
    for _ in 0..2 {
        if *known > here {
            return Err(WitnessError::Ahead { seen: *known, here });
        }
        let mut nodes = TileNodes::new(source, here);
        let proof = tree::consistency(&mut nodes, *known, here).map_err(|_| WitnessError::Tiles)?;
        let answer =
            post.post(&url, &request(*known, &proof, &of.text)).map_err(WitnessError::Unreachable)?;
        match answer.status {
            200 => {
                let signature =
                    signature(&answer.body, &of.text, &witness.key).ok_or(WitnessError::NotSigned)?;
                *known = here;
                return Ok(signature);
            }
            409 => match answer.body.strip_suffix('\n').and_then(|size| size.parse().ok()) {
                Some(size) if size != *known => *known = size,
                _ => return Err(WitnessError::Forked(409)),
            },
            422 => return Err(WitnessError::Forked(422)),
            status @ (403 | 404) => return Err(WitnessError::Unknown(status)),
            status => return Err(WitnessError::Status(status)),
        }
    }
    if *known > here {
        Err(WitnessError::Ahead { seen: *known, here })
    } else {
        Err(WitnessError::Status(409))
    }
}

/// The body of `add-checkpoint`.
pub fn request(old: u64, proof: &[Hash], checkpoint: &str) -> String {
    let proof: String = proof.iter().map(|hash| format!("{}\n", STANDARD.encode(hash.as_bytes()))).collect();
    format!("old {old}\n{proof}\n{checkpoint}")
}

/// The witness's signature in its answer, checked.
fn signature(body: &str, checkpoint: &str, key: &VerifierKey) -> Option<Signature> {
    let text = Note::parse(checkpoint.as_bytes()).ok()?.text().to_owned();
    body.lines().take(16).filter_map(|line| Signature::parse(line).ok()).find(|signature| {
        let mut note = Note::new(text.clone());
        note.add(signature.clone());
        note.signed_by(key).is_ok()
    })
}

/// The thread that goes round.
pub(crate) struct Witnesses {
    pub(crate) shared: Arc<Shared>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) post: Box<dyn Post>,
    pub(crate) witnesses: Vec<Witness>,
    pub(crate) every: Duration,
}

impl Witnesses {
    pub(crate) fn run(self) {
        let mut known = vec![0; self.witnesses.len()];
        let mut asked_for = None;
        while let Some(of) = self.next(asked_for) {
            asked_for = Some(of.head.size);
            let mut signatures = Vec::new();
            for (n, witness) in self.witnesses.iter().enumerate() {
                let asked = ask(witness, &mut known[n], &of, &*self.disk, &*self.post);
                self.tell(n, of.head.size, &asked);
                match asked {
                    Ok(signature) => signatures.push(signature),
                    // An answer that may come right, tried again in the next round.
                    Err(_) => asked_for = None,
                }
            }
            if !signatures.is_empty() {
                self.shared.lock().cosigned = Some((of, signatures));
                self.shared.news.notify_all();
            }
            if self.pause() {
                break;
            }
        }
    }

    /// The next checkpoint that nobody was asked about; none at the end.
    fn next(&self, asked_for: Option<u64>) -> Option<Published> {
        let mut state = self.shared.lock();
        loop {
            if state.stopping {
                return None;
            }
            let size = state.published.head.size;
            if size > 0 && asked_for != Some(size) {
                return Some(state.published.clone());
            }
            state = wait_for(&self.shared.news, state, Duration::from_secs(60));
        }
    }

    fn tell(&self, n: usize, size: u64, asked: &Result<Signature, WitnessError>) {
        let mut state = self.shared.lock();
        let Some(status) = state.witnesses.get_mut(n) else { return };
        let trouble = asked.as_ref().err().map(|e| format!("The witness {} did not sign: {e}.", status.name));
        let changed = trouble != status.trouble;
        if asked.is_ok() {
            status.signed = size;
        }
        status.trouble.clone_from(&trouble);
        drop(state);
        if let Some(trouble) = trouble.filter(|_| changed) {
            tracing::warn!("{trouble}");
        }
    }

    /// Waits between two rounds; true when all ends.
    fn pause(&self) -> bool {
        let until = Instant::now() + self.every;
        let mut state = self.shared.lock();
        while !state.stopping {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = wait_for(&self.shared.news, state, left);
        }
        true
    }
}
