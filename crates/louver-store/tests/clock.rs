//! Clocks that are wrong, jump and come back.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{at, camera, files, fragment, gop, masked, open, sealer};
use louver_base::{CameraId, WallTime};
use louver_store::{
    ClockReading, DiskWatermark, Gap, GapReason, RecordingKind, Store, StreamKind, sealed_segments,
};
use louver_vault::{Hour, SegmentInfo};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const TEN_YEARS: i64 = 3650 * DAY;
const PLENTY: DiskWatermark = DiskWatermark::Bytes(0);

async fn record(store: &Store, id: &CameraId, start: i64) {
    store.hour_secret(id, Hour::of(at(start))).await.unwrap();
    let (mut seal, header) = sealer(store, id, at(start));
    let mut sealed = store.sealed_writer(id);
    sealed.begin(header, at(start)).await.unwrap();
    sealed.append(seal.seal(&gop(at(start))).unwrap()).await.unwrap();
    sealed.finish(seal.finish().unwrap().end).await.unwrap();
    let mut shown = store.masked_writer(id);
    shown.begin(masked("init")).await.unwrap();
    shown.append(fragment(start), at(start), at(start + 900)).await.unwrap();
    shown.finish().await.unwrap();
}

fn reading(wall: i64, awake_ms: i64) -> ClockReading {
    ClockReading {
        wall: at(wall),
        awake: Duration::from_millis(awake_ms.unsigned_abs()),
        boot: 7,
        kept: false,
    }
}

#[tokio::test]
async fn ten_years_ahead_delete_nothing_and_what_was_recorded_then_goes_at_its_age_after_all() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let hours = [(gate.clone(), 72)];
    let pass = async |store: &Store, wall: i64, awake: i64| {
        let time = store.retention_time(reading(wall, awake)).await.unwrap();
        store.retention_pass(time.now, &hours, PLENTY).await.unwrap()
    };
    record(&store, &gate, 0).await;
    assert_eq!(pass(&store, HOUR, HOUR).await.expired_files, 0);
    // For an hour the clock is ten years ahead; there is a restart in it.
    record(&store, &gate, TEN_YEARS + 2 * HOUR).await;
    let report = pass(&store, TEN_YEARS + 2 * HOUR, 2 * HOUR).await;
    assert_eq!((report.expired_files, report.shredded.len()), (0, 0));
    assert!(
        store.concerns().iter().any(|text| text.contains("3650 days ahead of")),
        "{:?}",
        store.concerns()
    );
    store.close().await.unwrap();
    let (store, _) = open(dir.path()).await;
    let report = pass(&store, TEN_YEARS + 3 * HOUR, 3 * HOUR).await;
    assert_eq!((report.expired_files, report.shredded.len()), (0, 0));
    // It comes back.
    record(&store, &gate, 4 * HOUR).await;
    assert_eq!(pass(&store, 4 * HOUR, 4 * HOUR).await.expired_files, 0);
    assert_eq!(store.concerns(), [""; 0]);
    // What is dated ten years ahead goes when its time has passed since it was seen.
    assert_eq!(pass(&store, 73 * HOUR, 73 * HOUR).await.expired_files, 2, "the first hour's");
    let ahead = sealed_segments(dir.path(), &gate, at(TEN_YEARS), at(2 * TEN_YEARS)).unwrap();
    assert_eq!(ahead.len(), 1);
    let report = pass(&store, 76 * HOUR, 76 * HOUR).await;
    assert_eq!((report.expired_files, report.shredded.len()), (2, 1));
    assert_eq!(files(dir.path(), ".lvs").len(), 1);
}

#[tokio::test]
async fn a_clock_ten_years_behind_deletes_nothing_early_when_it_is_set_right() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let hours = [(gate.clone(), 72)];
    record(&store, &gate, 0).await;
    for (wall, awake) in
        [(HOUR, HOUR), (-TEN_YEARS, 2 * HOUR), (-TEN_YEARS + HOUR, 3 * HOUR), (4 * HOUR, 4 * HOUR)]
    {
        let time = store.retention_time(reading(wall, awake)).await.unwrap();
        let report = store.retention_pass(time.now, &hours, PLENTY).await.unwrap();
        assert_eq!(report.expired_files, 0, "{wall}");
    }
}

#[tokio::test]
async fn steps_of_an_hour_give_every_segment_keys_and_a_name_of_its_own_and_all_of_it_is_on_the_timeline() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    // Forward an hour, back again into the first hour, back before it, and into it once more, at the same millisecond.
    let starts = [0, HOUR, 0, -HOUR, 0];
    for start in starts {
        record(&store, &gate, start).await;
    }
    let segments = sealed_segments(dir.path(), &gate, at(-2 * HOUR), at(3 * HOUR)).unwrap();
    assert_eq!(segments.len(), starts.len());
    // All that hold one time are found, however many began after them by a clock that was set back.
    let at_once = sealed_segments(dir.path(), &gate, at(500), at(600)).unwrap();
    assert_eq!(at_once.iter().filter(|s| s.start >= at(0)).count(), 3);
    let heads: BTreeSet<[u8; 32]> = segments
        .iter()
        .map(|s| *SegmentInfo::inspect(&mut std::fs::File::open(&s.path).unwrap()).unwrap().head.hash())
        .collect();
    assert_eq!(heads.len(), starts.len(), "salts and shares of no two are the same");
    let shown = store.recordings(&gate, at(-2 * HOUR), at(3 * HOUR)).await.unwrap();
    assert_eq!(shown.len(), 2 * starts.len());
    for r in shown.iter().filter(|r| r.kind == RecordingKind::Masked) {
        assert_eq!(store.masked_file(&gate, r.id).await.unwrap().fragments.len(), 1);
    }
}

#[tokio::test]
async fn an_hour_that_the_clock_comes_back_to_after_its_secret_was_destroyed_gets_another() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let (gate, hour) = (camera("gate"), Hour::of(at(0)));
    record(&store, &gate, 0).await;
    let first = store.hour_secret(&gate, hour).await.unwrap();
    store.retention_pass(at(9 * HOUR), &[(gate.clone(), 1)], PLENTY).await.unwrap();
    record(&store, &gate, 0).await;
    assert!(store.hour_secret(&gate, hour).await.unwrap() != first);
}

#[tokio::test]
async fn what_a_wrong_clock_dated_later_does_not_hide_the_gap_until_now() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    record(&store, &gate, 0).await;
    record(&store, &gate, TEN_YEARS).await;
    let (start, end) = (at(TEN_YEARS + 900), at(TEN_YEARS + 5000));
    let reason = GapReason::Restart;
    store
        .record_gap(Gap { camera: gate.clone(), stream: StreamKind::Main, start, end, reason })
        .await
        .unwrap();
    let until = async |now: WallTime| store.accounted_until(&gate, RecordingKind::Sealed, now).await.unwrap();
    assert_eq!(until(at(HOUR)).await, Some(at(100)), "the last picture of before");
    assert_eq!(until(at(TEN_YEARS + HOUR)).await, Some(end));
}

#[tokio::test]
async fn nothing_goes_early_after_two_wrong_settings_nor_when_the_second_is_believed_at_last() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let hours = [(gate.clone(), 72)];
    let pass = async |store: &Store, wall: i64, awake: i64| {
        let time = store.retention_time(reading(wall, awake)).await.unwrap();
        (time.doubt.is_some(), store.retention_pass(time.now, &hours, PLENTY).await.unwrap().expired_files)
    };
    record(&store, &gate, 0).await;
    assert_eq!(pass(&store, HOUR, HOUR).await, (false, 0));
    // Ten years behind, then nine: by the first of them what is there was seen a year ago.
    let nine = -TEN_YEARS + 365 * DAY;
    assert_eq!(pass(&store, -TEN_YEARS, 2 * HOUR).await, (true, 0));
    assert_eq!(pass(&store, nine, 3 * HOUR).await, (true, 0));
    // It stays so for long, and is believed: from then on what is dated ahead has its time.
    assert_eq!(pass(&store, nine + 7 * DAY - HOUR, 7 * DAY + 2 * HOUR).await, (true, 0));
    assert_eq!(pass(&store, nine + 7 * DAY, 7 * DAY + 3 * HOUR).await, (false, 0));
    assert_eq!(pass(&store, nine + 10 * DAY - HOUR, 10 * DAY + 2 * HOUR).await, (false, 0));
    assert_eq!(pass(&store, nine + 10 * DAY, 10 * DAY + 3 * HOUR).await, (false, 2));
}
