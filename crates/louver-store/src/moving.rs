//! Recordings that grow old go from hot disks to cold ones: copied, synced, named, entered, and only then deleted where they were.
//!
//! A reader finds a recording by its entry, and on another disk if it has just gone from there. After a crash in between it
//! lies on two disks; both copies are whole, since a copy has no name before it is synced.

use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use louver_base::WallTime;

use crate::files::{Files, blocking};
use crate::layout::recording_path;
use crate::places::Place;
use crate::retention::Old;
use crate::store::Inner;
use crate::{DiskRole, Store, StoreError};

/// Ends the name of a copy that is not whole.
pub(crate) const PART: &str = "moving";
/// Copied at once.
const CHUNK: usize = 1 << 20;
/// The longest sleep of a copy that keeps to a pace: so soon it ends when asked to.
const NAP: Duration = Duration::from_millis(50);

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
        for hot in inner.places.there().filter(|p| p.role == Some(DiskRole::Hot)) {
            while moving.moved.bytes < budget.bytes {
                let oldest = inner.oldest_finished(hot.number, before).await?;
                let oldest = inner.may_go(oldest, now)?;
                let before = moving.moved.files;
                for old in oldest {
                    if moving.moved.bytes >= budget.bytes
                        || inner.move_one(hot, old, &mut moving).await?.is_break()
                    {
                        break;
                    }
                }
                if moving.moved.files == before {
                    break;
                }
            }
        }
        Ok(moving.moved)
    }

    /// From now on nothing is moved any more: a copy that is going on ends within a moment, and the recording stays where it was.
    pub fn end_moving(&self) {
        self.0.moving.wishes.ends.store(true, Ordering::Relaxed);
    }
}

/// What all turns of moving share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// One copy at a time: two of the same recording would be written into one file. Before `maintenance`, where both are taken.
    one: tokio::sync::Mutex<()>,
    pub(crate) wishes: Arc<Wishes>,
}

/// What a copy is told while it goes on.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// End.
    ends: AtomicBool,
    /// A full disk waits: keep to no pace.
    pub(crate) hurry: AtomicBool,
}

impl Wishes {
    pub(crate) fn has_ended(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }
}

/// A turn of moving.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moving {
    began: Instant,
    now: WallTime,
    per_second: Option<NonZeroU64>,
    pub(crate) moved: Moved,
}

impl Moving {
    pub(crate) fn begin(now: WallTime, per_second: Option<NonZeroU64>) -> Self {
        Self { began: Instant::now(), now, per_second, moved: Moved::default() }
    }

    /// How long it has gone on.
    pub(crate) fn lasts(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits until so many bytes more than before are not too many for the time; `false` if it is to end.
    fn keep_pace(&self, bytes: u64, wishes: &Wishes) -> bool {
        let due = self.per_second.map_or(Duration::ZERO, |per_second| {
            Duration::from_secs_f64((self.moved.bytes + bytes) as f64 / per_second.get() as f64)
        });
        loop {
            if wishes.has_ended() {
                return false;
            }
            match due.checked_sub(self.lasts()).filter(|left| !left.is_zero()) {
                Some(left) if !wishes.hurry.load(Ordering::Relaxed) => thread::sleep(left.min(NAP)),
                _ => return true,
            }
        }
    }
}

impl Inner {
    /// The cold disk with most room, if it has enough for so many bytes above what stays free.
    fn cold(&self, bytes: u64) -> Option<&Place> {
        let room = |p: &&Place| {
            let free = self.files.space(&p.dir).ok()?;
            let kept = p.min_free.map_or(0, |watermark| watermark.bytes_of(free.total));
            free.free.checked_sub(kept.saturating_add(bytes))
        };
        let cold = self.places.there().filter(|p| p.role == Some(DiskRole::Cold) && !p.is_failing());
        cold.filter(|p| room(p).is_some()).max_by_key(room)
    }

    /// Moves one recording to a cold disk; breaks off where none has room, and when moving is to end. For whoever does not hold
    /// `maintenance`: a copy takes seconds and minutes, in which the catalogue is to be written.
    pub(crate) async fn move_one(
        &self,
        hot: &Place,
        old: Old,
        moving: &mut Moving,
    ) -> Result<ControlFlow<()>, StoreError> {
        let _one = self.moving.one.lock().await;
        let Some(cold) = self.cold(old.bytes) else { return Ok(ControlFlow::Break(())) };
        let (camera, kind, id) = &old.key;
        let from = recording_path(&hot.dir, *kind, camera, *id);
        let to = recording_path(&cold.dir, *kind, camera, *id);
        let (files, part) = (self.files.clone(), to.with_extension(PART));
        let (wishes, pace) = (Arc::clone(&self.moving.wishes), *moving);
        let (source, target) = (from.clone(), part.clone());
        let copied = blocking(move || copy(&files, &source, &target, &pace, &wishes)).await;
        let entered = match copied {
            Ok(Copied::Whole { bytes }) => {
                let entered = self.enter(cold, &old, moving.now, [from, part, to]).await;
                entered.map(|entered| (u64::from(entered), if entered { bytes } else { 0 }))
            }
            Ok(Copied::Gone) => return Ok(ControlFlow::Continue(())),
            Ok(Copied::Ended) => return Ok(ControlFlow::Break(())),
            Err(e) => Err(e),
        };
        let (files, bytes) = entered.inspect_err(|e| {
            if !matches!(e, StoreError::Io { doing: "reading", .. } | StoreError::Database { .. }) {
                self.disk_failed(cold.number, e);
            }
        })?;
        moving.moved = Moved { files: moving.moved.files + files, bytes: moving.moved.bytes + bytes };
        Ok(ControlFlow::Continue(()))
    }

    /// Gives a copy its name and the recording its entry there, and deletes what it was copied from. `false`: the recording went or is
    /// held since the copy was begun, and the copy is deleted.
    async fn enter(
        &self,
        cold: &Place,
        old: &Old,
        now: WallTime,
        [from, part, to]: [PathBuf; 3],
    ) -> Result<bool, StoreError> {
        let _turn = self.maintenance.lock().await;
        let files = self.files.clone();
        if !self.is_still_there(old, now).await? {
            blocking(move || files.remove(&part)).await?;
            return Ok(false);
        }
        blocking(move || {
            files.rename(&part, &to).map_err(|e| {
                // Where the name may not be on the disk, the file that it names is not what to rely on.
                let _ = files.remove(&part);
                let _ = files.remove(&to);
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
        let files = self.files.clone();
        blocking(move || crate::retention::remove_all(&files, &[from]).map(drop)).await?;
        Ok(true)
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
        Ok(there && !self.may_go(vec![old.clone()], now)?.is_empty())
    }
}

/// What became of a copy.
enum Copied {
    /// It is whole and on the disk, and has no name yet.
    Whole { bytes: u64 },
    /// What was to be copied is gone.
    Gone,
    /// It was to end.
    Ended,
}

/// Copies a file; the copy is deleted unless it is whole and on the disk.
fn copy(
    files: &Files,
    from: &Path,
    part: &Path,
    pace: &Moving,
    wishes: &Wishes,
) -> Result<Copied, StoreError> {
    let reading = |e| StoreError::io("reading", from, e);
    let mut source = match File::open(from) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Copied::Gone),
        opened => opened.map_err(reading)?,
    };
    let copy = files.part(part)?;
    let copied = (|| {
        let mut chunk = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            let read = source.read(&mut chunk).map_err(reading)?;
            if read == 0 {
                break;
            }
            let chunk = chunk.get(..read).unwrap_or_default();
            copy.write(chunk).map_err(|e| StoreError::io("writing", part, e))?;
            bytes += read as u64;
            if !pace.keep_pace(bytes, wishes) {
                return Ok(Copied::Ended);
            }
        }
        copy.sync().map_err(|source| StoreError::Sync { path: part.to_owned(), bytes, source })?;
        Ok(Copied::Whole { bytes })
    })();
    if !matches!(copied, Ok(Copied::Whole { .. })) {
        let _ = files.remove(part);
    }
    copied
}
