//! Against GStreamer's RTSP server playing real footage, where both are set up.
#![allow(clippy::unwrap_used)] // A server that cannot be started fails its test.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{SECRET, run, source};
use louver_ingest::{Connection, Event, SignIn, Timing, Transport, probe};
use louver_media::{Codec, Continuity};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

struct Server {
    child: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Server {
    /// Starts the server with one clip at `/gate/sub`; `None`, with a line that says why, where it is not set up.
    fn start(port: u16, more: &[&str]) -> Option<Self> {
        Self::playing("forecourt_sub.mp4", port, more)
    }

    fn playing(clip: &str, port: u16, more: &[&str]) -> Option<Self> {
        let (script, clip) = (root().join("scripts/rtsp_server.py"), root().join(".deps/footage").join(clip));
        let gi = Command::new("/usr/bin/python3")
            .args(["-c", "import gi; gi.require_version('GstRtspServer', '1.0')"])
            .stderr(Stdio::null())
            .status();
        if !script.exists() || !clip.exists() || !gi.is_ok_and(|s| s.success()) {
            println!("skipped: no RTSP server or footage here; scripts/setup.sh sets both up");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready");
        let child = Command::new("/usr/bin/python3")
            .arg(script)
            .args(["--port", &port.to_string(), "--mount", &format!("/gate/sub={}", clip.display())])
            .arg("--ready-file")
            .arg(&ready)
            .args(more)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, address: String::new(), _dir: dir };
        let since = Instant::now();
        while server.address.is_empty() {
            assert!(since.elapsed() < Duration::from_secs(30), "the server was ready within 30 s");
            std::thread::sleep(Duration::from_millis(50));
            server.address = std::fs::read_to_string(&ready).unwrap_or_default().trim().to_owned();
        }
        Some(server)
    }

    fn port(&self) -> u16 {
        self.address.rsplit(':').next().unwrap().parse().unwrap()
    }

    fn url(&self, sign_in: &str) -> String {
        self.address.replace("rtsp://", &format!("rtsp://{sign_in}")) + "/gate/sub"
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn digest_and_basic_sign_in_work_and_wrong_passwords_are_told() {
    for (auth, wanted) in [("digest", SignIn::Digest), ("basic", SignIn::Basic)] {
        let Some(server) = Server::start(0, &["--user", "admin", "--password", SECRET, "--auth", auth])
        else {
            return;
        };
        let report = probe(&server.url(&format!("admin:{SECRET}@")).parse().unwrap(), &Connection::default())
            .await
            .unwrap();
        assert_eq!(report.sign_in, Some(wanted));
        assert_eq!(report.video.params.size.to_string(), "640x360");
        let rate = report.video.pictures_per_second.unwrap();
        assert!((5.0..40.0).contains(&rate), "{report:?}");
        for (sign_in, said) in [("admin:wrong@", "refuses the user name"), ("", "wants a user name")] {
            let error = probe(&server.url(sign_in).parse().unwrap(), &Connection::default())
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}

#[tokio::test]
async fn a_path_that_the_server_does_not_have_is_told() {
    let Some(server) = Server::start(0, &[]) else { return };
    let error = probe(&server.url("").replace("sub", "none").parse().unwrap(), &Connection::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("no stream at this path"), "{error}");
}

/// Waits for the session's first five packets, in order, the first a key frame.
async fn five_packets(running: &mut common::Running, wanted: u64) {
    let (mut got, mut last) = (0, -1);
    while got < 5 {
        match running.next().await {
            Event::Connected { session, .. } => assert!(session >= wanted, "session {session}"),
            Event::Packet(p) => {
                assert!(got > 0 || (p.key && p.media.ticks() == 0), "{p:?}");
                assert!(p.media.ticks() > last, "{p:?} after {last}");
                last = p.media.ticks();
                got += 1;
            }
            Event::Lost { .. } | Event::Missing { .. } | Event::Params(_) | Event::Sound(_) => got = 0,
        }
    }
}

#[tokio::test]
async fn a_camera_that_was_switched_off_and_on_is_recorded_again() {
    let Some(server) = Server::start(0, &[]) else { return };
    let port = server.port();
    let mut lasting = source(&server.url(""));
    lasting.timing = Timing { retry_first: Duration::from_millis(100), ..Timing::default() };
    let mut running = run(lasting, 64);
    five_packets(&mut running, 1).await;
    drop(server);
    let (said, _) = running.next_loss().await;
    assert!(said.contains("closed the connection"), "{said}");
    let server = Server::start(port, &[]).unwrap();
    five_packets(&mut running, 2).await;
    running.end().await;
    drop(server);
}

#[tokio::test]
async fn pictures_come_over_udp_and_of_h265_as_they_do_over_tcp() {
    for (clip, codec) in [("forecourt_sub.mp4", Codec::H264), ("forecourt_sub_h265.mp4", Codec::H265)] {
        let Some(server) = Server::playing(clip, 0, &[]) else { return };
        for transport in [Transport::Tcp, Transport::Udp] {
            let mut over = source(&server.url(""));
            over.timing = Timing::default();
            over.connection.transport = transport;
            let mut running = run(over, 64);
            let (mut continuity, mut got) = (None, 0);
            while got < 30 {
                match running.next().await {
                    Event::Connected { params, .. } => {
                        assert_eq!((params.codec, params.size.to_string().as_str()), (codec, "640x360"));
                        continuity = Some(Continuity::new(&params));
                    }
                    Event::Packet(p) => {
                        let followed = continuity.as_mut().unwrap().follow(&p);
                        assert_eq!(followed, Ok(()), "{clip} {transport:?} picture {got}");
                        got += 1;
                    }
                    other => panic!("{clip} {transport:?}: {other:?}"),
                }
            }
            running.end().await;
        }
    }
}
