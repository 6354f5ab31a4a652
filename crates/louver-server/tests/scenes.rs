//! The scene stream, live and recorded, and video drawn from it.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod site;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use louver_base::{Class, WallTime};
use louver_codec::{JpegDecoder, JpegEncoder};
use louver_export::{Kind, check as check_export};
use louver_ledger::Leaf;
use louver_media::{Picture, PictureSize, retime};
use louver_scene::stream::{ScenePlayer, SceneWriter, check};
use louver_scene::{Cell, Figure, FigureKind, Grid, Masked, Rect, Scene, Why};
use louver_store::ScenePart;
use serde_json::json;
use site::{Running, masked, start};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// 2026-01-01T10:00:00Z.
const T: i64 = 1_767_261_600_000;

fn at(ms: i64) -> WallTime {
    WallTime::from_millis(T + ms)
}

/// A place of one shade in which somebody walks to the right, 20 pixels a second.
fn scene(ms: i64, shade: u8) -> Scene {
    let grid = Grid::of(PictureSize::new(320, 180).unwrap());
    let left = (ms / 50 % 280) as i32;
    Scene {
        grid,
        backdrop: Arc::new(Picture::flat(grid.picture, shade, 110, 140)),
        cells: vec![Cell::Clear; grid.len()].into(),
        figures: vec![Figure {
            track: 7,
            kind: FigureKind::Known(Class::Person),
            rect: Rect { left, top: 40, right: left + 40, bottom: 160 },
            velocity: [20, 0],
        }],
        windows: vec![],
        wall: at(ms),
        why: Why::Fine,
    }
}

fn writer(ms: i64) -> SceneWriter<JpegEncoder> {
    SceneWriter::new(scene(0, 0).grid, at(ms), JpegEncoder::for_tiles()).unwrap()
}

/// Records scenes half a second apart from `from` to `to`, as a node does: in parts of two seconds.
async fn record(site: &Running, from: i64, to: i64) {
    let (mut scenes, mut file) = (writer(from), site.store.scene_writer(&site.gate.id));
    file.begin(scenes.header()).await.unwrap();
    for first in (from..to).step_by(2000) {
        let mut say = |ms: i64| scenes.picture(&scene(ms, 100)).unwrap().unwrap().bytes;
        let delta = say(first);
        let full = scenes.full();
        let mut say = |ms: i64| scenes.picture(&scene(ms, 100)).unwrap().unwrap().bytes;
        let rest = Masked::joined(&[say(first + 500), say(first + 1000), say(first + 1500)]);
        let part = ScenePart { full, delta, rest, first: at(first), last: at(first + 1500) };
        file.append_scene(&part).await.unwrap();
    }
    file.finish().await.unwrap();
}

fn played(bytes: &[u8]) -> Vec<Scene> {
    let mut scenes = Vec::new();
    ScenePlayer::new(JpegDecoder).play(&masked(bytes.to_vec()), |scene| scenes.push(scene));
    scenes
}

fn walls(bytes: &[u8]) -> Vec<i64> {
    played(bytes).iter().map(|s| s.wall.millis() - T).collect()
}

/// The end mark: where to ask next.
fn next_at(bytes: &[u8]) -> Option<i64> {
    let (mark, next) = bytes[bytes.len() - 16..].split_at(8);
    assert_eq!(mark, b"\0\0\0\x10lvse");
    let next = i64::from_be_bytes(next.try_into().unwrap());
    (next != 0).then_some(next / 1000 - T)
}

async fn span(site: &Running, what: &str, cookie: &str, from: i64, to: i64) -> site::Answer {
    let path = format!("/api/v1/cameras/gate/{what}?from_ms={}&to_ms={}", T + from, T + to);
    site.get(&path, cookie).await
}

#[tokio::test]
async fn a_span_of_the_archive_begins_with_the_state_at_its_start_wherever_that_lies() {
    let site = start().await;
    let cookie = site.sign_in().await;
    record(&site, 0, 130_000).await;
    for (from, to, wanted) in [
        (90_250, 91_600, vec![90_000, 90_500, 91_000, 91_500]),
        (0, 600, vec![0, 500]),
        (-1000, 1, vec![0]),
        (59_900, 60_100, vec![59_500, 60_000]),
        (131_000, 140_000, vec![129_500]),
    ] {
        let answer = span(&site, "scene/archive", &cookie, from, to).await;
        assert_eq!((answer.status.as_u16(), walls(&answer.body)), (200, wanted), "{from} to {to}");
        assert_eq!(answer.headers["content-type"], "application/vnd.louver.scene");
        assert_eq!(next_at(&answer.body), None);
        assert_eq!(check(&answer.body).skipped, 1, "nothing but the end mark is passed over");
        for scene in played(&answer.body) {
            assert!(
                scene.backdrop.y.iter().all(|y| y.abs_diff(100) < 4),
                "{from} to {to}: the place is shown"
            );
            assert_eq!(scene.figures.len(), 1);
        }
    }
    let nothing = span(&site, "scene/archive", &cookie, 135_000, 140_000).await;
    assert_eq!((nothing.status.as_u16(), nothing.body.len(), next_at(&nothing.body)), (200, 16, None));
    let long = span(&site, "scene/archive", &cookie, 0, 700_000).await;
    assert_eq!((walls(&long.body).last(), next_at(&long.body)), (Some(&129_500), Some(600_000)));
    for (from, to) in [(5, 5), (6, 5)] {
        assert_eq!(span(&site, "scene/archive", &cookie, from, to).await.code(), "bad_span");
    }
    let sealed_only = site.get("/api/v1/cameras/vault/scene/archive?from_ms=0&to_ms=1", &cookie).await;
    assert_eq!(sealed_only.code(), "sealed_only");
}

/// Times in ms of the `moof`s in an MP4.
fn times(mut mp4: &[u8]) -> Vec<i64> {
    let mut out = Vec::new();
    while mp4.len() >= 8 {
        let size = u32::from_be_bytes(mp4[..4].try_into().unwrap()) as usize;
        out.extend(retime::decode_time(&mp4[..size]).map(|t| t.ticks() / 90));
        mp4 = &mp4[size..];
    }
    out
}

#[tokio::test]
async fn recorded_scenes_are_drawn_as_video_on_demand() {
    let site = start().await;
    let cookie = site.sign_in().await;
    record(&site, 0, 70_000).await;
    record(&site, 90_000, 100_000).await;
    let video = span(&site, "masked.mp4", &cookie, 10_250, 96_000).await;
    assert_eq!((video.status.as_u16(), video.headers["content-type"].to_str().unwrap()), (200, "video/mp4"));
    assert_eq!(&video.body[4..8], b"ftyp");
    // It says of itself whose it is; the ledger was told.
    let report = check_export(&mut std::io::Cursor::new(&video.body), Some(site.ledger.verifier())).unwrap();
    assert_eq!((report.findings, report.facts.kind), (vec![], Kind::Masked));
    assert_eq!((report.facts.from, report.facts.to), (at(10_250), at(96_000)));
    let last = Leaf::parse(&site.ledger.leaf(site.ledger.status().size - 1).unwrap()).unwrap().leaf;
    assert_eq!(last, Leaf::Exported { request: None, manifest: report.facts.manifest });
    let times = times(&video.body);
    // From the state at the start on, a fragment every two seconds; in the gap one that shows nothing.
    assert_eq!(times[..3], [0, 2_250, 4_250]);
    assert!(times.contains(&(69_500 + 5_000 - 10_250)) && times.contains(&(90_000 - 10_250)), "{times:?}");
    assert!(times.iter().all(|t| !(65_000..79_750).contains(t)), "{times:?}");
    assert_eq!(span(&site, "masked.mp4", &cookie, 0, 600_001).await.code(), "bad_span");
    assert_eq!(span(&site, "masked.mp4", &cookie, 200_000, 200_001).await.code(), "not_found");
}

#[tokio::test]
async fn of_recordings_that_are_damaged_throughout_there_is_no_video_but_a_sentence() {
    let site = start().await;
    let cookie = site.sign_in().await;
    record(&site, 0, 10_000).await;
    record(&site, 100_000, 110_000).await;
    let listed = span(&site, "archive", &cookie, 0, 60_000).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let mut folders = vec![site.store.dir().join("masked")];
    let mut damaged = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap().to_str() == Some(&format!("{id}.lvc")) {
                let mut bytes = std::fs::read(&path).unwrap();
                bytes[70] ^= 1;
                std::fs::write(&path, bytes).unwrap();
                damaged += 1;
            }
        }
    }
    assert_eq!(damaged, 1);
    let refused = span(&site, "masked.mp4", &cookie, 0, 9_000).await;
    assert_eq!(refused.status.as_u16(), 404);
    assert!(
        refused.json()["error"]["message"].as_str().unwrap().contains("are damaged"),
        "{:?}",
        refused.json()
    );
    // Where some can be shown, it is; and the turn was given back.
    let some = span(&site, "masked.mp4", &cookie, 0, 105_000).await;
    assert_eq!((some.status.as_u16(), &some.body[4..8]), (200, &b"ftyp"[..]));
}

#[tokio::test]
async fn a_scene_file_is_listed_with_its_format_and_drawn_when_it_is_asked_for() {
    let site = start().await;
    let cookie = site.sign_in().await;
    record(&site, 0, 10_000).await;
    let files = span(&site, "archive", &cookie, 0, 60_000).await.json();
    let file = &files[0];
    assert_eq!((file["format"].as_str(), file["start_ms"].as_i64()), (Some("scene"), Some(T)));
    let path = format!("/api/v1/cameras/gate/archive/{}", file["id"].as_str().unwrap());
    let whole = site.get(&path, &cookie).await;
    assert_eq!(whole.headers["content-type"].to_str().ok(), file["mime"].as_str());
    assert_eq!(times(&whole.body), [0, 2_000, 4_000, 6_000, 8_000]);
    let later = site.get(&format!("{path}?from_ms={}", T + 5_100), &cookie).await;
    assert_eq!((&later.body[4..8], times(&later.body)), (&b"ftyp"[..], vec![5_099, 7_500, 9_500]));
    let timeline = span(&site, "timeline", &cookie, 0, 60_000).await.json();
    assert_eq!(timeline["masked"], json!([{ "start_ms": T, "end_ms": T + 9_500 }]));
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(site: &Running, camera: &str, cookie: &str, origin: &str) -> Result<Socket, u16> {
    let url = format!("ws://{}/api/v1/cameras/{camera}/scene", site.address);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in [("cookie", cookie), ("origin", origin)] {
        if !value.is_empty() {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    match client_async(request, TcpStream::connect(site.address).await.unwrap()).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// The next binary message, within ten seconds.
async fn next(socket: &mut Socket) -> Bytes {
    let wait = async {
        loop {
            match socket.next().await.expect("a message").expect("a whole message") {
                Message::Binary(bytes) => return bytes,
                Message::Ping(_) | Message::Text(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("a message within ten seconds")
}

/// One camera's live scenes, sent as a node does.
struct Live<'a>(&'a Running, SceneWriter<JpegEncoder>);

impl<'a> Live<'a> {
    fn begin(site: &'a Running) -> Self {
        let writer = writer(0);
        site.gate.scenes.start(&writer.header(), &writer.full());
        Self(site, writer)
    }

    fn send(&mut self, ms: i64) {
        let record = self.1.picture(&scene(ms, 100)).unwrap().unwrap();
        self.0.gate.scenes.send(record.bytes, || Masked::joined([&self.1.header(), &self.1.full()]));
    }
}

#[tokio::test]
async fn a_viewer_gets_the_whole_state_at_once_then_what_changes_and_all_again_when_it_fell_behind() {
    let site = start().await;
    let cookie = site.sign_in().await;
    let own = format!("http://{}", site.address);
    let mut early = connect(&site, "gate", &cookie, &own).await.unwrap();
    let mut live = Live::begin(&site);
    assert_eq!(check(&next(&mut early).await).fulls, 1, "when pictures begin");
    for n in 1..=100 {
        live.send(n * 200);
        // Whoever reads gets every record.
        assert_eq!(check(&next(&mut early).await).headers, 0);
    }
    let mut socket = connect(&site, "gate", &cookie, &own).await.unwrap();
    let mut all = next(&mut socket).await.to_vec();
    let mut messages = 1;
    while walls(&all).last() != Some(&20_000) {
        all.extend(next(&mut socket).await);
        messages += 1;
    }
    assert!(messages <= 40, "{messages}: a new viewer is not sent everything that ever was");
    assert!(played(&all).last().unwrap().backdrop.y.iter().all(|y| y.abs_diff(100) < 4));
    live.send(20_200);
    all.extend(next(&mut socket).await);
    assert_eq!(walls(&all).last(), Some(&20_200));
    // The test runs on one thread: nothing is sent before it waits, so this is more than the queue holds.
    for n in 102..202 {
        live.send(n * 200);
    }
    let again = next(&mut socket).await;
    assert_eq!((check(&again).headers, check(&again).fulls), (1, 1));
    all.extend(again);
    while walls(&all).last() != Some(&40_200) {
        all.extend(next(&mut socket).await);
    }
    assert_eq!(check(&all).skipped, 1, "the same header once more changes nothing");
}

#[tokio::test]
async fn only_our_own_page_with_a_session_can_watch_and_only_what_may_be_seen() {
    let site = start().await;
    let cookie = site.sign_in().await;
    let own = format!("http://{}", site.address);
    for (camera, cookie, origin, wanted) in [
        ("gate", "", own.as_str(), 401),
        ("gate", cookie.as_str(), "http://evil.example", 403),
        ("gate", cookie.as_str(), "", 403),
        ("vault", cookie.as_str(), own.as_str(), 403),
        ("unknown", cookie.as_str(), own.as_str(), 404),
    ] {
        assert_eq!(connect(&site, camera, cookie, origin).await.err(), Some(wanted), "{camera} {origin}");
    }
    assert_eq!(site.gate.scenes.viewers(), 0);
}
