//! Legal holds on a running recorder (docs/keys.md): read back at start, taken with the consent of enough holders, ended by their date or by
//! holders. Each step stands in the ledger and on the disk before it is true.

use std::collections::BTreeMap;

use louver_base::WallTime;
use louver_opening::{HoldDocument, HoldEnd, HoldEntry, HoldFile, HolderSets, LegalHold};
use louver_store::{Store, StoreError};

use super::desk::{Desk, DeskError};
use super::kept::{Need, there};
use super::leaves;

/// Holds in force at once at most: each keeps up to 31 days of 32 cameras from retention.
const IN_FORCE: usize = 1000;

/// All legal holds of a site.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// By id.
    all: BTreeMap<String, LegalHold>,
    /// Whether there were files that make no sense: what they held is not known, so nothing is let go.
    pub(super) unreadable: bool,
}

impl Holds {
    pub(super) fn in_force(&self) -> impl Iterator<Item = &LegalHold> {
        self.all.values().filter(|held| held.is_in_force())
    }
}

/// A hold as it is shown.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) hold: LegalHold,
    /// How many hours of all cameras are kept by it.
    pub(crate) hours: usize,
}

/// Reads the holds back.
///
/// # Errors
/// When the disk cannot be read.
pub(super) async fn read(store: &Store, sets: &HolderSets, site: &str) -> Result<Holds, StoreError> {
    let mut holds = Holds::default();
    for found in store.holds().await? {
        let entries = found.entries.iter().map(|t| serde_json::from_str::<HoldEntry>(t));
        let entries: Option<Vec<HoldEntry>> = entries.collect::<Result<_, _>>().ok();
        match entries.and_then(|entries| LegalHold::replay(entries, sets, site)) {
            Some(held) if held.hold().hash().id() == found.id => {
                holds.all.insert(found.id, held);
            }
            _ => {
                tracing::error!(
                    hold = found.id,
                    "the files of this legal hold make no sense: until they are restored from a backup, nothing that is held is let go before its date"
                );
                holds.unreadable = true;
            }
        }
    }
    Ok(holds)
}

impl Desk {
    /// All holds, the latest first.
    pub(crate) async fn list_holds(&self) -> Vec<Held> {
        let mut all: Vec<LegalHold> = self.holds().lock().await.all.values().cloned().collect();
        all.sort_by_key(|held| std::cmp::Reverse(held.taken_ms()));
        let ring = self.ring().clone();
        let shown = tokio::task::spawn_blocking(move || {
            let hours = |held: &LegalHold| match held.is_in_force() {
                true => there(&ring, Need::of_hold(held.hold())).len(),
                false => 0,
            };
            all.into_iter().map(|hold| Held { hours: hours(&hold), hold }).collect()
        });
        shown.await.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()))
    }

    /// Takes a hold, or the end of one, that enough holders signed. The same again changes nothing. Gives the hold's id.
    ///
    /// # Errors
    /// [`DeskError`]; with [`DeskError::Hold`] it was taken and is tried again, else nothing was.
    pub(crate) async fn take_hold(&self, file: HoldFile, now: WallTime) -> Result<String, DeskError> {
        let desk = self.clone();
        Self::whole(async move {
            // Steps of requests and holds follow each other.
            let items = desk.items().lock().await;
            let (id, entry) = match HoldDocument::read(&file.document, desk.site())? {
                HoldDocument::Hold(hold) => {
                    let id = hold.hash().id();
                    let entry = desk.beginning(&id, file, hold, now).await?;
                    (id, entry)
                }
                HoldDocument::End(end) => {
                    let id = end.hold().id();
                    let entry = desk.ending(&id, file, &end, now).await?;
                    (id, Some(entry))
                }
            };
            if let Some(entry) = entry {
                desk.step_hold(&id, entry).await?;
            }
            desk.settle(&items, None).await?;
            Ok(id)
        })
        .await
    }

    /// `None`: it is in force already.
    async fn beginning(
        &self,
        id: &str,
        file: HoldFile,
        hold: louver_opening::Hold,
        now: WallTime,
    ) -> Result<Option<HoldEntry>, DeskError> {
        {
            let holds = self.holds().lock().await;
            match holds.all.get(id) {
                Some(held) if held.is_in_force() => return Ok(None),
                Some(_) => return Err(louver_opening::HoldRefused::Over.into()),
                None => {}
            }
            if holds.in_force().count() >= IN_FORCE {
                return Err(DeskError::TooManyHolds(IN_FORCE));
            }
        }
        let entry = LegalHold::take(file, &hold, &*self.sets().read().await, now)?;
        let ring = self.ring().clone();
        let found = tokio::task::spawn_blocking(move || there(&ring, Need::of_hold(&hold)).is_empty());
        match found.await {
            Ok(false) => Ok(Some(entry)),
            Ok(true) => Err(DeskError::NothingThere),
            Err(e) => std::panic::resume_unwind(e.into_panic()),
        }
    }

    async fn ending(
        &self,
        id: &str,
        file: HoldFile,
        end: &HoldEnd,
        now: WallTime,
    ) -> Result<HoldEntry, DeskError> {
        let sets = self.sets().read().await;
        let holds = self.holds().lock().await;
        let held = holds.all.get(id).ok_or(DeskError::Unknown)?;
        Ok(held.end(file, end, &sets, now)?)
    }

    /// What time brings: holds whose date came.
    pub(super) async fn end_due_holds(&self, now: WallTime) {
        let due: Vec<(String, HoldEntry)> = {
            let holds = self.holds().lock().await;
            holds.all.iter().filter_map(|(id, held)| Some((id.clone(), held.due(now)?))).collect()
        };
        for (id, entry) in due {
            if let Err(error) = self.step_hold(&id, entry).await {
                tracing::error!(%error, hold = id, "a legal hold could not be ended; it is tried again");
            }
        }
    }

    /// Ledger, disk, memory, in this order; the key ring follows.
    async fn step_hold(&self, id: &str, entry: HoldEntry) -> Result<(), DeskError> {
        let sets = self.sets().read().await.clone();
        // As it will be: an entry that does not fit is not written.
        let (number, held) = match &entry {
            HoldEntry::Taken { .. } => (1, LegalHold::replay([entry.clone()], &sets, self.site())),
            HoldEntry::Over { .. } => {
                let mut held = self.holds().lock().await.all.get(id).cloned().ok_or(DeskError::Unknown)?;
                let applied = held.apply(&entry, &sets, self.site());
                (2, applied.map(|()| held))
            }
        };
        let held = held.ok_or(DeskError::Contradiction)?;
        self.unsettle();
        self.write(vec![leaves::hold(held.hold(), &entry, self.salt())]).await?;
        let text = serde_json::to_string(&entry).expect("texts and numbers always make JSON");
        self.store().write_hold(id, number, text).await?;
        self.holds().lock().await.all.insert(id.to_owned(), held);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use louver_ledger::{Leaf, Ledger, Options};
    use louver_opening::{Consent, Hold, HoldAsked, Named, PartyId};
    use louver_store::StoreOptions;
    use louver_vault::{Hour, Identity};
    use zeroize::Zeroizing;

    use super::super::sets::HoldersNow;
    use super::*;

    const NOON_MS: i64 = 1_800_000_000_000;

    fn at(hours: i64) -> WallTime {
        WallTime::from_millis(NOON_MS + hours * 3_600_000)
    }

    fn holder() -> Identity {
        Identity::from_recovery_secret(Zeroizing::new([7; 32])).unwrap()
    }

    fn whats(ledger: &Ledger) -> Vec<String> {
        let leaves = (0..ledger.status().size).filter_map(|n| Leaf::parse(&ledger.leaf(n).unwrap()));
        let what = |leaf: Leaf| serde_json::to_value(leaf).unwrap()["what"].as_str().unwrap().to_owned();
        leaves.map(|entry| what(entry.leaf)).collect()
    }

    async fn desk(dir: &std::path::Path, store: &Store) -> (Desk, Ledger) {
        let ledger =
            Ledger::open(&dir.join("ledger"), store.site_id().as_bytes(), Options::default()).unwrap();
        let site = store.site_id().to_string();
        let mut sets = HolderSets::read(&[], &site).unwrap();
        let named = Named { name: "Ada".to_owned(), public: holder().public() };
        let first = sets.first(1, vec![named], vec![], at(-100));
        sets.take(&first).unwrap();
        (Desk::open(store.clone(), ledger.clone(), sets, HoldersNow::new(None)).await.unwrap(), ledger)
    }

    #[tokio::test]
    async fn a_hold_is_kept_over_a_restart_and_ends_at_its_date_in_the_ledger_and_the_key_ring() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).await.unwrap();
        let camera = "gate".parse().unwrap();
        store.hour_secret(&camera, Hour::of(at(-2))).await.unwrap();
        let held = |store: &Store| store.key_ring().unwrap().held_until(&camera, Hour::of(at(-2)));
        let (first, ledger) = desk(dir.path(), &store).await;
        let asked = HoldAsked {
            cameras: vec![camera.clone()],
            from: at(-2),
            to: at(-1),
            reason: "the insurer asks for it".to_owned(),
            until: at(24),
        };
        let document = Hold::document(asked, first.site(), at(0), [1; 32]);
        let consent = Consent {
            holder: PartyId::of(&holder().public()),
            signature: BASE64.encode(holder().consent(document.as_bytes()).unwrap()),
        };
        let file = HoldFile { document: document.clone(), consents: vec![consent] };
        let unsigned = HoldFile { consents: vec![], ..file.clone() };
        assert!(matches!(first.take_hold(unsigned, at(0)).await, Err(DeskError::HoldRefused(_))));
        assert_eq!((held(&store), whats(&ledger)), (None, vec![]));
        first.take_hold(file.clone(), at(0)).await.unwrap();
        first.take_hold(file.clone(), at(1)).await.unwrap();
        assert_eq!((held(&store), whats(&ledger)), (Some(at(24)), vec!["hold".to_owned()]));
        assert_eq!(first.list_holds().await[0].hours, 1);
        drop(first);
        ledger.close();

        let (again, ledger) = desk(dir.path(), &store).await;
        again.tick(at(23), true).await;
        assert_eq!((held(&store), whats(&ledger).len()), (Some(at(24)), 1));
        again.tick(at(24), false).await;
        assert_eq!((held(&store), whats(&ledger)), (None, vec!["hold".to_owned(), "hold-ended".to_owned()]));
        let over = again.list_holds().await;
        assert_eq!((over.len(), over[0].hold.is_in_force(), over[0].hours), (1, false, 0));
        again.tick(at(25), false).await;
        assert_eq!(whats(&ledger).len(), 2);
        // The same document does not begin again.
        assert!(again.take_hold(file, at(1)).await.is_err());
    }

    #[tokio::test]
    async fn nothing_is_let_go_while_a_hold_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).await.unwrap();
        let camera = "gate".parse().unwrap();
        store.hour_secret(&camera, Hour::of(at(-2))).await.unwrap();
        store.key_ring().unwrap().hold(&[(camera.clone(), Hour::of(at(-2)))], at(24)).unwrap();
        store.write_hold(&"0".repeat(32), 1, "{}".to_owned()).await.unwrap();
        let (desk, _) = desk(dir.path(), &store).await;
        desk.tick(at(0), true).await;
        assert_eq!(store.key_ring().unwrap().held_until(&camera, Hour::of(at(-2))), Some(at(24)));
    }
}
