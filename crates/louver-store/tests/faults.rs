//! One bad file or one bad disk among several: what else is there goes on, and nothing of it is lost for that.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::faulty::Faulty;
use common::{at, camera, event, files, fragment, masked};
use louver_base::{CameraId, Class};
use louver_store::{DiskRole, DiskSettings, DiskWatermark, MoveBudget, Moved, Recovery, Store, StoreOptions};

const HOUR: i64 = 3_600_000;
const PLENTY: DiskWatermark = DiskWatermark::Bytes(0);
const ALL_AT_ONCE: MoveBudget = MoveBudget { bytes: u64::MAX, per_second: None };

/// A hot and a cold disk, and one camera.
struct Site {
    dir: tempfile::TempDir,
    disk: Faulty,
    store: Store,
    gate: CameraId,
}

impl Site {
    /// With a recording in each of the first hours, on the hot disk.
    async fn recorded(hours: i64) -> Self {
        let (dir, disk, gate) = (tempfile::tempdir().unwrap(), Faulty::default(), camera("gate"));
        let (store, _) = open(&disk, dir.path()).await;
        for hour in 0..hours {
            show(&store, &gate, hour * HOUR).await;
        }
        Self { dir, disk, store, gate }
    }

    fn path(&self, disk: &str) -> PathBuf {
        self.dir.path().join(disk)
    }

    /// The start hours of what lies there.
    fn on(&self, disk: &str) -> Vec<i64> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<i64>().unwrap();
        recordings(&self.path(disk)).into_iter().map(|path| (stem(path) - at(0).millis()) / HOUR).collect()
    }

    fn file(&self, disk: &str, hour: i64) -> PathBuf {
        let start = at(hour * HOUR).millis();
        let hour = 9 + hour;
        self.path(disk).join(format!("masked/gate/2026-03-01/{hour:02}/{start}.mp4"))
    }

    /// Reading a folder as a file fails as a bad sector does: when it is read.
    fn spoil(&self, disk: &str, hour: i64) -> PathBuf {
        let path = self.file(disk, hour);
        let _ = fs::remove_file(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    async fn move_all(&self, until_hour: i64) -> Moved {
        self.store.move_old(at(until_hour * HOUR), at(until_hour * HOUR), ALL_AT_ONCE).await.unwrap()
    }

    /// The hours that the catalogue has.
    async fn listed(&self) -> Vec<i64> {
        let all = self.store.recordings(&self.gate, at(-HOUR), at(99 * HOUR)).await.unwrap();
        all.iter().map(|r| (r.start.millis() - at(0).millis()) / HOUR).collect()
    }

    async fn restart(self) -> (Self, Recovery) {
        self.store.close().await.unwrap();
        let (store, recovery) = open(&self.disk, self.dir.path()).await;
        (Self { store, ..self }, recovery)
    }
}

/// What has a recording's name, sorted; also what is none.
fn recordings(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return found };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|e| e == "mp4") {
            found.push(path);
        } else {
            found.extend(recordings(&path));
        }
    }
    found.sort();
    found
}

async fn open(disk: &Faulty, dir: &Path) -> (Store, Recovery) {
    // Two hundred bytes stay free on the hot one.
    let of = |name: &str, role, min_free| DiskSettings { path: dir.join(name), role, min_free };
    let disks = [of("hot", DiskRole::Hot, DiskWatermark::Bytes(200)), of("cold", DiskRole::Cold, PLENTY)];
    let options = StoreOptions::default();
    Store::open_on(Arc::new(disk.clone()), &dir.join("data"), options, &disks).await.unwrap()
}

async fn show(store: &Store, id: &CameraId, start: i64) {
    let mut writer = store.masked_writer(id);
    writer.begin(masked("init")).await.unwrap();
    writer.append(fragment(start / HOUR), at(start), at(start + 900)).await.unwrap();
    writer.finish().await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_read_keeps_no_other_from_moving() {
    let site = Site::recorded(4).await;
    site.spoil("hot", 0);
    assert_eq!(site.move_all(3).await.files, 2);
    assert_eq!((site.on("hot"), site.on("cold")), (vec![0, 3], vec![1, 2]));
    assert_eq!(site.store.concerns(), [""; 0], "the cold disk has nothing to do with it");
    assert_eq!(site.move_all(9).await.files, 1);
    assert_eq!(site.listed().await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_on_a_full_hot_disk_deletes_nothing_on_the_cold_one() {
    let site = Site::recorded(4).await;
    assert_eq!(site.move_all(1).await.files, 1);
    site.spoil("hot", 1);
    site.disk.leave_free(&site.path("hot"), Some(100));
    let report = site.store.retention_pass(at(9 * HOUR), &[], PLENTY).await.unwrap();
    assert_eq!((report.moved_files, report.crowded_out_files), (1, 0), "{report:?}");
    assert_eq!((site.on("hot"), site.on("cold")), (vec![1, 3], vec![0, 2]));
}

#[tokio::test]
async fn where_the_cold_disk_fails_room_on_the_hot_one_is_made_there_alone() {
    let site = Site::recorded(4).await;
    assert_eq!(site.move_all(1).await.files, 1);
    site.disk.refuse("open", ".moving");
    site.disk.leave_free(&site.path("hot"), Some(100));
    let report = site.store.retention_pass(at(9 * HOUR), &[], PLENTY).await.unwrap();
    assert_eq!((report.moved_files, report.crowded_out_files), (0, 1), "{report:?}");
    assert_eq!((site.on("hot"), site.on("cold")), (vec![2, 3], vec![0]));
    let concerns = site.store.concerns();
    assert!(
        concerns.len() == 1 && concerns[0].contains("cold"),
        "the disk that failed is named: {concerns:?}"
    );
}

#[tokio::test]
async fn where_the_cold_disk_is_full_too_the_oldest_goes_there() {
    let site = Site::recorded(4).await;
    assert_eq!(site.move_all(1).await.files, 1);
    site.disk.leave_free(&site.path("hot"), Some(100));
    site.disk.leave_free(&site.path("cold"), Some(0));
    let report = site.store.retention_pass(at(9 * HOUR), &[], PLENTY).await.unwrap();
    assert_eq!((report.moved_files, report.crowded_out_files), (1, 1), "{report:?}");
    assert_eq!((site.on("hot"), site.on("cold")), (vec![2, 3], vec![1]));
}

#[tokio::test]
async fn what_lies_on_the_cold_disk_under_the_name_of_a_recording_is_not_written_over() {
    let site = Site::recorded(3).await;
    let other = site.file("cold", 0);
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::write(&other, "another recording").unwrap();
    assert_eq!(site.move_all(9).await.files, 2);
    assert_eq!(fs::read(&other).unwrap(), b"another recording");
    assert_eq!((site.on("hot"), site.on("cold")), (vec![0], vec![0, 1, 2]));
    assert_eq!(files(&site.path("cold"), ".moving").len(), 0);
}

#[tokio::test]
async fn a_move_that_fails_takes_nothing_away_that_was_there_before() {
    let site = Site::recorded(1).await;
    // As a crash leaves it: whole on both.
    let (from, to) = (site.file("hot", 0), site.file("cold", 0));
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(&from, &to).unwrap();
    site.disk.refuse("rename", "/cold/");
    assert!(site.store.move_old(at(9 * HOUR), at(9 * HOUR), ALL_AT_ONCE).await.is_err());
    assert_eq!((site.on("hot"), site.on("cold")), (vec![0], vec![0]));
    site.disk.mend();
    assert!(!site.store.look_at_disks().await);
    assert_eq!(site.move_all(9).await.files, 1, "and goes on from there");
    assert_eq!((site.on("hot"), site.on("cold")), (vec![], vec![0]));
}

#[tokio::test]
async fn a_file_that_cannot_be_taken_off_the_hot_disk_is_not_said_to_be_moved() {
    let site = Site::recorded(2).await;
    site.disk.refuse("remove", "/hot/");
    assert_eq!(site.move_all(9).await, Moved::default());
    assert!(site.store.concerns()[0].contains("hot"), "{:?}", site.store.concerns());
    assert_eq!(
        (site.on("hot"), site.on("cold")),
        (vec![0, 1], vec![0]),
        "nor is all of it copied for nothing"
    );
    site.disk.mend();
    let (site, recovery) = site.restart().await;
    assert_eq!((recovery.recordings, recovery.missing, site.listed().await), (2, 0, vec![0, 1]));
    assert_eq!(site.on("hot").len() + site.on("cold").len(), 2);
}

#[tokio::test]
async fn events_stay_as_long_as_any_disk_has_a_recording_of_their_time() {
    let site = Site::recorded(4).await;
    for hour in 0..4 {
        let start = hour * HOUR;
        let id = site.store.start_event(event(hour as u128 + 1, "gate", Class::Person, start)).await;
        id.unwrap();
        let id = louver_base::EventId::from_random(hour as u128 + 1);
        site.store.finish_event(id, at(start + 900)).await.unwrap();
    }
    assert_eq!(site.move_all(1).await.files, 1);
    site.disk.refuse("open", ".moving");
    site.disk.leave_free(&site.path("hot"), Some(100));
    let report = site.store.retention_pass(at(9 * HOUR), &[], PLENTY).await.unwrap();
    assert_eq!((report.crowded_out_files, report.events), (1, 0), "{report:?}");
    assert_eq!(site.listed().await, [0, 2, 3]);
    // The oldest goes, and what happened until the next that is there.
    fs::remove_file(site.file("cold", 0)).unwrap();
    let (site, _) = site.restart().await;
    site.disk.leave_free(&site.path("hot"), Some(100));
    let report = site.store.retention_pass(at(9 * HOUR), &[], PLENTY).await.unwrap();
    assert_eq!((report.crowded_out_files, report.events), (1, 3), "{report:?}");
    assert_eq!(site.listed().await, [3]);
}

#[tokio::test]
async fn copies_that_cannot_be_compared_or_deleted_keep_no_start_from_working() {
    let site = Site::recorded(2).await;
    // One that nobody can read, and one that cannot be deleted.
    site.spoil("hot", 0);
    site.spoil("cold", 0);
    let copy = site.file("cold", 1);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(site.file("hot", 1), &copy).unwrap();
    for act in ["remove", "sync folder"] {
        site.disk.refuse(act, "/cold/");
    }
    let (site, recovery) = site.restart().await;
    assert_eq!(recovery.recordings, 2, "{recovery:?}");
    assert_eq!((site.on("hot"), site.on("cold")), (vec![0, 1], vec![0, 1]), "both copies stay");
    site.disk.mend();
    let (site, _) = site.restart().await;
    assert_eq!((site.on("hot"), site.on("cold")), (vec![0, 1], vec![0]));
}

#[tokio::test]
async fn a_disk_whose_folders_cannot_be_read_is_away() {
    let site = Site::recorded(2).await;
    assert_eq!(site.move_all(1).await.files, 1);
    // A folder that leads to itself cannot be read, whoever asks.
    for kind in ["masked", "sealed"] {
        let (folder, aside) = (site.path("cold").join(kind), site.path("cold").join("aside"));
        let was_there = fs::rename(&folder, &aside).is_ok();
        symlink(&folder, &folder).unwrap();
        site.store.close().await.unwrap();
        let (store, recovery) = open(&site.disk, site.dir.path()).await;
        assert_eq!((recovery.recordings, recovery.missing), (1, 0));
        assert!(store.concerns()[0].contains("cold is not there"), "{:?}", store.concerns());
        let listed = store.recordings(&site.gate, at(-HOUR), at(99 * HOUR)).await.unwrap();
        assert_eq!(listed.len(), 2, "nothing is forgotten");
        store.retention_pass(at(2 * HOUR), &[(site.gate.clone(), 72)], PLENTY).await.unwrap();
        store.look_at_disks().await;
        assert!(store.concerns()[0].contains("cold is mounted and cannot be used"), "{:?}", store.concerns());
        fs::remove_file(&folder).unwrap();
        if was_there {
            fs::rename(&aside, &folder).unwrap();
        }
        assert!(store.look_at_disks().await, "it comes back by itself");
        assert_eq!(store.concerns(), [""; 0]);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_disk_that_does_not_say_how_full_it_is_keeps_the_others_from_nothing() {
    let site = Site::recorded(1).await;
    site.disk.leave_free(&site.path("cold"), None);
    let disks = site.store.disks(at(HOUR)).await.unwrap();
    let cold = &disks[2];
    assert_eq!((cold.total_bytes, cold.free_bytes, cold.days), (0, 0, None));
    assert!(disks[1].total_bytes > 0);
}
