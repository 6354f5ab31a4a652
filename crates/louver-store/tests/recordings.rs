//! Writing, reading back, and what a crash leaves.

#![allow(clippy::unwrap_used)]

mod common;

use common::{NINE, at, camera, copy, files, fragment, gop, masked, open, sealer};
use louver_base::WallTime;
use louver_store::{RecordingKind, ScenePart, StoreError, rotation_due, sealed_segments};

const SECOND: i64 = 1000;

#[tokio::test]
async fn masked_video_comes_back_as_it_was_written_while_it_is_written_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let (store, recovery) = open(dir.path()).await;
    assert!(!recovery.rebuilt);
    let gate = camera("gate");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    for n in 0..3 {
        writer.append(fragment(n), at(n * SECOND), at(n * SECOND + 900)).await.unwrap();
    }
    let listed = store.recordings(&gate, at(0), at(1)).await.unwrap();
    assert_eq!((listed.len(), listed[0].finished, listed[0].end), (1, false, at(2900)));

    let finished = writer.finish().await.unwrap().unwrap();
    assert_eq!(store.recordings(&gate, at(0), at(1)).await.unwrap(), vec![finished.clone()]);
    let file = store.masked_file(&gate, finished.id).await.unwrap();
    assert!(file.init.get().starts_with(b"init"));
    assert_eq!((file.fragments.len(), file.damaged), (3, 0));
    for (n, part) in file.fragments.iter().enumerate() {
        assert!(part.bytes.get().starts_with(fragment(n as i64).get()));
        assert_eq!(part.first, at(n as i64 * SECOND));
    }
    let late = store.masked_file_from(&gate, finished.id, at(1500)).await.unwrap();
    assert_eq!(late.fragments.iter().map(|f| f.first).collect::<Vec<_>>(), [at(1000), at(2000)]);
    assert!(late.init.get().starts_with(b"init"));
}

#[tokio::test]
async fn a_masked_file_ends_after_a_minute_with_the_hour_and_when_the_clock_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    for ms in [-90_000, -40_000, -30_000, -10_000, 1000, 500, 2000, 60_499, 60_500] {
        writer.append(fragment(ms), at(ms), at(ms + 100)).await.unwrap();
    }
    let starts: Vec<_> = store.recordings(&gate, at(-100_000), at(200_000)).await.unwrap();
    let starts: Vec<_> = starts.iter().map(|r| r.start.millis() - NINE).collect();
    assert_eq!(starts, [-90_000, -30_000, 500, 1000, 60_500]);
    // Each can be played by itself.
    for r in store.recordings(&gate, at(-100_000), at(200_000)).await.unwrap() {
        assert!(!store.masked_file(&gate, r.id).await.unwrap().is_empty());
    }
}

#[test]
fn a_sealed_segment_ends_after_five_minutes_with_the_hour_and_when_the_clock_goes_back() {
    for (start, next, due) in
        [(0, 299_999, false), (0, 300_000, true), (-1, 0, true), (5, 4, true), (3_599_000, 3_599_999, false)]
    {
        assert_eq!(rotation_due(at(start), at(next), true), due, "{start} {next}");
    }
    // A group that is written in parts stays together, for a while.
    for (start, next, due) in
        [(0, 309_999, false), (0, 310_000, true), (-1, 9_999, false), (-1, 10_000, true), (5, 4, true)]
    {
        assert_eq!(rotation_due(at(start), at(next), false), due, "{start} {next}");
    }
}

#[tokio::test]
async fn bytes_that_were_changed_on_disk_are_left_out_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    for n in 0..4 {
        writer.append(fragment(n), at(n * SECOND), at(n * SECOND + 900)).await.unwrap();
    }
    let id = writer.finish().await.unwrap().unwrap().id;
    let path = &files(dir.path(), ".mp4")[0];
    let whole = std::fs::read(path).unwrap();
    let part = (whole.len() - (64 + 4 + 56)) / 4;
    let second = 64 + 4 + 56 + part;
    // Head (time, length), body and tag of the second fragment: never the others.
    for byte in
        [second + 1, second + 30, second + 42, second + 50, second + 70, second + 110, second + part - 1]
    {
        let mut changed = whole.clone();
        changed[byte] ^= 1;
        std::fs::write(path, &changed).unwrap();
        let file = store.masked_file(&gate, id).await.unwrap();
        let firsts: Vec<_> = file.fragments.iter().map(|f| f.first).collect();
        assert_eq!((firsts, file.damaged), (vec![at(0), at(2000), at(3000)], 1), "byte {byte}");
    }
    let mut changed = whole.clone();
    changed[66] ^= 1;
    std::fs::write(path, &changed).unwrap();
    assert!(matches!(store.masked_file(&gate, id).await, Err(StoreError::Damaged { .. })));
    // A file that Louver did not write is not shown, whatever its name says.
    std::fs::write(path, b"\0\0\0\x18ftypisom an original that strayed").unwrap();
    assert!(matches!(store.masked_file(&gate, id).await, Err(StoreError::Damaged { .. })));
    std::fs::remove_file(path).unwrap();
    assert!(matches!(store.masked_file(&gate, id).await, Err(StoreError::NoRecording { .. })));
}

#[tokio::test]
async fn a_masked_file_torn_at_any_byte_keeps_its_whole_fragments() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    for n in 0..3 {
        writer.append(fragment(n), at(n * SECOND), at(n * SECOND + 900)).await.unwrap();
    }
    let path = files(dir.path(), ".mp4")[0].clone();
    let whole = std::fs::read(&path).unwrap();
    let init = 64 + 4 + 56;
    let part = (whole.len() - init) / 3;
    let left = copy(dir.path());
    let copied = left.path().join(path.strip_prefix(dir.path()).unwrap());
    let cuts = (init + 2 * part - 1..=whole.len()).chain([
        0,
        1,
        63,
        64,
        init - 1,
        init,
        init + part - 1,
        init + part,
    ]);
    for cut in cuts {
        std::fs::create_dir_all(copied.parent().unwrap()).unwrap();
        std::fs::write(&copied, &whole[..cut]).unwrap();
        let (torn, recovery) = open(left.path()).await;
        let fragments = cut.saturating_sub(init) / part;
        let found = torn.recordings(&gate, at(0), at(9000)).await.unwrap();
        assert_eq!(found.len(), usize::from(fragments > 0), "cut at {cut}: {recovery:?}");
        if let Some(r) = found.first() {
            assert_eq!(r.end, at((fragments as i64 - 1) * SECOND + 900), "cut at {cut}");
            let file = torn.masked_file(&gate, r.id).await.unwrap();
            assert_eq!((file.fragments.len(), file.damaged), (fragments, 0), "cut at {cut}");
            assert_eq!(std::fs::metadata(&copied).unwrap().len() as usize, init + fragments * part);
            assert_eq!(recovery.torn, u64::from(cut > init + fragments * part));
        } else {
            assert_eq!((recovery.empty, copied.exists()), (1, false), "cut at {cut}");
        }
        torn.close().await.unwrap();
        // As after a crash before the index was written.
        for db in files(left.path(), ".db") {
            std::fs::remove_file(db).unwrap();
        }
    }
}

#[tokio::test]
async fn zeroes_after_a_power_cut_are_cut_off_and_damage_before_whole_fragments_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    for n in 0..4 {
        writer.append(fragment(n), at(n * SECOND), at(n * SECOND + 900)).await.unwrap();
    }
    let left = copy(dir.path());
    let path = files(left.path(), ".mp4")[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    let init = 64 + 4 + 56;
    let part = (bytes.len() - init) / 4;
    bytes[init + part + 3] ^= 1;
    let end = init + 3 * part;
    bytes[end + 100..].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let (torn, recovery) = open(left.path()).await;
    assert_eq!(recovery.torn, 1);
    assert_eq!(std::fs::metadata(&path).unwrap().len() as usize, end);
    let found = torn.recordings(&gate, at(0), at(9000)).await.unwrap();
    let file = torn.masked_file(&gate, found[0].id).await.unwrap();
    let firsts: Vec<_> = file.fragments.iter().map(|f| f.first).collect();
    assert_eq!((firsts, file.damaged), (vec![at(0), at(2000)], 1));
}

#[tokio::test]
async fn a_sealed_segment_torn_at_any_byte_keeps_its_whole_fragments_and_all_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let (mut seal, header) = sealer(&store, &gate, at(0));
    let head = header.as_bytes().len();
    let mut writer = store.sealed_writer(&gate);
    writer.begin(header, at(0)).await.unwrap();
    for n in 0..3 {
        writer.append(seal.seal(&gop(at(n * SECOND))).unwrap()).await.unwrap();
    }
    assert_eq!(writer.open_since(), Some(at(0)));
    let path = files(dir.path(), ".lvs")[0].clone();
    let whole = std::fs::read(&path).unwrap();
    let part = (whole.len() - head) / 3;
    let left = copy(dir.path());
    let copied = left.path().join(path.strip_prefix(dir.path()).unwrap());
    let cuts = (head + 2 * part - 1..=whole.len()).step_by(7).chain([
        0,
        20,
        head - 1,
        head,
        head + part,
        whole.len(),
    ]);
    for cut in cuts {
        std::fs::create_dir_all(copied.parent().unwrap()).unwrap();
        std::fs::write(&copied, &whole[..cut]).unwrap();
        let (torn, recovery) = open(left.path()).await;
        let fragments = cut.saturating_sub(head) / part;
        let found = torn.recordings(&gate, at(0), at(9000)).await.unwrap();
        assert_eq!(found.len(), usize::from(fragments > 0), "cut at {cut}: {recovery:?}");
        if let Some(r) = found.first() {
            assert_eq!(r.end, at((fragments as i64 - 1) * SECOND + 100), "cut at {cut}");
            assert_eq!(r.bytes as usize, head + fragments * part, "cut at {cut}");
            assert_eq!(std::fs::metadata(&copied).unwrap().len() as usize, cut);
        } else {
            assert_eq!(recovery.empty, 1, "cut at {cut}");
        }
        torn.close().await.unwrap();
        for db in files(left.path(), ".db") {
            std::fs::remove_file(db).unwrap();
        }
    }
    let finished = writer.finish(seal.finish().unwrap().end).await.unwrap();
    assert_eq!((finished.kind, finished.end), (RecordingKind::Sealed, at(2100)));
}

#[tokio::test]
async fn sealed_segments_are_found_beside_a_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let mut writer = store.sealed_writer(&gate);
    let minutes = [-65, -60, -10, -5, 0, 5, 10, 60];
    for minute in minutes {
        let start = at(minute * 60 * SECOND);
        let (mut seal, header) = sealer(&store, &gate, start);
        writer.begin(header, start).await.unwrap();
        writer.append(seal.seal(&gop(start)).unwrap()).await.unwrap();
    }
    let minute = |m: i64| at(m * 60 * SECOND);
    let found = |from, to| -> Vec<i64> {
        let found = sealed_segments(dir.path(), &gate, from, to).unwrap();
        found.iter().map(|s| (s.start.millis() - NINE) / 60_000).collect()
    };
    // One more than needed at the start: the clock may have gone back a little.
    assert_eq!(found(minute(3), minute(6)), [-5, 0, 5]);
    assert_eq!(found(minute(-1000), minute(1000)), minutes);
    assert_eq!(found(minute(30), minute(40)), [5, 10]);
    assert_eq!(found(minute(-1000), minute(-999)), [0_i64; 0]);
    assert!(sealed_segments(dir.path(), &camera("other"), minute(0), minute(1)).unwrap().is_empty());
}

#[tokio::test]
async fn a_fragment_without_a_beginning_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let refused = store.masked_writer(&gate).append(fragment(0), at(0), at(1)).await;
    assert!(matches!(refused, Err(StoreError::NotBegun { .. })));
    let (mut seal, _) = sealer(&store, &gate, at(0));
    let refused = store.sealed_writer(&gate).append(seal.seal(&gop(at(0))).unwrap()).await;
    assert!(matches!(refused, Err(StoreError::NotBegun { .. })));
    assert!(files(dir.path(), ".mp4").is_empty() && files(dir.path(), ".lvs").is_empty());
    let huge = masked(vec![0_u8; 16 << 20]);
    assert!(matches!(store.masked_writer(&gate).begin(huge).await, Err(StoreError::TooLarge { .. })));
}

#[tokio::test]
async fn the_last_recorded_moment_is_known_before_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    assert_eq!(store.last_recorded(&gate, RecordingKind::Masked).await.unwrap(), None);
    let mut writer = store.masked_writer(&gate);
    writer.begin(masked("init")).await.unwrap();
    writer.append(fragment(0), at(0), at(1900)).await.unwrap();
    assert_eq!(store.last_recorded(&gate, RecordingKind::Masked).await.unwrap(), Some(at(1900)));
    let left = copy(dir.path());
    let (after, _) = open(left.path()).await;
    assert_eq!(after.last_recorded(&gate, RecordingKind::Masked).await.unwrap(), Some(at(1900)));
    assert_eq!(after.last_recorded(&gate, RecordingKind::Sealed).await.unwrap(), None);
    let all = after.recordings(&gate, WallTime::from_micros(i64::MIN), WallTime::from_micros(i64::MAX)).await;
    assert_eq!(all.unwrap().len(), 1);
}

#[tokio::test]
async fn every_scene_file_begins_with_a_full_record_and_goes_on_with_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let mut writer = store.scene_writer(&gate);
    writer.begin(masked("header")).await.unwrap();
    let part = |ms: i64| ScenePart {
        full: masked(format!("full {ms:06} ")),
        delta: masked(format!("delta {ms:06} ")),
        rest: masked("rest"),
        first: at(ms),
        last: at(ms + 900),
    };
    // The second file is due to its age, the third to the clock, which went back, the fourth to an end.
    for ms in [0, 2000, 58_000, 60_000, 62_000, 1000, 3000] {
        writer.append_scene(&part(ms)).await.unwrap();
    }
    writer.finish().await.unwrap();
    writer.append_scene(&part(5000)).await.unwrap();
    writer.finish().await.unwrap();
    let files = store.recordings(&gate, at(0), at(90_000)).await.unwrap();
    assert!(files.iter().all(|f| f.kind == RecordingKind::Scene && f.finished));
    let mut said = Vec::new();
    for file in &files {
        let file = store.scene_file(&gate, file.id).await.unwrap();
        assert!(file.init.get().starts_with(b"header"));
        let text =
            |f: &louver_store::MaskedFragment| String::from_utf8_lossy(&f.bytes.get()[..16]).into_owned();
        said.push(file.fragments.iter().map(text).collect::<Vec<_>>());
    }
    let wanted = [
        &["full 000000 rest", "delta 002000 res", "delta 058000 res"][..],
        &["full 001000 rest", "delta 003000 res"],
        &["full 005000 rest"],
        &["full 060000 rest", "delta 062000 res"],
    ];
    assert_eq!(said, wanted);
    assert!(matches!(store.masked_file(&gate, files[0].id).await, Err(StoreError::NoRecording { .. })));
    // From the files alone.
    store.close().await.unwrap();
    std::fs::remove_file(dir.path().join("louver.db")).unwrap();
    let (store, recovery) = open(dir.path()).await;
    assert_eq!((recovery.rebuilt, recovery.recordings), (true, 4));
    let again = store.recordings(&gate, at(0), at(90_000)).await.unwrap();
    assert_eq!(again, files);
}

#[tokio::test]
async fn a_scene_file_torn_at_any_byte_keeps_what_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let gate = camera("gate");
    let mut writer = store.scene_writer(&gate);
    writer.begin(masked("header")).await.unwrap();
    for ms in [0, 2000, 4000] {
        let (full, delta, rest) = (masked("full"), masked("delta"), masked("rest"));
        let part = ScenePart { full, delta, rest, first: at(ms), last: at(ms + 1900) };
        writer.append_scene(&part).await.unwrap();
    }
    let path = &files(dir.path(), ".lvc")[0];
    let whole = std::fs::metadata(path).unwrap().len();
    for cut in [whole - 1, whole - 129, whole - 130] {
        let torn = copy(dir.path());
        let path = &files(torn.path(), ".lvc")[0];
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(cut).unwrap();
        let (store, recovery) = open(torn.path()).await;
        assert_eq!((recovery.torn, recovery.unreadable), (u64::from(cut != whole - 129), 0), "cut at {cut}");
        let found = store.recordings(&gate, at(0), at(9000)).await.unwrap();
        let file = store.scene_file(&gate, found[0].id).await.unwrap();
        let kept = if cut < whole - 129 { 1 } else { 2 };
        assert_eq!((file.fragments.len(), file.damaged), (kept, 0), "cut at {cut}");
    }
}
