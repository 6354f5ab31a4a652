//! Events and gaps: what journals tell that the catalogue does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use louver_base::{CameraId, EventId, WallTime};
use sqlx::SqlitePool;

use super::Recovery;
use crate::event_state::{EventState, last_known};
use crate::events::{load_event, load_open_events};
use crate::files::{Files, blocking};
use crate::flush::{put_event, put_gap};
use crate::journal::{self, Line, Told};
use crate::layout::{self, JOURNAL, hour_of, journal_path};
use crate::{EventRecord, Gap, RecordingKind, StoreError};

pub(super) async fn recover_journals(
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
pub(super) async fn close_events(files: &Files, dir: &Path, pool: &SqlitePool) -> Result<u64, StoreError> {
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
