//! A camera over UDP, on a way that loses packets.
#![allow(clippy::unwrap_used)] // What cannot be set up here fails its test.

mod support;

use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use louver_base::{WallSpan, WallTime};
use louver_node::{Analysis, StreamState, Transport};
use louver_store::{GapReason, sealed_segments};
use louver_vault::{Identity, SegmentReader};
use support::{EVER, Rtsp, camera, clip, gaps, keys, start, wait};

/// Between a camera and whoever records it: passes requests on, with its own ports in place of theirs, and pictures, but for those
/// that it is told to lose. Its threads end with the test's process.
struct Way {
    address: String,
    /// RTP packets that are still to be lost.
    lose: Arc<AtomicU32>,
}

impl Way {
    fn to(camera: &str) -> Self {
        let camera = camera.strip_prefix("rtsp://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("rtsp://{}", listener.local_addr().unwrap());
        let lose: Arc<AtomicU32> = Arc::default();
        let (rtp, rtcp) = pair();
        let ours = rtp.local_addr().unwrap().port();
        // Where who records takes RTP; RTCP one above.
        let theirs: Arc<AtomicU16> = Arc::default();
        let (to, loses) = (theirs.clone(), lose.clone());
        std::thread::spawn(move || pass(&rtp, &to, 0, &loses));
        let to = theirs.clone();
        std::thread::spawn(move || pass(&rtcp, &to, 1, &AtomicU32::new(0)));
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let far = TcpStream::connect(&camera).unwrap();
                let (from, to, theirs) =
                    (near.try_clone().unwrap(), far.try_clone().unwrap(), theirs.clone());
                std::thread::spawn(move || {
                    lines(from, to, "client_port=", ours, |port| theirs.store(port, Ordering::Relaxed));
                });
                std::thread::spawn(move || lines(far, near, "server_port=", ours, |_| {}));
            }
        });
        Self { address, lose }
    }
}

/// An even port and the next.
fn pair() -> (UdpSocket, UdpSocket) {
    loop {
        let rtp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = rtp.local_addr().unwrap().port();
        if port.is_multiple_of(2)
            && let Ok(rtcp) = UdpSocket::bind(("127.0.0.1", port + 1))
        {
            return (rtp, rtcp);
        }
    }
}

/// Requests or answers, line by line, with these ports changed.
fn lines(from: TcpStream, mut to: TcpStream, ports: &str, ours: u16, mut were: impl FnMut(u16)) {
    let (mut from, mut line) = (BufReader::new(from), Vec::new());
    while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let text = String::from_utf8_lossy(&line).into_owned();
        let passed = match text.split_once(ports) {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
                were(after.split('-').next().unwrap().parse().unwrap());
                format!("{before}{ports}{ours}-{}{rest}", ours + 1)
            }
            None => text,
        };
        if to.write_all(passed.as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}

/// What the camera sends, to the port above `to`; what comes from there opens a firewall that there is none of.
fn pass(socket: &UdpSocket, to: &AtomicU16, above: u16, lose: &AtomicU32) {
    let mut packet = [0; 65_536];
    while let Ok((size, from)) = socket.recv_from(&mut packet) {
        let to = to.load(Ordering::Relaxed) + above;
        let lost = || lose.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
        if from.port() != to && !lost() {
            socket.send_to(&packet[..size], ("127.0.0.1", to)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_lost_over_udp_are_a_gap_and_what_came_is_recorded_and_opens() {
    let dir = tempfile::tempdir().unwrap();
    let main = clip(dir.path(), "main.mp4", "640x480").expect("scripts/setup.sh sets ffmpeg up");
    let played = Rtsp::start("/gate", &main).expect("scripts/setup.sh sets it up");
    let way = Way::to(&played.address);
    let mut gate = camera("gate", &format!("{}/gate", way.address), None, Analysis::Off);
    gate.connection.transport = Transport::Udp;
    let identity = Identity::generate().unwrap();
    let data = dir.path().join("data");
    let site = start(&data, &identity, vec![gate], None).await;
    let handle = site.handles[0].clone();
    wait(60, "it is recorded", async || handle.status.get().last_sealed.is_some()).await;
    assert!(gaps(&site.store, &handle.id).await.iter().all(|gap| gap.reason != GapReason::PacketsLost));

    let before = WallTime::now();
    way.lose.store(3, Ordering::Relaxed);
    wait(60, "packets are lost", async || way.lose.load(Ordering::Relaxed) == 0).await;
    let after = WallTime::now();
    let sealed_after = after + WallSpan::from_millis(2500);
    wait(60, "recording goes on", async || handle.status.get().last_sealed > Some(sealed_after)).await;
    assert_eq!(handle.status.get().main, StreamState::Running);
    assert_eq!(handle.status.meters().main.lost.get(), 0, "it is the same session");

    let store = site.end().await;
    let gaps = gaps(&store, &handle.id).await;
    let lost: Vec<_> = gaps.iter().filter(|gap| gap.reason == GapReason::PacketsLost).collect();
    let [hole] = lost[..] else { panic!("{gaps:?}") };
    let second = WallSpan::from_millis(1000);
    assert!(hole.start < hole.end && hole.start > before - second && hole.end < after + second, "{hole:?}");

    // Six packets a picture and more: three cost one picture, or two where they lie between them.
    let (mut walls, mut fragments) = (Vec::new(), 0);
    for segment in sealed_segments(&data, &handle.id, EVER.0, EVER.1).unwrap() {
        let file = std::fs::read(&segment.path).unwrap();
        let mut reader = SegmentReader::open(Cursor::new(&file), &keys(&data, &file, &identity)).unwrap();
        for fragment in reader.fragments() {
            walls.extend(fragment.unwrap().1.packets.into_iter().map(|p| p.wall));
            fragments += 1;
        }
    }
    assert!(fragments >= 5, "{fragments}");
    let wanted = ((walls[walls.len() - 1] - walls[0]).seconds() * 10.0).round() as usize + 1;
    assert!(
        walls.len() + 4 >= wanted && walls.iter().any(|w| *w > sealed_after),
        "{} of {wanted}",
        walls.len()
    );
    store.close().await.unwrap();
}
