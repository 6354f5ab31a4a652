//! Changing the holders of a running recorder (docs/keys.md, "Site's holders"): the first one, the next set with the consent of the holders before,
//! and proposals that wait for it. A set stands in the ledger and on the disk before it is sealed for.

use louver_base::WallTime;
use louver_opening::{Consent, HolderSetFile, HolderSets, Named, PartyId, SignedSet};
use louver_store::Store;
use tokio::sync::watch;

use super::desk::{Desk, DeskError};
use super::leaves;

/// Who is sealed for, for the recorders: told when a set has taken effect.
pub type HoldersNow = watch::Sender<Option<louver_vault::HolderSet>>;

/// Next sets that wait for consents. A holder has one, of which he gave the first consent.
#[derive(Clone, Debug, Default)]
pub(super) struct Proposals(Vec<SignedSet>);

impl Proposals {
    /// Those on the disk that can still be the next set. What makes no sense or cannot be read is left out: a holder proposes it anew, and
    /// recording does not wait for it.
    pub(super) async fn read(store: &Store, sets: &HolderSets) -> Self {
        let mut read = Self::default();
        let kept = store.holder_proposals().await.unwrap_or_else(|e| {
            tracing::error!(
                error = &e as &dyn std::error::Error,
                "proposals of holders cannot be read; there are none until they are made again"
            );
            None
        });
        let kept = kept.unwrap_or_default();
        for file in serde_json::from_str::<Vec<HolderSetFile>>(&kept).unwrap_or_default() {
            if let Some(set) = sets.proposed(file).ok().filter(|set| !set.consents().is_empty()) {
                read.take(set);
            }
        }
        read
    }

    fn text(&self) -> String {
        let file = |set: &SignedSet| HolderSetFile {
            document: set.text().to_owned(),
            consents: set.consents().to_vec(),
        };
        let files: Vec<HolderSetFile> = self.0.iter().map(file).collect();
        serde_json::to_string(&files).expect("texts always make JSON")
    }

    /// Adds a proposal, or its consents to the one of the same text.
    fn take(&mut self, set: SignedSet) {
        let first = |set: &SignedSet| set.consents().first().map(|c| c.holder.clone());
        let by = first(&set);
        match self.0.iter().position(|p| p.text() == set.text()) {
            Some(n) => self.0[n] = set,
            None => {
                self.0.retain(|p| first(p) != by);
                self.0.push(set);
            }
        }
    }

    fn consents(&self, text: &str) -> &[Consent] {
        self.0.iter().find(|p| p.text() == text).map_or(&[], SignedSet::consents)
    }
}

impl Desk {
    /// Next sets that wait for more consents, the latest last.
    pub(crate) async fn proposals(&self) -> Vec<SignedSet> {
        self.waiting().lock().await.0.clone()
    }

    /// Keeps a proposal, or adds consents to it. It takes effect only when it is [posted](Self::take_set).
    ///
    /// # Errors
    /// [`DeskError`]: it can never be the next set, or no holder of today agreed to it.
    pub(crate) async fn propose(&self, mut file: HolderSetFile) -> Result<SignedSet, DeskError> {
        let sets = self.sets().read().await;
        if sets.latest().is_none() {
            return Err(DeskError::NoHolders);
        }
        let mut waiting = self.waiting().lock().await;
        // Those before stay in front: the first is who proposed it.
        let known = waiting.consents(&file.document).to_vec();
        file.consents = known.into_iter().chain(file.consents).collect();
        let set = sets.proposed(file)?;
        if set.consents().is_empty() {
            return Err(DeskError::NobodyAgreed);
        }
        let mut with = waiting.clone();
        with.take(set.clone());
        self.store().keep_holder_proposals(with.text()).await?;
        *waiting = with;
        Ok(set)
    }

    /// Puts the next set in force. The one in force again changes nothing.
    ///
    /// # Errors
    /// [`DeskError`]; the set before is in force.
    pub(crate) async fn take_set(&self, file: HolderSetFile) -> Result<SignedSet, DeskError> {
        let desk = self.clone();
        Self::whole(async move {
            // Steps of requests, holds and sets follow each other.
            let _items = desk.items().lock().await;
            let set = {
                let sets = desk.sets().read().await;
                let latest = sets.latest().ok_or(DeskError::NoHolders)?;
                if latest.text() == file.document {
                    return Ok(latest.clone());
                }
                sets.agreed(file)?
            };
            desk.put_in_force(set).await
        })
        .await
    }

    /// Writes set 1 with one holder, where a site has none yet.
    ///
    /// # Errors
    /// [`DeskError::HoldersThere`] when there is a set, [`DeskError::HoldersLost`] when there must have been one.
    pub(crate) async fn first_holder(&self, holder: Named, now: WallTime) -> Result<SignedSet, DeskError> {
        let desk = self.clone();
        Self::whole(async move {
            let _items = desk.items().lock().await;
            if desk.sets().read().await.latest().is_some() {
                return Err(DeskError::HoldersThere);
            }
            let ring = desk.ring().clone();
            match tokio::task::spawn_blocking(move || ring.hours().is_empty()).await {
                Ok(true) => {}
                Ok(false) => return Err(DeskError::HoldersLost),
                Err(e) => std::panic::resume_unwind(e.into_panic()),
            }
            let set = {
                let sets = desk.sets().read().await;
                sets.checked(&sets.first(1, vec![holder], Vec::new(), now))?
            };
            desk.put_in_force(set).await
        })
        .await
    }

    /// Kept, ledger, disk, memory, in this order. Killed before the ledger: the set before is in force, and the same document can be posted again.
    /// Killed after it: the next start [puts what was kept in force](super::stand_as_written).
    async fn put_in_force(&self, set: SignedSet) -> Result<SignedSet, DeskError> {
        let text = HolderSets::file(set.text().to_owned(), set.consents().to_vec());
        self.store().keep_next_holder_set(set.number(), set.hash().as_bytes(), text.clone()).await?;
        self.write(vec![leaves::holders(&set)]).await?;
        self.store().write_holder_set(set.number(), text.clone()).await?;
        let mut sets = self.sets().write().await;
        let set = sets.take(&text)?.clone();
        self.holders_now().send_replace(Some(set.set().clone()));
        // None of the others names this set as the one before it; those on the disk are left out when they are read.
        self.waiting().lock().await.0.clear();
        Ok(set)
    }
}

/// Who of a set agreed to the next: with their names of then.
pub(crate) fn agreed<'s>(before: Option<&'s SignedSet>, set: &'s SignedSet) -> Vec<(PartyId, &'s str)> {
    let holders = before.map_or(&[][..], SignedSet::holders);
    let name = |id: &PartyId| holders.iter().find(|h| PartyId::of(&h.public) == *id).map_or("", |h| &h.name);
    set.consents().iter().map(|c| (c.holder.clone(), name(&c.holder))).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use louver_ledger::{Leaf, Ledger, Options};
    use louver_store::StoreOptions;
    use louver_vault::Identity;
    use zeroize::Zeroizing;

    use super::super::{Astray, stand_as_written};
    use super::*;

    fn holder(n: u8) -> Identity {
        Identity::from_recovery_secret(Zeroizing::new([n; 32])).unwrap()
    }

    fn named(n: u8) -> Named {
        Named { name: format!("Holder {n}"), public: holder(n).public() }
    }

    fn signed(document: &str, by: u8) -> HolderSetFile {
        let signature = BASE64.encode(holder(by).consent(document.as_bytes()).unwrap());
        let consents = vec![Consent { holder: PartyId::of(&holder(by).public()), signature }];
        HolderSetFile { document: document.to_owned(), consents }
    }

    /// A start: what is on the disk, as `louver serve` reads it.
    async fn start(store: &Store, dir: &std::path::Path) -> (Desk, Ledger) {
        let ledger =
            Ledger::open(&dir.join("ledger"), store.site_id().as_bytes(), Options::default()).unwrap();
        let mut sets =
            HolderSets::read(&store.holder_sets().await.unwrap(), &store.site_id().to_string()).unwrap();
        stand_as_written(store, &ledger, &mut sets).await.unwrap();
        let now = HoldersNow::new(sets.latest().map(|set| set.set().clone()));
        (Desk::open(store.clone(), ledger.clone(), sets, now).await.unwrap(), ledger)
    }

    fn numbers(ledger: &Ledger) -> Vec<u32> {
        let leaves = (0..ledger.status().size).map(|n| Leaf::parse(&ledger.leaf(n).unwrap()).unwrap().leaf);
        leaves
            .filter_map(|leaf| if let Leaf::Holders { number, .. } = leaf { Some(number) } else { None })
            .collect()
    }

    async fn begun(dir: &std::path::Path) -> (Store, String) {
        let (store, _) = Store::open(dir, StoreOptions::default()).await.unwrap();
        let (desk, ledger) = start(&store, dir).await;
        desk.first_holder(named(1), WallTime::from_millis(1)).await.unwrap();
        let document = desk.sets().read().await.document(1, vec![named(2)], vec![], WallTime::from_millis(2));
        ledger.close();
        (store, document)
    }

    #[tokio::test]
    async fn killed_before_the_ledger_the_set_before_is_in_force_and_the_same_document_is_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let (store, document) = begun(dir.path()).await;
        let file = signed(&document, 1);
        let text = HolderSets::file(file.document, file.consents);
        store.keep_next_holder_set(2, &[2; 32], text).await.unwrap();
        let (again, ledger) = start(&store, dir.path()).await;
        assert_eq!(again.holders_now().borrow().as_ref().unwrap().holders(), [holder(1).public()]);
        again.take_set(signed(&document, 1)).await.unwrap();
        assert_eq!(again.holders_now().borrow().as_ref().unwrap().holders(), [holder(2).public()]);
        assert_eq!(numbers(&ledger), [1, 2]);
    }

    #[tokio::test]
    async fn killed_after_the_ledger_the_next_start_puts_in_force_what_was_kept_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (store, document) = begun(dir.path()).await;
        let (desk, ledger) = start(&store, dir.path()).await;
        let set = desk.sets().read().await.agreed(signed(&document, 1)).unwrap();
        let other = desk.sets().read().await.document(1, vec![named(3)], vec![], WallTime::from_millis(3));
        desk.write(vec![leaves::holders(&set)]).await.unwrap();
        ledger.close();
        let astray = async || {
            let ledger =
                Ledger::open(&dir.path().join("ledger"), store.site_id().as_bytes(), Options::default());
            let files = store.holder_sets().await.unwrap();
            let mut sets = HolderSets::read(&files, &store.site_id().to_string()).unwrap();
            stand_as_written(&store, &ledger.unwrap(), &mut sets).await.unwrap_err()
        };
        assert!(matches!(astray().await, Astray::Behind { said: 2, there: 1 }), "nothing was kept of it");
        // Agreed to as well, and not what the ledger says.
        let text = |file: HolderSetFile| HolderSets::file(file.document, file.consents);
        store.keep_next_holder_set(2, &[3; 32], text(signed(&other, 1))).await.unwrap();
        assert!(matches!(astray().await, Astray::Behind { .. }));
        store.keep_next_holder_set(2, &[2; 32], text(signed(&document, 9))).await.unwrap();
        assert!(matches!(astray().await, Astray::Behind { .. }), "nobody before agreed to it");
        store.keep_next_holder_set(2, &[2; 32], text(signed(&document, 1))).await.unwrap();
        // Tried again with another one, after an error of the disk behind which the ledger had been told.
        store.keep_next_holder_set(2, &[4; 32], text(signed(&other, 1))).await.unwrap();
        let (again, ledger) = start(&store, dir.path()).await;
        assert_eq!(again.holders_now().borrow().as_ref().unwrap().holders(), [holder(2).public()]);
        assert_eq!(numbers(&ledger), [1, 2], "it stands there once");
        assert_eq!(store.holder_sets().await.unwrap().len(), 2);
        assert_eq!(store.next_holder_sets().await.unwrap().len(), 0, "what was kept has served");
    }

    #[tokio::test]
    async fn proposals_and_their_consents_outlive_a_restart_until_the_holders_are_others() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).await.unwrap();
        let mut sets = HolderSets::read(&[], &store.site_id().to_string()).unwrap();
        let first = sets.first(2, vec![named(1), named(2)], vec![], WallTime::from_millis(1));
        store.write_holder_set(1, first.clone()).await.unwrap();
        sets.take(&first).unwrap();
        let document = sets.document(1, vec![named(1)], vec![], WallTime::from_millis(2));
        let (desk, ledger) = start(&store, dir.path()).await;
        desk.propose(signed(&document, 1)).await.unwrap();
        ledger.close();

        let (again, ledger) = start(&store, dir.path()).await;
        let waiting = again.proposals().await;
        assert_eq!((waiting.len(), waiting[0].text()), (1, document.as_str()));
        let both = again.propose(signed(&document, 2)).await.unwrap();
        assert_eq!(both.consents().len(), 2, "the one of before the restart counts");
        let file = HolderSetFile { document, consents: both.consents().to_vec() };
        again.take_set(file).await.unwrap();
        ledger.close();

        let (after, ledger) = start(&store, dir.path()).await;
        assert_eq!(after.proposals().await.len(), 0, "they followed the set before");
        ledger.close();
        // A file that somebody broke is no proposal, and keeps nothing from starting.
        for broken in [&b"[{"[..], b"\xff"] {
            std::fs::write(dir.path().join("holders/proposals.json"), broken).unwrap();
            let (started, ledger) = start(&store, dir.path()).await;
            assert_eq!(started.proposals().await.len(), 0);
            ledger.close();
        }
    }

    #[tokio::test]
    async fn a_set_that_is_on_the_disk_and_not_in_the_ledger_is_written_there_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let (store, document) = begun(dir.path()).await;
        let file = signed(&document, 1);
        let text = HolderSets::file(file.document, file.consents);
        store.write_holder_set(2, text).await.unwrap();
        let (again, ledger) = start(&store, dir.path()).await;
        assert_eq!(again.holders_now().borrow().as_ref().unwrap().holders(), [holder(2).public()]);
        again.take_set(signed(&document, 1)).await.unwrap();
        assert_eq!(numbers(&ledger), [1, 2], "and once");
        assert!(again.speaker(&PartyId::of(&holder(1).public())).await.is_none());
    }

    #[tokio::test]
    async fn a_chain_that_was_taken_away_cut_short_or_begun_by_somebody_else_is_refused_while_the_ledger_stands()
     {
        let dir = tempfile::tempdir().unwrap();
        let (store, document) = begun(dir.path()).await;
        let (desk, ledger) = start(&store, dir.path()).await;
        desk.take_set(signed(&document, 1)).await.unwrap();
        ledger.close();
        let folder = dir.path().join("holders");
        let astray = async || {
            let ledger =
                Ledger::open(&dir.path().join("ledger"), store.site_id().as_bytes(), Options::default());
            let files = store.holder_sets().await.unwrap();
            let mut sets = HolderSets::read(&files, &store.site_id().to_string()).unwrap();
            stand_as_written(&store, &ledger.unwrap(), &mut sets).await.map_err(|e| e.to_string())
        };
        let [one, two] = ["0001.json", "0002.json"].map(|name| folder.join(name));
        let texts = [&one, &two].map(|path| std::fs::read_to_string(path).unwrap());
        std::fs::remove_file(&two).unwrap();
        let said = astray().await.unwrap_err();
        assert!(said.contains("set 2 is in force, and the folder holders/ ends with set 1"), "{said}");
        std::fs::remove_file(&one).unwrap();
        let said = astray().await.unwrap_err();
        assert!(said.contains("set 2 is in force, and the folder holders/ has none"), "{said}");
        // A chain of somebody else's, as long as the one that was there.
        let site = store.site_id().to_string();
        let mut his = HolderSets::read(&[], &site).unwrap();
        let first = his.first(1, vec![named(8)], vec![], WallTime::from_millis(1));
        his.take(&first).unwrap();
        let next = his.document(1, vec![named(9)], vec![], WallTime::from_millis(2));
        let next = signed(&next, 8);
        store.write_holder_set(1, first).await.unwrap();
        store.write_holder_set(2, HolderSets::file(next.document, next.consents)).await.unwrap();
        let said = astray().await.unwrap_err();
        assert!(
            said.contains("set 2 in the folder holders/ is not the one that stands in the ledger"),
            "{said}"
        );
        [one, two].iter().zip(&texts).for_each(|(path, text)| std::fs::write(path, text).unwrap());
        assert_eq!(astray().await, Ok(()), "put back as it was");
    }

    #[tokio::test]
    async fn a_half_written_file_is_nobodys_set_and_a_disk_that_refuses_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (store, document) = begun(dir.path()).await;
        std::fs::write(dir.path().join("holders/0002.tmp"), "{\"docu").unwrap();
        let (desk, _ledger) = start(&store, dir.path()).await;
        assert_eq!(desk.sets().read().await.all().len(), 1);
        // Another's file stands where the next set would be written.
        std::fs::write(dir.path().join("holders/0002.json"), "{}").unwrap();
        assert!(matches!(desk.take_set(signed(&document, 1)).await, Err(DeskError::Store(_))));
        assert_eq!(desk.sets().read().await.all().len(), 1);
        assert_eq!(desk.holders_now().borrow().as_ref().unwrap().holders(), [holder(1).public()]);
        std::fs::remove_file(dir.path().join("holders/0002.json")).unwrap();
        desk.take_set(signed(&document, 1)).await.unwrap();
        assert_eq!(desk.sets().read().await.all().len(), 2);
    }
}
