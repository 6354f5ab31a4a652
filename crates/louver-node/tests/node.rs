//! One camera's way with real parts: what is sealed is the original, what is shown is masked, and neither waits for the
//! other.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use louver_base::Class;
use louver_node::{Analysis, CameraHandle, LiveFeed, Rendition, StreamState, Subscription};
use louver_scene::{LiveFragment, Masked};
use louver_store::{EventQuery, GapReason, RecordingKind, StreamKind, sealed_segments};
use louver_vault::{Identity, OpeningKeys, SegmentHead, SegmentReader};
use support::*;

/// The next fragment of a viewer.
async fn next(viewer: &mut Subscription) -> LiveFeed {
    if !viewer.backlog.is_empty() {
        return viewer.backlog.remove(0);
    }
    tokio::time::timeout(Duration::from_secs(20), viewer.feed.recv()).await.expect("live pictures").unwrap()
}

/// Watches until `most` fragments came: the start's bytes, and the fragments, of which the first has a key frame.
async fn watch(handle: &CameraHandle, most: usize) -> (Bytes, Vec<std::sync::Arc<LiveFragment>>) {
    wait(20, "live pictures begin", async || handle.scenes.started()).await;
    let mut viewer = handle.live.subscribe();
    let LiveFeed::Start(start) = next(&mut viewer).await else { panic!("a viewer gets the start first") };
    assert!(start.mime.starts_with("video/mp4; codecs=\"avc1."), "{}", start.mime);
    let mut fragments = Vec::new();
    while fragments.len() < most {
        match next(&mut viewer).await {
            LiveFeed::Fragment(f) if f.key || !fragments.is_empty() => fragments.push(f),
            LiveFeed::Fragment(_) => {}
            LiveFeed::Start(_) => panic!("the stream did not change"),
        }
    }
    for (a, b) in fragments.iter().zip(&fragments[1..]) {
        assert!(a.wall < b.wall, "in order");
    }
    (start.init.get().clone(), fragments)
}

/// Sealed packets are the file's, from its first key frame on, over and over, none missing and none twice.
fn check_originals(dir: &Path, handle: &CameraHandle, identity: &Identity, source: &Path, least: usize) {
    let (sealed, wanted) = (opened(dir, &handle.id, identity), packets_of(source));
    assert!(sealed.len() >= least, "{} packets were sealed", sealed.len());
    for (n, (got, wanted)) in sealed.iter().zip(wanted.iter().cycle()).enumerate() {
        assert!(got == wanted, "packet {n} is not the file's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_are_sealed_byte_by_byte_and_without_a_detector_nothing_but_grey_is_shown_live_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (Some(main), Some(sub)) =
        (clip(dir.path(), "main.mp4", "640x480"), clip(dir.path(), "sub.mp4", "320x240"))
    else {
        return;
    };
    let data = dir.path().join("data");
    let identity = Identity::generate().unwrap();
    let gate = camera("gate", &file(&main), Some(&file(&sub)), Analysis::On);
    let site = start(&data, &identity, vec![gate], None).await;
    let handle = site.handles[0].clone();
    let (init, fragments) = watch(&handle, 30).await;
    let mut live = vec![init];
    live.extend(fragments.iter().map(|f| f.bytes.get().clone()));
    let shown = pictures(&live);
    assert_eq!(shown.len(), 30);
    assert!(shown.iter().all(is_grey), "live pictures show nothing");
    assert_eq!((shown[0].size.width(), shown[0].size.height()), (320, 240), "the sub stream is what is seen");
    wait(20, "the encoder ends with its last viewer", async || !handle.live.started()).await;
    let status = handle.status.get();
    assert_eq!((&status.main, &status.sub), (&StreamState::Running, &StreamState::Running));
    assert!(status.notice.is_some_and(|n| n.contains("the detector is missing")));
    wait(20, "a still", async || handle.still.borrow().is_some()).await;
    assert!(handle.still.borrow().as_ref().unwrap().get().starts_with(&[0xff, 0xd8]), "a JPEG");

    let store = site.end().await;
    check_originals(&data, &handle, &identity, &main, 25);
    let files = recordings(&store, &handle.id, RecordingKind::Scene).await;
    assert!(!files.is_empty() && files.iter().all(|r| r.finished), "{files:?}");
    let mut kept = 0;
    for recording in &files {
        let scenes = store.scene_file(&handle.id, recording.id).await.unwrap();
        assert_eq!(scenes.damaged, 0);
        let mut video = Rendition::new(recording.start, recording.start, recording.end);
        let drawn = scenes.parts().flat_map(|part| video.part(part).unwrap()).collect::<Vec<_>>();
        let parts: Vec<Bytes> =
            drawn.into_iter().chain(video.finish().unwrap()).map(Masked::into_inner).collect();
        let shown = pictures(&parts);
        assert!(shown.iter().all(is_grey), "kept pictures show nothing");
        kept += shown.len();
    }
    assert!(kept >= 2, "what was live is kept, once a second while nothing changes: {kept}");
    assert!(
        recordings(&store, &handle.id, RecordingKind::Masked).await.is_empty(),
        "video is made on demand"
    );
    assert!(gaps(&store, &handle.id).await.is_empty(), "nothing is missing");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_whose_analysis_is_off_is_sealed_and_nothing_of_it_is_shown_or_kept_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let (Some(main), Some(sub)) =
        (clip(dir.path(), "main.mp4", "640x480"), clip(dir.path(), "sub.mp4", "320x240"))
    else {
        return;
    };
    let data = dir.path().join("data");
    let identity = Identity::generate().unwrap();
    let cameras = vec![
        camera("vault", &file(&main), Some(&file(&sub)), Analysis::Off),
        camera("yard", &file(&main), None, Analysis::Off),
    ];
    let site = start(&data, &identity, cameras, None).await;
    let handles = site.handles.clone();
    for handle in &handles {
        wait(20, "two groups are sealed", async || {
            recordings(&site.store, &handle.id, RecordingKind::Sealed).await.iter().any(|r| r.bytes > 20_000)
        })
        .await;
    }
    let store = site.end().await;
    for handle in &handles {
        assert!(!handle.scenes.started() && handle.still.borrow().is_none());
        let status = handle.status.get();
        assert_eq!((status.sub, status.last_masked, status.fps_x10), (StreamState::Off, None, 0));
        check_originals(&data, handle, &identity, &main, 5);
        assert!(recordings(&store, &handle.id, RecordingKind::Scene).await.is_empty());
        assert!(!data.join("masked").join(handle.id.as_str()).exists());
    }
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_that_are_changed_while_it_records_are_sealed_for_from_the_next_group_on() {
    let dir = tempfile::tempdir().unwrap();
    let Some(main) = clip(dir.path(), "main.mp4", "320x240") else { return };
    let data = dir.path().join("data");
    let (before, after) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let gate = camera("gate", &file(&main), None, Analysis::Off);
    let site = start(&data, &before, vec![gate], None).await;
    let handle = site.handles[0].clone();
    let sealed = async || recordings(&site.store, &handle.id, RecordingKind::Sealed).await;
    wait(20, "two groups are sealed", async || sealed().await.iter().any(|r| r.bytes > 20_000)).await;
    site.holders.send_replace(Some(set(1, &[&after])));
    wait(20, "two more", async || sealed().await.len() == 2 && sealed().await[1].bytes > 20_000).await;
    // The same holders again: nothing is begun anew.
    site.holders.send_replace(Some(set(1, &[&after])));
    let bytes = sealed().await[1].bytes;
    wait(20, "it goes on", async || sealed().await[1].bytes > bytes).await;
    site.end().await.close().await.unwrap();

    let segments = sealed_segments(&data, &handle.id, EVER.0, EVER.1).unwrap();
    assert_eq!(segments.len(), 2, "a segment for each");
    let mut packets = Vec::new();
    for (segment, (theirs, others)) in segments.iter().zip([(&before, &after), (&after, &before)]) {
        let bytes = std::fs::read(&segment.path).unwrap();
        let head = SegmentHead::read(&mut &bytes[..]).unwrap();
        assert!(OpeningKeys::new().add_share_of(&head, others).is_err(), "nobody else has a share");
        let mut reader = SegmentReader::open(Cursor::new(&bytes), &keys(&data, &bytes, theirs)).unwrap();
        assert!(reader.info().is_finished());
        packets.extend(
            reader.fragments().flat_map(|f| f.unwrap().1.packets.into_iter().map(|p| (p.key, p.data))),
        );
    }
    for (n, (got, wanted)) in packets.iter().zip(packets_of(&main).iter().cycle()).enumerate() {
        assert!(got == wanted, "packet {n} is missing, or there twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_holder_no_camera_is_asked_for_pictures_and_the_first_one_begins_it() {
    let dir = tempfile::tempdir().unwrap();
    let Some(main) = clip(dir.path(), "main.mp4", "320x240") else { return };
    let data = dir.path().join("data");
    let identity = Identity::generate().unwrap();
    let cameras = ["gate", "yard"].map(|id| camera(id, &file(&main), None, Analysis::On));
    let site = start_for(&data, None, cameras.into(), None).await;
    let handles = site.handles.clone();
    for handle in &handles {
        wait(20, "it says why", async || {
            handle.status.get().recording_problem.is_some_and(|p| p.contains("no holder, no recording"))
        })
        .await;
        assert!(!handle.scenes.started() && handle.status.get().last_sealed.is_none());
    }
    assert!(
        !data.join("sealed").exists()
            || sealed_segments(&data, &handles[0].id, EVER.0, EVER.1).unwrap().is_empty()
    );
    site.holders.send_replace(Some(set(1, &[&identity])));
    for handle in &handles {
        wait(20, "it is sealed and seen", async || {
            let status = handle.status.get();
            status.last_sealed.is_some() && status.recording_problem.is_none() && handle.scenes.started()
        })
        .await;
    }
    site.end().await.close().await.unwrap();
    check_originals(&data, &handles[0], &identity, &main, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_it_stopped_and_the_time_between_is_a_gap_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let Some(main) = clip(dir.path(), "main.mp4", "320x240") else { return };
    let data = dir.path().join("data");
    let identity = Identity::generate().unwrap();
    let mut ended = Vec::new();
    for _ in 0..2 {
        let gate = camera("gate", &file(&main), None, Analysis::On);
        let site = start(&data, &identity, vec![gate], None).await;
        let handle = site.handles[0].clone();
        wait(20, "something is sealed and shown", async || {
            handle.status.get().last_sealed.is_some() && handle.scenes.started()
        })
        .await;
        watch(&handle, 5).await;
        let store = site.end().await;
        ended.push(handle.status.get().last_sealed.unwrap());
        let gaps = gaps(&store, &handle.id).await;
        assert_eq!(gaps.len(), if ended.len() == 1 { 0 } else { 2 }, "main and masked: {gaps:?}");
        for gap in gaps {
            assert_eq!(gap.reason, GapReason::Restart);
            assert!(gap.start < gap.end);
            if gap.stream == StreamKind::Main {
                // The catalogue keeps milliseconds.
                assert_eq!(gap.start.millis(), ended[0].millis());
            }
        }
        let files = recordings(&store, &handle.id, RecordingKind::Scene).await;
        for file in files {
            assert!(!store.scene_file(&handle.id, file.id).await.unwrap().is_empty());
        }
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_cannot_be_played_says_why_and_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let Some(main) = clip(dir.path(), "main.mp4", "320x240") else { return };
    let (garbage, gone) = (dir.path().join("garbage.mp4"), dir.path().join("gone.mp4"));
    std::fs::write(&garbage, vec![7; 50_000]).unwrap();
    let identity = Identity::generate().unwrap();
    let cameras = vec![
        camera("garbage", &file(&garbage), None, Analysis::On),
        camera("gone", &format!("file://{}", gone.display()), None, Analysis::On),
        camera("good", &file(&main), None, Analysis::On),
    ];
    let site = start(&dir.path().join("data"), &identity, cameras, None).await;
    let handles = site.handles.clone();
    for handle in &handles[..2] {
        wait(20, "it says why", async || matches!(handle.status.get().main, StreamState::Retrying { .. }))
            .await;
        assert!(!handle.scenes.started());
        assert_eq!(handle.status.get().last_sealed, None);
    }
    wait(20, "the third is sealed and seen", async || {
        handles[2].status.get().last_sealed.is_some() && handles[2].scenes.started()
    })
    .await;
    site.end().await.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_sub_stream_the_main_stream_is_seen_in_its_place_and_scaled() {
    let dir = tempfile::tempdir().unwrap();
    let Some(main) = clip(dir.path(), "main.mp4", "1280x720") else { return };
    let Some(server) = Rtsp::start("/gate/main", &main) else { return };
    let (data, identity) = (dir.path().join("data"), Identity::generate().unwrap());
    let (at_main, at_sub) = (format!("{}/gate/main", server.address), format!("{}/gate/sub", server.address));
    let gate = camera("gate", &at_main, Some(&at_sub), Analysis::On);
    let site = start(&data, &identity, vec![gate], None).await;
    let handle = site.handles[0].clone();
    let (init, fragments) = watch(&handle, 5).await;
    let parts: Vec<Bytes> =
        std::iter::once(init).chain(fragments.iter().map(|f| f.bytes.get().clone())).collect();
    let size = pictures(&parts)[0].size;
    assert_eq!((size.width(), size.height()), (640, 360));
    match handle.status.get().sub {
        StreamState::Retrying { reason } => {
            assert!(reason.contains("the main stream is seen in its place"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
    wait(20, "the original is sealed", async || handle.status.get().last_sealed.is_some()).await;
    site.end().await.close().await.unwrap();
    // What the camera sent is what the file holds, but for what RTSP leaves out (delimiters) and adds (parameter sets).
    let slices = |data: &Bytes| -> Vec<Vec<u8>> {
        let whole = louver_media::Packet {
            media: louver_base::MediaTime::ZERO,
            wall: louver_base::WallTime::from_micros(0),
            key: false,
            data: data.clone(),
        };
        whole.nals().filter(|n| matches!(n[0] & 31, 1 | 5)).map(<[u8]>::to_vec).collect()
    };
    let known: Vec<Vec<Vec<u8>>> = packets_of(&main).iter().map(|(_, data)| slices(data)).collect();
    let sealed = opened(&data, &handle.id, &identity);
    assert!(sealed.len() >= 5);
    for (n, (_, data)) in sealed.iter().enumerate() {
        assert!(known.contains(&slices(data)), "packet {n} is not one of the file's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_learned_and_shown_with_a_detector_and_its_originals_are_the_files() {
    let (Some(main), Some(sub)) = (footage("forecourt_main.mp4"), footage("forecourt_sub.mp4")) else {
        return;
    };
    let Some(detector) = detector() else { return };
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::generate().unwrap();
    let gate = camera("gate", &file(&main), Some(&file(&sub)), Analysis::On);
    let site = start(dir.path(), &identity, vec![gate], Some(detector)).await;
    let handle = site.handles[0].clone();
    wait(40, "the place is known", async || handle.scenes.started() && handle.status.get().notice.is_none())
        .await;
    let (init, fragments) = watch(&handle, 3).await;
    let parts: Vec<Bytes> =
        std::iter::once(init).chain(fragments.iter().map(|f| f.bytes.get().clone())).collect();
    assert!(!is_grey(pictures(&parts).last().unwrap()), "the place is shown");
    let store = site.end().await;
    check_originals(dir.path(), &handle, &identity, &main, 20);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_comes_is_an_event_with_boxes_and_a_masked_still() {
    let (Some(vtest), Some(detector)) = (footage("vtest.avi"), detector()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let people = dir.path().join("people.mp4");
    let codec = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "10"];
    let args = [&["-i", vtest.to_str().unwrap(), "-t", "40", "-s", "640x480"][..], &codec].concat();
    let Some(()) = ffmpeg(&args, &people) else { return };
    let data = dir.path().join("data");
    let gate = camera("gate", &file(&people), None, Analysis::On);
    let site = start(&data, &Identity::generate().unwrap(), vec![gate], Some(detector)).await;
    let query = EventQuery { class: Some(Class::Person), ..EventQuery::default() };
    wait(40, "a person with a still", async || {
        site.store.events(&query).await.unwrap().iter().any(|e| e.still)
    })
    .await;
    let events = site.store.events(&query).await.unwrap();
    let event = events.iter().find(|e| e.still).unwrap();
    let event = site.store.event(event.id).await.expect("it is in the catalogue");
    assert_eq!(event.camera.as_str(), "gate");
    assert!(event.confidence > 0.4 && !event.boxes.is_empty(), "{event:?}");
    for b in &event.boxes {
        assert!(b.left < b.right && b.right <= 10_000 && b.top < b.bottom && b.bottom <= 10_000, "{b:?}");
    }
    let still = site.store.still(event.id).await.unwrap().expect("its still");
    assert!(still.get().starts_with(&[0xff, 0xd8]));
    // The end of the recording is the end of every event.
    let store = site.end().await;
    for event in store.events(&EventQuery::default()).await.unwrap() {
        assert!(event.end.is_some(), "{event:?}");
    }
    store.close().await.unwrap();
}
