//! Timeline, archive, events and stills, over what a camera recorded.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod site;

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use louver_base::{Class, EventId, WallTime};
use louver_media::retime;
use louver_store::{EventBox, EventRecord, Gap, GapReason, StreamKind};
use serde_json::{Value, json};
use site::{Answer, Running, fragment, init, masked, start};

/// 2026-01-01T10:00:00Z.
const T: i64 = 1_767_261_600_000;

fn at(ms: i64) -> WallTime {
    WallTime::from_millis(T + ms)
}

/// Fragments of one second: `(wall, stream clock)` of each, milliseconds after `T` and since the stream began.
async fn record(site: &Running, fragments: &[(i64, i64)]) {
    let mut writer = site.store.masked_writer(&site.gate.id);
    writer.begin(init()).await.unwrap();
    for (wall, media) in fragments {
        writer.append(fragment(*media), at(*wall), at(*wall + 900)).await.unwrap();
    }
    writer.finish().await.unwrap();
}

/// Asks until the answer is as wanted: the catalogue is written a little later than the files.
async fn eventually(site: &Running, path: &str, cookie: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..100 {
        let answer = site.get(path, cookie).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        if wanted(&answer.json()) {
            return answer.json();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never came to say what was wanted: {:?}", site.get(path, cookie).await.json());
}

async fn archive(site: &Running, cookie: &str) -> Value {
    let path = format!("/api/v1/cameras/gate/archive?from_ms={T}&to_ms={}", T + 600_000);
    eventually(site, &path, cookie, |v| !v.as_array().unwrap().is_empty()).await
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
async fn a_recording_begins_at_zero_and_keeps_its_gaps_whatever_the_streams_clock_said() {
    let site = start().await;
    let cookie = site.sign_in().await;
    // The stream began an hour before the file; after five seconds without video its clock begins anew.
    record(&site, &[(0, 3_600_000), (1_020, 3_601_000), (2_000, 3_602_000), (7_000, 0), (8_010, 1_000)])
        .await;
    let files = archive(&site, &cookie).await;
    let file = &files[0];
    assert_eq!(files.as_array().unwrap().len(), 1, "{files}");
    assert_eq!(file["start_ms"], T);
    assert_eq!(file["end_ms"], T + 8_910);
    assert_eq!(file["mime"], "video/mp4; codecs=\"avc1.42c01e\"");
    let path = format!("/api/v1/cameras/gate/archive/{}", file["id"].as_str().unwrap());
    let whole = site.get(&path, &cookie).await;
    assert_eq!(whole.headers["content-type"], "video/mp4; codecs=\"avc1.42c01e\"");
    assert!(whole.headers["cache-control"].to_str().unwrap().contains("private"));
    assert!(whole.body.starts_with(init().get()));
    assert_eq!(times(&whole.body), [0, 1_000, 2_000, 7_000, 8_000]);

    let later = site.get(&format!("{path}?from_ms={}", T + 2_500), &cookie).await;
    assert!(later.body.starts_with(init().get()), "a player always needs the start");
    assert_eq!(times(&later.body), [2_000, 7_000, 8_000], "from the fragment at that time on");

    let part = range(&site, &path, &cookie, "bytes=4-7").await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &b"ftyp"[..]));
    assert_eq!(part.headers["content-range"], format!("bytes 4-7/{}", whole.body.len()).as_str());
    let outside = range(&site, &path, &cookie, "bytes=99999999-").await;
    assert_eq!((outside.status.as_u16(), outside.code().as_str()), (416, "bad_range"));
}

async fn range(site: &Running, path: &str, cookie: &str, range: &str) -> Answer {
    site.ask(Method::GET, path, &[("cookie", cookie), ("range", range)], Bytes::new()).await
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let site = start().await;
    let cookie = site.sign_in().await;
    for path in [
        "/api/v1/cameras/gate/archive/0",
        "/api/v1/cameras/gate/archive/..%2f..%2flouver.db",
        "/api/v1/cameras/unknown",
        "/api/v1/cameras/..%2f",
        "/api/v1/cameras/%ff/still",
        "/api/v1/cameras/unknown/archive?from_ms=0&to_ms=1",
        "/api/v1/events/00000000000000000000000000000000",
        "/api/v1/events/00000000000000000000000000000000/still",
        "/api/v1/events/x",
        "/api/v1/events?camera=unknown",
        "/api/v1/cameras/gate/still",
    ] {
        let answer = site.get(path, &cookie).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (404, "not_found"),
            "{path}: {answer:?}"
        );
    }
    for path in
        ["archive?from_ms=5&to_ms=5", "timeline?from_ms=0&to_ms=99999999999", "timeline?from_ms=5&to_ms=1"]
    {
        let answer = site.get(&format!("/api/v1/cameras/gate/{path}"), &cookie).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_span"), "{path}");
    }
    let unreadable = site.get("/api/v1/cameras/gate/timeline?from_ms=soon", &cookie).await;
    assert_eq!((unreadable.status.as_u16(), unreadable.code().as_str()), (400, "bad_request"));
}

fn event(n: u128, class: Class, start_ms: i64) -> EventRecord {
    let here = EventBox { wall: at(start_ms), left: 1000, top: 2500, right: 5000, bottom: 10_000 };
    EventRecord {
        id: EventId::from_random(n),
        camera: "gate".parse().unwrap(),
        class,
        start: at(start_ms),
        end: None,
        stays: None,
        leaves: None,
        confidence: 0.75,
        still: false,
        boxes: vec![here],
    }
}

#[tokio::test]
async fn the_timeline_shows_recordings_gaps_and_events() {
    let site = start().await;
    let cookie = site.sign_in().await;
    record(&site, &[(0, 0), (1_000, 1_000)]).await;
    let gap = Gap {
        camera: site.gate.id.clone(),
        stream: StreamKind::Sub,
        start: at(2_000),
        end: at(9_000),
        reason: GapReason::Unreachable,
    };
    site.store.record_gap(gap).await.unwrap();
    site.store.start_event(event(7, Class::Person, 500)).await.unwrap();
    site.store.finish_event(EventId::from_random(7), at(1_500)).await.unwrap();
    let path = format!("/api/v1/cameras/gate/timeline?from_ms={}&to_ms={}", T - 1000, T + 8_000);
    let full = |v: &Value| ["masked", "gaps", "events"].iter().all(|k| !v[*k].as_array().unwrap().is_empty());
    let timeline = eventually(&site, &path, &cookie, full).await;
    assert_eq!(timeline["masked"], json!([{ "start_ms": T, "end_ms": T + 1_900 }]));
    let reason = "the camera did not answer";
    let gap = json!({ "start_ms": T + 2_000, "end_ms": T + 8_000, "stream": "masked", "reason": reason });
    assert_eq!(timeline["gaps"], json!([gap]), "cut to what was asked");
    assert_eq!(timeline["events"][0]["class"], "person");
    assert_eq!(timeline["events"][0]["end_ms"], T + 1_500);
    assert_eq!(timeline["events_cut"], false);
}

#[tokio::test]
async fn events_are_listed_newest_first_page_by_page_and_have_a_masked_still() {
    let site = start().await;
    let cookie = site.sign_in().await;
    for n in 0..5_u8 {
        let class = if n == 2 { Class::Vehicle } else { Class::Person };
        site.store.start_event(event(u128::from(n) + 1, class, i64::from(n) * 1000)).await.unwrap();
    }
    let first = EventId::from_random(1);
    site.store.set_still(first, masked(&b"\xff\xd8 a picture"[..])).await.unwrap();
    site.store.finish_event(first, at(900)).await.unwrap();

    let (mut starts, mut before) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/api/v1/events?limit=2{before}"), &cookie).await.json();
        starts.extend(page["events"].as_array().unwrap().iter().map(|e| e["start_ms"].as_i64().unwrap() - T));
        match page["next_before_ms"].as_i64() {
            Some(next) => before = format!("&before_ms={next}"),
            None => break,
        }
    }
    assert_eq!(starts, [4000, 3000, 2000, 1000, 0]);
    let vehicles = site.get("/api/v1/events?class=vehicle&camera=gate", &cookie).await.json();
    assert_eq!(vehicles["events"].as_array().unwrap().len(), 1);
    let none = site.get(&format!("/api/v1/events?to_ms={T}"), &cookie).await.json();
    assert_eq!(none, json!({ "events": [] }));
    assert_eq!(site.get("/api/v1/events?class=face", &cookie).await.status, 400);

    let detail = site.get(&format!("/api/v1/events/{first}"), &cookie).await.json();
    assert_eq!((&detail["still"], &detail["end_ms"]), (&json!(true), &json!(T + 900)));
    let here = &detail["boxes"][0];
    assert_eq!(
        (here["at_ms"].as_i64(), here["left"].as_f64(), here["bottom"].as_f64().unwrap()),
        (Some(T), Some(0.1), 1.0)
    );
    let still = site.get(&format!("/api/v1/events/{first}/still"), &cookie).await;
    assert_eq!(still.headers["content-type"], "image/jpeg");
    assert!(still.body.starts_with(b"\xff\xd8 a picture"));
    assert_eq!(
        site.get(&format!("/api/v1/events/{}/still", EventId::from_random(2)), &cookie).await.status,
        404
    );
}

#[tokio::test]
async fn cameras_and_system_say_how_they_are() {
    let site = start().await;
    let cookie = site.sign_in().await;
    site.gate.status.update(|s| {
        s.main = louver_node::StreamState::Retrying { reason: "The camera does not answer.".to_owned() };
        s.last_masked = Some(at(5));
        s.fps_x10 = 52;
    });
    site.still.send_replace(Some(masked(&b"\xff\xd8 live"[..])));
    let cameras = site.get("/api/v1/cameras", &cookie).await.json();
    assert_eq!(cameras.as_array().unwrap().len(), 2);
    let gate = &cameras[0];
    assert_eq!(
        (&gate["id"], &gate["owner"], &gate["purpose"]),
        (&json!("gate"), &json!("Ada"), &json!("deliveries"))
    );
    assert_eq!(
        (&gate["analysis"], &gate["sealed_only"], &gate["live"]),
        (&json!("on"), &json!(false), &json!(false))
    );
    let corners = json!([[0.0, 0.0], [20.0, 0.0], [20.0, 37.5], [0.0, 37.5]]);
    let zone = json!({ "name": "Neighbour", "kind": "exclude", "polygon": corners });
    assert_eq!((&gate["show"], &gate["zones"]), (&json!(["vehicle"]), &json!([zone])));
    assert_eq!(
        gate["status"]["main"],
        json!({ "state": "retrying", "reason": "The camera does not answer." })
    );
    assert_eq!((&gate["status"]["last_masked_ms"], &gate["status"]["fps"]), (&json!(T + 5), &json!(5.2)));
    assert_eq!((&cameras[1]["analysis"], &cameras[1]["sealed_only"]), (&json!("off"), &json!(true)));
    assert_eq!(site.get("/api/v1/cameras/gate", &cookie).await.json(), *gate);
    assert_eq!(&site.get("/api/v1/cameras/gate/still", &cookie).await.body[..], b"\xff\xd8 live");
    assert_eq!(site.get("/api/v1/cameras/vault/still", &cookie).await.code(), "sealed_only");

    let system = site.get("/api/v1/system", &cookie).await.json();
    let disk = |what: &str| system["disk"][what].as_u64().unwrap();
    assert!(disk("total_bytes") > disk("free_bytes") && disk("free_bytes") > 0, "{system}");
    assert_eq!((&system["masked_bytes"], &system["sealed_bytes"]), (&json!(0), &json!(0)));
    let notices: Vec<_> = system["notices"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(notices.contains(&"No detector is loaded."));
    assert!(notices.contains(&"The gate: The camera does not answer."), "{notices:?}");
}
