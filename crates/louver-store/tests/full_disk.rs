//! A disk that runs full and is freed again while the server runs.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{SmallDisk, at, camera, masked};
use louver_base::CameraId;
use louver_store::{
    DiskWatermark, Gap, GapReason, RecordingKind, Store, StoreOptions, StreamKind, TokenHash,
};

const HOUR: i64 = 3_600_000;

fn gap(of: &CameraId, n: i64) -> Gap {
    let (start, end) = (at(n * 1000), at(n * 1000 + 500));
    Gap { camera: of.clone(), stream: StreamKind::Main, start, end, reason: GapReason::DiskFull }
}

/// A store that never flushes by itself: the test says when.
async fn open_quietly(dir: &std::path::Path) -> Store {
    let options = StoreOptions { flush_every: Duration::from_secs(3600), ..StoreOptions::default() };
    Store::open(dir, options).await.unwrap().0
}

async fn flush(store: &Store) -> bool {
    // A pass flushes first; with nothing to delete that is all it does.
    let pass = store.retention_pass(at(0), &[(camera("gate"), 1)], DiskWatermark::Bytes(0)).await;
    pass.is_ok()
}

async fn sign_in(store: &Store, n: u32) -> bool {
    let mut token = [0; 32];
    token[..4].copy_from_slice(&n.to_be_bytes());
    store.add_session(TokenHash(token), "anna", at(0), at(HOUR)).await.is_ok()
}

#[tokio::test]
async fn once_a_full_disk_has_room_again_the_catalogue_takes_everything_without_a_restart() {
    let Some(disk) = SmallDisk::mount("4m") else { return };
    let dir = disk.path().join("data");
    let store = open_quietly(&dir).await;
    let gate = camera("gate");
    store.set_password_hash("anna", "hash").await.unwrap();
    for spell in 0..3_i64 {
        let filler = disk.fill();
        // Until what SQLite had set aside is used up, and then some: every connection of the pool gets its share.
        let mut refused = 0;
        for n in 0..4000 {
            let _ = store.record_gap(gap(&gate, spell * 10_000 + n)).await;
            let ((), first, second) = tokio::join!(
                async {
                    flush(&store).await;
                },
                sign_in(&store, n as u32 * 2),
                sign_in(&store, n as u32 * 2 + 1),
            );
            refused += u32::from(!first) + u32::from(!second);
            if refused > 20 {
                break;
            }
        }
        assert!(refused > 20, "the disk was to be full");
        std::fs::remove_file(filler).unwrap();
        let last = gap(&gate, spell * 10_000 + 9_000);
        store.record_gap(last.clone()).await.unwrap();
        assert!(flush(&store).await, "spell {spell}");
        // Somebody else finds it written, and nobody in the way.
        let url = format!("sqlite://{}", dir.join("louver.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        let written: i64 = sqlx::query_scalar("SELECT count(*) FROM gaps WHERE start_us = ?")
            .bind(last.start.micros())
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(written, 1, "spell {spell}: a flush that worked has reached the file");
        sqlx::raw_sql("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; COMMIT").execute(&pool).await.unwrap();
        pool.close().await;
        for n in 0..8 {
            assert!(sign_in(&store, 1_000_000 + n).await, "spell {spell}: people get in");
        }
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_start_without_a_free_byte_gives_up_its_reserve_and_makes_room() {
    let Some(disk) = SmallDisk::mount("24m") else { return };
    let dir = disk.path().join("data");
    let gate = camera("gate");
    let store = open_quietly(&dir).await;
    assert_eq!(std::fs::metadata(dir.join("reserve")).unwrap().len(), 4 << 20);
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    for n in 0..10 {
        // A file of its own for each.
        writer.append(masked(vec![7; 500_000]), at(n * 60_000), at(n * 60_000 + 900)).await.unwrap();
    }
    writer.finish().await.unwrap();
    store.close().await.unwrap();
    disk.fill();
    let store = open_quietly(&dir).await;
    assert!(!dir.join("reserve").exists());
    std::fs::write(dir.join("others"), vec![0; 5 << 20]).unwrap_err();
    let report = store.retention_pass(at(HOUR), &[], DiskWatermark::Bytes(1 << 20)).await.unwrap();
    assert!(report.crowded_out_files > 0 && !report.still_low, "{report:?}");
    writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    writer.append(masked("fragment"), at(HOUR), at(HOUR + 900)).await.unwrap();
    writer.finish().await.unwrap();
    store.close().await.unwrap();
    // Without a reserve it says what to do.
    disk.fill();
    let refused = Store::open(&dir, StoreOptions::default()).await.unwrap_err();
    assert!(refused.is_disk_full() && refused.to_string().contains("free some space"), "{refused:?}");
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_told_to_its_own_camera_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_quietly(dir.path()).await;
    let (gate, yard) = (camera("gate"), camera("yard"));
    std::fs::write(dir.path().join("masked/yard"), "in the way").unwrap();
    let refused = store.record_gap(gap(&yard, 0)).await.unwrap_err();
    assert!(
        std::error::Error::source(&refused).is_some() && refused.to_string().contains("yard"),
        "{refused}"
    );
    store.record_gap(gap(&gate, 0)).await.unwrap();
    assert!(store.record_gap(gap(&yard, 1)).await.is_err());
    std::fs::remove_file(dir.path().join("masked/yard")).unwrap();
    store.record_gap(gap(&gate, 1)).await.unwrap();
    let lines = |id: &str| {
        let journal = common::files(&dir.path().join("masked").join(id), ".jsonl");
        std::fs::read_to_string(&journal[0]).unwrap().lines().count()
    };
    assert_eq!((lines("gate"), lines("yard")), (2, 2), "nothing is lost");
}

#[tokio::test]
async fn what_is_recorded_and_what_is_noted_as_a_gap_are_accounted_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_quietly(dir.path()).await;
    let gate = camera("gate");
    let until = async |kind| store.accounted_until(&gate, kind, at(HOUR)).await.unwrap();
    store.record_gap(gap(&gate, 0)).await.unwrap();
    assert_eq!(until(RecordingKind::Scene).await, None, "never recorded: no gap");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    writer.append(masked("fragment"), at(5000), at(5900)).await.unwrap();
    assert_eq!(until(RecordingKind::Masked).await, Some(at(5900)));
    store.record_gap(Gap { start: at(5900), end: at(9000), ..gap(&gate, 0) }).await.unwrap();
    assert_eq!(until(RecordingKind::Masked).await, Some(at(5900)), "the other stream's gap");
    let mine = Gap { start: at(5900), end: at(8000), stream: StreamKind::Sub, ..gap(&gate, 0) };
    store.record_gap(mine).await.unwrap();
    assert_eq!(until(RecordingKind::Masked).await, Some(at(8000)));
}
