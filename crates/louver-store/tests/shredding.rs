//! With the last original of an hour its secret goes, and it goes first.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{at, camera, copy, files, gop, open, sealer};
use louver_base::{CameraId, WallTime};
use louver_store::{DeletedFor, DiskWatermark, RecordingKind, Store, StoreError, StoreOptions};
use louver_vault::Hour;

const HOUR: i64 = 3_600_000;
const PLENTY: DiskWatermark = DiskWatermark::Bytes(0);
const NO_ROOM: DiskWatermark = DiskWatermark::Percent(100);

/// Seals one file that begins `minute` minutes into an hour, as a recorder does: first the secret.
async fn seal(store: &Store, id: &CameraId, hour: i64, minute: i64) {
    let start = at(hour * HOUR + minute * 60_000);
    store.hour_secret(id, Hour::of(start)).await.unwrap();
    let (mut seal, header) = sealer(store, id, start);
    let mut writer = store.sealed_writer(id);
    writer.begin(header, start).await.unwrap();
    writer.append(seal.seal(&gop(start)).unwrap()).await.unwrap();
    writer.finish(seal.finish().unwrap().end).await.unwrap();
}

fn number(hour: i64) -> Hour {
    Hour::of(at(hour * HOUR))
}

fn has(store: &Store, id: &CameraId, hour: i64) -> bool {
    store.key_ring().unwrap().contains(id, number(hour))
}

fn originals(dir: &Path) -> usize {
    files(dir, ".lvs").len()
}

fn generation(dir: &Path) -> String {
    let rings = std::fs::read_dir(dir.join("keyring")).unwrap();
    let mut names = rings.map(|e| e.unwrap().file_name().into_string().unwrap());
    names.find(|n| n.starts_with("ring-")).unwrap()
}

#[tokio::test]
async fn files_go_at_their_age_and_the_secret_goes_with_the_last_of_its_hour() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let (gate, yard) = (camera("gate"), camera("yard"));
    for minute in [1, 20, 40] {
        seal(&store, &gate, 0, minute).await;
    }
    seal(&store, &gate, 1, 30).await;
    seal(&store, &yard, 0, 5).await;
    let hours = [(gate.clone(), 2), (yard.clone(), 2)];

    let report = store.retention_pass(at(2 * HOUR + 25 * 60_000), &hours, PLENTY).await.unwrap();
    assert_eq!((report.expired_files, originals(dir.path())), (3, 2), "to the file");
    assert_eq!(report.shredded, [(yard.clone(), number(0))]);
    assert!(has(&store, &gate, 0) && !has(&store, &yard, 0));

    let before = generation(dir.path());
    let report = store.retention_pass(at(2 * HOUR + 30 * 60_000), &hours, PLENTY).await.unwrap();
    assert_eq!((report.expired_files, report.shredded.len()), (0, 0));
    assert_eq!(generation(dir.path()), before, "nothing is rewritten for nothing");

    seal(&store, &yard, 1, 2).await;
    let before = generation(dir.path());
    let report = store.retention_pass(at(9 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!((report.expired_files, originals(dir.path())), (3, 0));
    assert_eq!(report.shredded, [(gate.clone(), number(0)), (gate, number(1)), (yard, number(1))]);
    let one_later = |name: &str| format!("ring-{}", name[5..].parse::<u64>().unwrap() + 1);
    assert_eq!(generation(dir.path()), one_later(&before), "one rewriting a pass");
}

#[tokio::test]
async fn a_full_disk_takes_the_secret_too_but_never_that_of_an_hour_going_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    seal(&store, &gate, 0, 1).await;
    seal(&store, &gate, 1, 1).await;
    seal(&store, &gate, 1, 10).await;
    // The recorder is between two segments of the hour that goes on.
    let report = store.retention_pass(at(HOUR + 20 * 60_000), &[], NO_ROOM).await.unwrap();
    assert_eq!((report.crowded_out_files, originals(dir.path()), report.still_low), (2, 1, true));
    assert_eq!(report.shredded, [(gate.clone(), number(0))]);
    assert!(has(&store, &gate, 1));
    let report = store.retention_pass(at(2 * HOUR + 6 * 60_000), &[], NO_ROOM).await.unwrap();
    assert_eq!((report.crowded_out_files, report.shredded.len()), (1, 1));
}

#[tokio::test]
async fn what_is_held_keeps_its_files_and_its_secret_until_the_hold_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    for hour in 0..3 {
        seal(&store, &gate, hour, 1).await;
    }
    let hold = [(gate.clone(), number(1))];
    assert_eq!(store.key_ring().unwrap().hold(&hold, at(50 * HOUR)).unwrap(), 1);
    let hours = [(gate.clone(), 1)];
    let report = store.retention_pass(at(49 * HOUR), &hours, NO_ROOM).await.unwrap();
    assert_eq!((report.shredded.len(), originals(dir.path())), (2, 1));
    assert!(has(&store, &gate, 1));
    let report = store.retention_pass(at(51 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!((report.shredded.len(), originals(dir.path())), (1, 0));
}

#[tokio::test]
async fn a_crash_between_secret_and_files_leaves_files_that_the_next_start_deletes() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    seal(&store, &gate, 0, 1).await;
    seal(&store, &gate, 1, 1).await;
    let gone = store.key_ring().unwrap().destroy(&[(gate.clone(), number(0))], at(9 * HOUR)).unwrap();
    assert_eq!(gone.len(), 1);
    let crashed = copy(dir.path());
    let (store, recovery) = open(crashed.path()).await;
    assert_eq!((recovery.shredded, recovery.without_secret, recovery.recordings), (1, 0, 1));
    assert_eq!(originals(crashed.path()), 1);
    assert!(store.recordings(&gate, at(0), at(HOUR)).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_older_key_ring_in_the_place_of_the_right_one_deletes_nothing_whatever_the_clock_once_was() {
    for ahead in [None, Some(90_000)] {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = open(dir.path()).await;
        let gate = camera("gate");
        seal(&store, &gate, 0, 1).await;
        if let Some(ahead) = ahead {
            seal(&store, &gate, ahead, 1).await;
        }
        let all = originals(dir.path());
        let old = copy(&dir.path().join("keyring"));
        seal(&store, &gate, 1, 1).await;
        seal(&store, &gate, 2, 1).await;
        store.close().await.unwrap();
        std::fs::remove_dir_all(dir.path().join("keyring")).unwrap();
        std::fs::rename(old.path(), dir.path().join("keyring")).unwrap();
        let (store, recovery) = open(dir.path()).await;
        assert_eq!((recovery.shredded, recovery.without_secret), (0, 2), "{ahead:?}");
        // Nobody noticed, and it records on.
        seal(&store, &gate, 3, 1).await;
        store.close().await.unwrap();
        let (_store, recovery) = open(dir.path()).await;
        assert_eq!((recovery.shredded, recovery.without_secret), (0, 2), "{ahead:?}");
        assert_eq!(originals(dir.path()), all + 3);
    }
}

#[tokio::test]
async fn originals_without_a_key_ring_are_a_disk_that_is_not_mounted_until_somebody_says_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    seal(&store, &camera("gate"), 0, 1).await;
    store.close().await.unwrap();
    for emptied in [false, true] {
        std::fs::remove_dir_all(dir.path().join("keyring")).unwrap();
        if emptied {
            std::fs::create_dir(dir.path().join("keyring")).unwrap();
        }
        let refused = Store::open(dir.path(), StoreOptions::default()).await.unwrap_err();
        assert!(matches!(refused, StoreError::KeyRing(_)), "{refused:?}");
        assert!(refused.to_string().contains("is its disk mounted?"), "{refused}");
        assert_eq!(originals(dir.path()), 1);
    }
    // Somebody says otherwise.
    std::fs::rename(dir.path().join("sealed"), dir.path().join("lost")).unwrap();
    open(dir.path()).await;
}

#[tokio::test]
async fn a_secret_without_files_goes_when_its_time_is_over_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    store.hour_secret(&gate, number(0)).await.unwrap();
    seal(&store, &gate, 1, 1).await;
    // As if the disk of the originals were not mounted.
    std::fs::rename(dir.path().join("sealed"), dir.path().join("elsewhere")).unwrap();
    let hours = [(gate.clone(), 5)];
    let report = store.retention_pass(at(5 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!(report.shredded, []);
    let report = store.retention_pass(at(6 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!(report.shredded, [(gate.clone(), number(0))]);
    assert!(has(&store, &gate, 1));
}

#[tokio::test]
async fn the_same_hour_has_the_same_secret_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let (gate, hour) = (camera("gate"), Hour::of(WallTime::from_millis(0)));
    let secret = store.hour_secret(&gate, hour).await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.hour_secret(&gate, hour).await, Err(StoreError::Closed)));
    let (store, _) = open(dir.path()).await;
    assert!(store.hour_secret(&gate, hour).await.unwrap() == secret);
}

#[tokio::test]
async fn an_hour_that_is_being_sealed_keeps_its_secret_and_a_file_whatever_the_clock_says() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let in_use = store.use_hour(&gate, number(0)).unwrap();
    seal(&store, &gate, 0, 1).await;
    seal(&store, &gate, 0, 6).await;
    let secret = store.hour_secret(&gate, number(0)).await.unwrap();
    // The clock jumps a year ahead and back, between two segments of the hour, and the disk is full meanwhile.
    let hours = [(gate.clone(), 1)];
    for watermark in [PLENTY, NO_ROOM] {
        let report = store.retention_pass(at(9000 * HOUR), &hours, watermark).await.unwrap();
        assert_eq!((report.shredded, originals(dir.path())), (vec![], 1));
    }
    assert!(
        store.key_ring().unwrap().destroy(&[(gate.clone(), number(0))], at(9000 * HOUR)).unwrap().is_empty()
    );
    assert!(store.hour_secret(&gate, number(0)).await.unwrap() == secret, "what is sealed now opens");
    // A secret without a file yet is as safe.
    let before_its_file = store.use_hour(&camera("yard"), number(0)).unwrap();
    store.hour_secret(&camera("yard"), number(0)).await.unwrap();
    let hours = [(gate.clone(), 1), (camera("yard"), 1)];
    store.retention_pass(at(9001 * HOUR), &hours, PLENTY).await.unwrap();
    assert!(has(&store, &camera("yard"), 0));
    drop((in_use, before_its_file));
    let report = store.retention_pass(at(9002 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!((report.shredded.len(), originals(dir.path())), (2, 0));
}

#[tokio::test]
async fn destroyed_secrets_are_told_of_until_somebody_wrote_them_down_also_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let (gate, yard) = (camera("gate"), camera("yard"));
    seal(&store, &gate, 0, 1).await;
    seal(&store, &yard, 0, 1).await;
    store.hour_secret(&yard, number(1)).await.unwrap();
    seal(&store, &gate, 20, 1).await;
    let hours = [(gate.clone(), 1), (yard.clone(), 1)];
    assert_eq!(store.destroyed(), []);
    store.retention_pass(at(9 * HOUR), &hours, PLENTY).await.unwrap();
    let all = [(gate.clone(), number(0)), (yard.clone(), number(0)), (yard.clone(), number(1))];
    assert_eq!(store.destroyed(), all, "the one without a file too");
    // Killed before anybody wrote them down.
    let (store, _) = open(copy(dir.path()).keep().as_path()).await;
    assert_eq!(store.destroyed(), all);
    store.told(&all[..1]).await.unwrap();
    assert_eq!(store.destroyed(), all[1..]);
    let (store, _) = open(copy(store.dir()).keep().as_path()).await;
    assert_eq!(store.destroyed(), all[1..]);
    store.told(&all).await.unwrap();
    assert!(!store.dir().join("destroyed").exists());
    let (store, _) = open(copy(store.dir()).keep().as_path()).await;
    assert_eq!(store.destroyed(), [], "once");
}

#[tokio::test]
async fn what_was_to_be_destroyed_and_was_not_is_not_told_of_and_what_a_crash_left_is() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    for hour in 0..3 {
        seal(&store, &gate, hour, 1).await;
    }
    // Killed between the note and the key ring (hour 1), and between the key ring and the files (hour 0).
    store.key_ring().unwrap().destroy(&[(gate.clone(), number(0))], at(9 * HOUR)).unwrap();
    let crashed = copy(dir.path());
    let noted = format!("gate {}\nnonsense\ngate {}\n", number(1).number(), number(0).number());
    std::fs::write(crashed.path().join("destroyed"), noted).unwrap();
    let (store, recovery) = open(crashed.path()).await;
    assert_eq!((recovery.shredded, store.destroyed()), (1, vec![(gate.clone(), number(0))]));
    drop(store);
    // The disk had no room for the note: the files tell.
    let (store, _) = open(copy(dir.path()).keep().as_path()).await;
    assert_eq!(store.destroyed(), [(gate, number(0))]);
}

#[tokio::test]
async fn deleted_files_are_counted_by_camera_kind_and_reason_until_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let (gate, yard) = (camera("gate"), camera("yard"));
    for minute in [1, 20, 40] {
        seal(&store, &gate, 0, minute).await;
    }
    seal(&store, &yard, 0, 5).await;
    store.retention_pass(at(2 * HOUR + 25 * 60_000), &[(gate.clone(), 2)], PLENTY).await.unwrap();
    store.retention_pass(at(2 * HOUR + 45 * 60_000), &[(gate.clone(), 2)], NO_ROOM).await.unwrap();
    let deleted = store.take_deleted();
    let of = |camera: &CameraId, why| deleted[&(camera.clone(), RecordingKind::Sealed, why)];
    let aged = of(&gate, DeletedFor::Age);
    assert_eq!((aged.files, aged.from, deleted.len()), (3, at(60_000), 2));
    assert!(aged.to > at(40 * 60_000) && aged.to < at(41 * 60_000));
    assert_eq!(of(&yard, DeletedFor::Room).files, 1);
    assert!(store.take_deleted().is_empty());
}
