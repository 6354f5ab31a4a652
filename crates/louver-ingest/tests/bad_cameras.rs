//! What cameras do wrong, and what is said about each.

mod common;

use std::time::Duration;

use common::{
    Act, Camera, Manners, PPS, Rtp, SECRET, SPS, delta, h264_sdp, key, play, quick, run, sdp, source,
};
use louver_ingest::{Connection, Event, IngestError, Source, Timing, Transport, probe_for};

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
async fn a_description_over_which_its_reader_fails_is_refused_in_words() {
    let no_line = h264_sdp().replacen("m=video", "no line of a description\r\na=recvonly\r\nm=video", 1);
    let no_payload_type = h264_sdp().replacen("RTP/AVP 96", "RTP/AVP ", 1);
    for described in [no_line, no_payload_type] {
        let (said, _) = loss_of(Act::Play(described.clone(), vec![key(0)])).await;
        assert!(said.contains("itself is malformed") && said.contains("update its firmware"), "{said}");
        let camera = Camera::new(vec![Act::Play(described, vec![key(0)])]).await;
        let (address, timing) = (camera.address().parse().unwrap(), quick());
        let looked = probe_for(&address, &Connection::default(), timing, Duration::from_millis(100)).await;
        let said = looked.expect_err("it cannot be read").to_string();
        assert!(said.contains("itself is malformed"), "{said}");
    }
}

#[tokio::test]
async fn a_camera_that_asks_something_while_it_plays_is_read_on() {
    let asks = Rtp::Raw(b"OPTIONS rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 7\r\n\r\n".to_vec());
    let pause = Rtp::Pause(Duration::from_millis(50));
    let acts = vec![key(0), pause.clone(), asks, pause, delta(3600, 1), delta(7200, 2), Rtp::Stall];
    let camera = Camera::new(vec![play(acts)]).await;
    let mut patient = source(&camera.address());
    patient.timing.silence = Duration::from_secs(30);
    let mut running = run(patient, 16);
    let three = async {
        let mut pictures = 0;
        while pictures < 3 {
            pictures += u32::from(matches!(running.next().await, Event::Packet(_)));
        }
    };
    tokio::time::timeout(Duration::from_secs(5), three).await.expect("long before it counts as silent");
    running.end().await;
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
async fn video_of_a_coding_that_is_not_taken_names_the_setting_to_change() {
    for (description, wanted) in [
        (
            sdp("video", "MP4V-ES/90000", ""),
            "not taken (MPEG-4 Part 2): set the camera's video to H.264, H.265",
        ),
        (sdp("video", "AV1/90000", ""), "not taken (av1)"),
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
            Event::Params(_) | Event::Sound(_) => "params".into(),
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
            Event::Connected { session, params, .. } => format!("session {session} {}", params.size),
            Event::Packet(p) => format!("packet {} {}", p.media.ticks(), p.key),
            Event::Params(_) | Event::Sound(_) => "params".into(),
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
            Event::Connected { .. } | Event::Params(_) | Event::Missing { .. } | Event::Sound(_) => (),
        }
    }
    assert_eq!(packets, 50);
    running.end().await;
}

/// The first fragment of a key frame, then middles for ever (RFC 6184 section 5.8).
fn endless(packets: usize, size: usize) -> Vec<Rtp> {
    let middle = |n: usize| {
        Rtp::Payload(3600, false, [&[0x7c, if n == 0 { 0x85 } else { 0x05 }], &vec![1; size][..]].concat())
    };
    (0..packets).map(middle).chain([Rtp::Stall]).collect()
}

#[tokio::test]
async fn a_picture_without_end_is_given_up_before_it_fills_the_memory() {
    let (said, _) = loss_of(play(endless(2000, 1000))).await;
    assert!(said.contains("went silent"), "{said}");
    let (said, _) = loss_of(play([vec![key(0)], endless(300, 60_000)].concat())).await;
    assert!(said.contains("one picture of more than 16 MiB"), "{said}");
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
async fn a_damaged_picture_costs_itself_and_is_told() {
    for bad in [vec![0x7c], vec![0xff; 40], vec![0x7c, 0x05, 1, 1]] {
        let sent = vec![key(0), Rtp::Payload(3600, true, bad), delta(7200, 1), Rtp::Stall];
        let camera = Camera::new(vec![play(sent)]).await;
        let mut running = run(source(&camera.address()), 16);
        let mut seen = Vec::new();
        while seen.len() < 3 {
            match running.next().await {
                Event::Packet(p) => seen.push(p.media.ticks()),
                Event::Missing { packets } => seen.push(-i64::from(packets)),
                Event::Lost { error, .. } => panic!("{error}"),
                Event::Connected { .. } | Event::Params(_) | Event::Sound(_) => (),
            }
        }
        assert_eq!(seen, [0, -1, 7200]);
        running.end().await;
    }
}

#[tokio::test]
async fn foreign_bytes_in_the_stream_and_nothing_but_damage_end_the_session_in_words() {
    for bad in [Rtp::Raw(b"nonsense\r\n\r\n\r\n".to_vec()), Rtp::Raw(vec![b'$', 0, 0, 3, 1, 2, 3])] {
        let (said, _) = loss_of(play(vec![key(0), bad, key(7200), Rtp::Stall])).await;
        assert!(said.contains("cannot be read as video") || said.contains("went silent"), "{said}");
    }
    let damage = vec![Rtp::Payload(3600, true, vec![0x7c]); 1100];
    let (said, _) = loss_of(play([vec![key(0)], damage, vec![Rtp::Stall]].concat())).await;
    assert!(said.contains("cannot be read as video"), "{said}");
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

/// Plays two groups with these manners and these things between them; the pictures' times, or why there are none.
async fn played(manners: Manners, description: String, between: Vec<Rtp>) -> Vec<i64> {
    let sent =
        [vec![key(5000), delta(8600, 1)], between, vec![key(12_200), delta(15_800, 2), Rtp::Stall]].concat();
    let camera = Camera::new(vec![Act::Strange(manners, description, sent)]).await;
    let mut running = run(source(&camera.address()), 16);
    let mut seen = Vec::new();
    while seen.len() < 4 {
        match running.next().await {
            Event::Packet(p) => seen.push(p.media.ticks()),
            Event::Lost { error, .. } => panic!("{error}"),
            Event::Missing { .. } => panic!("nothing is missing"),
            Event::Connected { .. } | Event::Params(_) | Event::Sound(_) => (),
        }
    }
    running.end().await;
    seen
}

const ALL: [i64; 4] = [0, 3600, 7200, 10_800];

#[tokio::test]
async fn a_session_id_that_changes_is_no_reason_to_leave() {
    let manners = Manners { changes_session: true, ..Manners::default() };
    assert_eq!(played(manners, h264_sdp(), vec![]).await, ALL);
}

#[tokio::test]
async fn a_wrong_beginning_in_the_answer_to_play_is_ignored() {
    for headers in [
        "RTP-Info: url=rtsp://cam/trackID=0;seq=60000;rtptime=4000000000\r\n",
        "RTP-Info: url=rtsp://cam/trackID=0;seq=0;rtptime=0\r\n",
    ] {
        let manners = Manners { play_headers: headers, ..Manners::default() };
        assert_eq!(played(manners, h264_sdp(), vec![]).await, ALL, "{headers}");
    }
}

#[tokio::test]
async fn data_on_a_channel_never_asked_for_is_ignored() {
    let stale = Rtp::Raw([&[b'$', 6, 0, 14, 0x80, 96][..], &[0; 12]].concat());
    assert_eq!(played(Manners::default(), h264_sdp(), vec![stale; 3]).await, ALL);
}

#[tokio::test]
async fn packets_of_a_foreign_payload_type_are_skipped() {
    let foreign = Rtp::Raw([&[b'$', 0, 0, 16, 0x80, 50, 0, 1][..], &[0; 4], &[0, 0, 0, 9], &[1; 4]].concat());
    assert_eq!(played(Manners::default(), h264_sdp(), vec![foreign; 3]).await, ALL);
}

#[tokio::test]
async fn parameters_of_the_description_that_are_wrong_do_no_harm() {
    let right = [Rtp::Nal(5000, false, SPS.to_vec()), Rtp::Nal(5000, false, PPS.to_vec())];
    for wrong in
        ["sprop-parameter-sets=Z0IAHg==,aM4=", "sprop-parameter-sets=!!!,", "sprop-parameter-sets=Z2QADQ=="]
    {
        let description = sdp("video", "H264/90000", &format!("a=fmtp:96 packetization-mode=1;{wrong}\r\n"));
        let sent = [&right[..], &[key(5000), delta(8600, 1), Rtp::Stall]].concat();
        let camera = Camera::new(vec![Act::Play(description, sent)]).await;
        let mut running = run(source(&camera.address()), 16);
        match running.next().await {
            Event::Connected { params, .. } => assert_eq!(params.size.to_string(), "320x240"),
            other => panic!("{wrong}: {other:?}"),
        }
        running.end().await;
    }
}

#[tokio::test]
async fn a_camera_that_is_busy_at_first_is_recorded_when_it_is_not() {
    let busy = Act::Refuse("503 Service Unavailable", "");
    let camera = Camera::new(vec![busy.clone(), busy, play(vec![key(0), Rtp::Stall])]).await;
    let mut running = run(source(&camera.address()), 16);
    for _ in 0..2 {
        assert!(running.next_loss().await.0.contains("busy"));
    }
    while !matches!(running.next().await, Event::Packet(_)) {}
    running.end().await;
}

/// Cameras that are away for different times, at the usual pace of attempts: how long after its return each is recorded.
#[tokio::test]
async fn a_camera_that_comes_back_is_recorded_within_three_seconds() {
    let one = |away: Duration| async move {
        let camera = Camera::new(vec![play(vec![key(0); 3])]).await;
        let (port, address) = (camera.port, camera.address());
        let usual = Source { timing: Timing::default(), ..source(&address) };
        let mut running = run(usual, 16);
        while !matches!(running.next().await, Event::Packet(_)) {}
        drop(camera);
        tokio::time::sleep(away).await;
        let back = tokio::time::Instant::now();
        let camera = Camera::at(port, vec![play(vec![key(0), Rtp::Stall])]).await;
        loop {
            if let Event::Connected { session: 2.., .. } = running.next().await {
                break;
            }
        }
        let took = back.elapsed();
        running.end().await;
        drop(camera);
        took
    };
    let away = (0..12).map(|n| one(Duration::from_millis(400 + n * 700)));
    let mut took = futures::future::join_all(away).await;
    took.sort();
    println!(
        "back after {:?} (median of {}), at most {:?}",
        took[took.len() / 2],
        took.len(),
        took[took.len() - 1]
    );
    assert!(took[took.len() / 2] < Duration::from_secs(3), "{took:?}");
}

/// Whoever is named there would be recorded in the camera's place, and sent to.
#[tokio::test]
async fn over_udp_nobody_but_the_camera_is_recorded_whomever_it_names() {
    let other = std::net::UdpSocket::bind("127.0.0.2:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let port = other.local_addr().unwrap().port() & !1;
    for (answer, wanted) in [
        (format!("source=127.0.0.2;server_port={port}-{}", port + 1), "from another host than its own"),
        ("server_port=65535-65536".to_owned(), "cannot be read as video"),
        ("server_port=0".to_owned(), "cannot be read as video"),
        ("source=camera.example;server_port=6970-6971".to_owned(), "cannot be read as video"),
    ] {
        let transport = Some(format!("RTP/AVP/UDP;unicast;client_port=1-2;{answer}"));
        let manners = Manners { transport, ..Manners::default() };
        let camera = Camera::new(vec![Act::Strange(manners, h264_sdp(), vec![key(0), Rtp::Stall])]).await;
        let mut over = source(&camera.address());
        over.connection.transport = Transport::Udp;
        let mut running = run(over, 4);
        let (said, _) = running.next_loss().await;
        assert!(said.contains(wanted), "{answer}: {said}");
        running.end().await;
    }
    // What opens firewalls went there, and nothing else.
    let mut buffer = [0; 64];
    let sent: Vec<_> = std::iter::from_fn(|| other.recv(&mut buffer).ok()).collect();
    assert!(sent.len() <= 1 && sent.iter().all(|bytes| *bytes <= 12), "{sent:?}");
}
