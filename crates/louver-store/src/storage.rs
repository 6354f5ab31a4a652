//! Disks that fail, go away and come back, how full they are, and how long they last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use louver_base::{WallSpan, WallTime};
use sqlx::Row as _;

use crate::disk::Space;
use crate::files::blocking;
use crate::places::{DATA, Place};
use crate::recovery::{Of, Recovery, cameras, recover_files};
use crate::store::Inner;
use crate::{DiskRole, RecordingKind, Store, StoreError};

/// What is kept on a disk, and how long that will do.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskUsage {
    /// Its folder.
    pub path: std::path::PathBuf,
    /// What it is for; `None` where nothing new is put.
    pub role: Option<DiskRole>,
    /// Whether its recordings can be read.
    pub there: bool,
    /// Its size; 0 while it is away, and where the system does not say.
    pub total_bytes: u64,
    /// What of it is free to Louver.
    pub free_bytes: u64,
    /// Bytes of recordings on it.
    pub recordings_bytes: u64,
    /// Days that fit on it at the rate at which all cameras were recorded in the last day; `None` where less than an hour is known, and
    /// where nothing new is put.
    pub days: Option<f64>,
}

/// The rate is taken over that time, or over as much of it as was recorded.
const RATE_OVER: WallSpan = WallSpan::from_hours(24);
/// Says in the catalogue that it has seen a disk.
fn fact_of(disk: i64) -> String {
    format!("disk_{disk}")
}

/// Less tells nothing.
const RATE_OVER_MIN: WallSpan = WallSpan::from_hours(1);

impl Inner {
    /// A disk failed while something was written: others are taken first, until it has been looked at.
    pub(crate) fn disk_failed(&self, number: i64, error: &StoreError) {
        if let Some(place) = self.places.get(number)
            && !error.is_disk_full()
        {
            place.set_failing(true);
        }
    }

    /// The same for the disk that it happened on, if it is one.
    pub(crate) fn blame(&self, error: &StoreError) {
        let Some(path) = error.path() else { return };
        let of = self.places.all().filter(|p| path.starts_with(&p.dir));
        if let Some(place) = of.max_by_key(|p| p.dir.components().count()) {
            self.disk_failed(place.number, error);
        }
    }

    /// Why no disk takes a recording.
    pub(crate) fn no_disk(&self) -> StoreError {
        let full = self.places.there().find(|p| p.role.is_some() && p.is_full());
        full.map_or(StoreError::NoDisk, |place| StoreError::DiskFull {
            path: place.dir.clone(),
            source: std::io::ErrorKind::StorageFull.into(),
        })
    }

    async fn came_back(&self, place: &Place) -> Result<Recovery, StoreError> {
        tracing::info!(disk = %place.dir.display(), "a disk of recordings is back and is looked through");
        self.try_writing(place).await?;
        self.shred_returned(&place.dir).await?;
        place.set_looked_through(true);
        place.set_there(true);
        let found = self.look_through(place).await;
        place.set_looked_through(false);
        // Some folder of it could not be read.
        if found.is_ok() && !place.is_there() {
            return Err(StoreError::io("reading", &place.dir, std::io::ErrorKind::Other.into()));
        }
        self.note_disks().await?;
        found
    }

    /// Writes something on a disk to see whether it takes that.
    async fn try_writing(&self, place: &Place) -> Result<(), StoreError> {
        let (dir, files) = (place.dir.clone(), self.files.clone());
        blocking(move || {
            let tried = files.try_writing(&dir.join("probe.tmp"), &[0x55; 4096]);
            tried.map_err(|e| StoreError::io("writing", &dir, e))
        })
        .await
    }

    /// Size of a disk and what of it is free to us.
    pub(crate) async fn space(&self, place: &Place) -> Result<Space, StoreError> {
        let (dir, files) = (place.dir.clone(), self.files.clone());
        blocking(move || files.space(&dir)).await
    }

    /// Forgets disks that the settings name no more and on which nothing lies. That the catalogue knows of nothing there counts only where
    /// it has seen the disk: it may have been made anew while that was away.
    pub(crate) async fn forget_disks(&self) -> Result<(), StoreError> {
        let unnamed: Vec<i64> = self.places.all().filter(|p| p.is_unnamed()).map(|p| p.number).collect();
        for number in unnamed {
            let open = self.fresh().recordings.values().any(|entry| entry.disk == number);
            if open || self.has_rows(number).await? || !self.has_seen(number).await? {
                continue;
            }
            let (places, files, dir) = (Arc::clone(&self.places), self.files.clone(), self.dir.clone());
            blocking(move || places.forget(&files, &dir, number)).await?;
        }
        Ok(())
    }

    async fn has_rows(&self, disk: i64) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM recordings WHERE disk = ?)")
            .bind(disk)
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::db("looking for recordings on a disk"))
    }

    async fn has_seen(&self, disk: i64) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM facts WHERE name = ?)")
            .bind(fact_of(disk))
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::db("looking for a disk"))
    }

    /// Notes which disks the catalogue knows: those that are there, and those that it has rows of.
    pub(crate) async fn note_disks(&self) -> Result<(), StoreError> {
        let all: Vec<(i64, bool)> = self.places.all().map(|p| (p.number, p.is_there())).collect();
        for (number, there) in all {
            if number == DATA || !(there || self.has_rows(number).await?) || self.has_seen(number).await? {
                continue;
            }
            sqlx::query("INSERT OR REPLACE INTO facts (name, value) VALUES (?, 1)")
                .bind(fact_of(number))
                .execute(&self.pool)
                .await
                .map_err(StoreError::db("noting a disk"))?;
        }
        Ok(())
    }

    async fn look_through(&self, place: &Place) -> Result<Recovery, StoreError> {
        let mut recovery = Recovery::default();
        for camera in cameras(&self.places, &self.pool).await? {
            for kind in RecordingKind::ALL {
                let busy: BTreeSet<_> = {
                    let fresh = self.fresh();
                    let open = fresh.open.iter().filter(|(c, k, _)| *c == camera && *k == kind);
                    open.map(|(_, _, id)| *id).collect()
                };
                let (files, places) = (&self.files, &self.places);
                let of = Of { files, places, camera: &camera, kind, only: Some(place.number), busy };
                recover_files(&of, &self.keys, &self.pool, &mut recovery).await?;
            }
        }
        Ok(recovery)
    }
}

impl Store {
    /// Looks which disks are there: call it every minute. One that went away is left alone, and what lies on it stays in the catalogue;
    /// one that came back is looked through and used again. Gives whether something changed.
    pub async fn look_at_disks(&self) -> bool {
        let inner = &self.0;
        let mut changed = false;
        let (places, site) = (Arc::clone(&inner.places), inner.site_id);
        let mounted = blocking(move || {
            let of_recordings = places.all().filter(|p| p.number != DATA);
            Ok(of_recordings.map(|p| (p.number, p.is_mounted(&site))).collect::<BTreeMap<_, _>>())
        });
        // Only a store that is closed is not told.
        let Ok(mounted) = mounted.await else { return false };
        for (number, mounted) in mounted {
            let Some(place) = inner.places.get(number) else { continue };
            if mounted && place.is_there() && place.is_failing() {
                place.set_failing(inner.try_writing(place).await.is_err());
            }
            match (mounted, place.is_there()) {
                (true, true) => {}
                (false, false) => place.end_rest(),
                (true, false) if place.rests() == Some(true) => {}
                (false, true) => {
                    place.set_there(false);
                    changed = true;
                    let meanwhile = inner.places.meanwhile(place);
                    tracing::error!(disk = %place.dir.display(), "a disk of recordings went away: what lies on it is kept in the catalogue{meanwhile}");
                }
                (true, false) => {
                    let _turn = inner.maintenance.lock().await;
                    match inner.came_back(place).await {
                        Ok(found) => {
                            place.set_failing(false);
                            place.end_rest();
                            tracing::info!(disk = %place.dir.display(), looked_at = found.scanned, missing = found.missing, "it is used again");
                        }
                        Err(e) => {
                            place.set_there(false);
                            place.rest();
                            tracing::error!(disk = %place.dir.display(), error = &e as &dyn std::error::Error, "a disk is back and cannot be used; it is tried again");
                        }
                    }
                    changed = true;
                }
            }
        }
        let data = inner.places.get(DATA);
        if let Some(data) = data.filter(|data| data.is_failing()) {
            data.set_failing(inner.try_writing(data).await.is_err());
        }
        changed
    }

    /// The disks of recordings, the data directory's first, and how long they last. Reads every row: ask once a minute.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn disks(&self, now: WallTime) -> Result<Vec<DiskUsage>, StoreError> {
        let failed = || StoreError::db("adding up disks");
        let inner = &self.0;
        let rows = sqlx::query("SELECT disk, SUM(bytes) AS bytes FROM recordings GROUP BY disk")
            .fetch_all(&inner.pool)
            .await
            .map_err(failed())?;
        let mut bytes = BTreeMap::new();
        for row in &rows {
            let sum = row.try_get::<i64, _>("bytes").map_err(failed())?.unsigned_abs();
            bytes.insert(row.try_get::<i64, _>("disk").map_err(failed())?, sum);
        }
        let a_day = self.rate(now).await?;
        let watermark = *inner.watermark.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut all = Vec::new();
        for place in inner.places.all() {
            let recordings_bytes = bytes.get(&place.number).copied().unwrap_or(0);
            let there = place.is_there();
            // One that does not say how full it is keeps nobody from hearing of the others.
            let space = if there { inner.space(place).await.ok() } else { None };
            let days = space.filter(|_| place.role.is_some()).zip(a_day).map(|(space, a_day)| {
                let kept = place.min_free.or(watermark).map_or(0, |w| w.bytes_of(space.total));
                // What is below the watermark already is taken from the recordings.
                let holds = (space.free + recordings_bytes).saturating_sub(kept);
                holds as f64 / a_day
            });
            all.push(DiskUsage {
                path: place.dir.clone(),
                role: place.role,
                there,
                total_bytes: space.map_or(0, |s| s.total),
                free_bytes: space.map_or(0, |s| s.free),
                recordings_bytes,
                days,
            });
        }
        Ok(all)
    }

    /// Bytes that all cameras together record a day, by the last day.
    async fn rate(&self, now: WallTime) -> Result<Option<f64>, StoreError> {
        let failed = || StoreError::db("adding up the last day");
        let from = now - RATE_OVER;
        let row = sqlx::query(
            "SELECT SUM(bytes) AS bytes, MIN(start_ms) AS first, MAX(end_us) AS last FROM recordings
             WHERE start_ms >= ? AND start_ms <= ?",
        )
        .bind(from.millis())
        .bind(now.millis())
        .fetch_one(&self.0.pool)
        .await
        .map_err(failed())?;
        let number = |column: &str| row.try_get::<Option<i64>, _>(column).map_err(failed());
        let (Some(bytes), Some(first), Some(_)) = (number("bytes")?, number("first")?, number("last")?)
        else {
            return Ok(None);
        };
        let span = now - WallTime::from_millis(first);
        let days = span.micros() as f64 / (24.0 * 3.6e9);
        Ok((span >= RATE_OVER_MIN && bytes > 0).then(|| bytes as f64 / days))
    }

    /// What somebody should look at about the disks and the clock, in sentences for the page.
    pub fn concerns(&self) -> Vec<String> {
        let inner = &self.0;
        let mut out = Vec::new();
        for place in inner.places.all() {
            let dir = place.dir.display();
            if !place.is_there() && place.rests().is_some() {
                out.push(format!(
                    "The disk {dir} is mounted and cannot be used: look at its health (smartctl, dmesg) and at the log. It is tried again now and then{}.",
                    inner.places.meanwhile(place)
                ));
            } else if !place.is_there() {
                out.push(format!(
                    "The disk {dir} is not there: mount it again. What lies on it cannot be shown until then{}.",
                    inner.places.meanwhile(place)
                ));
            } else if place.is_failing() {
                out.push(format!("Writing to the disk {dir} failed: look at its health (smartctl, dmesg)."));
            }
            if place.is_full() {
                // Where nothing new is put nothing has stopped.
                let so = if place.role.is_some() {
                    "recording has stopped there"
                } else {
                    "free some space there"
                };
                out.push(format!(
                    "The disk {dir} is full, and the settings say that nothing is to be deleted for room: {so}."
                ));
            }
        }
        let doubt = inner.doubt.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(ahead) = *doubt {
            let hours = ahead.micros() as f64 / 3.6e9;
            let (way, hours) = if hours < 0.0 { ("behind", -hours) } else { ("ahead of", hours) };
            let by =
                if hours < 48.0 { format!("{hours:.1} hours") } else { format!("{:.0} days", hours / 24.0) };
            out.push(format!(
                "The clock jumped and is {by} {way} what it should be: set it right, or let a time server keep it. Until it has been steady for long, nothing is deleted by it before its time."
            ));
        }
        out
    }
}
