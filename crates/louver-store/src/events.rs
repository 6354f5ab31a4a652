//! Events: open ones in memory, all of them in journals and catalogue.

use bytes::Bytes;
use louver_base::{CameraId, EventId, WallSpan, WallTime};
use louver_scene::{Masked, TAG_BYTES};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection, SqlitePool};

use crate::event_state::EventState;
use crate::files::blocking;
use crate::journal::{Line, key};
use crate::masked_file::read_start;
use crate::{EventBox, EventChange, EventQuery, EventRecord, Store, StoreError, layout};

/// Bytes of a still at most.
pub(crate) const STILL_BYTES_MAX: usize = 4 << 20;

/// Events that began so long before `from` are not looked for, so that a query need not read years. Those still open
/// are found however old they are.
const EVENT_SPAN: WallSpan = WallSpan::from_hours(48);

impl Store {
    /// Begins an event. `record.end` and `record.still` are not looked at.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`]: the event is kept in memory and written later.
    pub async fn start_event(&self, record: EventRecord) -> Result<(), StoreError> {
        let first = EventChange { stays: record.stays, leaves: record.leaves, ..EventChange::default() };
        let boxes = record.boxes.clone();
        let mut event = EventState::new(EventRecord { stays: None, leaves: None, ..record });
        let boxes = boxes.into_iter().map(|b| EventChange { seen: Some(b), ..EventChange::default() });
        let journal = key(&event.record.camera, event.record.start);
        {
            let mut fresh = self.0.fresh();
            fresh.journal(journal.clone(), Line::start(&event.record));
            for change in std::iter::once(first).chain(boxes) {
                if let Some(change) = event.apply(&change) {
                    fresh.journal(journal.clone(), Line::Change { id: event.record.id, change });
                }
            }
            fresh.events.insert(event.record.id, event);
        }
        self.0.write_journal(&journal).await
    }

    /// Changes an open event. Cheap: memory now, disk with the next flush.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`] when it is not open.
    pub fn update_event(&self, id: EventId, change: &EventChange) -> Result<(), StoreError> {
        let mut fresh = self.0.fresh();
        let open = fresh.events.get_mut(&id).filter(|e| e.record.end.is_none());
        let event = open.ok_or(StoreError::NoEvent(id))?;
        let made = event.apply(change);
        let journal = key(&event.record.camera, event.record.start);
        if let Some(change) = made {
            fresh.journal(journal, Line::Change { id, change });
        }
        Ok(())
    }

    /// Ends an event.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`] when it is not open; [`StoreError::DiskFull`], [`StoreError::Io`] as at its start.
    pub async fn finish_event(&self, id: EventId, end: WallTime) -> Result<(), StoreError> {
        let journal = {
            let mut fresh = self.0.fresh();
            let open = fresh.events.get_mut(&id).filter(|e| e.record.end.is_none());
            let event = open.ok_or(StoreError::NoEvent(id))?;
            event.finish(end);
            let journal = key(&event.record.camera, event.record.start);
            fresh.journal(journal.clone(), Line::End { id, end });
            journal
        };
        self.0.write_journal(&journal).await
    }

    /// Keeps the event's still (JPEG), in place of an earlier one.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`], [`StoreError::TooLarge`] (4 MiB), [`StoreError::DiskFull`], [`StoreError::Io`].
    pub async fn set_still(&self, id: EventId, jpeg: Masked<Bytes>) -> Result<(), StoreError> {
        let (camera, start) = self.event_place(id).await?;
        if jpeg.get().len() > STILL_BYTES_MAX - TAG_BYTES {
            return Err(StoreError::TooLarge { camera, bytes: jpeg.get().len() });
        }
        let path = layout::still_path(&self.0.dir, &camera, start, id);
        let bytes = jpeg.tagged(&self.0.keys.camera(&camera).tag);
        let files = self.0.files.clone();
        blocking(move || files.replace(&path, &bytes)).await?;
        let in_memory = {
            let mut fresh = self.0.fresh();
            let event = fresh.events.get_mut(&id);
            let in_memory = event.map(EventState::has_still).is_some();
            fresh.journal(key(&camera, start), Line::Still { id });
            in_memory
        };
        if !in_memory {
            sqlx::query("UPDATE events SET still = 1 WHERE id = ?")
                .bind(id.to_string())
                .execute(&self.0.pool)
                .await
                .map_err(StoreError::db("noting a still"))?;
        }
        self.0.write_journal(&key(&camera, start)).await
    }

    /// The event's still (JPEG, its tag behind it), or `None` if it has none that can be shown.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`], [`StoreError::Io`], [`StoreError::Database`].
    pub async fn still(&self, id: EventId) -> Result<Option<Masked<Bytes>>, StoreError> {
        let (camera, start) = self.event_place(id).await?;
        let path = layout::still_path(&self.0.dir, &camera, start, id);
        let tag = self.0.keys.camera(&camera).tag;
        blocking(move || match read_start(&path, STILL_BYTES_MAX as u64) {
            Ok(bytes) => Ok(Masked::read_back(&tag, bytes).ok()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io("reading", &path, e)),
        })
        .await
    }

    async fn event_place(&self, id: EventId) -> Result<(CameraId, WallTime), StoreError> {
        let event = self.event(id).await?;
        Ok((event.camera, event.start))
    }

    /// One event with its boxes.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`], [`StoreError::Database`].
    pub async fn event(&self, id: EventId) -> Result<EventRecord, StoreError> {
        if let Some(event) = self.0.fresh().events.get(&id) {
            return Ok(event.record.clone());
        }
        let mut db = self.0.pool.acquire().await.map_err(StoreError::db("reading an event"))?;
        load_event(&mut db, id).await?.ok_or(StoreError::NoEvent(id))
    }

    /// Events newest first, open ones included, without their boxes ([`event`](Self::event) has them).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn events(&self, query: &EventQuery) -> Result<Vec<EventRecord>, StoreError> {
        let limit = if query.limit == 0 { 100 } else { query.limit.min(1000) } as usize;
        // Memory before catalogue: what a flush moves in between is then seen twice, not never.
        let newer: Vec<EventRecord> = {
            let fresh = self.0.fresh();
            fresh.events.values().map(|e| EventRecord { boxes: Vec::new(), ..e.record.clone() }).collect()
        };
        // Rows that memory knows better are dropped, so as many more are asked for.
        let rows = select(query, limit + newer.len())
            .build()
            .fetch_all(&self.0.pool)
            .await
            .map_err(StoreError::db("listing events"))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let event = row_to_event(row).map_err(StoreError::db("listing events"))?;
            if !newer.iter().any(|n| n.id == event.id) {
                found.push(event);
            }
        }
        found.extend(newer.into_iter().filter(|e| matches(query, e)));
        found.sort_by_key(|e| std::cmp::Reverse((e.start, e.id)));
        found.truncate(limit);
        Ok(found)
    }
}

const COLUMNS: &str = "id, camera, class, start_us, end_us, stays_us, leaves_us, confidence, still";

fn select(query: &EventQuery, limit: usize) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(COLUMNS).push(", NULL AS boxes FROM events WHERE 1");
    if let Some(camera) = &query.camera {
        sql.push(" AND camera = ").push_bind(camera.as_str().to_owned());
    }
    if let Some(class) = query.class {
        sql.push(" AND class = ").push_bind(class.as_str());
    }
    if let Some(from) = query.from {
        sql.push(" AND start_us >= ").push_bind((from - EVENT_SPAN).micros());
        sql.push(" AND end_us >= ").push_bind(from.micros());
    }
    if let Some(to) = query.to {
        sql.push(" AND start_us < ").push_bind(to.micros());
    }
    if let Some((start, id)) = query.before {
        sql.push(" AND (start_us, id) < (").push_bind(start.micros());
        sql.push(", ").push_bind(id.to_string()).push(")");
    }
    sql.push(" ORDER BY start_us DESC, id DESC LIMIT ").push_bind(limit as i64);
    sql
}

/// The same question, asked of one event.
fn matches(query: &EventQuery, event: &EventRecord) -> bool {
    query.camera.as_ref().is_none_or(|c| *c == event.camera)
        && query.class.is_none_or(|c| c == event.class)
        && query.from.is_none_or(|from| event.end.is_none_or(|end| end >= from))
        && query.to.is_none_or(|to| event.start < to)
        && query.before.is_none_or(|before| (event.start, event.id) < before)
}

pub(crate) async fn load_event(
    db: &mut SqliteConnection,
    id: EventId,
) -> Result<Option<EventRecord>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT ");
    sql.push(COLUMNS).push(", boxes FROM events WHERE id = ").push_bind(id.to_string());
    let row = sql.build().fetch_optional(db).await.map_err(StoreError::db("reading an event"))?;
    row.as_ref().map(row_to_event).transpose().map_err(StoreError::db("reading an event"))
}

/// Events that a crash left open.
pub(crate) async fn load_open_events(pool: &SqlitePool) -> Result<Vec<EventRecord>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT ");
    sql.push(COLUMNS).push(", boxes FROM events WHERE end_us IS NULL");
    let rows = sql.build().fetch_all(pool).await.map_err(StoreError::db("looking for open events"))?;
    rows.iter().map(row_to_event).collect::<Result<_, _>>().map_err(StoreError::db("looking for open events"))
}

fn row_to_event(row: &SqliteRow) -> Result<EventRecord, sqlx::Error> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let time = |column: &str| row.try_get::<Option<i64>, _>(column).map(|t| t.map(WallTime::from_micros));
    let wrong = |e: &dyn std::fmt::Display| sqlx::Error::Decode(e.to_string().into());
    let boxes: Option<Vec<u8>> = row.try_get("boxes")?;
    Ok(EventRecord {
        id: text("id")?.parse().map_err(|e| wrong(&e))?,
        camera: text("camera")?.parse().map_err(|e| wrong(&e))?,
        class: text("class")?.parse().map_err(|e: String| wrong(&e))?,
        start: WallTime::from_micros(row.try_get("start_us")?),
        end: time("end_us")?,
        stays: time("stays_us")?,
        leaves: time("leaves_us")?,
        confidence: row.try_get("confidence")?,
        still: row.try_get("still")?,
        boxes: boxes.unwrap_or_default().chunks_exact(16).filter_map(EventBox::from_bytes).collect(),
    })
}

impl EventBox {
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.wall.micros().to_be_bytes());
        for (at, n) in [(8, self.left), (10, self.top), (12, self.right), (14, self.bottom)] {
            out[at..at + 2].copy_from_slice(&n.to_be_bytes());
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (wall, rect) = bytes.split_first_chunk::<8>()?;
        let edge = |n: usize| Some(u16::from_be_bytes(*rect.get(n * 2..)?.first_chunk()?));
        let wall = WallTime::from_micros(i64::from_be_bytes(*wall));
        Some(Self { wall, left: edge(0)?, top: edge(1)?, right: edge(2)?, bottom: edge(3)? })
    }
}
