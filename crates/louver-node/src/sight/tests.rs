//! Analysis that fails, streams that change, and a detector that says what the test wants.

use std::time::{Duration, Instant};

use bytes::Bytes;
use louver_base::{Class, MediaTime};
use louver_codec::{Decoders, EncoderSettings, H264Encoder, JpegDecoder, Program};
use louver_media::Picture;
use louver_scene::stream::ScenePlayer;
use louver_scene::{Cell, Detection, PictureEncoder, Rect, Style};
use louver_store::{EventQuery, Gap, Store, StoreOptions};
use rustix::process::{Pid, Signal, kill_process};
use tokio_util::task::TaskTracker;

use super::*;
use crate::feed::{FeedSender, From};
use crate::{Analysis, CameraSettings, LiveFeed};

const BOX: Rect = Rect { left: 60, top: 30, right: 84, bottom: 90 };

/// One camera's analysis at work, its pictures made by the test.
struct At {
    _dir: tempfile::TempDir,
    store: Store,
    handle: CameraHandle,
    decoders: Decoders,
    feed: FeedSender,
    tasks: TaskTracker,
    encoder: H264Encoder,
    size: PictureSize,
    began: WallTime,
    pictures: i64,
}

/// `examples/node_decoding_child.rs`, which stands beside the tests' own programs.
fn decoding_child() -> Program {
    let tests = std::env::current_exe().unwrap();
    let child = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/node_decoding_child");
    Program::at(child, [])
}

fn settings() -> CameraSettings {
    CameraSettings {
        id: "gate".parse().unwrap(),
        name: "Gate".to_owned(),
        onvif: None,
        main: "rtsp://cam/main".parse().unwrap(),
        sub: None,
        connection: crate::Connection::default(),
        purpose: "deliveries".to_owned(),
        owner: louver_base::Pii::new("Ada".to_owned()),
        contact: louver_base::Pii::new("ada@example.org".to_owned()),
        retention_hours: crate::DEFAULT_RETENTION_HOURS,
        retention_reason: None,
        analysis: Analysis::On,
        gate: louver_see::GateMode::Auto,
        show: louver_scene::Show::NOTHING,
        zones: vec![],
    }
}

/// A place with something to see in it: a lens before which there is nothing is a covered one.
fn place(size: PictureSize) -> Picture {
    let mut picture = Picture::flat(size, 90, 128, 128);
    let width = size.width();
    for (n, y) in picture.y.iter_mut().enumerate() {
        *y = if (n % width / 16 + n / width / 16).is_multiple_of(2) { 70 } else { 110 };
    }
    picture
}

/// A detector that finds a person in every place that differs from the ground.
fn finds_the_box(picture: &Picture, _: &louver_see::Sweep) -> Option<Vec<Detection>> {
    let there = picture.y[60 * picture.size.width() + 70] > 160;
    let person = Detection { class: Class::Person, score: 0.9, rect: BOX, ridden: false };
    Some(if there { vec![person] } else { vec![] })
}

impl At {
    async fn start(fault: fn(&Packet)) -> Self {
        Self::with(settings(), fault).await
    }

    async fn with(settings: CameraSettings, fault: fn(&Packet)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).await.unwrap();
        let tasks = TaskTracker::new();
        let (handle, still) = CameraHandle::new(&settings);
        let keeper = Keeper::start(store.clone(), handle.id.clone(), &handle.status, &tasks);
        let looker = Looker::with("made up".to_owned(), ModelKind::Yolox, &tasks, finds_the_box).unwrap();
        let decoders = Decoders::new(decoding_child(), None).unwrap();
        let mut sight = Sight::new(&handle, still, keeper, Some(looker), decoders.seat("gate"));
        sight.fault = fault;
        let (feed, received) = Feed::channel(handle.status.clone(), false);
        crate::thread::start("see-gate".to_owned(), &tasks, move || sight.run(received)).unwrap();
        let size = PictureSize::new(160, 120).unwrap();
        let encoder = H264Encoder::new(EncoderSettings::for_size(size, 10.0)).unwrap();
        let began = WallTime::now();
        Self { _dir: dir, store, handle, decoders, feed, tasks, encoder, size, began, pictures: 0 }
    }

    fn resize(&mut self, width: u32, height: u32) {
        self.size = PictureSize::new(width, height).unwrap();
        self.encoder = H264Encoder::new(EncoderSettings::for_size(self.size, 10.0)).unwrap();
    }

    /// One picture, a tenth of a second after the last, coded.
    fn code(&mut self, somebody: bool, key: bool) -> (Packet, Option<VideoParams>) {
        let mut picture = place(self.size);
        if somebody {
            for y in BOX.top as usize..BOX.bottom as usize {
                let row = y * self.size.width();
                picture.y[row + BOX.left as usize..row + BOX.right as usize].fill(200);
            }
        }
        let at = MediaTime::from_ticks(self.pictures * 9000);
        let wall = self.began + WallSpan::from_millis(self.pictures * 100);
        self.pictures += 1;
        let coded = self.encoder.encode(&picture, at, key).unwrap();
        (Packet { wall, ..coded.packet }, coded.params)
    }

    /// Sends one picture, a tenth of a second after the last; with a key frame its parameters come first, as `how` says.
    fn send(&mut self, somebody: bool, key: Option<fn(VideoParams) -> Feed>) {
        let (packet, params) = self.code(somebody, key.is_some());
        if let (Some(how), Some(params)) = (key, params) {
            self.feed.send(From::Sub, how(params));
        }
        self.feed.send(From::Sub, Feed::Packet(packet));
    }

    /// One picture that never arrives.
    fn lose(&mut self) {
        let at = MediaTime::from_ticks(self.pictures * 9000);
        self.pictures += 1;
        self.encoder.encode(&place(self.size), at, false).unwrap();
    }

    /// Waits until the last picture sent was shown, or `why` the test fails.
    fn shown(&self, why: &str) {
        let wanted = self.began + WallSpan::from_millis((self.pictures - 1) * 100);
        wait(why, || self.handle.status.get().last_masked == Some(wanted));
    }

    /// Pictures with or without somebody, each waited for.
    fn play(&mut self, pictures: usize, somebody: bool) {
        for n in 0..pictures {
            self.send(somebody, None);
            self.shown(&format!("picture {n} of {pictures} is shown"));
        }
    }

    async fn end(self) -> (Store, Vec<Gap>, tempfile::TempDir) {
        drop(self.feed);
        self.tasks.close();
        tokio::time::timeout(Duration::from_secs(20), self.tasks.wait()).await.unwrap();
        let all = (WallTime::from_micros(0), WallTime::from_micros(i64::MAX / 2));
        let gaps = self.store.gaps(&self.handle.id, all.0, all.1).await.unwrap();
        (self.store, gaps, self._dir)
    }
}

fn wait(why: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(20), "{why}, within 20 s");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_analysis_costs_the_pictures_up_to_the_next_key_frame_and_is_noted_as_a_gap() {
    // The twentieth picture is one that analysis cannot bear.
    let mut at = At::start(|p| assert_ne!(p.media, MediaTime::from_ticks(19 * 9000), "on purpose")).await;
    at.send(false, Some(Feed::Start));
    at.play(18, false);
    at.send(false, None);
    wait("the failure is told", || {
        at.handle.status.get().notice.is_some_and(|n| n.contains("analysis failed"))
    });
    // What depends on the picture that was lost is not decoded; nobody sends parameters anew.
    at.send(false, None);
    let mut viewer = at.handle.live.subscribe();
    at.send(false, Some(|_| Feed::Lost(GapReason::NoVideo)));
    at.shown("pictures go on at the next key frame");
    at.play(3, false);
    assert_eq!(
        at.handle.status.get().notice.as_deref(),
        Some("learning the place: only what is surely empty is shown")
    );
    assert!(matches!(viewer.feed.recv().await.unwrap(), LiveFeed::Start(_)), "video begins with its viewer");
    let next = viewer.feed.recv().await.unwrap();
    assert!(matches!(next, LiveFeed::Fragment(f) if f.key), "viewers begin at a key frame");
    let (_, gaps, _dir) = at.end().await;
    assert_eq!(gaps.iter().map(|g| g.reason).collect::<Vec<_>>(), [GapReason::AnalysisFailed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_ends_when_the_stream_changes_its_size_or_breaks_off() {
    let ways: [fn(VideoParams) -> Feed; 3] =
        [Feed::Params, Feed::Start, |_| Feed::Lost(GapReason::Unreachable)];
    for (n, way) in ways.into_iter().enumerate() {
        let mut at = At::start(|_| ()).await;
        at.send(false, Some(Feed::Start));
        at.play(60, false);
        at.play(30, true);
        let query = EventQuery::default();
        let events = at.store.events(&query).await.unwrap();
        assert_eq!(events.len(), 1, "way {n}: somebody came");
        assert!(events[0].end.is_none() && events[0].class == Class::Person, "way {n}: {events:?}");
        if n < 2 {
            at.resize(320, 240);
        }
        at.send(false, Some(way));
        at.shown("pictures go on");
        let (store, _, _dir) = at.end().await;
        let events = store.events(&query).await.unwrap();
        assert_eq!(events.len(), 1, "way {n}");
        assert!(events[0].end.is_some() && events[0].leaves.is_some(), "way {n}: {events:?}");
        assert!(events[0].still, "way {n}: it has a still");
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_excluded_zone_hides_reaches_neither_the_detector_nor_the_catalogue() {
    let polygon = vec![[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 70.0]];
    let zone = louver_scene::Zone::new("garden", louver_scene::ZoneKind::Exclude, polygon).unwrap();
    let mut at = At::with(CameraSettings { zones: vec![zone], ..settings() }, |_| ()).await;
    at.send(false, Some(Feed::Start));
    at.play(60, false);
    // The detector would find the box if it saw it.
    at.play(30, true);
    let events = at.store.events(&EventQuery::default()).await.unwrap();
    assert!(events.is_empty(), "{events:?}");
    at.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_pictures_cost_themselves_and_what_depends_on_them() {
    let mut at = At::start(|_| ()).await;
    at.send(false, Some(Feed::Start));
    at.play(5, false);
    for len in [0_usize, 1, 5, 1000] {
        let data: Bytes = (0..len).map(|n| (n * 31) as u8).collect::<Vec<_>>().into();
        let media = MediaTime::from_ticks(at.pictures * 9000);
        at.pictures += 1;
        at.feed.send(From::Sub, Feed::Packet(Packet { media, wall: WallTime::now(), key: true, data }));
    }
    at.send(false, Some(|_| Feed::Lost(GapReason::NoVideo)));
    at.shown("pictures go on at the next key frame");
    at.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_was_lost_on_the_way_costs_those_up_to_the_next_key_frame_and_it_is_said() {
    let mut at = At::start(|_| ()).await;
    at.send(false, Some(Feed::Start));
    at.play(5, false);
    let shown = at.handle.status.get().last_masked;
    at.lose();
    at.send(false, None);
    at.send(false, None);
    wait("both that follow are counted", || at.handle.status.get().skipped_frames == 2);
    let status = at.handle.status.get();
    assert_eq!((status.last_masked, status.notice.as_deref()), (shown, Some(PACKETS_LOST)));
    at.send(false, Some(|_| Feed::Lost(GapReason::NoVideo)));
    at.shown("pictures go on at the next key frame");
    assert_ne!(at.handle.status.get().notice.as_deref(), Some(PACKETS_LOST));
    at.end().await;
}

/// What a viewer who comes now sees.
fn seen(handle: &CameraHandle) -> Scene {
    let (mut player, mut last) = (ScenePlayer::new(JpegDecoder), None);
    handle.scenes.subscribe().backlog.iter().for_each(|part| player.play(part, |scene| last = Some(scene)));
    last.expect("a viewer gets the whole state at once")
}

#[tokio::test(flavor = "multi_thread")]
async fn where_pictures_are_missing_the_place_stays_without_figures_and_it_is_said_why() {
    let mut at = At::start(|_| ()).await;
    at.send(false, Some(Feed::Start));
    at.play(60, false);
    at.play(30, true);
    let before = seen(&at.handle);
    assert_eq!((before.why, before.figures.len()), (Why::Fine, 1), "{:?}", before.figures);
    let known =
        |scene: &Scene| scene.cells.iter().filter(|c| matches!(c, Cell::Clear | Cell::Occupied)).count();
    assert!(known(&before) * 10 > before.cells.len() * 9, "the place is known");
    let shown = before.render(Style::Empty).into_inner();
    assert!(shown.y.iter().all(|y| y.abs_diff(90) < 50), "no pixel of somebody is shown");
    let mut viewer = at.handle.scenes.subscribe();
    at.feed.send(From::Sub, Feed::Lost(GapReason::Unreachable));
    viewer.feed.recv().await.unwrap();
    let after = seen(&at.handle);
    assert_eq!((after.why, after.figures.len(), known(&after)), (Why::StreamLost, 0, known(&before)));
    // When pictures come back nothing is known of what happened in between.
    at.send(false, Some(|_| Feed::Lost(GapReason::NoVideo)));
    // The status says that a picture was shown a moment before its record reaches viewers.
    wait("pictures go on", || seen(&at.handle).why != Why::StreamLost);
    let again = seen(&at.handle);
    assert_eq!((again.why, known(&again)), (Why::Starting, 0));
    let (store, _, _dir) = at.end().await;
    let all = (WallTime::from_micros(0), WallTime::from_micros(i64::MAX / 2));
    let files = store.recordings(&"gate".parse().unwrap(), all.0, all.1).await.unwrap();
    assert!(files.len() >= 2, "a file ends where pictures are missing: {files:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_place_is_not_decoded_stays_on_screen_and_who_comes_is_told_of_all_the_same() {
    let mut at = At::start(|_| ()).await;
    at.send(false, Some(Feed::Start));
    let play = |at: &mut At, groups: usize, somebody: bool| {
        for n in 1..=groups * 10 {
            let (packet, _) = at.code(somebody, n % 10 == 0);
            at.feed.send(From::Sub, Feed::Packet(packet));
            at.shown(&format!("picture {n} of {groups} groups is shown or said to be unchanged"));
        }
        at.handle.status.get().gate.unwrap()
    };
    let learned = play(&mut at, 60, false);
    assert_eq!(learned.open, None, "{learned:?}");
    let quiet = play(&mut at, 30, false);
    let decoded = quiet.decoded - learned.decoded;
    assert!(decoded < 90, "{decoded} of 300 quiet pictures are decoded");
    assert!(quiet.looks > learned.looks, "{quiet:?}");
    assert_eq!(at.handle.status.get().notice, None);
    assert!(at.store.events(&EventQuery::default()).await.unwrap().is_empty());
    let busy = play(&mut at, 4, true);
    assert_eq!(busy.open, Some(louver_see::Open::Seeing));
    let (store, gaps, _dir) = at.end().await;
    let events = store.events(&EventQuery::default()).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].class, Class::Person);
    assert!(gaps.is_empty(), "what is left out is no gap: {gaps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decoder_that_hangs_or_ends_costs_the_pictures_up_to_the_next_key_frame_and_it_is_said() {
    let mut at = At::start(|_| ()).await;
    at.send(false, Some(Feed::Start));
    at.play(60, false);
    let known = seen(&at.handle);
    let process = at.decoders.processes()[0];
    kill_process(Pid::from_raw(process as i32).unwrap(), Signal::STOP).unwrap();
    // Somebody comes, and the decoder hangs over him.
    at.send(true, None);
    wait("the end is told", || {
        at.handle
            .status
            .get()
            .notice
            .is_some_and(|n| n.starts_with("the process that decodes this camera ended"))
    });
    at.send(true, None);
    wait("both are counted", || at.handle.status.get().skipped_frames == 2);
    let after = seen(&at.handle);
    let (was, is) = (known.render(Style::Boxes).into_inner(), after.render(Style::Boxes).into_inner());
    assert!(was == is, "nothing new is shown");
    assert_ne!(at.decoders.processes(), [process], "another one is there already");
    at.send(true, Some(|_| Feed::Lost(GapReason::NoVideo)));
    at.shown("pictures go on at the next key frame");
    at.play(3, true);
    assert!(at.handle.status.get().notice.is_none_or(|n| !n.contains("process")));
    at.end().await;
}

/// Without a detector's word everything is masked at the start; what is counted here is how much is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn analysis_that_is_behind_sees_fewer_pictures_and_catches_up_without_losing_its_place() {
    fn slow(packet: &Packet) {
        if packet.media < MediaTime::from_ticks(2 * 9000) {
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    let mut at = At::start(slow).await;
    at.send(false, Some(Feed::Start));
    // They come while the first two are still looked at.
    for _ in 1..40 {
        at.send(false, None);
    }
    at.shown("the last of those that waited is shown");
    let (seen, status) = (at.handle.status.meters().seen.get(), at.handle.status.get());
    assert_eq!(seen + status.skipped_frames, 40, "every picture is seen or counted as left out");
    assert!((8..=16).contains(&seen), "a picture in 0.9 s, then all of the last {BEHIND}: {seen}");
    let before = status.skipped_frames;
    at.play(5, true);
    assert_eq!(at.handle.status.get().skipped_frames, before, "whoever is not behind leaves nothing out");
    let (_, gaps, _dir) = at.end().await;
    assert!(
        gaps.iter()
            .all(|gap| gap.reason != GapReason::AnalysisLate && gap.reason != GapReason::AnalysisFailed),
        "{gaps:?}"
    );
}
