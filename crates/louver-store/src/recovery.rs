//! What a start finds, and how the catalogue is brought in line with the files: always by the files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use louver_base::{CameraId, WallSpan, WallTime};
use sqlx::SqlitePool;

use crate::files::{Files, blocking};
use crate::layout;
use crate::places::Places;
use crate::setup::Keys;
use crate::{RecordingKind, StoreError, stills};

mod copies;
mod journals;
mod recordings;

pub(crate) use copies::same_bytes;
pub(crate) use journals::changed_since;
use journals::{close_events, recover_journals};
pub(crate) use recordings::{Of, recover_files};

/// What [`Store::open`](crate::Store::open) found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The catalogue was missing or damaged and was made from the files; users and sessions are lost.
    pub rebuilt: bool,
    /// Where the damaged catalogue was put.
    pub corrupt_database: Option<PathBuf>,
    /// Recordings found on disk in all.
    pub recordings: u64,
    /// Files that had no (finished) entry and were looked through.
    pub scanned: u64,
    /// Files whose torn end was cut off (masked) or left out (sealed).
    pub torn: u64,
    /// Files that hold nothing that can be told: not ours, damaged throughout, or written with another key. They are kept
    /// until their age is over.
    pub unreadable: u64,
    /// Files without one whole fragment, deleted.
    pub empty: u64,
    /// Originals whose hour secret was destroyed before a crash, deleted.
    pub shredded: u64,
    /// Originals that have no hour secret though later hours have none either: the key ring is not the one they were
    /// sealed with. Kept until their age is over.
    pub without_secret: u64,
    /// Entries whose file is gone, deleted.
    pub missing: u64,
    /// Events read from journals that the catalogue did not have, or not as they ended.
    pub events: u64,
    /// Events that were open and have been closed with their last known time.
    pub closed_events: u64,
    /// Stills whose line a kill cut off; they have it now.
    pub stills: u64,
    /// Gaps read from journals.
    pub gaps: u64,
    /// Journal lines that could not be read and were left out.
    pub bad_lines: u64,
}

/// Journals changed so shortly before the last flush are read again: clocks of disks and of machines differ.
const MARGIN: WallSpan = WallSpan::from_millis(600_000);

/// Brings the catalogue in line with the files. With a new catalogue everything is read, otherwise what changed since the
/// last flush.
pub(crate) async fn recover(
    files: &Files,
    places: &Arc<Places>,
    dir: &Path,
    keys: &Keys,
    pool: &SqlitePool,
) -> Result<Recovery, StoreError> {
    let flushed: Option<i64> = sqlx::query_scalar("SELECT value FROM facts WHERE name = 'flushed_us'")
        .fetch_optional(pool)
        .await
        .map_err(StoreError::db("reading when it was last written"))?;
    let mut recovery = Recovery::default();
    for camera in cameras(places, pool).await? {
        for kind in RecordingKind::ALL {
            let of = Of { files, places, camera: &camera, kind, only: None, busy: BTreeSet::new() };
            recover_files(&of, keys, pool, &mut recovery).await?;
        }
        let since = flushed.map(|us| WallTime::from_micros(us) - MARGIN);
        recover_journals(files, dir, pool, &camera, since, &mut recovery).await?;
        recovery.stills += stills::name_them(files, dir, keys.camera(&camera), pool, &camera, since).await?;
    }
    recovery.closed_events += close_events(files, dir, pool).await?;
    recovery.rebuilt = flushed.is_none() && recovery.recordings + recovery.events + recovery.gaps > 0;
    note_flush(pool).await.map_err(StoreError::db("noting when it was written"))?;
    Ok(recovery)
}

/// Notes that everything in the journals until now is in the catalogue.
async fn note_flush(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut db = pool.acquire().await?;
    put_flush_time(&mut db).await
}

pub(crate) async fn put_flush_time(db: &mut sqlx::SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT OR REPLACE INTO facts (name, value) VALUES ('flushed_us', ?)")
        .bind(WallTime::now().micros())
        .execute(db)
        .await
        .map(drop)
}

/// Cameras that have files or entries.
pub(crate) async fn cameras(
    places: &Arc<Places>,
    pool: &SqlitePool,
) -> Result<BTreeSet<CameraId>, StoreError> {
    let places = Arc::clone(places);
    let mut all = blocking(move || {
        let mut all = BTreeSet::new();
        for place in places.there() {
            match cameras_on(&place.dir) {
                Ok(found) => all.extend(found),
                Err(e) => places.lose(place, e)?,
            }
        }
        Ok(all)
    })
    .await?;
    let named: Vec<String> = sqlx::query_scalar("SELECT DISTINCT camera FROM recordings")
        .fetch_all(pool)
        .await
        .map_err(StoreError::db("listing cameras"))?;
    all.extend(named.iter().filter_map(|n| n.parse().ok()));
    Ok(all)
}

fn cameras_on(dir: &Path) -> Result<Vec<CameraId>, StoreError> {
    let mut all = Vec::new();
    for kind in RecordingKind::ALL {
        let found = layout::cameras(dir, kind);
        all.extend(found.map_err(|e| StoreError::io("reading", &dir.join(kind.folder()), e))?);
    }
    Ok(all)
}
