//! The desk where requests are taken, heard and ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use louver_base::{CameraId, WallTime};
use louver_export::ManifestError;
use louver_ledger::{Leaf, Ledger, LedgerError};
use louver_opening::{
    Entry, HoldRefused, HolderSets, Named, Opening, PartyId, Refused, Request, Role, Roll, SetError, Signed,
};
use louver_store::{Store, StoreError};
use louver_vault::{KeyRing, KeyRingError};
use tokio::sync::{Mutex, RwLock};

use super::holds::{self, Holds};
use super::kept::Need;
use super::leaves;
use super::sets::{HoldersNow, Proposals};
use crate::auth::gate::Speaker;

/// Requests that are kept in memory at most; of those that have ended the oldest are forgotten, and stay on disk.
const REQUESTS: usize = 10_000;
/// Ended requests that one answer lists at most; a document may be 64 KiB long.
const LISTED: usize = 200;
/// Requests of one user that wait for holders at once: nobody can bury the holders in them.
const WAITING: usize = 32;

/// Why the desk did not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum DeskError {
    /// The document is not taken; the sentence is for its sender.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A legal hold, or the end of one, is not taken; the sentence is for its sender.
    #[error(transparent)]
    HoldRefused(#[from] HoldRefused),
    /// What should be the next holder set is not; the sentence is for its sender.
    #[error(transparent)]
    SetRefused(#[from] SetError),
    /// A proposal that no holder of today signed.
    #[error("no holder of today agreed to it: a change of holders is proposed by one of them")]
    NobodyAgreed,
    /// A first holder where there are holders.
    #[error("there are holders already: with their consent the list is changed")]
    HoldersThere,
    /// A first holder where somebody must have been one.
    #[error(
        "originals were sealed here, so there were holders: restore the folder holders/ in the data directory from a backup"
    )]
    HoldersLost,
    /// Too many holds are in force.
    #[error("{0} legal holds are in force already: end some first")]
    TooManyHolds(usize),
    /// There is no such request.
    #[error("there is no such request")]
    Unknown,
    /// Too many requests wait already.
    #[error("{0} requests wait for the holders already: take some back, or wait until they were heard")]
    TooMany(usize),
    /// Nothing was sealed in that time, or nothing is left of it.
    #[error("nothing is recorded of these cameras in that time, or not any more")]
    NothingThere,
    /// Several lists of holders sealed what is asked for.
    #[error(
        "the holders were changed in that time: ask for the time before {} and the time after it by themselves", .0
    )]
    TwoSets(WallTime),
    /// What is asked for was sealed for holders that no set of this site names.
    #[error("what is recorded of that time was sealed for holders who are on none of this site's lists")]
    ForeignSet,
    /// Nobody could open anything.
    #[error("there are no holders yet: make the first one on the page Holders, or with `louver holder new`")]
    NoHolders,
    /// The ledger could not be written: nothing is opened without it.
    #[error(
        "the ledger could not be written, so nothing was done: look at the disk that holds the data directory"
    )]
    Ledger(#[from] LedgerError),
    /// The disk.
    #[error(
        "the request could not be kept, so nothing was done: look at the disk that holds the data directory"
    )]
    Store(#[from] StoreError),
    /// What is asked for could not be kept from retention.
    #[error(
        "what is asked for could not be held, so nothing was done: look at the disk that holds the data directory"
    )]
    Hold(#[from] KeyRingError),
    /// What is to be signed is no draft of a manifest; the sentence is for its sender.
    #[error("the video cannot be signed: {0}")]
    Draft(ManifestError),
    /// What is to be signed is not what was handed out.
    #[error("the video cannot be signed: {0}")]
    NotAsReleased(&'static str),
    /// A request's files were changed by somebody else.
    #[error(
        "this request's files contradict each other: somebody changed them; restore openings/ from a backup"
    )]
    Contradiction,
}

/// A request and how many entries it has.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Shared, not copied, with whoever looks at it: approvals hold megabytes of shares.
    pub(crate) opening: Arc<Opening>,
    entries: u32,
    /// When it was asked, the recorder's clock, ms since 1970.
    pub(crate) asked_ms: i64,
}

/// All requests of a site.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

struct Inner {
    store: Store,
    ledger: Ledger,
    ring: Arc<KeyRing>,
    site: String,
    /// Locked after `items`, where both are.
    sets: RwLock<HolderSets>,
    /// For the recorders.
    holders_now: HoldersNow,
    /// Locked after `sets`.
    proposals: Mutex<Proposals>,
    /// Locked after `items`, where both are.
    holds: Mutex<Holds>,
    /// Whether the key ring may hold more or less than is needed.
    unsettled: AtomicBool,
    /// By id. Held while a step is written, so that steps of all requests follow each other.
    items: Mutex<BTreeMap<String, Item>>,
}

fn replay(texts: Vec<String>, site: &str) -> Option<Item> {
    let entries =
        texts.iter().map(|t| serde_json::from_str::<Entry>(t)).collect::<Result<Vec<_>, _>>().ok()?;
    let Some(Entry::Asked { at_ms, .. }) = entries.first() else { return None };
    let (asked_ms, count) = (*at_ms, entries.len() as u32);
    Some(Item { opening: Arc::new(Opening::replay(entries, site)?), entries: count, asked_ms })
}

/// Leaves `most` requests at most, of those that have ended the latest: who asks and takes back ten thousand times stops nobody else.
fn forget(items: &mut BTreeMap<String, Item>, most: usize) {
    let over = items.len().saturating_sub(most);
    let ended = items.iter().filter(|(_, i)| !i.opening.is_alive());
    let mut ended: Vec<_> = ended.map(|(id, i)| (i.asked_ms, id.clone())).collect();
    ended.sort_unstable();
    for (_, id) in ended.into_iter().take(over) {
        items.remove(&id);
    }
}

impl Desk {
    /// Reads the requests back. One whose files make no sense is logged and left alone: it opens nothing.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(crate) async fn open(
        store: Store,
        ledger: Ledger,
        sets: HolderSets,
        holders_now: HoldersNow,
    ) -> Result<Self, StoreError> {
        let ring = store.key_ring()?;
        let site = store.site_id().to_string();
        let mut items = BTreeMap::new();
        for found in store.openings().await? {
            match replay(found.entries, &site) {
                Some(item) if item.opening.request().hash().id() == found.id => {
                    items.insert(found.id, item);
                }
                _ => tracing::error!(
                    request = found.id,
                    "the files of this request make no sense; it opens nothing"
                ),
            }
        }
        forget(&mut items, REQUESTS);
        let holds = holds::read(&store, &sets, &site).await?;
        let proposals = Proposals::read(&store, &sets).await;
        Ok(Self(Arc::new(Inner {
            store,
            ledger,
            ring,
            site,
            holds: Mutex::new(holds),
            unsettled: AtomicBool::new(true),
            sets: RwLock::new(sets),
            holders_now,
            proposals: Mutex::new(proposals),
            items: Mutex::new(items),
        })))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(super) fn ring(&self) -> &Arc<KeyRing> {
        &self.0.ring
    }

    /// 32 hex digits.
    pub(crate) fn site(&self) -> &str {
        &self.0.site
    }

    pub(crate) fn sets(&self) -> &RwLock<HolderSets> {
        &self.0.sets
    }

    pub(super) fn waiting(&self) -> &Mutex<Proposals> {
        &self.0.proposals
    }

    pub(super) fn holders_now(&self) -> &HoldersNow {
        &self.0.holders_now
    }

    /// Who this is here: somebody on the list of today, or on the list of a request that is alive (a holder who was removed can still help to open
    /// what was sealed for them). `None`: a stranger.
    pub(crate) async fn speaker(&self, id: &PartyId) -> Option<Speaker> {
        let sets = self.0.sets.read().await;
        let is = |named: &&Named| PartyId::of(&named.public) == *id;
        let of = |named: &Named, role| Speaker { id: id.clone(), name: named.name.clone(), role };
        if let Some(latest) = sets.latest() {
            let holder = latest.holders().iter().find(is).map(|named| of(named, Role::Holder));
            let found =
                holder.or_else(|| latest.observers().iter().find(is).map(|named| of(named, Role::Observer)));
            if found.is_some() {
                return found;
            }
        }
        let names = sets.all().iter().rev().flat_map(|s| s.holders().iter().chain(s.observers()));
        let named = names.into_iter().find(is)?.clone();
        drop(sets);
        let items = self.0.items.lock().await;
        let asked = items.values().filter(|item| item.opening.is_alive());
        let role = asked.into_iter().find_map(|item| item.opening.roll().find(id))?.role;
        Some(of(&named, role))
    }

    /// The latest requests, the latest first, and all that are alive.
    pub(crate) async fn list(&self) -> Vec<Item> {
        let mut items: Vec<Item> = self.0.items.lock().await.values().cloned().collect();
        items.sort_by_key(|item| std::cmp::Reverse(item.asked_ms));
        let mut place = 0;
        items.retain(|item| {
            place += 1;
            place <= LISTED || item.opening.is_alive()
        });
        items
    }

    /// One request.
    ///
    /// # Errors
    /// [`DeskError::Unknown`].
    pub(crate) async fn one(&self, id: &str) -> Result<Item, DeskError> {
        self.0.items.lock().await.get(id).cloned().ok_or(DeskError::Unknown)
    }

    /// Runs to its end, whoever stops waiting for it: a step is never half-done.
    pub(super) async fn whole<T: Send + 'static>(
        work: impl Future<Output = Result<T, DeskError>> + Send + 'static,
    ) -> Result<T, DeskError> {
        match tokio::spawn(work).await {
            Ok(done) => done,
            Err(e) if e.is_panic() => std::panic::resume_unwind(e.into_panic()),
            Err(_) => Err(DeskError::Unknown),
        }
    }

    /// Takes a request. The same document again is the same request.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was asked.
    pub(crate) async fn ask(&self, text: String, user: String, now: WallTime) -> Result<Item, DeskError> {
        let desk = self.clone();
        Self::whole(async move {
            let request = Request::read(&text, &desk.0.site)?;
            request.timely(now)?;
            let roll = desk.roll(&request).await?;
            let mut items = desk.0.items.lock().await;
            let id = request.hash().id();
            if let Some(item) = items.get(&id) {
                return Ok(item.clone());
            }
            let waiting = items.values().filter(|i| i.opening.is_alive() && i.opening.user() == user).count();
            if waiting >= WAITING {
                return Err(DeskError::TooMany(waiting));
            }
            forget(&mut items, REQUESTS - 1);
            let entry = Opening::ask(&request, &user, roll, now)?;
            // Held first: what was asked for must be there when the holders have agreed.
            desk.settle(&items, Some(&request)).await?;
            desk.write(vec![leaves::asked(&request, &user, desk.0.ledger.salt())]).await?;
            desk.keep(&id, 1, &entry).await?;
            let opening = Opening::replay([entry], &desk.0.site).ok_or(DeskError::Contradiction)?;
            let item = Item { opening: Arc::new(opening), entries: 1, asked_ms: now.millis() };
            items.insert(id, item.clone());
            Ok(item)
        })
        .await
    }

    /// Hears a statement, and does what follows from it.
    ///
    /// # Errors
    /// [`DeskError`]; nothing was heard.
    pub(crate) async fn say(&self, id: String, signed: Signed, now: WallTime) -> Result<Item, DeskError> {
        self.change(id, now, move |opening| opening.hear(signed, now)).await
    }

    /// Who asked takes it back, or closes it.
    ///
    /// # Errors
    /// [`DeskError`].
    pub(crate) async fn withdraw(&self, id: String, user: String, now: WallTime) -> Result<Item, DeskError> {
        self.change(id, now, move |opening| opening.withdraw(&user, now)).await
    }

    async fn change(
        &self,
        id: String,
        now: WallTime,
        entry: impl FnOnce(&Opening) -> Result<Entry, Refused> + Send + 'static,
    ) -> Result<Item, DeskError> {
        let desk = self.clone();
        Self::whole(async move {
            let mut items = desk.0.items.lock().await;
            let item = items.get_mut(&id).ok_or(DeskError::Unknown)?;
            let entry = entry(&item.opening)?;
            desk.step(&id, item, entry).await?;
            desk.follow(&id, item, now).await?;
            let item = item.clone();
            desk.settle(&items, None).await?;
            Ok(item)
        })
        .await
    }

    /// What time brings: expiry, closing. To be called every few seconds, the first time with what a crash may have left undone.
    pub(crate) async fn tick(&self, now: WallTime, first: bool) {
        let desk = self.clone();
        let done = Self::whole(async move {
            let mut items = desk.0.items.lock().await;
            if first {
                desk.unsettle();
            }
            for (id, item) in items.iter_mut() {
                if item.opening.due(now).is_some() {
                    desk.unsettle();
                    // One that cannot be moved on does not stop the others.
                    if let Err(error) = desk.follow(id, item, now).await {
                        tracing::error!(%error, request = id, "a request could not be moved on; it is tried again");
                    }
                }
            }
            desk.end_due_holds(now).await;
            if desk.is_unsettled() { desk.settle(&items, None).await } else { Ok(()) }
        });
        if let Err(error) = done.await {
            tracing::error!(%error, "hours of requests that ended could not be given back to retention; it is tried again");
        }
    }

    /// Every request that is alive, as what must be kept.
    pub(super) fn needs(items: &BTreeMap<String, Item>) -> Vec<Need> {
        items
            .values()
            .filter(|i| i.opening.is_alive())
            .flat_map(|i| Need::of_request(i.opening.request()))
            .collect()
    }

    pub(super) fn holds(&self) -> &Mutex<Holds> {
        &self.0.holds
    }

    pub(super) fn items(&self) -> &Mutex<BTreeMap<String, Item>> {
        &self.0.items
    }

    pub(super) fn unsettled(&self) -> &AtomicBool {
        &self.0.unsettled
    }

    pub(super) fn salt(&self) -> &louver_ledger::Salt {
        self.0.ledger.salt()
    }

    /// Everything that follows by itself.
    async fn follow(&self, id: &str, item: &mut Item, now: WallTime) -> Result<(), DeskError> {
        while let Some(entry) = item.opening.due(now) {
            self.step(id, item, entry).await?;
        }
        Ok(())
    }

    /// Ledger, disk, memory, in this order: what cannot be written does not happen, and what happened can be seen.
    async fn step(&self, id: &str, item: &mut Item, entry: Entry) -> Result<(), DeskError> {
        let salt = self.0.ledger.salt();
        self.write(leaves::step(&item.opening, &entry, salt).ok_or(DeskError::Contradiction)?).await?;
        self.keep(id, item.entries + 1, &entry).await?;
        item.entries += 1;
        Arc::make_mut(&mut item.opening).apply(entry).ok_or(DeskError::Contradiction)
    }

    /// Writes leaves and waits until a checkpoint over them is published.
    pub(super) async fn write(&self, leaves: Vec<Leaf>) -> Result<(), DeskError> {
        let ledger = self.0.ledger.clone();
        let written = tokio::task::spawn_blocking(move || {
            leaves.iter().try_for_each(|leaf| ledger.append_now(leaf).map(|_| ()))
        });
        match written.await {
            Ok(written) => Ok(written?),
            Err(e) => std::panic::resume_unwind(e.into_panic()),
        }
    }

    async fn keep(&self, id: &str, number: u32, entry: &Entry) -> Result<(), DeskError> {
        let text = serde_json::to_string(entry).expect("texts, numbers and hex always make JSON");
        Ok(self.0.store.write_opening(id, number, text).await?)
    }

    /// Who may speak to a request: the holders whom all of it was sealed for, and the observers of today.
    async fn roll(&self, request: &Request) -> Result<Roll, DeskError> {
        let sealed_for = self.sealed_for(request).await?;
        let sets = self.0.sets.read().await;
        let latest = sets.latest().ok_or(DeskError::NoHolders)?;
        let set = sets.that_sealed(sealed_for.needed, &sealed_for.holders).ok_or(DeskError::ForeignSet)?;
        Ok(set.roll(latest.observers()))
    }

    /// For the ledger: fragments are about to be handed out.
    pub(crate) async fn note_read(
        &self,
        item: &Item,
        camera: &CameraId,
        from: WallTime,
        to: WallTime,
    ) -> Result<(), DeskError> {
        self.write(vec![leaves::read(&item.opening, camera, from, to, self.0.ledger.salt())]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request of minute `n`, ended or not.
    fn item(n: u32, ended: bool) -> (String, Item) {
        let site = "00".repeat(16);
        let at_ms = 1_800_000_000_000 + i64::from(n) * 60_000;
        let request = serde_json::json!({
            "what": "louver opening request", "v": 1, "site": site, "at": at_ms, "expires": at_ms + 3_600_000,
            "cameras": ["gate"], "from": at_ms - 60_000, "to": at_ms, "reason": "test", "text": "to see it forgotten",
            "salt": "11".repeat(32), "recipient": "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
            "hours": 1
        });
        let roll = Roll { needed: 1, parties: Vec::new() };
        let mut entries =
            vec![Entry::Asked { at_ms, request: request.to_string(), user: "somebody".to_owned(), roll }];
        if ended {
            entries.push(Entry::Ended { at_ms, how: louver_opening::End::Withdrawn });
        }
        let texts = entries.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
        (format!("{n}"), replay(texts, &site).unwrap())
    }

    #[test]
    fn of_too_many_requests_the_oldest_that_ended_are_forgotten_and_none_that_is_alive() {
        let mut items: BTreeMap<String, Item> =
            [item(1, false), item(2, true), item(3, true), item(4, false), item(5, true)].into();
        forget(&mut items, 3);
        assert_eq!(items.keys().collect::<Vec<_>>(), ["1", "4", "5"]);
        forget(&mut items, 1);
        assert_eq!(items.keys().collect::<Vec<_>>(), ["1", "4"], "those that are alive stay, however many");
    }
}
