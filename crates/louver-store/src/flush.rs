//! Memory to journals and catalogue: once in a few seconds, for all cameras at once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::sync::Notify;

use crate::event_state::EventState;
use crate::files::blocking;
use crate::fresh::{Entry, FileState, GapKey, RecordingKey};
use crate::journal::JournalKey;
use crate::store::Inner;
use crate::{Gap, StoreError, StreamKind, journal, layout, recovery};

/// Runs until the store is closed or dropped.
pub(crate) async fn flush_now_and_then(inner: Weak<Inner>, stop: Arc<Notify>, every: Duration) {
    let mut failing = false;
    loop {
        tokio::select! { biased;
            () = stop.notified() => return,
            () = tokio::time::sleep(every) => {}
        }
        // Weak while it sleeps: a store that is dropped without being closed must let go of its directory.
        let Some(held) = inner.upgrade() else { return };
        let flushed = held.flush().await;
        held.turned(flushed.is_err());
        match flushed {
            Ok(()) => failing = false,
            Err(e) if !failing => {
                failing = true;
                let cause = std::error::Error::source(&e);
                tracing::error!(error = %e, ?cause, "journals or catalogue are not written; trying again");
            }
            Err(_) => {}
        }
    }
}

/// What a flush is about to write.
struct Snapshot {
    recordings: Vec<(RecordingKey, Entry)>,
    events: Vec<EventState>,
    gaps: Vec<(GapKey, Gap)>,
}

impl Inner {
    /// Journals first, then the catalogue: what the catalogue knows can always be rebuilt.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let _turn = self.maintenance.lock().await;
        self.flush_in_turn().await
    }

    /// The same for whoever holds `maintenance` already.
    pub(crate) async fn flush_in_turn(&self) -> Result<(), StoreError> {
        let journals = self.write_journals().await;
        let snapshot = self.snapshot();
        if !(snapshot.recordings.is_empty() && snapshot.events.is_empty() && snapshot.gaps.is_empty()) {
            self.write_catalogue(&snapshot).await.map_err(StoreError::db("writing recordings and events"))?;
            self.forget(&snapshot);
        }
        journals
    }

    /// Writes the journal lines noted so far; those that cannot be written stay for the next time.
    async fn write_journals(&self) -> Result<(), StoreError> {
        self.write_noted().await?.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The same for whoever noted lines in `of`: what becomes of other cameras' is not told to him.
    pub(crate) async fn write_journal(&self, of: &JournalKey) -> Result<(), StoreError> {
        let failed = self.write_noted().await?;
        failed.into_iter().find(|(key, _)| key == of).map_or(Ok(()), |(_, error)| Err(error))
    }

    async fn write_noted(&self) -> Result<Vec<(JournalKey, StoreError)>, StoreError> {
        let turn = Arc::clone(&self.journals).lock_owned().await;
        let noted = self.fresh().take_unwritten();
        if noted.is_empty() {
            return Ok(Vec::new());
        }
        let (dir, files) = (self.dir.clone(), self.files.clone());
        let failed = blocking(move || {
            // Held until the last line is written, even if nobody waits for it any more.
            let _turn = turn;
            let mut failed = Vec::new();
            for (key, lines) in noted {
                let path = layout::journal_path(&dir, &key.0, key.1);
                if let Err(e) = files.append_lines(&path, &journal::text(&lines)) {
                    failed.push((key, lines, e));
                }
            }
            Ok(failed)
        })
        .await?;
        let mut errors = Vec::with_capacity(failed.len());
        let mut fresh = self.fresh();
        for (key, lines, error) in failed {
            errors.push((key.clone(), error));
            fresh.give_back(key, lines);
        }
        Ok(errors)
    }

    fn snapshot(&self) -> Snapshot {
        let fresh = self.fresh();
        Snapshot {
            recordings: fresh
                .recordings
                .iter()
                .filter(|(_, e)| e.dirty)
                .map(|(k, e)| (k.clone(), *e))
                .collect(),
            events: fresh.events.values().filter(|e| e.change > e.written).cloned().collect(),
            gaps: fresh.gaps.iter().map(|(k, g)| (k.clone(), g.clone())).collect(),
        }
    }

    async fn write_catalogue(&self, snapshot: &Snapshot) -> Result<(), sqlx::Error> {
        let mut tx: Transaction<'_, Sqlite> = self.pool.begin().await?;
        for (key, entry) in &snapshot.recordings {
            put_recording(&mut tx, key, entry).await?;
        }
        for event in &snapshot.events {
            put_event(&mut tx, event).await?;
        }
        for (_, gap) in &snapshot.gaps {
            put_gap(&mut tx, gap).await?;
        }
        // The next start reads the journals that changed since then.
        recovery::put_flush_time(&mut tx).await?;
        tx.commit().await
    }

    /// What is in the catalogue now, and done with, need not stay in memory.
    fn forget(&self, snapshot: &Snapshot) {
        let mut fresh = self.fresh();
        fresh.flushed(&snapshot.recordings);
        for written in &snapshot.events {
            let id = written.record.id;
            if let Some(event) = fresh.events.get_mut(&id) {
                event.written = written.change;
                if event.change == written.change && event.record.end.is_some() {
                    fresh.events.remove(&id);
                }
            }
        }
        for (key, written) in &snapshot.gaps {
            if fresh.gaps.get(key) == Some(written) {
                fresh.gaps.remove(key);
            }
        }
    }
}

pub(crate) async fn put_recording(
    db: &mut SqliteConnection,
    (camera, kind, id): &RecordingKey,
    entry: &Entry,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO recordings (camera, kind, start_ms, end_us, bytes, finished, disk) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (camera, kind, start_ms)
         DO UPDATE SET end_us = excluded.end_us, bytes = excluded.bytes, finished = excluded.finished,
                       disk = excluded.disk",
    )
    .bind(camera.as_str())
    .bind(kind.code())
    .bind(id.0)
    .bind(entry.end.micros())
    .bind(i64::try_from(entry.bytes).unwrap_or(i64::MAX))
    .bind(entry.state == FileState::Finished)
    .bind(entry.disk)
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn put_event(db: &mut SqliteConnection, event: &EventState) -> Result<(), sqlx::Error> {
    let r = &event.record;
    let boxes: Vec<u8> = r.boxes.iter().flat_map(|b| b.to_bytes()).collect();
    sqlx::query(
        "INSERT OR REPLACE INTO events
         (id, camera, class, start_us, end_us, stays_us, leaves_us, confidence, still, boxes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(r.id.to_string())
    .bind(r.camera.as_str())
    .bind(r.class.as_str())
    .bind(r.start.micros())
    .bind(r.end.map(|t| t.micros()))
    .bind(r.stays.map(|t| t.micros()))
    .bind(r.leaves.map(|t| t.micros()))
    .bind(r.confidence)
    .bind(r.still)
    .bind(boxes)
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn put_gap(db: &mut SqliteConnection, gap: &Gap) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT OR REPLACE INTO gaps (camera, stream, start_us, end_us, reason) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(gap.camera.as_str())
    .bind(gap.stream.code())
    .bind(gap.start.micros())
    .bind(gap.end.micros())
    .bind(gap.reason.as_str())
    .execute(db)
    .await
    .map(drop)
}

impl StreamKind {
    pub(crate) const fn code(self) -> i64 {
        match self {
            Self::Main => 0,
            Self::Sub => 1,
        }
    }

    pub(crate) const fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Main,
            _ => Self::Sub,
        }
    }
}
