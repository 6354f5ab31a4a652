//! One data directory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use louver_base::{CameraId, WallSpan, WallTime};
use louver_vault::{Hour, HourInUse, HourSecret, KeyRing, SiteId};
use sqlx::SqlitePool;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::disk::{Disk, RealDisk};
use crate::files::{Files, blocking};
use crate::fresh::Fresh;
use crate::gone::Gone;
use crate::places::{DiskSettings, Places};
use crate::setup::{Keys, prepare};
use crate::{
    DiskWatermark, MaskedWriter, RecordingKind, Recovery, SealedWriter, StoreError, commit, db, flush,
    recovery, reserve, shred,
};

/// How a store works.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// How often the catalogue is written, for all cameras at once. Default 2 s.
    pub flush_every: Duration,
    /// How often the files being written are made to reach the disk (`fdatasync`), all of a disk together: a power cut loses at most so
    /// much and the group in flight. Default 5 s. Zero: each write is waited for.
    pub sync_every: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { flush_every: Duration::from_secs(2), sync_every: Duration::from_secs(5) }
    }
}

/// One data directory, held by one process. Clones share it.
#[derive(Clone, Debug)]
pub struct Store(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) dir: PathBuf,
    pub(crate) files: Files,
    pub(crate) places: Arc<Places>,
    /// What stays free where a disk's own settings say nothing, as of the last pass.
    pub(crate) watermark: Mutex<Option<DiskWatermark>>,
    /// How far the wall clock is from what is believed.
    pub(crate) doubt: Mutex<Option<WallSpan>>,
    pub(crate) options: StoreOptions,
    pub(crate) site_id: SiteId,
    pub(crate) keys: Keys,
    /// `None` once the store is closed.
    key_ring: Mutex<Option<Arc<KeyRing>>>,
    /// The hour in which key ring and files were last compared.
    pub(crate) swept: Mutex<Option<Hour>>,
    /// What went and was not told yet. Never held across an await or a disk access.
    pub(crate) gone: Mutex<Gone>,
    pub(crate) pool: SqlitePool,
    /// Never held across an await or a disk access.
    fresh: Mutex<Fresh>,
    /// Taken by whoever writes the catalogue in bulk or deletes files. Before `journals`, where both are taken.
    pub(crate) maintenance: tokio::sync::Mutex<()>,
    /// Taken while journals are written, so that their lines stay in order.
    pub(crate) journals: Arc<tokio::sync::Mutex<()>>,
    /// How the last flush ended.
    pub(crate) turn: Mutex<crate::health::Turn>,
    pub(crate) moving: crate::moving::Shared,
    stop: Arc<Notify>,
    flusher: Mutex<Option<JoinHandle<()>>>,
    committer: Mutex<Option<AbortOnDropHandle<()>>>,
    lock: Mutex<Option<std::fs::File>>,
}

impl Inner {
    pub(crate) fn fresh(&self) -> MutexGuard<'_, Fresh> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn key_ring(&self) -> Result<Arc<KeyRing>, StoreError> {
        let key_ring = self.key_ring.lock().unwrap_or_else(PoisonError::into_inner);
        key_ring.clone().ok_or(StoreError::Closed)
    }
}

impl Store {
    /// Opens the data directory, making it where it is missing, and recovers what a crash left. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NotWritable`], [`StoreError::DiskFull`], [`StoreError::KeyFile`],
    /// [`StoreError::NewerDatabase`]: each says what to do.
    pub async fn open(dir: &Path, options: StoreOptions) -> Result<(Self, Recovery), StoreError> {
        Self::open_on(Arc::new(RealDisk), dir, options, &[]).await
    }

    /// The same with disks of their own for recordings. Catalogue, key ring, ledger, journals and stills stay in the data directory.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`StoreError::Disks`], [`StoreError::OthersDisk`], [`StoreError::DiskWithinDisk`]. A disk that is not there
    /// is no error.
    pub async fn open_with(
        dir: &Path,
        options: StoreOptions,
        disks: &[DiskSettings],
    ) -> Result<(Self, Recovery), StoreError> {
        Self::open_on(Arc::new(RealDisk), dir, options, disks).await
    }

    /// The same on another kind of disk, for tests that let it fail. The catalogue and the key ring do their own file work.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub async fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: StoreOptions,
        disks: &[DiskSettings],
    ) -> Result<(Self, Recovery), StoreError> {
        let files = Files::new(disk);
        let (of, place) = (files.clone(), dir.to_owned());
        let ground = blocking(move || prepare(&of, &place)).await?;
        let (of, place, site, disks) = (files.clone(), dir.to_owned(), ground.site_id, disks.to_vec());
        let places = blocking(move || Places::open(&of, &place, &site, &disks)).await?;
        let (key_ring, place, of) = (Arc::new(ground.key_ring), dir.to_owned(), files.clone());
        let (ring, places) = (Arc::clone(&key_ring), Arc::new(places));
        let all = Arc::clone(&places);
        let (unopenable, gone) = blocking(move || shred::at_start(&of, &place, &all, &ring)).await?;
        let opened = match open_catalogue(&files, &places, dir, &ground.keys).await {
            Err(e) if is_out_of_room(&e, &files, dir) && reserve::give_up(&files, dir) => {
                tracing::warn!("the disk is full: the reserve is given up, so that retention can make room");
                open_catalogue(&files, &places, dir, &ground.keys).await
            }
            other => other,
        };
        let (pool, recovery) = opened.map_err(|e| full_disk_first(e, &files, dir))?;
        let recovery = Recovery { shredded: unopenable.deleted, without_secret: unopenable.kept, ..recovery };
        let stop = Arc::new(Notify::new());
        let inner = Arc::new(Inner {
            dir: dir.to_owned(),
            files,
            places,
            watermark: Mutex::default(),
            doubt: Mutex::default(),
            options,
            site_id: ground.site_id,
            keys: ground.keys,
            key_ring: Mutex::new(Some(key_ring)),
            swept: Mutex::default(),
            gone: Mutex::new(gone),
            pool,
            fresh: Mutex::default(),
            maintenance: tokio::sync::Mutex::default(),
            journals: Arc::default(),
            turn: Mutex::new(crate::health::Turn::begin()),
            moving: crate::moving::Shared::default(),
            stop: Arc::clone(&stop),
            flusher: Mutex::default(),
            committer: Mutex::default(),
            lock: Mutex::new(Some(ground.lock)),
        });
        let known = async {
            inner.note_disks().await?;
            inner.forget_disks().await
        };
        if let Err(error) = known.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "which disks are in use no more cannot be said"
            );
        }
        let flusher =
            tokio::spawn(flush::flush_now_and_then(Arc::downgrade(&inner), stop, options.flush_every));
        *inner.flusher.lock().unwrap_or_else(PoisonError::into_inner) = Some(flusher);
        if !options.sync_every.is_zero() {
            let committer =
                tokio::spawn(commit::commit_now_and_then(Arc::downgrade(&inner), options.sync_every));
            *inner.committer.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(AbortOnDropHandle::new(committer));
        }
        Ok((Self(inner), recovery))
    }

    /// Writes what is still in memory and lets go of the directory. Finish all writers first.
    ///
    /// # Errors
    /// When the catalogue cannot be written; nothing is lost, the next start reads the files.
    pub async fn close(&self) -> Result<(), StoreError> {
        let inner = &self.0;
        self.end_moving();
        inner.stop.notify_one();
        // What it began goes on: a disk that hangs is not waited for here but by whoever finishes his file on it.
        drop(inner.committer.lock().unwrap_or_else(PoisonError::into_inner).take());
        let flusher = inner.flusher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(flusher) = flusher {
            // A panic of it has been printed; the last flush follows in any case.
            let _ = flusher.await;
        }
        let flushed = if inner.pool.is_closed() { Ok(()) } else { inner.flush().await };
        inner.pool.close().await;
        inner.key_ring.lock().unwrap_or_else(PoisonError::into_inner).take();
        inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        flushed
    }

    /// Waits until the disks have everything that was written so far, of all cameras; this happens by itself every
    /// [`sync_every`](StoreOptions::sync_every).
    ///
    /// # Errors
    /// [`StoreError::Sync`], of the first file that did not reach its disk; whoever writes one is told when he writes next.
    pub async fn sync(&self) -> Result<(), StoreError> {
        self.0.commit().await
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// The site's random id, made at first start.
    pub fn site_id(&self) -> SiteId {
        self.0.site_id
    }

    /// The key ring: secrets of hours, holds. Its calls wait for the disk. Let go of it before [`close`](Self::close).
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub fn key_ring(&self) -> Result<Arc<KeyRing>, StoreError> {
        self.0.key_ring()
    }

    /// Says that a camera's hour is sealed from now on: until what is given is dropped its secret is not destroyed, and its last file
    /// stays, whatever the clock says. To be taken before [`hour_secret`](Self::hour_secret), and kept as long as the epoch.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub fn use_hour(&self, camera: &CameraId, hour: Hour) -> Result<HourInUse, StoreError> {
        Ok(self.0.key_ring()?.use_hour(camera, hour))
    }

    /// The secret of a camera's hour, drawn and on the disk before this returns.
    ///
    /// # Errors
    /// [`StoreError::KeyRing`]: seal nothing for this hour yet, and ask again; [`StoreError::Closed`].
    pub async fn hour_secret(&self, camera: &CameraId, hour: Hour) -> Result<HourSecret, StoreError> {
        let (key_ring, camera) = (self.0.key_ring()?, camera.clone());
        blocking(move || Ok(key_ring.secret(&camera, hour)?)).await
    }

    /// Free bytes of the disk that holds the data directory.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the system does not say.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        self.0.files.space(&self.0.dir).map(|s| s.free)
    }

    /// Writes originals of one camera. One writer a camera at a time.
    pub fn sealed_writer(&self, camera: &CameraId) -> SealedWriter {
        SealedWriter::new(Arc::clone(&self.0), camera.clone())
    }

    /// Writes masked video of one camera. One writer a camera at a time.
    pub fn masked_writer(&self, camera: &CameraId) -> MaskedWriter {
        MaskedWriter::new(Arc::clone(&self.0), camera.clone(), RecordingKind::Masked)
    }

    /// A writer for the scene stream of one camera; have one at a time.
    pub fn scene_writer(&self, camera: &CameraId) -> MaskedWriter {
        MaskedWriter::new(Arc::clone(&self.0), camera.clone(), RecordingKind::Scene)
    }
}

/// Opens the catalogue and brings it in line with the files; a damaged one is put aside and made anew, once.
async fn open_catalogue(
    files: &Files,
    places: &Arc<Places>,
    dir: &Path,
    keys: &Keys,
) -> Result<(SqlitePool, Recovery), StoreError> {
    let first = try_catalogue(files, places, dir, keys).await;
    let damaged = match first {
        Err(e) if db::is_corrupt(&e) => e,
        other => return other,
    };
    let aside = db::move_aside(dir, WallTime::now())?;
    tracing::error!(error = %damaged, cause = ?std::error::Error::source(&damaged), "the catalogue is damaged: rebuilding it from the files");
    let (pool, recovery) = try_catalogue(files, places, dir, keys).await?;
    Ok((pool, Recovery { rebuilt: true, corrupt_database: Some(aside), ..recovery }))
}

async fn try_catalogue(
    files: &Files,
    places: &Arc<Places>,
    dir: &Path,
    keys: &Keys,
) -> Result<(SqlitePool, Recovery), StoreError> {
    let pool = db::connect(dir).await?;
    match recovery::recover(files, places, dir, keys, &pool).await {
        Ok(recovery) => Ok((pool, recovery)),
        Err(e) => {
            pool.close().await;
            Err(e)
        }
    }
}

/// Whether the catalogue could not be opened because the disk is full. SQLite does not always say so: where the last bytes
/// do not hold its shared memory, that is an error of its own.
fn is_out_of_room(error: &StoreError, files: &Files, dir: &Path) -> bool {
    let low = || files.space(dir).is_ok_and(|s| s.free < reserve::RESERVE_BYTES / 4);
    matches!(error, StoreError::Database { .. }) && (error.is_disk_full() || low())
}

/// A catalogue that cannot be opened because the disk is full: that is what to say.
fn full_disk_first(error: StoreError, files: &Files, dir: &Path) -> StoreError {
    match error {
        error if is_out_of_room(&error, files, dir) => {
            StoreError::DiskFull { path: dir.to_owned(), source: std::io::ErrorKind::StorageFull.into() }
        }
        other => other,
    }
}
