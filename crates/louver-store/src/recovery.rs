//! What a start finds, and how the catalogue is brought in line with the files: always by the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use louver_base::{CameraId, EventId, WallSpan, WallTime};
use louver_vault::{SegmentInfo, Tail, VaultError};
use sqlx::{Row as _, SqlitePool};

use crate::event_state::{EventState, last_known};
use crate::events::{load_event, load_open_events};
use crate::files::{Files, blocking};
use crate::flush::{put_event, put_gap, put_recording};
use crate::fresh::{Entry, FileState};
use crate::journal::{self, Line, Told};
use crate::layout::{self, JOURNAL, hour_of, journal_path};
use crate::masked_file::{self, Scan};
use crate::places::Places;
use crate::setup::{CameraKeys, Keys};
use crate::{EventRecord, Gap, RecordingId, RecordingKind, StoreError, moving, stills};

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
pub(crate) async fn cameras(places: &Places, pool: &SqlitePool) -> Result<BTreeSet<CameraId>, StoreError> {
    let dirs = places.dirs();
    let mut all = blocking(move || {
        let mut all = BTreeSet::new();
        for kind in RecordingKind::ALL {
            let found = layout::cameras_on(&dirs, kind);
            all.extend(found.map_err(|e| StoreError::io("reading", Path::new(kind.folder()), e))?);
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

/// Recordings of one camera and kind, on all disks that are there.
pub(crate) struct Of<'a> {
    pub(crate) files: &'a Files,
    pub(crate) places: &'a Arc<Places>,
    pub(crate) camera: &'a CameraId,
    pub(crate) kind: RecordingKind,
    /// On this disk alone: it came back while the others are being written to.
    pub(crate) only: Option<i64>,
    /// Recordings that are being written, and left alone.
    pub(crate) busy: BTreeSet<RecordingId>,
}

/// Brings the entries in line with the files.
pub(crate) async fn recover_files(
    of: &Of<'_>,
    keys: &Keys,
    pool: &SqlitePool,
    recovery: &mut Recovery,
) -> Result<(), StoreError> {
    let (camera, kind) = (of.camera, of.kind);
    let doing = || StoreError::db("comparing recordings with their files");
    let rows = sqlx::query("SELECT start_ms, finished, disk FROM recordings WHERE camera = ? AND kind = ?")
        .bind(camera.as_str())
        .bind(kind.code())
        .fetch_all(pool)
        .await
        .map_err(doing())?;
    let mut known = BTreeMap::new();
    for row in &rows {
        let id = RecordingId(row.try_get("start_ms").map_err(doing())?);
        let finished = row.try_get("finished").map_err(doing())?;
        known.insert(id, Known { finished, disk: row.try_get("disk").map_err(doing())? });
    }
    let found = look(of, keys, known).await?;
    recovery.recordings += found.there;
    recovery.scanned += found.looked_at.len() as u64;
    recovery.missing += found.missing.len() as u64;
    let mut tx = pool.begin().await.map_err(doing())?;
    let mut gone = found.missing;
    for (id, disk, outcome) in found.looked_at {
        let put =
            |end, bytes| Entry { disk, end, bytes, state: FileState::Finished, change: 0, dirty: false };
        let entry = match outcome {
            Outcome::Whole { end, bytes } => put(end, bytes),
            Outcome::Torn { end, bytes } => {
                recovery.torn += 1;
                put(end, bytes)
            }
            Outcome::Unreadable { bytes } => {
                recovery.unreadable += 1;
                put(id.start(), bytes)
            }
            Outcome::Moved => {
                sqlx::query("UPDATE recordings SET disk = ? WHERE camera = ? AND kind = ? AND start_ms = ?")
                    .bind(disk)
                    .bind(camera.as_str())
                    .bind(kind.code())
                    .bind(id.0)
                    .execute(&mut *tx)
                    .await
                    .map_err(doing())?;
                continue;
            }
            // Not finished, so that it is looked at again.
            Outcome::Failing { bytes } => {
                recovery.unreadable += 1;
                Entry { state: FileState::Abandoned, ..put(id.start(), bytes) }
            }
            Outcome::Empty => {
                recovery.empty += 1;
                recovery.recordings -= 1;
                gone.push(id);
                continue;
            }
        };
        put_recording(&mut tx, &(camera.clone(), kind, id), &entry).await.map_err(doing())?;
    }
    for id in gone {
        sqlx::query("DELETE FROM recordings WHERE camera = ? AND kind = ? AND start_ms = ?")
            .bind(camera.as_str())
            .bind(kind.code())
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .map_err(doing())?;
    }
    tx.commit().await.map_err(doing())
}

/// What the files of one camera and kind say.
struct Found {
    /// Files on disk.
    there: u64,
    looked_at: Vec<(RecordingId, i64, Outcome)>,
    /// Entries without a file on a disk that is there.
    missing: Vec<RecordingId>,
}

/// An entry.
#[derive(Clone, Copy)]
struct Known {
    finished: bool,
    disk: i64,
}

/// What became of a file that was not finished or not known.
enum Outcome {
    Whole {
        end: WallTime,
        bytes: u64,
    },
    Torn {
        end: WallTime,
        bytes: u64,
    },
    Unreadable {
        bytes: u64,
    },
    /// The disk does not give it.
    Failing {
        bytes: u64,
    },
    /// It is whole, and on another disk than its entry says.
    Moved,
    Empty,
}

async fn look(
    of: &Of<'_>,
    keys: &Keys,
    mut known: BTreeMap<RecordingId, Known>,
) -> Result<Found, StoreError> {
    let (files, places, camera, kind) = (of.files.clone(), Arc::clone(of.places), of.camera.clone(), of.kind);
    let (keys, only, busy) = (keys.camera(&camera), of.only, of.busy.clone());
    let wanted =
        move |disk: i64, id: &RecordingId| only.is_none_or(|only| only == disk) && !busy.contains(id);
    blocking(move || {
        let mut found = Found { there: 0, looked_at: Vec::new(), missing: Vec::new() };
        for (id, (disk, path)) in moving::one_of_each(&files, &places, &camera, kind)? {
            found.there += 1;
            if !wanted(disk, &id) {
                known.remove(&id);
                continue;
            }
            let outcome = match known.remove(&id) {
                Some(Known { finished: true, disk: said }) if said == disk => continue,
                Some(Known { finished: true, .. }) => Outcome::Moved,
                _ => look_at(&files, &path, id, kind, &keys)?,
            };
            found.looked_at.push((id, disk, outcome));
        }
        // What lies on a disk that is away is not missing.
        let there = |disk: i64| places.get(disk).is_some_and(|place| place.is_there());
        let missing = known.into_iter().filter(|(id, of)| there(of.disk) && wanted(of.disk, id));
        found.missing = missing.map(|(id, _)| id).collect();
        Ok(found)
    })
    .await
}

/// One file that the disk does not give must not keep the others from being shown.
fn look_at(
    files: &Files,
    path: &Path,
    id: RecordingId,
    kind: RecordingKind,
    keys: &CameraKeys,
) -> Result<Outcome, StoreError> {
    let looked = match kind {
        RecordingKind::Sealed => look_at_sealed(files, path, id),
        RecordingKind::Masked | RecordingKind::Scene => look_at_masked(files, path, keys),
    };
    match looked {
        Err(StoreError::Io { doing: "reading", source, .. })
            if source.kind() != std::io::ErrorKind::NotFound =>
        {
            tracing::error!(file = %path.display(), error = %source, "a recording cannot be read: look at its disk");
            Ok(Outcome::Failing { bytes: path.metadata().map_or(0, |m| m.len()) })
        }
        other => other,
    }
}

/// A torn end of masked video is cut off: it can never be shown, and players choke on it.
fn look_at_masked(files: &Files, path: &Path, keys: &CameraKeys) -> Result<Outcome, StoreError> {
    let scan = masked_file::scan(keys, path).map_err(|e| StoreError::io("reading", path, e))?;
    Ok(match scan {
        Scan::Fragments { end, bytes, of } if bytes == of => Outcome::Whole { end, bytes },
        Scan::Fragments { end, bytes, of: _ } => {
            files.cut(path, bytes).map_err(|e| StoreError::io("cutting", path, e))?;
            Outcome::Torn { end, bytes }
        }
        Scan::Empty => {
            files.remove(path)?;
            Outcome::Empty
        }
        Scan::Unreadable { bytes } => Outcome::Unreadable { bytes },
    })
}

/// A torn end of an original stays: readers stop before it by themselves, and whether it is a torn end or damage with
/// whole fragments behind is nothing to bet evidence on.
fn look_at_sealed(files: &Files, path: &Path, id: RecordingId) -> Result<Outcome, StoreError> {
    let reading = |e| StoreError::io("reading", path, e);
    let mut file = File::open(path).map_err(reading)?;
    let size = file.metadata().map_err(reading)?.len();
    let info = match SegmentInfo::inspect(&mut file) {
        Ok(info) => info,
        Err(VaultError::HeaderCutOff { .. }) => {
            files.remove(path)?;
            return Ok(Outcome::Empty);
        }
        Err(VaultError::Read { source, .. }) => return Err(reading(source)),
        Err(_) => return Ok(Outcome::Unreadable { bytes: size }),
    };
    let end = info.fragments.iter().map(|f| f.last).fold(id.start(), WallTime::max);
    Ok(match info.tail {
        Tail::Finished { .. } | Tail::Open if info.fragments.is_empty() => {
            files.remove(path)?;
            Outcome::Empty
        }
        Tail::Torn { .. } if info.fragments.is_empty() => {
            files.remove(path)?;
            Outcome::Empty
        }
        Tail::Finished { .. } | Tail::Open => Outcome::Whole { end, bytes: size },
        Tail::Torn { keep } => Outcome::Torn { end, bytes: keep },
        // Whole fragments may follow, so all of it counts.
        Tail::Damaged { .. } => Outcome::Torn { end, bytes: size },
    })
}

async fn recover_journals(
    files: &Files,
    dir: &Path,
    pool: &SqlitePool,
    camera: &CameraId,
    since: Option<WallTime>,
    recovery: &mut Recovery,
) -> Result<(), StoreError> {
    let doing = || StoreError::db("reading journals into it");
    let (files, place, of) = (files.clone(), dir.to_owned(), camera.clone());
    let told = blocking(move || {
        let reading = |e| StoreError::io("reading", &place, e);
        let mut all = Vec::new();
        for hour in layout::hours(&place, RecordingKind::Masked, &of).map_err(reading)? {
            if changed_since(&hour.path.join(JOURNAL), since) {
                all.push(journal::read(&files, &hour.path.join(JOURNAL), &of).map_err(reading)?);
            }
        }
        Ok(all)
    })
    .await?;
    let mut tx = pool.begin().await.map_err(doing())?;
    let mut gaps: Vec<Gap> = Vec::new();
    let mut events: Vec<EventState> = Vec::new();
    for Told { events: e, gaps: g, bad_lines } in told {
        recovery.bad_lines += bad_lines;
        events.extend(e.into_values());
        gaps.extend(g.into_values());
    }
    for event in &events {
        // A power cut can take more of a journal than of the catalogue.
        let newer = |stored: EventRecord| {
            stored.end.is_none()
                && (event.record.end.is_some() || last_known(&event.record) >= last_known(&stored))
        };
        if load_event(&mut tx, event.record.id).await?.is_none_or(newer) {
            recovery.events += 1;
            put_event(&mut tx, event).await.map_err(doing())?;
        }
    }
    for gap in &gaps {
        recovery.gaps += 1;
        put_gap(&mut tx, gap).await.map_err(doing())?;
    }
    tx.commit().await.map_err(doing())
}

/// Whether a file that is there, or what a folder holds, changed since then.
pub(crate) fn changed_since(path: &Path, since: Option<WallTime>) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    let changed = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let changed = changed.map(|d| WallTime::from_micros(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)));
    since.is_none_or(|since| changed.is_none_or(|changed| changed >= since))
}

/// Ends what a crash left open, in the journals first.
async fn close_events(files: &Files, dir: &Path, pool: &SqlitePool) -> Result<u64, StoreError> {
    let doing = || StoreError::db("closing events that a crash left open");
    let open = load_open_events(pool).await?;
    let closed = open.len() as u64;
    if closed == 0 {
        return Ok(0);
    }
    let mut lines = BTreeMap::<PathBuf, Vec<Line>>::new();
    let mut ends: Vec<(EventId, WallTime)> = Vec::new();
    for record in open {
        let end = last_known(&record);
        let path = journal_path(dir, &record.camera, hour_of(record.start));
        lines.entry(path).or_default().push(Line::End { id: record.id, end });
        ends.push((record.id, end));
    }
    let files = files.clone();
    let written = blocking(move || {
        lines.iter().try_for_each(|(path, lines)| files.append_lines(path, &journal::text(lines)))
    });
    if let Err(error) = written.await {
        // A full disk must not keep the server from starting; a rebuild would end them in the same way.
        tracing::warn!(%error, "the ends of events are not in their journals");
    }
    let mut tx = pool.begin().await.map_err(doing())?;
    for (id, end) in ends {
        sqlx::query("UPDATE events SET end_us = ? WHERE id = ?")
            .bind(end.micros())
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(doing())?;
    }
    tx.commit().await.map_err(doing())?;
    Ok(closed)
}
