//! What a start makes of the chain of holder sets and the ledger together (docs/keys.md, "Site's holders"): who can delete or replace files
//! does not decide who the holders are, as long as the ledger stands.

use std::ops::ControlFlow;

use louver_ledger::leaf::Digest;
use louver_ledger::{Leaf, Ledger, LedgerError};
use louver_opening::{HolderSets, SetError, SignedSet};
use louver_store::{Store, StoreError};

use super::leaves;

/// The chain on the disk cannot be taken for the one that the ledger tells of. Do not record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Astray {
    /// The whole chain was taken away. Put it back.
    #[error(
        "the list of holders is gone: the ledger says that set {0} is in force, and the folder holders/ has none"
    )]
    Gone(u32),
    /// Its last files were taken away, or an older copy put in their place. Put them back.
    #[error(
        "the list of holders is not the latest: the ledger says that set {said} is in force, and the folder holders/ ends with set {there}"
    )]
    Behind {
        /// In the ledger.
        said: u32,
        /// On the disk.
        there: u32,
    },
    /// Another chain lies in its place. Put it back.
    #[error(
        "the list of holders is another: set {0} in the folder holders/ is not the one that stands in the ledger"
    )]
    Other(u32),
    /// The ledger cannot be read, or takes no leaf.
    #[error("the list of holders cannot be compared with the ledger")]
    Ledger(#[from] LedgerError),
    /// The disk.
    #[error("the list of holders cannot be read or written")]
    Store(#[from] StoreError),
    /// What was just checked is refused after all: somebody else writes here.
    #[error("the list of holders was changed while it was read")]
    Changed(#[from] SetError),
}

/// In every leaf of a set, as the ledger writes it.
const WORD: &[u8] = b"\"holders\"";

/// The latest set that stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    number: u32,
    document: Digest,
}

/// Compares the chain with the ledger, and ends what a kill cut off: a set that stands in the ledger takes effect if it was kept before, and sets
/// that do not stand there are written. A ledger that was begun anew knows of none.
///
/// # Errors
/// [`Astray`]; nothing may be recorded then.
pub async fn stand_as_written(store: &Store, ledger: &Ledger, sets: &mut HolderSets) -> Result<(), Astray> {
    let said = waiting(ledger, newest).await?;
    if let Some(said) = said {
        let there = sets.latest().map_or(0, SignedSet::number);
        if said.number == there + 1 {
            take_effect(store, sets, said).await?;
        }
        match sets.numbered(said.number) {
            None if sets.latest().is_none() => return Err(Astray::Gone(said.number)),
            None => return Err(Astray::Behind { said: said.number, there }),
            Some(set) if document(set) != said.document => return Err(Astray::Other(said.number)),
            Some(_) => {}
        }
    }
    let known = said.map_or(0, |said| said.number as usize);
    for set in sets.all().iter().skip(known) {
        let leaf = leaves::holders(set);
        waiting(ledger, move |ledger| ledger.append_now(&leaf).map(drop)).await?;
    }
    Ok(())
}

/// Killed between the ledger and the file: what was kept before is the set that the ledger names.
async fn take_effect(store: &Store, sets: &mut HolderSets, said: Said) -> Result<(), Astray> {
    let is_it = |text: &String| sets.checked(text).is_ok_and(|set| document(&set) == said.document);
    let kept = store.next_holder_sets().await?;
    if let Some(text) = kept.into_iter().find(is_it) {
        store.write_holder_set(said.number, text.clone()).await?;
        sets.take(&text)?;
        tracing::info!(set = said.number, "a list of holders takes effect that the last stop cut off");
    }
    Ok(())
}

fn document(set: &SignedSet) -> Digest {
    Digest::from_bytes(*set.hash().as_bytes())
}

fn newest(ledger: &Ledger) -> Result<Option<Said>, LedgerError> {
    // What a kill left without a checkpoint. A set takes effect only under one, so a disk that is full hides none that did.
    if let Err(e) = ledger.publish(ledger.opened().size) {
        tracing::error!(
            error = &e as &dyn std::error::Error,
            "the ledger's end is not looked at for holders"
        );
    }
    let mut said = None;
    ledger.leaves_back(|_, leaf| {
        // Years of leaves can lie behind the latest list: they are not all read as JSON.
        if !leaf.windows(WORD.len()).any(|part| part == WORD) {
            return ControlFlow::Continue(());
        }
        match Leaf::parse(leaf).map(|entry| entry.leaf) {
            Some(Leaf::Holders { number, document, .. }) => {
                said = Some(Said { number, document });
                ControlFlow::Break(())
            }
            Some(_) | None => ControlFlow::Continue(()),
        }
    })?;
    Ok(said)
}

async fn waiting<T: Send + 'static>(
    ledger: &Ledger,
    work: impl FnOnce(&Ledger) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    let ledger = ledger.clone();
    match tokio::task::spawn_blocking(move || work(&ledger)).await {
        Ok(done) => done,
        Err(e) => std::panic::resume_unwind(e.into_panic()),
    }
}
