//! Live pictures, as a browser gets them.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod site;

use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use hyper::Method;
use louver_base::WallTime;
use louver_node::LiveStart;
use louver_scene::LiveFragment;
use serde_json::{Value, json};
use site::{Running, fragment, init, masked, start};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;

async fn connect(site: &Running, camera: &str, cookie: &str, origin: &str) -> Result<Socket, u16> {
    let url = format!("ws://{}/api/v1/cameras/{camera}/live", site.address);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in [("cookie", cookie), ("origin", origin)] {
        if !value.is_empty() {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    let stream = TcpStream::connect(site.address).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn open(site: &Running, cookie: &str) -> Socket {
    connect(site, "gate", cookie, &format!("http://{}", site.address)).await.expect("a live connection")
}

/// The next message that is no ping, within ten seconds.
async fn next(socket: &mut Socket) -> Message {
    let wait = async {
        loop {
            match socket.next().await.expect("a message").expect("a whole message") {
                Message::Ping(_) => {}
                message => return message,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("a message within ten seconds")
}

async fn next_json(socket: &mut Socket) -> Value {
    match next(socket).await {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Kind, wall time in ms, bytes.
async fn next_binary(socket: &mut Socket) -> (u8, i64, Bytes) {
    match next(socket).await {
        Message::Binary(b) => (b[0], i64::from_be_bytes(b[1..9].try_into().unwrap()), b.slice(9..)),
        other => panic!("{other:?}"),
    }
}

fn begin(site: &Running) {
    site.gate.live.start(LiveStart { mime: "video/mp4; codecs=\"avc1.42c01e\"".to_owned(), init: init() });
}

fn send(site: &Running, key: bool, wall_ms: i64) {
    site.gate.live.send(LiveFragment { bytes: fragment(wall_ms), key, wall: WallTime::from_millis(wall_ms) });
}

#[tokio::test]
async fn a_viewer_gets_the_start_a_key_picture_at_once_and_then_what_follows() {
    let site = start().await;
    let cookie = site.sign_in().await;
    begin(&site);
    send(&site, true, 1000);
    send(&site, false, 1100);
    let mut socket = open(&site, &cookie).await;
    let start = next_json(&mut socket).await;
    assert_eq!(start, json!({ "type": "start", "mime": "video/mp4; codecs=\"avc1.42c01e\"" }));
    assert_eq!(next_binary(&mut socket).await, (0, 0, init().into_inner()));
    assert_eq!(next_binary(&mut socket).await, (2, 1000, fragment(1000).into_inner()));
    assert_eq!(next_binary(&mut socket).await, (1, 1100, fragment(1100).into_inner()));
    send(&site, false, 1200);
    send(&site, true, 1300);
    assert_eq!(next_binary(&mut socket).await.0, 1);
    assert_eq!(next_binary(&mut socket).await.0, 2);
    begin(&site);
    assert_eq!(next_json(&mut socket).await["type"], "start", "a restart sets the player up anew");
    assert_eq!(next_binary(&mut socket).await.0, 0);
}

#[tokio::test]
async fn before_the_first_picture_a_viewer_waits_and_is_told_why() {
    let site = start().await;
    let cookie = site.sign_in().await;
    site.gate.status.update(|s| s.notice = Some("The place is being learned.".to_owned()));
    let mut socket = open(&site, &cookie).await;
    let notice = json!({ "type": "notice", "text": "The place is being learned." });
    assert_eq!(next_json(&mut socket).await, notice);
    site.gate.status.update(|s| s.notice = None);
    assert_eq!(next_json(&mut socket).await, json!({ "type": "notice", "text": null }));
    begin(&site);
    send(&site, true, 5);
    assert_eq!(next_json(&mut socket).await["type"], "start");
    assert_eq!(next_binary(&mut socket).await.0, 0);
    assert_eq!(next_binary(&mut socket).await.0, 2);
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
        let got = connect(&site, camera, cookie, origin).await.err();
        assert_eq!(got, Some(wanted), "{camera} {origin}");
    }
    let headers = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    let plain = site.ask(Method::GET, "/api/v1/cameras/gate/live", &headers, Bytes::new()).await;
    assert_eq!(plain.code(), "bad_request");
    assert_eq!(site.gate.live.viewers(), 0);
}

#[tokio::test]
async fn signing_out_ends_the_live_picture() {
    let site = start().await;
    let cookie = site.sign_in().await;
    let mut socket = open(&site, &cookie).await;
    site.ask(Method::DELETE, "/api/v1/session", &[("cookie", &cookie)], Bytes::new()).await;
    match next(&mut socket).await {
        Message::Close(Some(frame)) => assert_eq!(frame.reason.as_str(), "Your session has ended."),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_viewer_that_does_not_read_is_dropped_and_the_others_go_on() {
    let site = start().await;
    let cookie = site.sign_in().await;
    let _asleep = open(&site, &cookie).await;
    let mut awake = open(&site, &cookie).await;
    begin(&site);
    let large = masked(vec![0; 1 << 20]);
    let mut taken = 0;
    let watch = async {
        while site.gate.live.viewers() > 1 {
            let wall = WallTime::from_millis(taken);
            site.gate.live.send(LiveFragment { bytes: large.clone(), key: true, wall });
            while matches!(next(&mut awake).await, Message::Text(_)) {}
            taken += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), watch).await.expect("the sleeper is dropped");
    assert!(taken > 5);
    awake.close(None).await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye_and_ends() {
    let site = start().await;
    let cookie = site.sign_in().await;
    let mut socket = open(&site, &cookie).await;
    begin(&site);
    assert_eq!(next_json(&mut socket).await["type"], "start");
    site.stop.cancel();
    assert_eq!(next_binary(&mut socket).await.0, 0);
    match next(&mut socket).await {
        Message::Close(Some(frame)) => assert_eq!(frame.reason.as_str(), "The server stops."),
        other => panic!("{other:?}"),
    }
    let _ = socket.flush().await;
    let ended = tokio::time::timeout(Duration::from_secs(10), site.task).await;
    ended.expect("within ten seconds").expect("without a panic");
}
