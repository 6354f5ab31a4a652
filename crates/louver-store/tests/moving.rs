//! Moving to a cold disk takes minutes: what goes on meanwhile, and what becomes of a copy that is not wanted any more.

#![allow(clippy::unwrap_used)]

mod common;

use std::io;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use common::{at, camera, files, fragment, gop, masked, sealer};
use louver_store::disk::{Disk, DiskFile, Open, RealDisk, Space};
use louver_store::{DiskRole, DiskSettings, DiskWatermark, MoveBudget, Moved, Store, StoreOptions, WhenFull};
use louver_vault::Hour;
use tokio::task::JoinHandle;

const HOUR: i64 = 3_600_000;
const PLENTY: DiskWatermark = DiskWatermark::Bytes(0);
const ALL_AT_ONCE: MoveBudget = MoveBudget { bytes: u64::MAX, per_second: None };
const SOON: Duration = Duration::from_secs(20);

/// A disk on which copies wait to be begun until they are let.
#[derive(Clone, Debug, Default)]
struct Waits(Arc<(Mutex<Gate>, Condvar)>);

#[derive(Debug, Default)]
struct Gate {
    waiting: usize,
    open: bool,
}

impl Waits {
    fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    fn waits(&self) -> bool {
        self.0.0.lock().unwrap().waiting > 0
    }
}

impl Disk for Waits {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        if path.extension().is_some_and(|e| e == "moving") {
            let mut gate = self.0.0.lock().unwrap();
            gate.waiting += 1;
            while !gate.open {
                gate = self.0.1.wait(gate).unwrap();
            }
        }
        RealDisk.open(path, how)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.make_folder(path)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_folder(path)
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_folder(path)
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        RealDisk.space(path)
    }
}

async fn open(disk: &Waits, dir: &Path, free_on_hot: DiskWatermark) -> Store {
    let of = |name: &str, role, min_free| DiskSettings { path: dir.join(name), role, min_free };
    let disks = [of("hot", DiskRole::Hot, free_on_hot), of("cold", DiskRole::Cold, PLENTY)];
    let options = StoreOptions { flush_every: Duration::from_millis(20), ..StoreOptions::default() };
    let opened = Store::open_on(Arc::new(disk.clone()), &dir.join("data"), options, &disks).await;
    opened.unwrap().0
}

/// A store with a recording of each kind on its hot disk.
async fn store(disk: &Waits, dir: &Path) -> Store {
    let (store, gate) = (open(disk, dir, PLENTY).await, camera("gate"));
    store.hour_secret(&gate, Hour::of(at(0))).await.unwrap();
    let (mut seal, header) = sealer(&store, &gate, at(0));
    let mut writer = store.sealed_writer(&gate);
    writer.begin(header, at(0)).await.unwrap();
    writer.append(seal.seal(&gop(at(0))).unwrap()).await.unwrap();
    writer.finish(seal.finish().unwrap().end).await.unwrap();
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    writer.append(fragment(0), at(0), at(900)).await.unwrap();
    writer.finish().await.unwrap();
    store
}

fn moving(store: &Store, budget: MoveBudget) -> JoinHandle<Moved> {
    let store = store.clone();
    tokio::spawn(async move { store.move_old(at(HOUR), at(HOUR), budget).await.unwrap() })
}

fn recordings(dir: &Path, disk: &str) -> usize {
    [".lvs", ".mp4", ".moving"].map(|ending| files(&dir.join(disk), ending).len()).iter().sum()
}

/// Waits until it is so.
async fn until(is: impl Fn() -> bool) {
    let wait = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(SOON, wait).await.unwrap();
}

#[tokio::test]
async fn while_a_recording_is_copied_the_catalogue_is_written_and_what_is_due_is_deleted() {
    let (disk, dir) = (Waits::default(), tempfile::tempdir().unwrap());
    let store = store(&disk, dir.path()).await;
    let moved = moving(&store, ALL_AT_ONCE);
    until(|| disk.waits()).await;
    let before = tokio::time::Instant::now();
    until(|| store.health().flush_age < before.elapsed()).await;
    let hours = [(camera("gate"), 1)];
    let pass = store.retention_pass(at(3 * HOUR), &hours, PLENTY);
    let report = tokio::time::timeout(SOON, pass).await.unwrap().unwrap();
    assert_eq!((report.expired_files, report.shredded.len()), (2, 1), "{report:?}");
    disk.open();
    assert_eq!(moved.await.unwrap(), Moved::default(), "what is gone does not come back as a copy");
    assert_eq!((recordings(dir.path(), "hot"), recordings(dir.path(), "cold")), (0, 0));
    let left = store.recordings(&camera("gate"), at(-HOUR), at(9 * HOUR)).await.unwrap();
    assert_eq!(left, []);
}

#[tokio::test]
async fn what_is_held_while_it_is_copied_stays_where_it_was() {
    let (disk, dir) = (Waits::default(), tempfile::tempdir().unwrap());
    let store = store(&disk, dir.path()).await;
    let moved = moving(&store, ALL_AT_ONCE);
    until(|| disk.waits()).await;
    store.key_ring().unwrap().hold(&[(camera("gate"), Hour::of(at(0)))], at(99 * HOUR)).unwrap();
    disk.open();
    assert_eq!(moved.await.unwrap(), Moved::default());
    assert_eq!((recordings(dir.path(), "hot"), recordings(dir.path(), "cold")), (2, 0));
}

#[tokio::test]
async fn moving_keeps_to_its_pace_and_ends_in_the_middle_of_a_copy_when_asked_to() {
    let (disk, dir) = (Waits::default(), tempfile::tempdir().unwrap());
    let store = store(&disk, dir.path()).await;
    disk.open();
    let slow = MoveBudget { bytes: u64::MAX, per_second: NonZeroU64::new(1) };
    let moved = moving(&store, slow);
    until(|| !files(&dir.path().join("cold"), ".moving").is_empty()).await;
    assert!(!moved.is_finished());
    store.end_moving();
    assert_eq!(tokio::time::timeout(SOON, moved).await.unwrap().unwrap(), Moved::default());
    assert_eq!((recordings(dir.path(), "hot"), recordings(dir.path(), "cold")), (2, 0));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_waits_for_no_pace() {
    let (disk, dir) = (Waits::default(), tempfile::tempdir().unwrap());
    store(&disk, dir.path()).await.close().await.unwrap();
    // No disk is ever wholly free.
    let store = open(&disk, dir.path(), DiskWatermark::Percent(100)).await;
    disk.open();
    let moved = moving(&store, MoveBudget { bytes: u64::MAX, per_second: NonZeroU64::new(1) });
    until(|| !files(&dir.path().join("cold"), ".moving").is_empty()).await;
    let pass = store.retention_pass_by(at(HOUR), &[], PLENTY, WhenFull::Stop);
    let report = tokio::time::timeout(SOON, pass).await.unwrap().unwrap();
    store.end_moving();
    let moved = tokio::time::timeout(SOON, moved).await.unwrap().unwrap();
    assert_eq!(moved.files + report.moved_files, 2, "{report:?}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_stop_in_the_middle_of_moving_is_no_reason_to_delete() {
    let (disk, dir) = (Waits::default(), tempfile::tempdir().unwrap());
    store(&disk, dir.path()).await.close().await.unwrap();
    let store = open(&disk, dir.path(), DiskWatermark::Percent(100)).await;
    let pass = {
        let store = store.clone();
        tokio::spawn(async move { store.retention_pass(at(HOUR), &[], PLENTY).await.unwrap() })
    };
    until(|| disk.waits()).await;
    store.end_moving();
    disk.open();
    let report = tokio::time::timeout(SOON, pass).await.unwrap().unwrap();
    assert_eq!((report.crowded_out_files, report.moved_files), (0, 0), "{report:?}");
    assert_eq!((recordings(dir.path(), "hot"), recordings(dir.path(), "cold")), (2, 0));
}
