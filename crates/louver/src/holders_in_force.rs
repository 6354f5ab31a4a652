//! Who the holders are when the server starts: the chain of sets in the data directory, begun from the settings.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use louver_base::WallTime;
use louver_ledger::Ledger;
use louver_opening::{HolderSetFile, HolderSets, Named, SetDocument, SignedSet};
use louver_server::{Astray, stand_as_written};
use louver_store::Store;
use louver_vault::HolderSet;

use crate::error::Error;
use crate::settings::Settings;

const RESTORE: &str =
    "restore the folder holders/ in the data directory from a backup; nothing is recorded until then";
const RESTORE_OR_PUT: &str = "restore the folder holders/ in the data directory from a backup, or put the file that \
    the holders signed into it under the set's number (0002.json for set 2); nothing is recorded until then";

/// The chain, checked. Where there is none it begins with the settings' holders, or with nobody, until the first is made on the page.
///
/// # Errors
/// When the chain is broken, is not the one that the ledger tells of, or the settings name others than the last set: who can edit a file
/// is not who decides.
pub(crate) async fn begin(settings: &Settings, store: &Store, ledger: &Ledger) -> Result<HolderSets, Error> {
    let cannot = |e| Error::because("the list of holders cannot be read or begun", e);
    let broken = |e: louver_opening::SetError| Error::failed(e.to_string(), RESTORE);
    let files = store.holder_sets().await.map_err(cannot)?;
    let mut sets = HolderSets::read(&files, &store.site_id().to_string()).map_err(broken)?;
    let named = settings.holders.as_ref();
    stand_as_written(store, ledger, &mut sets).await.map_err(astray)?;
    match (sets.latest(), named) {
        // The ledger was begun anew as well, or it would have said so.
        (None, _) if sealed_before(store).await? => {
            let says = "originals were sealed here, but the list of holders is gone";
            return Err(Error::failed(says, RESTORE));
        }
        // Whoever comes first makes the first holder on the page.
        (None, None) => {}
        (None, Some(set)) => {
            let names = settings.holder_names.iter().cloned();
            let holders =
                set.holders().iter().cloned().zip(names).map(|(public, name)| Named { name, public });
            let file = sets.first(set.needed(), holders.collect(), Vec::new(), WallTime::now());
            let checked = sets.checked(&file).map_err(broken)?;
            let number = checked.number();
            store
                .keep_next_holder_set(number, checked.hash().as_bytes(), file.clone())
                .await
                .map_err(cannot)?;
            written_down(ledger, &checked).await?;
            store.write_holder_set(number, file.clone()).await.map_err(cannot)?;
            sets.take(&file).map_err(broken)?;
        }
        // What the settings began with may stand there for ever: the chain says who the holders are now.
        (Some(_), Some(set)) if sets.all().iter().any(|one| one.set() == set) => {}
        (Some(latest), Some(_)) => {
            let says = format!(
                "{} names other holders than the site's own list (set {}), which only its holders can change",
                settings.file.display(),
                latest.number()
            );
            return Err(Error::failed(
                says,
                "take [holders] out of the settings; the holders change the list with `louver holder set`",
            ));
        }
        (Some(_), None) => {}
    }
    Ok(sets)
}

fn astray(e: Astray) -> Error {
    match e {
        Astray::Gone(_) | Astray::Behind { .. } => Error::failed(e.to_string(), RESTORE_OR_PUT),
        Astray::Other(_) => Error::failed(e.to_string(), RESTORE),
        other => Error::because("the list of holders cannot be compared with the ledger", other),
    }
}

/// Whether anything was ever sealed here that is not over.
async fn sealed_before(store: &Store) -> Result<bool, Error> {
    let ring = store.key_ring().map_err(|e| Error::because("the key ring cannot be read", e))?;
    let looked = tokio::task::spawn_blocking(move || !ring.hours().is_empty()).await;
    looked.map_err(|e| Error::because("the key ring cannot be read", e))
}

/// A set stands in the ledger before it is in force.
async fn written_down(ledger: &Ledger, set: &SignedSet) -> Result<(), Error> {
    let (ledger, leaf) = (ledger.clone(), louver_server::holders_leaf(set));
    let written = tokio::task::spawn_blocking(move || ledger.append_now(&leaf)).await;
    let failed = |e| Error::because("the list of holders does not stand in the ledger", e);
    written
        .map_err(|e| Error::because("the list of holders does not stand in the ledger", e))?
        .map_err(failed)?;
    Ok(())
}

/// The last set of a data directory as its file says it, unchecked: for those who only tell of it.
pub(crate) fn last_on_disk(data: &Path) -> Option<HolderSet> {
    let file = |number: u32| {
        let file = File::open(data.join("holders").join(format!("{number:04}.json"))).ok()?;
        let mut text = String::new();
        file.take(256 << 10).read_to_string(&mut text).ok()?;
        Some(text)
    };
    let last = (1..10_000).map_while(file).last()?;
    let last: HolderSetFile = serde_json::from_str(&last).ok()?;
    SetDocument::read(&last.document).ok()?.set().ok()
}
