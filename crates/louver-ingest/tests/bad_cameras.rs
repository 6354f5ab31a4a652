//! What cameras do wrong, and what is said about each.

mod common;

use std::time::Duration;

use common::{Act, Camera, Rtp, SECRET, delta, h264_sdp, key, play, quick, run, sdp, source};
use louver_ingest::{Event, IngestError};

const BASIC: &str = "WWW-Authenticate: Basic realm=\"cam\"\r\n";
const DIGEST: &str = "WWW-Authenticate: Digest realm=\"cam\", nonce=\"00\"\r\n";

async fn loss_of(act: Act) -> (String, Duration) {
    let camera = Camera::new(vec![act]).await;
    let mut running = run(source(&camera.address()), 4);
    let loss = running.next_loss().await;
    running.end().await;
    loss
}

#[tokio::test]
async fn each_refusal_has_its_own_sentence() {
    for (status, headers, wanted) in [
        ("401 Unauthorized", DIGEST, "refuses the user name or password"),
        ("401 Unauthorized", BASIC, "refuses the user name or password"),
        ("403 Forbidden", "", "allow this user live view"),
        ("404 Not Found", "", "no stream at this path"),
        ("453 Not Enough Bandwidth", "", "busy"),
        ("503 Service Unavailable", "", "busy"),
        ("500 Oops s3cret", "", "status 500"),
    ] {
        let (said, _) = loss_of(Act::Refuse(status, headers)).await;
        assert!(said.contains(wanted), "{status}: {said}");
    }
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again_for_a_quarter_of_an_hour() {
    let (_, retry_in) = loss_of(Act::Refuse("401 Unauthorized", DIGEST)).await;
    assert!(retry_in >= Duration::from_secs(12 * 60), "{retry_in:?}");
    let (_, retry_in) = loss_of(Act::Refuse("404 Not Found", "")).await;
    assert!(retry_in < Duration::from_secs(1), "{retry_in:?}");
}

#[tokio::test]
async fn a_camera_that_wants_a_password_that_the_address_lacks_says_how_to_write_it() {
    let camera = Camera::new(vec![Act::Refuse("401 Unauthorized", DIGEST)]).await;
    let mut running = run(source(&format!("rtsp://127.0.0.1:{}/x", camera.port)), 4);
    let (said, _) = running.next_loss().await;
    assert!(said.contains("rtsp://USER:PASSWORD@HOST/PATH"), "{said}");
    running.end().await;
}

#[tokio::test]
async fn garbage_instead_of_rtsp_is_called_that() {
    for bytes in
        [&b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.2\r\n", &[0xff; 3000]]
    {
        let (said, _) = loss_of(Act::Say(bytes)).await;
        assert!(said.contains("does not speak RTSP"), "{said}");
    }
}

#[tokio::test]
async fn a_host_that_takes_the_connection_and_says_nothing_is_given_up() {
    let (said, _) = loss_of(Act::Mute).await;
    assert!(said.contains("does not answer within 2 s"), "{said}");
}

#[tokio::test]
async fn a_host_that_hangs_up_closed_the_connection() {
    let (said, _) = loss_of(Act::HangUp).await;
    assert!(said.contains("closed the connection"), "{said}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_and_a_name_that_nobody_has_are_told_apart() {
    let port = Camera::new(vec![Act::Mute]).await.port;
    let mut running = run(source(&format!("rtsp://admin:{SECRET}@localhost:{port}/x")), 4);
    let (said, _) = running.next_loss().await;
    assert!(said.contains("refuses the connection"), "{said}");
    running.end().await;
    let mut running = run(source(&format!("rtsp://admin:{SECRET}@no-such-camera.invalid/x")), 4);
    let (said, _) = running.next_loss().await;
    // Where names are not resolved at all the question is never answered.
    assert!(said.contains("host name cannot be found") || said.contains("does not answer"), "{said}");
    running.end().await;
}

#[tokio::test]
async fn video_that_is_not_h264_names_the_setting_to_change() {
    for (description, wanted) in [
        (sdp("video", "H265/90000", ""), "codec not yet supported (H.265): set the camera's video to H.264"),
        (sdp("video", "JPEG/90000", ""), "codec not yet supported (MJPEG)"),
        (sdp("audio", "PCMU/8000", ""), "offers no video"),
    ] {
        let (said, retry_in) = loss_of(Act::Play(description, vec![])).await;
        assert!(said.contains(wanted), "{said}");
        assert!(retry_in >= Duration::from_secs(45), "only settings help: {retry_in:?}");
    }
}

#[tokio::test]
async fn packets_that_are_counted_and_do_not_come_are_told_before_the_next_picture() {
    let sent = vec![key(0), delta(3600, 1), Rtp::Lost(3), delta(10_800, 2), delta(14_400, 3), Rtp::Stall];
    let camera = Camera::new(vec![play(sent)]).await;
    let mut running = run(source(&camera.address()), 16);
    let mut seen = Vec::new();
    while seen.len() < 6 {
        seen.push(match running.next().await {
            Event::Connected { .. } => "connected".into(),
            Event::Packet(p) => p.media.ticks().to_string(),
            Event::Missing { packets } => format!("{packets} missing"),
            Event::Params(_) => "params".into(),
            Event::Lost { error, .. } => error.to_string(),
        });
    }
    assert_eq!(seen, ["connected", "0", "3600", "3 missing", "10800", "14400"]);
    running.end().await;
}

#[tokio::test]
async fn a_camera_that_stops_without_closing_is_silent_and_connected_anew() {
    let silent = play(vec![key(1000), delta(4600, 1), Rtp::Stall]);
    let camera = Camera::new(vec![silent, play(vec![key(77), delta(3677, 2), Rtp::Stall])]).await;
    let mut running = run(source(&camera.address()), 16);
    let mut seen = Vec::new();
    while seen.iter().filter(|s: &&String| s.starts_with("packet")).count() < 4 {
        seen.push(match running.next().await {
            Event::Connected { session, params } => format!("session {session} {}", params.size),
            Event::Packet(p) => format!("packet {} {}", p.media.ticks(), p.key),
            Event::Params(_) => "params".into(),
            Event::Missing { packets } => format!("{packets} missing"),
            Event::Lost { error, .. } => error.to_string(),
        });
    }
    assert_eq!(
        seen,
        [
            "session 1 320x240",
            "packet 0 true",
            "packet 3600 false",
            "the camera went silent: no picture for 1 s, though the connection is open",
            "session 2 320x240",
            "packet 0 true",
            "packet 3600 false",
        ]
    );
    running.end().await;
}

/// Sender reports go on while the encoder hangs: they are no sign of life.
#[tokio::test]
async fn reports_without_pictures_do_not_keep_a_silent_camera_alive() {
    let report = Rtp::Raw([&[b'$', 1, 0, 28, 0x80, 200, 0, 6, 0, 0, 0, 9], &[0; 20][..]].concat());
    let (said, _) = loss_of(play([vec![key(0)], vec![report; 20], vec![Rtp::Stall]].concat())).await;
    assert!(said.contains("went silent"), "{said}");
}

#[tokio::test]
async fn a_camera_that_closes_while_playing_loses_no_picture_that_came() {
    let camera = Camera::new(vec![play(
        (0..50).map(|n| if n == 0 { key(0) } else { delta(n * 3600, n as u8) }).collect(),
    )])
    .await;
    let mut running = run(source(&camera.address()), 1);
    let mut packets = 0;
    loop {
        match running.next().await {
            Event::Packet(_) => packets += 1,
            Event::Lost { error, .. } => {
                assert!(matches!(error, IngestError::Closed), "{error}");
                break;
            }
            Event::Connected { .. } | Event::Params(_) | Event::Missing { .. } => (),
        }
    }
    assert_eq!(packets, 50);
    running.end().await;
}

#[tokio::test]
async fn a_picture_that_never_ends_is_given_up_with_its_session() {
    // The first fragment of a key frame, then middles for ever (RFC 6184 section 5.8).
    let middle = |n: u32| {
        Rtp::Payload(3600, false, [&[0x7c, if n == 0 { 0x85 } else { 0x05 }], &[1; 1000][..]].concat())
    };
    let endless = (0..2000).map(middle).chain([Rtp::Stall]).collect();
    let (said, _) = loss_of(play(endless)).await;
    assert!(said.contains("went silent"), "{said}");
}

#[tokio::test]
async fn a_camera_without_key_frames_is_told_which_setting_to_change() {
    let deltas: Vec<Rtp> = (0..5).map(|n| delta(n * 3600, n as u8)).collect();
    let camera = Camera::new(vec![play([deltas, vec![Rtp::Stall]].concat())]).await;
    let mut late = source(&camera.address());
    late.timing.key_frame = Duration::ZERO;
    let mut running = run(late, 4);
    let (said, _) = running.next_loss().await;
    assert!(said.contains("no key frame"), "{said}");
    running.end().await;
}

#[tokio::test]
async fn damaged_pictures_and_foreign_bytes_in_the_stream_end_the_session_in_words() {
    for bad in [
        Rtp::Payload(3600, true, vec![0x7c]),
        Rtp::Payload(3600, true, vec![0xff; 40]),
        Rtp::Raw(b"nonsense\r\n\r\n\r\n".to_vec()),
        Rtp::Raw(vec![b'$', 0, 0, 3, 1, 2, 3]),
    ] {
        let (said, _) = loss_of(play(vec![key(0), bad, key(7200), Rtp::Stall])).await;
        assert!(said.contains("cannot be read as video") || said.contains("went silent"), "{said}");
    }
}

#[tokio::test]
async fn a_description_that_makes_no_sense_is_refused_in_words() {
    for description in [
        String::new(),
        "v=0\r\n".into(),
        h264_sdp().replace("sprop-parameter-sets=Z", "sprop-parameter-sets=A"),
    ] {
        let (said, _) = loss_of(Act::Play(description.clone(), vec![delta(0, 1), Rtp::Stall])).await;
        assert!(!said.is_empty(), "{description}: {said}");
    }
}

#[tokio::test]
async fn a_source_ends_at_once_when_asked_whatever_it_is_doing() {
    for (act, room) in
        [(Act::Mute, 4), (play(vec![key(0), Rtp::Stall]), 4), (Act::HangUp, 4), (play(vec![key(0); 400]), 1)]
    {
        let camera = Camera::new(vec![act]).await;
        let mut slow = source(&camera.address());
        slow.timing.retry_first = Duration::from_secs(30);
        slow.timing.silence = Duration::from_secs(30);
        slow.timing.connect = Duration::from_secs(30);
        let running = run(slow, room);
        tokio::time::sleep(quick().key_frame).await;
        running.end().await;
    }
}
