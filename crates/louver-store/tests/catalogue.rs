//! Events, gaps, accounts; the catalogue lost, damaged, behind.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{at, camera, copy, event, files, fragment, gop, masked, open, sealer};
use louver_base::{Class, EventId, WallTime};
use louver_store::{
    EventBox, EventChange, EventQuery, EventRecord, Gap, GapReason, Recording, RecordingKind, ScenePart,
    Store, StoreError, StreamKind, TokenHash,
};

fn seen(ms: i64) -> EventChange {
    let seen = EventBox { wall: at(ms), left: 100, top: 200, right: 3000, bottom: 10_000 };
    EventChange { seen: Some(seen), ..EventChange::default() }
}

/// All that a store tells about two cameras.
async fn everything(store: &Store) -> (Vec<Recording>, Vec<EventRecord>, Vec<Gap>) {
    let (first, last) = (WallTime::from_micros(i64::MIN), WallTime::from_micros(i64::MAX));
    let (mut recordings, mut gaps, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for id in ["gate", "yard"] {
        recordings.extend(store.recordings(&camera(id), first, last).await.unwrap());
        gaps.extend(store.gaps(&camera(id), first, last).await.unwrap());
    }
    for e in store.events(&EventQuery::default()).await.unwrap() {
        events.push(store.event(e.id).await.unwrap());
    }
    (recordings, events, gaps)
}

/// Some of everything, over two hours and two cameras.
async fn fill(store: &Store) {
    for (name, hour) in [("gate", 0), ("gate", 3_600_000), ("yard", 0)] {
        let id = camera(name);
        let mut writer = store.masked_writer(&id);
        writer.begin(masked("init")).await.unwrap();
        for n in 0..150 {
            let ms = hour + n * 1000;
            writer.append(fragment(n), at(ms), at(ms + 987)).await.unwrap();
        }
        writer.finish().await.unwrap();
        let (mut seal, header) = sealer(store, &id, at(hour));
        let mut writer = store.sealed_writer(&id);
        writer.begin(header, at(hour)).await.unwrap();
        for n in 0..3 {
            writer.append(seal.seal(&gop(at(hour + n * 1000))).unwrap()).await.unwrap();
        }
        writer.finish(seal.finish().unwrap().end).await.unwrap();
        let reason = GapReason::ALL[hour as usize % 7];
        for end in [5000, 9000] {
            let gap = Gap {
                camera: id.clone(),
                stream: StreamKind::Sub,
                start: at(hour + 4000),
                end: at(hour + end),
                reason,
            };
            store.record_gap(gap).await.unwrap();
        }
    }
    for n in 0..6_u128 {
        let start = n as i64 * 700_000;
        let e = event(n, if n % 2 == 0 { "gate" } else { "yard" }, Class::ALL[n as usize % 3], start);
        store.start_event(e).await.unwrap();
        let id = EventId::from_random(n);
        for s in 0..20 {
            store.update_event(id, &seen(start + s * 700)).unwrap();
        }
        let stays =
            EventChange { stays: Some(at(start + 5000)), confidence: Some(0.75), ..EventChange::default() };
        store.update_event(id, &stays).unwrap();
        if n % 2 == 0 {
            store.set_still(id, masked(format!("still {n}"))).await.unwrap();
        }
        store
            .update_event(id, &EventChange { leaves: Some(at(start + 13_000)), ..EventChange::default() })
            .unwrap();
        store.finish_event(id, at(start + 14_000)).await.unwrap();
    }
}

fn remove_database(dir: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.join(format!("louver.db{ending}")));
    }
}

#[tokio::test]
async fn a_lost_catalogue_comes_back_from_the_files_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    fill(&store).await;
    let lived = everything(&store).await;
    assert_eq!((lived.0.len(), lived.1.len(), lived.2.len()), (12, 6, 3));
    assert!(lived.1.iter().all(|e| e.end.is_some() && e.boxes.len() == 10 && e.confidence == 0.75));
    store.close().await.unwrap();

    // From the catalogue.
    let (store, recovery) = open(dir.path()).await;
    assert!(!recovery.rebuilt && recovery.scanned == 0, "{recovery:?}");
    assert_eq!(everything(&store).await, lived);
    store.close().await.unwrap();

    // Without it.
    remove_database(dir.path());
    let (store, recovery) = open(dir.path()).await;
    assert!(recovery.rebuilt && recovery.corrupt_database.is_none());
    assert_eq!((recovery.scanned, recovery.events, recovery.gaps), (12, 6, 3), "{recovery:?}");
    assert_eq!((recovery.torn, recovery.empty, recovery.bad_lines), (0, 0, 0));
    assert_eq!(everything(&store).await, lived);
    let still = store.still(EventId::from_random(2)).await.unwrap().unwrap();
    assert!(still.get().starts_with(b"still 2"));
    assert_eq!(store.still(EventId::from_random(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_damaged_catalogue_is_put_aside_and_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    fill(&store).await;
    let lived = everything(&store).await;
    store.close().await.unwrap();
    let db = dir.path().join("louver.db");
    let sound = std::fs::read(&db).unwrap();
    let mut holed = sound.clone();
    holed[4096..12288].fill(0xa5);
    for damaged in [b"this is no catalogue at all, but long enough to be one".repeat(9), holed] {
        std::fs::write(&db, &damaged).unwrap();
        let (store, recovery) = open(dir.path()).await;
        let aside = recovery.corrupt_database.clone().unwrap();
        assert!(recovery.rebuilt && aside.to_string_lossy().contains("louver.db.corrupt-"), "{aside:?}");
        assert_eq!(std::fs::read(&aside).unwrap(), damaged);
        assert_eq!(everything(&store).await, lived);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_catalogue_of_a_newer_louver_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.0.close().await.unwrap();
    let db = dir.path().join("louver.db");
    let mut bytes = std::fs::read(&db).unwrap();
    // user_version stands at byte 60 of the file's header (SQLite file format, section 1.3).
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&db, &bytes).unwrap();
    let refused = Store::open(dir.path(), Default::default()).await.unwrap_err();
    assert!(refused.to_string().contains("start the newer Louver"), "{refused}");
    assert_eq!(std::fs::read(&db).unwrap()[60..64], 99_u32.to_be_bytes());
}

#[tokio::test]
async fn after_kill_9_nothing_is_missing_and_open_events_end_when_last_seen() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    fill(&store).await;
    let id = EventId::from_random(77);
    store.start_event(event(77, "gate", Class::Person, 8_000_000)).await.unwrap();
    store.update_event(id, &seen(8_004_000)).unwrap();
    // The next one is written to the journal together with what was noted before.
    store.start_event(event(78, "gate", Class::Animal, 8_005_000)).await.unwrap();
    let lived = everything(&store).await;
    for with_database in [true, false] {
        let left = copy(dir.path());
        if !with_database {
            remove_database(left.path());
        }
        let (after, recovery) = open(left.path()).await;
        assert_eq!(recovery.closed_events, 2, "{recovery:?}");
        let told = everything(&after).await;
        assert_eq!((&told.0, &told.2), (&lived.0, &lived.2));
        let ends: BTreeMap<_, _> = told.1.iter().map(|e| (e.id, e.end)).collect();
        assert_eq!(
            (ends.len(), ends[&id], ends[&EventId::from_random(78)]),
            (8, Some(at(8_004_000)), Some(at(8_005_000)))
        );
        after.close().await.unwrap();
        // They stay ended when the catalogue is lost after that.
        remove_database(left.path());
        let (again, recovery) = open(left.path()).await;
        assert_eq!((recovery.closed_events, everything(&again).await), (0, told));
    }
}

#[tokio::test]
async fn files_and_entries_that_came_or_went_while_louver_was_off_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    fill(&store).await;
    let lived = everything(&store).await.0;
    store.close().await.unwrap();
    let file = files(&dir.path().join("masked/gate"), ".mp4")[1].clone();
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let (store, recovery) = open(dir.path()).await;
    assert_eq!((recovery.missing, recovery.recordings), (1, 11));
    assert_eq!(everything(&store).await.0.len(), 11);
    store.close().await.unwrap();
    std::fs::write(&file, kept).unwrap();
    let (store, recovery) = open(dir.path()).await;
    assert_eq!((recovery.scanned, recovery.recordings), (1, 12));
    assert_eq!(everything(&store).await.0, lived);
}

#[tokio::test]
async fn files_of_another_site_are_kept_but_not_shown() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, _) = open(one.path()).await;
    fill(&store).await;
    store.close().await.unwrap();
    open(other.path()).await.0.close().await.unwrap();
    std::fs::remove_dir_all(other.path().join("masked")).unwrap();
    std::fs::rename(one.path().join("masked"), other.path().join("masked")).unwrap();
    let (store, recovery) = open(other.path()).await;
    assert_eq!((recovery.unreadable, recovery.empty), (9, 0), "{recovery:?}");
    let all = store.recordings(&camera("gate"), at(-1), at(9_000_000)).await.unwrap();
    for r in &all {
        assert!(matches!(store.masked_file(&camera("gate"), r.id).await, Err(StoreError::Damaged { .. })));
    }
    assert_eq!((all.len(), files(other.path(), ".mp4").len()), (6, 9));
    assert_eq!(store.still(EventId::from_random(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_file_moved_into_another_cameras_folder_is_kept_but_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    fill(&store).await;
    let (mut scenes, part) = (store.scene_writer(&camera("gate")), masked("part"));
    scenes.begin(masked("header")).await.unwrap();
    let (full, delta, rest) = (part.clone(), part.clone(), part);
    scenes.append_scene(&ScenePart { full, delta, rest, first: at(0), last: at(900) }).await.unwrap();
    scenes.finish().await.unwrap();
    let of = |camera: &str, ending: &str| files(&dir.path().join("masked").join(camera), ending);
    let moved = |from: &Path| PathBuf::from(from.to_str().unwrap().replace("/gate/", "/else/"));
    store.close().await.unwrap();
    let all: Vec<PathBuf> = [of("gate", ".mp4"), of("gate", ".lvc")].concat();
    for from in &all {
        let to = moved(from);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
    let (mine, yours) = (EventId::from_random(0), EventId::from_random(1));
    let still = of("gate", &format!("{mine}.jpg"))[0].to_str().unwrap().to_owned();
    std::fs::copy(&still, still.replace("/gate/", "/yard/").replace(&mine.to_string(), &yours.to_string()))
        .unwrap();
    let (store, recovery) = open(dir.path()).await;
    assert_eq!((store.still(yours).await.unwrap(), store.still(mine).await.unwrap().is_some()), (None, true));
    assert_eq!((recovery.unreadable, recovery.empty), (7, 0), "{recovery:?}");
    let found = store.recordings(&camera("else"), at(-1), at(9_000_000)).await.unwrap();
    assert_eq!(found.len(), 7);
    for r in &found {
        let shown = match r.kind {
            RecordingKind::Scene => store.scene_file(&camera("else"), r.id).await,
            _ => store.masked_file(&camera("else"), r.id).await,
        };
        assert!(matches!(shown, Err(StoreError::Damaged { .. })), "{r:?}");
    }
    // Where it was made it is shown as before.
    for r in store.recordings(&camera("gate"), at(-1), at(9_000_000)).await.unwrap() {
        let shown = match r.kind {
            RecordingKind::Scene => store.scene_file(&camera("gate"), r.id).await,
            RecordingKind::Masked => store.masked_file(&camera("gate"), r.id).await,
            RecordingKind::Sealed => continue,
        };
        assert!(!shown.unwrap().fragments.is_empty(), "{r:?}");
    }
}

#[tokio::test]
async fn events_are_listed_newest_first_by_camera_class_and_time_page_by_page() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    fill(&store).await;
    store.start_event(event(50, "gate", Class::Person, -50_000)).await.unwrap();
    store.close().await.unwrap();
    let (store, _) = open(dir.path()).await;
    // One only in memory, still open.
    store.start_event(event(51, "gate", Class::Person, 5_000_000)).await.unwrap();
    let ids = async |query: EventQuery| -> Vec<u128> {
        let found = store.events(&query).await.unwrap();
        found.iter().map(|e| u128::from_str_radix(&e.id.to_string(), 16).unwrap()).collect()
    };
    let all = EventQuery::default;
    assert_eq!(ids(all()).await, [51, 5, 4, 3, 2, 1, 0, 50]);
    assert_eq!(ids(EventQuery { camera: Some(camera("yard")), ..all() }).await, [5, 3, 1]);
    assert_eq!(ids(EventQuery { class: Some(Class::Person), ..all() }).await, [51, 3, 0, 50]);
    assert_eq!(ids(EventQuery { from: Some(at(714_001)), to: Some(at(2_800_000)), ..all() }).await, [3, 2]);
    assert_eq!(
        ids(EventQuery { from: Some(at(714_000)), to: Some(at(2_800_001)), ..all() }).await,
        [4, 3, 2, 1]
    );
    assert_eq!(ids(EventQuery { from: Some(at(100_000_000)), ..all() }).await, [51], "open events go on");
    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let page = store.events(&EventQuery { before, limit: 3, ..all() }).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        before = Some((last.start, last.id));
        paged.extend(page.iter().map(|e| e.id));
    }
    assert_eq!(paged.len(), 8);
    assert_eq!(paged, store.events(&all()).await.unwrap().iter().map(|e| e.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_that_is_over_or_unknown_cannot_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let id = EventId::from_random(1);
    assert!(matches!(store.update_event(id, &seen(0)), Err(StoreError::NoEvent(_))));
    assert!(matches!(store.event(id).await, Err(StoreError::NoEvent(_))));
    store.start_event(event(1, "gate", Class::Person, 0)).await.unwrap();
    store.finish_event(id, at(10)).await.unwrap();
    assert!(matches!(store.update_event(id, &seen(0)), Err(StoreError::NoEvent(_))));
    assert!(matches!(store.finish_event(id, at(20)).await, Err(StoreError::NoEvent(_))));
    // Its best still may come when it is over, and when memory has forgotten it.
    store.close().await.unwrap();
    let (store, _) = open(dir.path()).await;
    store.set_still(id, masked("late")).await.unwrap();
    assert!(store.event(id).await.unwrap().still);
    assert!(store.still(id).await.unwrap().unwrap().get().starts_with(b"late"));
}

#[tokio::test]
async fn a_strange_confidence_does_not_break_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    for (n, c) in [f32::NAN, f32::INFINITY, -1.0].into_iter().enumerate() {
        let e = EventRecord { confidence: c, ..event(n as u128, "gate", Class::Person, 0) };
        store.start_event(e).await.unwrap();
        let change = EventChange { confidence: Some(f32::INFINITY), ..seen(n as i64 * 2000) };
        store.update_event(EventId::from_random(n as u128), &change).unwrap();
        store.finish_event(EventId::from_random(n as u128), at(9000)).await.unwrap();
    }
    let lived = everything(&store).await;
    store.close().await.unwrap();
    remove_database(dir.path());
    let (store, recovery) = open(dir.path()).await;
    assert_eq!((recovery.bad_lines, everything(&store).await), (0, lived));
}

#[tokio::test]
async fn a_sign_in_link_works_once_and_not_after_it_expired() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let (one, two, three) = (TokenHash([1; 32]), TokenHash([2; 32]), TokenHash([3; 32]));
    store.add_sign_in_link(one, at(1000)).await.unwrap();
    store.add_sign_in_link(two, at(1000)).await.unwrap();
    let (a, b) = tokio::join!(store.use_sign_in_link(one, at(0)), store.use_sign_in_link(one, at(0)));
    assert_eq!(u8::from(a.unwrap()) + u8::from(b.unwrap()), 1);
    assert!(!store.use_sign_in_link(one, at(0)).await.unwrap());
    assert!(!store.use_sign_in_link(three, at(0)).await.unwrap());
    assert!(!store.use_sign_in_link(two, at(1000)).await.unwrap());
}

#[tokio::test]
async fn sessions_outlive_a_restart_and_end_with_their_time_or_with_a_new_password() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    assert!(!store.has_users().await.unwrap());
    store.set_password_hash("anna", "$argon2id$1").await.unwrap();
    let (one, two) = (TokenHash([1; 32]), TokenHash([2; 32]));
    store.add_session(one, "anna", at(0), at(900_000)).await.unwrap();
    store.close().await.unwrap();
    let (store, _) = open(dir.path()).await;
    assert!(store.has_users().await.unwrap());
    assert_eq!(store.password_hash("anna").await.unwrap().as_deref(), Some("$argon2id$1"));
    assert_eq!(store.password_hash("bert").await.unwrap(), None);
    let session = store.session(one, at(59_000)).await.unwrap().unwrap();
    assert_eq!((session.user.as_str(), session.last_seen), ("anna", at(0)));
    assert_eq!(store.session(one, at(61_000)).await.unwrap().unwrap().last_seen, at(61_000));
    assert_eq!(store.session(one, at(900_000)).await.unwrap(), None);
    store.add_session(two, "anna", at(0), at(900_000)).await.unwrap();
    store.end_session(one).await.unwrap();
    assert_eq!(store.session(one, at(1)).await.unwrap(), None);
    store.set_password_hash("anna", "$argon2id$2").await.unwrap();
    assert_eq!(store.session(two, at(1)).await.unwrap(), None);
}

#[tokio::test]
async fn usage_adds_up_what_was_recorded_and_measures_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).await;
    let mut writer = store.masked_writer(&camera("gate"));
    writer.begin(masked("init")).await.unwrap();
    writer.append(fragment(0), at(0), at(900)).await.unwrap();
    let recording = writer.finish().await.unwrap().unwrap();
    store.close().await.unwrap();
    drop((store, writer));
    let (store, _) = open(dir.path()).await;
    let usage = store.usage().await.unwrap();
    assert_eq!((usage.masked_bytes, usage.sealed_bytes), (recording.bytes, 0));
    assert!(usage.disk_bytes >= usage.free_bytes && usage.free_bytes > 0, "{usage:?}");
}
