//! What is deleted, what stays, and trouble with the disk.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{SmallDisk, at, camera, copy, event, files, fragment, gop, masked, open, sealer};
use louver_base::{CameraId, Class, EventId};
use louver_store::{DiskWatermark, Gap, GapReason, Store, StoreError, StoreOptions, StreamKind};

const HOUR: i64 = 3_600_000;
const PLENTY: DiskWatermark = DiskWatermark::Bytes(0);

/// A masked and a sealed file, an event with a still and a gap, all at this hour; files are left open if asked.
async fn hour(store: &Store, id: &CameraId, hour: i64) {
    let start = hour * HOUR;
    let mut writer = store.masked_writer(id);
    writer.begin(masked("init")).await.unwrap();
    writer.append(fragment(0), at(start), at(start + 900)).await.unwrap();
    writer.finish().await.unwrap();
    let (mut seal, header) = sealer(store, id, at(start));
    let mut writer = store.sealed_writer(id);
    writer.begin(header, at(start)).await.unwrap();
    writer.append(seal.seal(&gop(at(start))).unwrap()).await.unwrap();
    writer.finish(seal.finish().unwrap().end).await.unwrap();
    let e = EventId::from_random((hour + 1000) as u128);
    store.start_event(event((hour + 1000) as u128, id.as_str(), Class::Person, start)).await.unwrap();
    store.set_still(e, masked("still")).await.unwrap();
    store.finish_event(e, at(start + 1000)).await.unwrap();
    let gap = Gap {
        camera: id.clone(),
        stream: StreamKind::Main,
        start: at(start + 900),
        end: at(start + 2000),
        reason: GapReason::Unreachable,
    };
    store.record_gap(gap).await.unwrap();
}

fn count(dir: &Path) -> [usize; 4] {
    [".mp4", ".lvs", ".jpg", ".jsonl"].map(|ending| files(dir, ending).len())
}

#[tokio::test]
async fn what_is_older_than_its_cameras_retention_goes_with_its_events_stills_and_journals() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let (gate, yard) = (camera("gate"), camera("yard"));
    for h in 0..6 {
        hour(&store, &gate, h).await;
    }
    hour(&store, &yard, 49).await;
    // An old file that is still open.
    let mut open_file = store.masked_writer(&gate);
    open_file.begin(masked("init")).await.unwrap();
    open_file.append(fragment(0), at(HOUR / 2), at(HOUR / 2 + 900)).await.unwrap();
    // An old event that goes on.
    store.start_event(event(7, "gate", Class::Vehicle, 2 * HOUR + 5)).await.unwrap();

    let hours = [(gate.clone(), 2), (yard.clone(), 2)];
    let report = store.retention_pass(at(5 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!((report.expired_files, report.events, report.failed_files), (6, 3, 0), "{report:?}");
    assert!(!report.still_low && report.crowded_out_files == 0 && report.bytes > 1000);
    // Hours 0 to 2 are gone, but for the open file, its hour's folder and the journal of the open event.
    assert_eq!(count(&dir.path().join("masked/gate")), [4, 0, 3, 5]);
    assert_eq!(count(&dir.path().join("sealed/gate"))[1], 3);
    assert_eq!(count(dir.path())[0], 5, "the other camera's file is younger");
    let left = store.recordings(&gate, at(-HOUR), at(99 * HOUR)).await.unwrap();
    assert_eq!(left.len(), 7);
    assert_eq!(store.gaps(&gate, at(-HOUR), at(99 * HOUR)).await.unwrap().len(), 3);
    assert!(matches!(store.event(EventId::from_random(1001)).await, Err(StoreError::NoEvent(_))));
    assert!(store.event(EventId::from_random(7)).await.is_ok());
    assert!(store.still(EventId::from_random(1003)).await.unwrap().is_some());

    // Nothing of it comes back with a rebuild.
    let copied = copy(dir.path());
    for db in files(copied.path(), ".db") {
        std::fs::remove_file(db).unwrap();
    }
    let (rebuilt, _) = open(copied.path()).await;
    rebuilt.retention_pass(at(5 * HOUR), &hours, PLENTY).await.unwrap();
    assert!(matches!(rebuilt.event(EventId::from_random(1001)).await, Err(StoreError::NoEvent(_))));
    assert_eq!(rebuilt.recordings(&gate, at(-HOUR), at(99 * HOUR)).await.unwrap().len(), 6 + 1 - 1);

    open_file.append(fragment(1), at(HOUR / 2 + 1000), at(HOUR / 2 + 1900)).await.unwrap();
    open_file.finish().await.unwrap();
    store.finish_event(EventId::from_random(7), at(2 * HOUR + 10)).await.unwrap();
    let report = store.retention_pass(at(50 * HOUR), &hours, PLENTY).await.unwrap();
    assert_eq!((report.expired_files, report.events), (7, 4));
    assert_eq!(count(&dir.path().join("masked/gate")), [0, 0, 0, 0]);
    let days = std::fs::read_dir(dir.path().join("masked/gate")).unwrap().count();
    assert_eq!(days, 0, "no empty folders stay");
}

#[tokio::test]
async fn held_evidence_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    hour(&store, &gate, 0).await;
    store.close().await.unwrap();
    let url = format!("sqlite://{}", dir.path().join("louver.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::query("UPDATE recordings SET held = 1 WHERE kind = 0").execute(&pool).await.unwrap();
    pool.close().await;
    let (store, _) = open(dir.path()).await;
    let report =
        store.retention_pass(at(99 * HOUR), &[(gate, 1)], DiskWatermark::Percent(100)).await.unwrap();
    assert_eq!((report.expired_files, report.still_low), (1, true));
    assert_eq!(count(dir.path()), [0, 1, 0, 0]);
}

#[tokio::test]
async fn a_disk_below_its_watermark_loses_the_oldest_of_all_cameras_first() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let (gate, yard) = (camera("gate"), camera("yard"));
    hour(&store, &gate, 0).await;
    hour(&store, &yard, 1).await;
    hour(&store, &gate, 2).await;
    let mut open_file = store.masked_writer(&yard);
    open_file.begin(masked("init")).await.unwrap();
    open_file.append(fragment(0), at(-HOUR), at(-HOUR + 900)).await.unwrap();
    // No disk is ever wholly free: everything that may go goes.
    let report = store.retention_pass(at(4 * HOUR), &[], DiskWatermark::Percent(100)).await.unwrap();
    assert_eq!((report.crowded_out_files, report.expired_files, report.still_low), (6, 0, true));
    assert_eq!(report.events, 1, "events that outlasted the last recording that went stay: {report:?}");
    assert_eq!(count(dir.path())[..2], [1, 0]);
    assert_eq!(store.cameras().await.unwrap(), [gate, yard]);
}

#[tokio::test]
async fn a_full_disk_says_so_loses_nothing_and_goes_on_once_there_is_room() {
    let Some(disk) = SmallDisk::mount("3m") else { return };
    let dir = disk.path().join("data");
    let (store, _) = open(&dir).await;
    let gate = camera("gate");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    let big = masked(vec![7_u8; 100_000]);
    let mut written = 0;
    let refused = loop {
        // A file of its own for each.
        match writer.append(big.clone(), at(written * 60_000), at(written * 60_000 + 900)).await {
            Ok(()) => written += 1,
            Err(e) => break e,
        }
        assert!(written < 100);
    };
    assert!(refused.is_disk_full(), "{refused:?}");
    let said = refused.to_string();
    assert!(said.contains("is full") && said.contains("free some space"), "{said}");
    assert!(written > 5);
    // Filled to the last byte, so that journals do not fit either.
    std::fs::write(dir.join("filler"), vec![0; 3 << 20]).unwrap_err();
    let gap = Gap {
        camera: gate.clone(),
        stream: StreamKind::Sub,
        start: at(written * 60_000),
        end: at(written * 60_000 + 5000),
        reason: GapReason::DiskFull,
    };
    let _ = store.record_gap(gap.clone()).await;
    assert_eq!(store.gaps(&gate, at(0), at(HOUR)).await.unwrap(), std::slice::from_ref(&gap));
    for r in store.recordings(&gate, at(0), at(HOUR)).await.unwrap() {
        assert_eq!(store.masked_file(&gate, r.id).await.unwrap().fragments.len(), 1);
    }
    std::fs::remove_file(dir.join("filler")).unwrap();
    let report = store.retention_pass(at(2 * HOUR), &[], DiskWatermark::Bytes(1 << 20)).await.unwrap();
    assert!(report.crowded_out_files > 0 && !report.still_low, "{report:?}");
    let next = at(written * 60_000 + 5000);
    writer.append(big, next, next).await.unwrap();
    writer.finish().await.unwrap();
    store.close().await.unwrap();
    std::fs::remove_file(dir.join("louver.db")).unwrap();
    let (store, recovery) = open(&dir).await;
    assert_eq!((recovery.torn, recovery.bad_lines), (0, 0), "{recovery:?}");
    assert_eq!(store.gaps(&gate, at(0), at(HOUR)).await.unwrap(), [gap]);
    assert_eq!(store.recordings(&gate, at(0), at(HOUR)).await.unwrap().last().unwrap().end, next);
}

#[tokio::test]
async fn a_first_start_on_a_full_disk_says_so() {
    let Some(disk) = SmallDisk::mount("1m") else { return };
    std::fs::write(disk.path().join("filler"), vec![0; 2 << 20]).unwrap_err();
    let refused = Store::open(&disk.path().join("data"), StoreOptions::default()).await.unwrap_err();
    assert!(refused.is_disk_full() && refused.to_string().contains("is full"), "{refused:?}");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    hour(&store, &camera("gate"), 0).await;
    let refused = Store::open(dir.path(), StoreOptions::default()).await.unwrap_err();
    assert!(matches!(refused, StoreError::InUse(_)));
    assert!(refused.to_string().contains("in use by another Louver server"), "{refused}");
    assert_eq!(store.recordings(&camera("gate"), at(0), at(HOUR)).await.unwrap().len(), 2);
    store.close().await.unwrap();
    let (store, _) = open(dir.path()).await;
    assert_eq!(store.recordings(&camera("gate"), at(0), at(HOUR)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_to_is_refused_with_what_to_do() {
    // Nobody, root included, can make folders in /proc.
    let refused = Store::open(Path::new("/proc/louver/data"), StoreOptions::default()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotWritable { .. } | StoreError::Io { .. }), "{refused:?}");
    let Some(disk) = SmallDisk::mount("1m") else { return };
    let made = std::process::Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status();
    if !made.is_ok_and(|s| s.success()) {
        println!("skipped: a tmpfs cannot be made read-only here");
        return;
    }
    for dir in [disk.path().to_owned(), disk.path().join("data")] {
        let refused = Store::open(&dir, StoreOptions::default()).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotWritable { .. }), "{refused:?}");
        assert!(refused.to_string().contains("cannot be written to: give the user"), "{refused}");
    }
}

#[tokio::test]
async fn a_lost_mask_key_is_not_replaced_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    hour(&store, &camera("gate"), 0).await;
    let site = store.site_id();
    store.close().await.unwrap();
    let (store, _) = open(dir.path()).await;
    assert_eq!(store.site_id(), site);
    store.close().await.unwrap();
    for wrong in [None, Some("zz"), Some("")] {
        match wrong {
            Some(text) => std::fs::write(dir.path().join("mask.key"), text).unwrap(),
            None => std::fs::remove_file(dir.path().join("mask.key")).unwrap(),
        }
        let refused = Store::open(dir.path(), StoreOptions::default()).await.unwrap_err();
        assert!(refused.to_string().contains("restore it from a backup"), "{refused}");
    }
}

#[tokio::test]
async fn only_the_owner_can_read_the_data() {
    use std::os::unix::fs::PermissionsExt as _;
    let top = tempfile::tempdir().unwrap();
    let dir = top.path().join("data");
    let (store, _) = open(&dir).await;
    hour(&store, &camera("gate"), 0).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for name in ["mask.key", "site.id", "lock"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    for file in [".mp4", ".lvs", ".jpg", ".jsonl"].iter().flat_map(|e| files(&dir, e)) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn the_catalogue_is_written_every_few_seconds_and_a_dropped_store_lets_go_of_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let often = StoreOptions { flush_every: Duration::from_millis(20), ..StoreOptions::default() };
    let (store, _) = Store::open(dir.path(), often).await.unwrap();
    let gate = camera("gate");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    writer.append(fragment(0), at(0), at(900)).await.unwrap();
    store.start_event(event(1, "gate", Class::Person, 0)).await.unwrap();
    let url = format!("sqlite://{}?mode=ro", dir.path().join("louver.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let written = async {
        loop {
            let counts: (i64, i64) =
                sqlx::query_as("SELECT (SELECT count(*) FROM recordings), (SELECT count(*) FROM events)")
                    .fetch_one(&pool)
                    .await
                    .unwrap();
            if counts == (1, 1) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), written).await.expect("the flusher runs");
    pool.close().await;
    drop((store, writer));
    // The flusher may hold the store for the length of one more flush.
    let opened = async {
        loop {
            match Store::open(dir.path(), often).await {
                Err(StoreError::InUse(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                other => break other.unwrap(),
            }
        }
    };
    let (store, recovery) =
        tokio::time::timeout(Duration::from_secs(20), opened).await.expect("the lock goes");
    assert_eq!((recovery.scanned, recovery.closed_events), (1, 1));
    store.close().await.unwrap();
    assert!(matches!(store.password_hash("anna").await, Err(StoreError::Closed)));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_any_more_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    writer.append(fragment(0), at(0), at(900)).await.unwrap();
    {
        // Polled once, then dropped: the write is under way on another thread.
        let mut call = std::pin::pin!(writer.append(fragment(1), at(1000), at(1900)));
        std::future::poll_fn(|cx| {
            let _ = call.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
    }
    writer.append(fragment(2), at(2000), at(2900)).await.unwrap();
    writer.finish().await.unwrap();
    let mut firsts = Vec::new();
    for r in store.recordings(&gate, at(0), at(HOUR)).await.unwrap() {
        let file = store.masked_file(&gate, r.id).await.unwrap();
        assert_eq!(file.damaged, 0);
        firsts.extend(file.fragments.iter().map(|f| f.first));
    }
    // The one in between may have made it.
    firsts.retain(|first| *first != at(1000));
    assert_eq!(firsts, [at(0), at(2000)]);
}
