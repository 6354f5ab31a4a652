//! Who the holders are when the server starts: the chain of sets in the data directory, begun from the settings.

use louver_base::WallTime;
use louver_ledger::leaf::{Digest, HolderTag};
use louver_ledger::{Leaf, Ledger};
use louver_opening::{HolderSets, Named, SignedSet};
use louver_store::Store;
use louver_vault::HolderSet;

use crate::error::Error;
use crate::settings::Settings;

const RESTORE: &str =
    "restore the folder holders/ in the data directory from a backup; nothing is recorded until then";

/// The chain, checked. Where there is none it begins with the settings' holders.
///
/// # Errors
/// When the chain is broken, or the settings name others than the last set: who can edit a file is not who decides.
pub(crate) async fn begin(settings: &Settings, store: &Store, ledger: &Ledger) -> Result<HolderSets, Error> {
    let cannot = |e| Error::because("the list of holders cannot be read or begun", e);
    let broken = |e: louver_opening::SetError| Error::failed(e.to_string(), RESTORE);
    let files = store.holder_sets().await.map_err(cannot)?;
    let mut sets = HolderSets::read(&files, &store.site_id().to_string()).map_err(broken)?;
    let named = settings.holders.as_ref();
    // A ledger that was begun anew (docs/backup.md) knows of none of them.
    if ledger.opened().fresh {
        for set in sets.all() {
            written_down(ledger, set).await?;
        }
    }
    match (sets.latest(), named) {
        (None, None) => return settings.holders().map(|_| sets),
        (None, Some(set)) => {
            let names = settings.holder_names.iter().cloned();
            let holders =
                set.holders().iter().cloned().zip(names).map(|(public, name)| Named { name, public });
            let file = sets.first(set.needed(), holders.collect(), Vec::new(), WallTime::now());
            let checked = sets.checked(&file).map_err(broken)?;
            let number = checked.number();
            written_down(ledger, &checked).await?;
            store.write_holder_set(number, file.clone()).await.map_err(cannot)?;
            sets.take(&file).map_err(broken)?;
        }
        (Some(latest), Some(set)) if latest.set() != set => {
            let says = format!(
                "{} names other holders than the site's own list (set {}), which only its holders can change",
                settings.file.display(),
                latest.number()
            );
            return Err(Error::failed(
                says,
                "take [holders] out of the settings, or put in what the list says",
            ));
        }
        (Some(_), _) => {}
    }
    Ok(sets)
}

/// A set stands in the ledger before it is in force.
async fn written_down(ledger: &Ledger, set: &SignedSet) -> Result<(), Error> {
    let tags = |named: &[Named]| {
        named.iter().map(|n| HolderTag::from_bytes(*n.public.id().as_bytes())).collect::<Vec<_>>()
    };
    let leaf = Leaf::Holders {
        number: set.number(),
        document: Digest::from_bytes(*set.hash().as_bytes()),
        needed: set.set().needed(),
        holders: tags(set.holders()),
        observers: tags(set.observers()),
    };
    let ledger = ledger.clone();
    let written = tokio::task::spawn_blocking(move || ledger.append_now(&leaf)).await;
    let failed = |e| Error::because("the list of holders does not stand in the ledger", e);
    written
        .map_err(|e| Error::because("the list of holders does not stand in the ledger", e))?
        .map_err(failed)?;
    Ok(())
}

/// The set that is sealed for.
pub(crate) fn now(sets: &HolderSets, settings: &Settings) -> Result<HolderSet, Error> {
    sets.latest().map_or_else(|| settings.holders(), |latest| Ok(latest.set().clone()))
}
