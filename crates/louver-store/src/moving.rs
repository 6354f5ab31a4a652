//! Recordings that grow old go from hot disks to cold ones: copied, synced, named, entered, and only then deleted where they were.
//!
//! A reader finds a recording by its entry, and on another disk if it has just gone from there. After a crash in between it
//! lies on two disks; both copies are whole, since a copy has no name before it is synced.

mod copy;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use louver_base::WallTime;

use crate::files::blocking;
use crate::fresh::RecordingKey;
use crate::layout::recording_path;
use crate::places::Place;
use crate::retention::{After, FIRST, Old};
use crate::store::Inner;
use crate::{DiskRole, Store, StoreError};

use copy::{Copied, Pace, copy};
pub(crate) use copy::{PART, Wishes};

/// What could not be copied is not tried again for so long.
const SPOILT_FOR: Duration = Duration::from_secs(3600);
/// So many of them are remembered; more are tried each time.
const SPOILT_MAX: usize = 4096;
/// Of a disk of which so many cannot be copied in a turn no more are tried in it.
const SPOILT_AT_ONCE: u32 = 16;

/// How much is moved in a turn, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveBudget {
    /// When so many bytes are moved no further recording is begun.
    pub bytes: u64,
    /// Bytes a second; `None`: as fast as the disks go.
    pub per_second: Option<NonZeroU64>,
}

/// What a turn of moving did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Recordings that lie on a cold disk now.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Store {
    /// Moves finished recordings that ended before `before` from hot disks to cold ones, oldest first, until the budget is used up:
    /// call it now and then with what may be copied in that time. What is held stays where it is, and so does all where no
    /// cold disk has room. The catalogue goes on being written meanwhile, and retention deletes what is due: a recording that is gone when
    /// its copy is whole is not moved.
    ///
    /// # Errors
    /// The disks'; what could not be moved is where it was.
    pub async fn move_old(
        &self,
        before: WallTime,
        now: WallTime,
        budget: MoveBudget,
    ) -> Result<Moved, StoreError> {
        let inner = &self.0;
        // What the catalogue does not have yet cannot be found there.
        inner.flush().await?;
        let mut moving = Moving::begin(now, budget.per_second);
        for hot in inner.places.there().filter(|p| p.role == Some(DiskRole::Hot) && !p.is_failing()) {
            let mut after = FIRST;
            moving.spoilt = 0;
            while moving.moved.bytes < budget.bytes {
                let enough = budget.bytes - moving.moved.bytes;
                match inner.move_some(hot, before, enough, &mut after, &mut moving).await? {
                    Some(Went::On) => {}
                    None | Some(Went::Not { .. } | Went::Ended) => break,
                }
            }
        }
        Ok(moving.moved)
    }

    /// From now on nothing is moved any more: a copy that is going on ends within a moment, and the recording stays where it was.
    pub fn end_moving(&self) {
        self.0.moving.wishes.end();
    }
}

/// What all turns of moving share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// One copy at a time: two of the same recording would be written into one file. Before `maintenance`, where both are taken.
    one: tokio::sync::Mutex<()>,
    pub(crate) wishes: Arc<Wishes>,
    /// What could not be copied, and when that was: a disk takes long over a bad sector.
    spoilt: Mutex<BTreeMap<RecordingKey, Instant>>,
}

impl Shared {
    fn spoilt(&self) -> MutexGuard<'_, BTreeMap<RecordingKey, Instant>> {
        self.spoilt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_spoilt(&self, key: &RecordingKey) -> bool {
        self.spoilt().get(key).is_some_and(|since| since.elapsed() < SPOILT_FOR)
    }

    fn note_spoilt(&self, key: &RecordingKey) {
        let mut spoilt = self.spoilt();
        spoilt.retain(|_, since| since.elapsed() < SPOILT_FOR);
        if spoilt.len() < SPOILT_MAX {
            spoilt.insert(key.clone(), Instant::now());
        }
    }
}

/// A turn of moving.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moving {
    began: Instant,
    now: WallTime,
    per_second: Option<NonZeroU64>,
    pub(crate) moved: Moved,
    /// How many of this hot disk could not be copied.
    spoilt: u32,
}

/// How a turn goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Went {
    /// With the next.
    On,
    /// Not: no cold disk takes anything, or nothing can be taken off the hot one. `full`: cold disks that are well and have no room.
    Not { full: Vec<i64> },
    /// Not: it is to end.
    Ended,
}

impl Moving {
    pub(crate) fn begin(now: WallTime, per_second: Option<NonZeroU64>) -> Self {
        Self { began: Instant::now(), now, per_second, moved: Moved::default(), spoilt: 0 }
    }

    /// The time that it goes by.
    pub(crate) fn now(&self) -> WallTime {
        self.now
    }

    /// How long it has gone on.
    pub(crate) fn lasts(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Inner {
    /// The cold disk with most room, if it has enough for so many bytes above what stays free; else those that are well and have not.
    async fn cold(&self, bytes: u64) -> Result<Result<i64, Vec<i64>>, StoreError> {
        let (places, files) = (Arc::clone(&self.places), self.files.clone());
        blocking(move || {
            let room = |p: &Place| {
                let free = files.space(&p.dir).ok()?;
                let kept = p.min_free.map_or(0, |watermark| watermark.bytes_of(free.total));
                Some(free.free.saturating_sub(kept))
            };
            // Of one that came back nobody knows yet what lies there.
            let takes =
                |p: &&Place| p.role == Some(DiskRole::Cold) && !p.is_failing() && !p.is_looked_through();
            let cold = places.there().filter(takes);
            let rooms: Vec<(u64, i64)> = cold.filter_map(|p| Some((room(p)?, p.number))).collect();
            let most = rooms.iter().filter(|(room, _)| *room >= bytes).max();
            Ok(most
                .map(|(_, number)| *number)
                .ok_or_else(|| rooms.iter().map(|(_, number)| *number).collect()))
        })
        .await
    }

    /// Moves the oldest recordings of a hot disk that ended before then, from `after` on, until so many bytes went or the page is over.
    /// `None`: none is left. `after` goes on past what went, and past what is to stay.
    pub(crate) async fn move_some(
        &self,
        hot: &Place,
        before: WallTime,
        enough: u64,
        after: &mut After,
        moving: &mut Moving,
    ) -> Result<Option<Went>, StoreError> {
        let page = self.oldest_finished(hot.number, before, after).await?;
        let Some(last) = page.last().map(Old::place_in_order) else { return Ok(None) };
        let begun = moving.moved.bytes;
        for old in self.may_go(page, moving.now).await? {
            if moving.spoilt >= SPOILT_AT_ONCE {
                return Ok(None);
            }
            let at = old.place_in_order();
            if !self.moving.is_spoilt(&old.key) {
                match self.move_one(hot, old, moving).await? {
                    Went::On => {}
                    other => return Ok(Some(other)),
                }
            }
            *after = at;
            if moving.moved.bytes - begun >= enough {
                return Ok(Some(Went::On));
            }
        }
        *after = last;
        Ok(Some(Went::On))
    }

    /// Moves one recording to a cold disk. For whoever does not hold `maintenance`: a copy takes seconds and minutes, in which the
    /// catalogue is to be written.
    async fn move_one(&self, hot: &Place, old: Old, moving: &mut Moving) -> Result<Went, StoreError> {
        let _one = self.moving.one.lock().await;
        let cold = match self.cold(old.bytes).await? {
            Ok(cold) => self.places.get(cold),
            Err(full) => return Ok(Went::Not { full }),
        };
        let Some(cold) = cold else { return Ok(Went::Not { full: Vec::new() }) };
        let (camera, kind, id) = &old.key;
        let from = recording_path(&hot.dir, *kind, camera, *id);
        let to = recording_path(&cold.dir, *kind, camera, *id);
        let (files, part) = (self.files.clone(), to.with_extension(PART));
        let (wishes, per_second) = (Arc::clone(&self.moving.wishes), moving.per_second);
        let [source, target, name] = [from.clone(), part.clone(), to.clone()];
        let copied =
            blocking(move || copy(&files, [&source, &target, &name], &mut Pace::begin(per_second, &wishes)))
                .await;
        let spoilt = |moving: &mut Moving| {
            self.moving.note_spoilt(&old.key);
            moving.spoilt += 1;
            Ok(Went::On)
        };
        let entered = match copied {
            Ok(Copied::Whole { bytes }) => self
                .enter(cold, &old, moving.now, [&from, &part, &to])
                .await
                .map(|entered| entered.then_some(bytes)),
            Ok(Copied::Gone) => return Ok(Went::On),
            Ok(Copied::Ended) => return Ok(Went::Ended),
            Ok(Copied::Unreadable(error)) => {
                tracing::error!(file = %from.display(), %error, "a recording cannot be read and is not moved: look at its disk");
                return spoilt(moving);
            }
            Ok(Copied::Other) => {
                tracing::error!(file = %from.display(), other = %to.display(), "a recording is not moved, since another file has its name there: look at both");
                return spoilt(moving);
            }
            Err(e) => Err(e),
        };
        let bytes = match entered {
            // What is told to be free may be less: a quota, or others that write there.
            Err(e) if e.is_disk_full() && e.path().is_some_and(|path| path.starts_with(&cold.dir)) => {
                return Ok(Went::Not { full: vec![cold.number] });
            }
            entered => entered.inspect_err(|e| self.blame(e))?,
        };
        if let Some(bytes) = bytes {
            moving.moved = Moved { files: moving.moved.files + 1, bytes: moving.moved.bytes + bytes };
        }
        // Else all of it would be copied and none taken away.
        Ok(if hot.is_failing() { Went::Not { full: Vec::new() } } else { Went::On })
    }

    /// Gives a copy its name and the recording its entry there, and deletes what it was copied from. `false`: the recording went or is
    /// held since the copy was begun, and the copy is deleted; or it could not be deleted where it was.
    async fn enter(
        &self,
        cold: &Place,
        old: &Old,
        now: WallTime,
        [from, part, to]: [&Path; 3],
    ) -> Result<bool, StoreError> {
        let _turn = self.maintenance.lock().await;
        let (files, part, to) = (self.files.clone(), part.to_owned(), to.to_owned());
        if !self.is_still_there(old, now).await? {
            blocking(move || files.remove(&part)).await?;
            return Ok(false);
        }
        blocking(move || {
            files.rename(&part, &to).map_err(|e| {
                // Where the name may not be on the disk, the file that it names is not what to rely on. What had that name before, if the
                // copy did not get it, stays: also where the copy is gone for another reason.
                if part.exists() {
                    let _ = files.remove(&part);
                } else if e.kind() != io::ErrorKind::NotFound {
                    let _ = files.remove(&to);
                }
                StoreError::io("writing", &to, e)
            })
        })
        .await?;
        let (camera, kind, id) = &old.key;
        sqlx::query("UPDATE recordings SET disk = ? WHERE camera = ? AND kind = ? AND start_ms = ?")
            .bind(cold.number)
            .bind(camera.as_str())
            .bind(kind.code())
            .bind(id.0)
            .execute(&self.pool)
            .await
            .map_err(StoreError::db("noting that a recording was moved"))?;
        // Finished long ago: if memory still has it, then only because the catalogue was not written.
        if let Some(entry) = self.fresh().recordings.get_mut(&old.key) {
            entry.disk = cold.number;
        }
        let (files, from) = (self.files.clone(), from.to_owned());
        let removed = blocking(move || crate::retention::remove_all(&files, &[from])).await?;
        if removed.all_went() {
            return Ok(true);
        }
        // Both copies are whole; the next start takes one away.
        if let Some(hot) = self.places.get(old.disk) {
            hot.set_failing(true);
        }
        Ok(false)
    }

    /// Whether a recording lies where it lay, and may still be moved from there.
    async fn is_still_there(&self, old: &Old, now: WallTime) -> Result<bool, StoreError> {
        let (camera, kind, id) = &old.key;
        let there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM recordings
             WHERE camera = ? AND kind = ? AND start_ms = ? AND disk = ? AND held = 0)",
        )
        .bind(camera.as_str())
        .bind(kind.code())
        .bind(id.0)
        .bind(old.disk)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::db("looking for a recording that is moved"))?;
        Ok(there && !self.may_go(vec![old.clone()], now).await?.is_empty())
    }
}
