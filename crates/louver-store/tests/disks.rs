//! Several disks: where recordings go, how they move, and what happens when a disk goes away, fails, or is full.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{SmallDisk, at, camera, files, fragment, gop, masked, sealer};
use louver_base::CameraId;
use louver_store::{
    DiskRole, DiskSettings, DiskWatermark, MoveBudget, RecordingKind, Store, StoreError, StoreOptions,
    WhenFull, disks_away, recorded_cameras, sealed_segments,
};
use louver_vault::Hour;

const HOUR: i64 = 3_600_000;
const A_LITTLE: MoveBudget = MoveBudget { bytes: 1, per_second: None };
const PLENTY: DiskWatermark = DiskWatermark::Bytes(0);

fn disk(path: &Path, role: DiskRole) -> DiskSettings {
    DiskSettings { path: path.to_owned(), role, min_free: PLENTY }
}

async fn open(dir: &Path, disks: &[DiskSettings]) -> Store {
    Store::open_with(&dir.join("data"), StoreOptions::default(), disks).await.unwrap().0
}

fn hot_and_cold(dir: &Path) -> Vec<DiskSettings> {
    vec![disk(&dir.join("hot"), DiskRole::Hot), disk(&dir.join("cold"), DiskRole::Cold)]
}

async fn seal(store: &Store, id: &CameraId, start: i64) -> Result<(), StoreError> {
    store.hour_secret(id, Hour::of(at(start))).await.unwrap();
    let (mut seal, header) = sealer(store, id, at(start));
    let mut writer = store.sealed_writer(id);
    writer.begin(header, at(start)).await?;
    writer.append(seal.seal(&gop(at(start))).unwrap()).await?;
    writer.finish(seal.finish().unwrap().end).await.map(drop)
}

async fn show(store: &Store, id: &CameraId, start: i64) -> Result<(), StoreError> {
    let mut writer = store.masked_writer(id);
    writer.begin(masked("init")).await?;
    writer.append(fragment(start), at(start), at(start + 900)).await?;
    writer.finish().await.map(drop)
}

fn count(dir: &Path, disk: &str) -> [usize; 2] {
    [".lvs", ".mp4"].map(|ending| files(&dir.join(disk), ending).len())
}

async fn all_can_be_shown(store: &Store, id: &CameraId) -> usize {
    let all = store.recordings(id, at(-HOUR), at(1000 * HOUR)).await.unwrap();
    let shown = all.iter().filter(|r| r.kind == RecordingKind::Masked);
    for r in shown.clone() {
        assert_eq!(store.masked_file(id, r.id).await.unwrap().fragments.len(), 1);
    }
    shown.count()
}

#[tokio::test]
async fn new_recordings_lie_on_the_hot_disk_and_move_to_the_cold_one_by_age_and_stay_readable() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = (hot_and_cold(dir.path()), camera("gate"));
    let store = open(dir.path(), &disks).await;
    for hour in 0..4 {
        seal(&store, &gate, hour * HOUR).await.unwrap();
        show(&store, &gate, hour * HOUR).await.unwrap();
    }
    assert_eq!((count(dir.path(), "hot"), count(dir.path(), "data")), ([4, 4], [0, 0]));
    store.key_ring().unwrap().hold(&[(gate.clone(), Hour::of(at(0)))], at(99 * HOUR)).unwrap();
    // A little at a time.
    let moved = store.move_old(at(2 * HOUR), at(4 * HOUR), A_LITTLE).await.unwrap();
    assert_eq!(moved.files, 1);
    while store.move_old(at(2 * HOUR), at(4 * HOUR), A_LITTLE).await.unwrap().files > 0 {}
    assert_eq!((count(dir.path(), "hot"), count(dir.path(), "cold")), ([3, 3], [1, 1]), "what is held stays");
    assert_eq!(all_can_be_shown(&store, &gate).await, 4);
    assert_eq!(sealed_segments(store.dir(), &gate, at(0), at(9 * HOUR)).unwrap().len(), 4);
    assert_eq!(recorded_cameras(store.dir()).unwrap(), std::slice::from_ref(&gate));
    // Retention finds it there, and its secret goes too.
    let hours = [(gate.clone(), 1)];
    let report = store.retention_pass(at(4 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!((report.expired_files, report.shredded.len()), (4, 2), "{report:?}");
    assert_eq!((count(dir.path(), "hot"), count(dir.path(), "cold")), ([2, 2], [0, 0]));
    store.close().await.unwrap();
    let (_store, recovery) =
        Store::open_with(&dir.path().join("data"), StoreOptions::default(), &disks).await.unwrap();
    assert_eq!((recovery.recordings, recovery.scanned, recovery.missing), (4, 0, 0));
}

#[tokio::test]
async fn a_disk_that_goes_away_and_comes_back_costs_nothing_that_lies_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = (hot_and_cold(dir.path()), camera("gate"));
    let store = open(dir.path(), &disks).await;
    for hour in 0..3 {
        seal(&store, &gate, hour * HOUR).await.unwrap();
        show(&store, &gate, hour * HOUR).await.unwrap();
    }
    // Unmounted: the mount point is there and empty.
    std::fs::rename(dir.path().join("hot"), dir.path().join("taken out")).unwrap();
    std::fs::create_dir(dir.path().join("hot")).unwrap();
    seal(&store, &gate, 3 * HOUR).await.unwrap();
    assert_eq!(
        (count(dir.path(), "hot"), count(dir.path(), "cold")),
        ([0, 0], [1, 0]),
        "recording goes on at once"
    );
    assert!(store.look_at_disks().await);
    assert!(store.concerns()[0].contains("hot is not there"), "{:?}", store.concerns());
    // Neither age nor room nor a restart forgets what lies there, but what is too old can be opened by nobody.
    let hours = [(gate.clone(), 2)];
    for watermark in [PLENTY, DiskWatermark::Percent(100)] {
        store.retention_pass(at(4 * HOUR), &hours, watermark).await.unwrap();
    }
    assert_eq!(store.recordings(&gate, at(0), at(3 * HOUR)).await.unwrap().len(), 6);
    let has = |store: &Store, hour: i64| store.key_ring().unwrap().contains(&gate, Hour::of(at(hour * HOUR)));
    assert_eq!([0, 1, 2].map(|hour| has(&store, hour)), [false, false, true]);
    store.close().await.unwrap();
    let store = open(dir.path(), &disks).await;
    assert_eq!(store.recordings(&gate, at(0), at(3 * HOUR)).await.unwrap().len(), 6);
    assert!(!store.look_at_disks().await);
    assert_eq!(files(&dir.path().join("hot"), "").len(), 0, "nothing is made in its place");
    seal(&store, &gate, 4 * HOUR).await.unwrap();
    // It comes back, and by itself. A copy that is being made on another disk meanwhile is none that a crash left.
    let copying = files(&dir.path().join("cold"), ".lvs")[0].with_extension("moving");
    std::fs::write(&copying, b"half of it").unwrap();
    std::fs::remove_dir(dir.path().join("hot")).unwrap();
    std::fs::rename(dir.path().join("taken out"), dir.path().join("hot")).unwrap();
    assert!(store.look_at_disks().await);
    assert_eq!(store.concerns(), [""; 0]);
    assert!(copying.exists());
    assert_eq!(count(dir.path(), "hot"), [1, 3], "originals whose secrets are gone are deleted");
    assert_eq!(all_can_be_shown(&store, &gate).await, 3);
    seal(&store, &gate, 5 * HOUR).await.unwrap();
    assert_eq!(count(dir.path(), "hot")[0], 2, "it is used again");
    store.retention_pass(at(4 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!(all_can_be_shown(&store, &gate).await, 1);
}

#[tokio::test]
async fn a_disk_that_is_back_and_cannot_be_used_is_told_and_not_looked_through_every_minute() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = (hot_and_cold(dir.path()), camera("gate"));
    let store = open(dir.path(), &disks).await;
    seal(&store, &gate, 0).await.unwrap();
    let [hot, away] = ["hot", "away"].map(|name| dir.path().join(name));
    std::fs::rename(&hot, &away).unwrap();
    assert!(store.look_at_disks().await);
    // One of its folders leads to itself: it cannot be read, whoever asks.
    let sealed = files(&away, ".lvs")[0].parent().unwrap().to_owned();
    let good = sealed.with_extension("good");
    std::fs::rename(&sealed, &good).unwrap();
    let there = hot.join(sealed.strip_prefix(&away).unwrap());
    std::os::unix::fs::symlink(&there, &sealed).unwrap();
    std::fs::rename(&away, &hot).unwrap();
    for again in ["it is tried", "and at the next look once more"] {
        assert!(store.look_at_disks().await, "{again}");
        assert!(store.concerns()[0].contains("hot is mounted and cannot be used"), "{:?}", store.concerns());
    }
    assert!(!store.look_at_disks().await, "and then it rests");
    // Whoever takes it out and mends it does not wait.
    std::fs::rename(&hot, &away).unwrap();
    assert!(!store.look_at_disks().await);
    std::fs::remove_file(&sealed).unwrap();
    std::fs::rename(&good, &sealed).unwrap();
    std::fs::rename(&away, &hot).unwrap();
    assert!(store.look_at_disks().await);
    assert_eq!(store.concerns(), [""; 0]);
    assert_eq!(sealed_segments(store.dir(), &gate, at(0), at(HOUR)).unwrap().len(), 1);
}

#[tokio::test]
async fn without_any_disk_recording_stops_with_a_sentence_and_begins_again_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = ([disk(&dir.path().join("hot"), DiskRole::Hot)], camera("gate"));
    let store = open(dir.path(), &disks).await;
    seal(&store, &gate, 0).await.unwrap();
    std::fs::rename(dir.path().join("hot"), dir.path().join("taken out")).unwrap();
    assert!(seal(&store, &gate, 60_000).await.is_err());
    store.look_at_disks().await;
    let refused = seal(&store, &gate, 120_000).await.unwrap_err();
    assert!(refused.to_string().contains("no disk for recordings is there"), "{refused}");
    std::fs::rename(dir.path().join("taken out"), dir.path().join("hot")).unwrap();
    store.look_at_disks().await;
    seal(&store, &gate, 180_000).await.unwrap();
    assert_eq!(count(dir.path(), "hot")[0], 2);
}

#[tokio::test]
async fn a_file_that_was_open_when_its_disk_went_away_is_left_to_its_writer() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = ([disk(&dir.path().join("hot"), DiskRole::Hot)], camera("gate"));
    let store = open(dir.path(), &disks).await;
    store.hour_secret(&gate, Hour::of(at(0))).await.unwrap();
    let (mut sealer, header) = sealer(&store, &gate, at(0));
    let mut writer = store.sealed_writer(&gate);
    writer.begin(header, at(0)).await.unwrap();
    for there in [false, true] {
        let (from, to) = if there { ("away", "hot") } else { ("hot", "away") };
        std::fs::rename(dir.path().join(from), dir.path().join(to)).unwrap();
        assert!(store.look_at_disks().await);
    }
    writer.append(sealer.seal(&gop(at(0))).unwrap()).await.unwrap();
    writer.finish(sealer.finish().unwrap().end).await.unwrap();
    assert_eq!(count(dir.path(), "hot")[0], 1);
}

#[tokio::test]
async fn a_full_hot_disk_moves_its_oldest_to_the_cold_one_and_a_full_cold_one_deletes() {
    let Some(small) = SmallDisk::mount("6m") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut disks =
        vec![disk(&small.path().join("hot"), DiskRole::Hot), disk(&dir.path().join("cold"), DiskRole::Cold)];
    disks[0].min_free = DiskWatermark::Bytes(3 << 20);
    let (store, gate) = (open(dir.path(), &disks).await, camera("gate"));
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    for n in 0..8 {
        writer.append(masked(vec![7; 500_000]), at(n * 60_000), at(n * 60_000 + 900)).await.unwrap();
    }
    writer.finish().await.unwrap();
    let report = store.retention_pass(at(HOUR), &[], PLENTY).await.unwrap();
    assert!(report.moved_files >= 2 && report.crowded_out_files == 0 && !report.still_low, "{report:?}");
    assert_eq!(count(dir.path(), "cold")[1], report.moved_files as usize);
    assert_eq!(all_can_be_shown(&store, &gate).await, 8);
    store.close().await.unwrap();
    // No disk is ever wholly free.
    disks[1].min_free = DiskWatermark::Percent(100);
    let store = open(dir.path(), &disks).await;
    let report = store.retention_pass(at(HOUR), &[], PLENTY).await.unwrap();
    assert_eq!((report.crowded_out_files, report.moved_files), (count_of(8, &small), 0), "{report:?}");
}

#[tokio::test]
async fn where_both_are_full_the_older_on_the_cold_disk_goes_before_the_newer_on_the_hot_one() {
    let (Some(hot), Some(cold)) = (SmallDisk::mount("6m"), SmallDisk::mount("4m")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut disks =
        vec![disk(&hot.path().join("hot"), DiskRole::Hot), disk(&cold.path().join("cold"), DiskRole::Cold)];
    disks[0].min_free = DiskWatermark::Bytes(3 << 20);
    let (store, gate) = (open(dir.path(), &disks).await, camera("gate"));
    for round in 0..4 {
        let mut writer = store.masked_writer(&gate);
        writer.begin(masked("init")).await.unwrap();
        for n in 0..4 {
            let start = round * HOUR + n * 60_000;
            writer.append(masked(vec![7; 500_000]), at(start), at(start + 900)).await.unwrap();
        }
        writer.finish().await.unwrap();
        let report = store.retention_pass(at(round * HOUR + HOUR), &[], PLENTY).await.unwrap();
        assert!(!report.still_low, "{report:?}");
    }
    let left = store.recordings(&gate, at(0), at(9 * HOUR)).await.unwrap();
    assert!(left.len() >= 9, "both disks are used: {}", left.len());
    let all: Vec<_> = (0..4).flat_map(|round| (0..4).map(move |n| at(round * HOUR + n * 60_000))).collect();
    let starts: Vec<_> = left.iter().map(|r| r.start).collect();
    assert!(
        left.len() < all.len() && all.ends_with(&starts),
        "the oldest went, wherever they lay: {starts:?}"
    );
    assert_eq!(all_can_be_shown(&store, &gate).await, left.len());
}

/// Files that are not on the small disk.
fn count_of(all: u64, small: &SmallDisk) -> u64 {
    all - files(small.path(), ".mp4").len() as u64
}

#[tokio::test]
async fn where_nothing_may_be_deleted_for_room_recording_stops_until_there_is_some() {
    let dir = tempfile::tempdir().unwrap();
    let (store, gate) = (open(dir.path(), &[]).await, camera("gate"));
    seal(&store, &gate, 0).await.unwrap();
    let no_room = DiskWatermark::Percent(100);
    let report = store.retention_pass_by(at(HOUR), &[], no_room, WhenFull::Stop).await.unwrap();
    assert_eq!((report.crowded_out_files, report.still_low), (0, true));
    let refused = seal(&store, &gate, 60_000).await.unwrap_err();
    assert!(refused.is_disk_full(), "{refused}");
    assert!(store.concerns()[0].contains("nothing is to be deleted for room"), "{:?}", store.concerns());
    store.retention_pass_by(at(HOUR), &[], PLENTY, WhenFull::Stop).await.unwrap();
    seal(&store, &gate, 60_000).await.unwrap();
}

#[tokio::test]
async fn what_was_recorded_in_the_last_day_says_how_long_the_disks_last() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = (hot_and_cold(dir.path()), camera("gate"));
    let store = open(dir.path(), &disks).await;
    assert_eq!(store.disks(at(0)).await.unwrap().len(), 3);
    for hour in 0..24 {
        seal(&store, &gate, hour * HOUR).await.unwrap();
    }
    store.retention_pass(at(24 * HOUR), &[], PLENTY).await.unwrap();
    let found = store.disks(at(24 * HOUR)).await.unwrap();
    assert_eq!(
        found.iter().map(|d| d.role).collect::<Vec<_>>(),
        [None, Some(DiskRole::Hot), Some(DiskRole::Cold)]
    );
    let hot = &found[1];
    assert!(hot.recordings_bytes > 0 && found[0].recordings_bytes == 0 && found[0].days.is_none());
    let a_day = hot.recordings_bytes as f64;
    let expected = (hot.free_bytes + hot.recordings_bytes) as f64 / a_day;
    assert!((hot.days.unwrap() / expected - 1.0).abs() < 0.01, "{found:?}");
}

#[tokio::test]
async fn a_disk_of_another_site_is_refused_and_one_under_another_path_is_known_by_its_sign() {
    let dir = tempfile::tempdir().unwrap();
    let gate = camera("gate");
    let store = open(dir.path(), &hot_and_cold(dir.path())).await;
    seal(&store, &gate, 0).await.unwrap();
    store.close().await.unwrap();
    let elsewhere = dir.path().join("renamed");
    std::fs::rename(dir.path().join("hot"), &elsewhere).unwrap();
    let disks = [disk(&elsewhere, DiskRole::Hot), disk(&dir.path().join("cold"), DiskRole::Cold)];
    let store = open(dir.path(), &disks).await;
    assert_eq!(store.recordings(&gate, at(0), at(HOUR)).await.unwrap().len(), 1);
    assert_eq!(store.concerns(), [""; 0]);
    let other = dir.path().join("another site");
    let refused = Store::open_with(&other, StoreOptions::default(), &disks).await.unwrap_err();
    assert!(matches!(refused, StoreError::OthersDisk(_)), "{refused}");
    let within = [disk(&dir.path().join("data/inner"), DiskRole::Hot)];
    store.close().await.unwrap();
    let refused =
        Store::open_with(&dir.path().join("data"), StoreOptions::default(), &within).await.unwrap_err();
    assert!(matches!(refused, StoreError::DiskWithinDisk(_)), "{refused}");
}

#[tokio::test]
async fn a_file_that_the_disk_does_not_give_keeps_no_start_from_working_and_is_looked_at_again() {
    let dir = tempfile::tempdir().unwrap();
    let gate = camera("gate");
    let store = open(dir.path(), &[]).await;
    show(&store, &gate, 0).await.unwrap();
    store.close().await.unwrap();
    // Reading a folder as a file fails as a bad sector does: when it is read.
    let bad = dir.path().join("data/masked/gate/2026-03-01/09/1772355700000.mp4");
    std::fs::create_dir(&bad).unwrap();
    for _ in 0..2 {
        let opened = Store::open_with(&dir.path().join("data"), StoreOptions::default(), &[]).await;
        let (store, recovery) = opened.unwrap();
        assert_eq!((recovery.unreadable, recovery.scanned, recovery.recordings), (1, 1, 2));
        let shown = store.recordings(&gate, at(0), at(HOUR)).await.unwrap();
        assert_eq!(store.masked_file(&gate, shown[0].id).await.unwrap().fragments.len(), 1);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_disk_that_is_in_the_settings_no_more_is_missed_as_long_as_something_is_known_to_lie_there() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = (hot_and_cold(dir.path()), camera("gate"));
    let store = open(dir.path(), &disks).await;
    show(&store, &gate, 0).await.unwrap();
    store.close().await.unwrap();
    let known = || std::fs::read_to_string(dir.path().join("data/disks.json")).unwrap();
    // One that nothing lies on is forgotten at once, whether it is there or not.
    std::fs::remove_dir_all(dir.path().join("cold")).unwrap();
    let store = open(dir.path(), &disks[..1]).await;
    assert_eq!(store.concerns(), [""; 0]);
    assert!(!known().contains("cold") && known().contains("hot"), "{}", known());
    store.close().await.unwrap();
    // The other one with the age of what lies on it.
    std::fs::rename(dir.path().join("hot"), dir.path().join("in a drawer")).unwrap();
    let store = open(dir.path(), &[]).await;
    assert!(store.concerns()[0].contains("hot is not there"), "{:?}", store.concerns());
    assert!(!store.concerns()[0].contains("new recordings"), "they never went there: {:?}", store.concerns());
    let hours = [(gate.clone(), 2)];
    store.retention_pass(at(HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!(store.recordings(&gate, at(0), at(HOUR)).await.unwrap().len(), 1);
    let report = store.retention_pass(at(3 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!(report.expired_files, 0, "no file was deleted");
    assert_eq!(store.recordings(&gate, at(0), at(HOUR)).await.unwrap(), []);
    assert_eq!(store.concerns(), [""; 0]);
    assert!(!known().contains("hot"), "{}", known());
    assert_eq!(store.disks(at(HOUR)).await.unwrap().len(), 1);
    store.close().await.unwrap();
    // Named again it is known by its sign, and looked through.
    let store = open(dir.path(), &[disk(&dir.path().join("in a drawer"), DiskRole::Hot)]).await;
    assert_eq!(all_can_be_shown(&store, &gate).await, 1);
}

#[tokio::test]
async fn a_disk_that_this_catalogue_has_never_seen_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = (hot_and_cold(dir.path()), camera("gate"));
    let store = open(dir.path(), &disks).await;
    show(&store, &gate, 0).await.unwrap();
    store.close().await.unwrap();
    std::fs::rename(dir.path().join("hot"), dir.path().join("in a drawer")).unwrap();
    std::fs::remove_file(dir.path().join("data/louver.db")).unwrap();
    for _ in 0..2 {
        let store = open(dir.path(), &disks[1..]).await;
        assert!(store.concerns()[0].contains("hot is not there"), "{:?}", store.concerns());
        store.close().await.unwrap();
    }
    std::fs::rename(dir.path().join("in a drawer"), dir.path().join("hot")).unwrap();
    let store = open(dir.path(), &disks[1..]).await;
    assert_eq!(all_can_be_shown(&store, &gate).await, 1);
}

#[tokio::test]
async fn what_is_said_of_a_disk_that_is_away_or_full_is_what_happens() {
    let dir = tempfile::tempdir().unwrap();
    let disks = hot_and_cold(dir.path());
    let (hot, away) = (dir.path().join("hot"), dir.path().join("away"));
    let mut said = Vec::new();
    for some in [&disks[..1], &disks[..]] {
        let store = open(dir.path(), some).await;
        std::fs::rename(&hot, &away).unwrap();
        assert!(store.look_at_disks().await);
        said.extend(store.concerns());
        assert_eq!(seal(&store, &camera("gate"), 0).await.is_ok(), some.len() == 2);
        store.close().await.unwrap();
        std::fs::rename(&away, &hot).unwrap();
    }
    assert!(said[0].ends_with("recording stops until it is back."), "{said:?}");
    assert!(said[1].ends_with("new recordings go elsewhere."), "{said:?}");
    // Nothing is recorded in the data directory, so nothing has stopped there.
    let store = open(dir.path(), &disks).await;
    store.retention_pass_by(at(HOUR), &[], DiskWatermark::Percent(100), WhenFull::Stop).await.unwrap();
    let said = store.concerns();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(!said[0].contains("recording has stopped"), "{said:?}");
}

#[tokio::test]
async fn the_empty_mount_point_of_a_disk_becomes_no_disk_of_its_own_also_where_two_were_swapped() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for swapped in [["a", "b"], ["b", "a"]] {
        let both = ["a", "b"].map(|name| disk(&path(name), DiskRole::Hot));
        let store = open(dir.path(), &both).await;
        store.close().await.unwrap();
        let [first, second] = swapped.map(path);
        // The second disk is mounted where the first was, and the first is not mounted.
        std::fs::rename(&first, path("aside")).unwrap();
        std::fs::rename(&second, &first).unwrap();
        std::fs::create_dir(&second).unwrap();
        for _ in 0..2 {
            let store = open(dir.path(), &both).await;
            let said = store.concerns();
            let away = second.display().to_string();
            assert!(said.len() == 1 && said[0].contains(&format!("{away} is not there")), "{said:?}");
            assert_eq!(files(&second, "").len(), 0, "it would lie on the system's disk");
            store.close().await.unwrap();
        }
        // Mounted there it is known, and by itself.
        let store = open(dir.path(), &both).await;
        std::fs::remove_dir(&second).unwrap();
        std::fs::rename(path("aside"), &second).unwrap();
        assert!(store.look_at_disks().await);
        assert_eq!(store.concerns(), [""; 0]);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn nor_where_a_disk_was_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let of = |names: &[&str]| names.iter().map(|name| disk(&path(name), DiskRole::Hot)).collect::<Vec<_>>();
    open(dir.path(), &of(&["a"])).await.close().await.unwrap();
    std::fs::rename(path("a"), path("b")).unwrap();
    std::fs::create_dir(path("a")).unwrap();
    // It went from a to b, and what is to be at a is not mounted.
    open(dir.path(), &of(&["b"])).await.close().await.unwrap();
    for _ in 0..2 {
        let store = open(dir.path(), &of(&["a", "b"])).await;
        assert_eq!(files(&path("a"), "").len(), 0);
        assert!(store.concerns()[0].contains("a is not there"), "{:?}", store.concerns());
        store.close().await.unwrap();
    }
    let store = open(dir.path(), &of(&["b"])).await;
    assert_eq!(store.concerns(), [""; 0], "what was waited for at a and never came is forgotten");
}

#[tokio::test]
async fn a_folder_whose_name_cannot_be_written_down_is_no_disk() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = tempfile::tempdir().unwrap();
    let strange = dir.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
    let disks = [disk(&strange, DiskRole::Hot)];
    let opened = Store::open_with(&dir.path().join("data"), StoreOptions::default(), &disks).await;
    assert!(opened.is_err(), "the next start would not know it");
}

#[tokio::test]
async fn who_lists_originals_without_the_catalogue_can_say_which_disks_are_away() {
    let dir = tempfile::tempdir().unwrap();
    let (disks, gate) = (hot_and_cold(dir.path()), camera("gate"));
    let store = open(dir.path(), &disks).await;
    for hour in 0..2 {
        seal(&store, &gate, hour * HOUR).await.unwrap();
    }
    store.move_old(at(HOUR), at(HOUR), A_LITTLE).await.unwrap();
    let list = || {
        let starts = sealed_segments(store.dir(), &gate, at(-HOUR), at(9 * HOUR)).unwrap();
        (starts.iter().map(|s| s.start).collect::<Vec<_>>(), disks_away(store.dir()).unwrap())
    };
    assert_eq!(list(), (vec![at(0), at(HOUR)], vec![]));
    let cold = dir.path().join("cold");
    std::fs::rename(&cold, dir.path().join("away")).unwrap();
    assert_eq!(list(), (vec![at(HOUR)], vec![cold]));
}
