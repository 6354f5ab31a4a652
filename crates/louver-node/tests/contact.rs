//! A camera that is asked where its streams are, and says what happens to it.
#![allow(clippy::unwrap_used)] // What cannot be set up here fails its test.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use louver_base::CameraAddress;
use louver_node::{Analysis, CameraHandle, CameraSettings, StreamState};
use louver_vault::Identity;
use support::{Rtsp, camera, clip, root, start, wait};

/// ipycam, a virtual ONVIF camera from PyPI.
struct Virtual {
    child: Child,
    url: String,
}

impl Virtual {
    fn start(more: &[&str]) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .arg(root().join("scripts/virtual_camera.py"))
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let url = said.trim().strip_prefix("ready ").expect("scripts/setup.sh --test sets it up").to_owned();
        Self { child, url }
    }
}

impl Drop for Virtual {
    fn drop(&mut self) {
        // It ends with its standard input, and takes its folder with it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn asked(onvif: &str) -> CameraSettings {
    let onvif = Some(onvif.parse().unwrap());
    let settings = camera("gate", "rtsp://127.0.0.1:1/", None, Analysis::On);
    CameraSettings { onvif, main: CameraAddress::told(), sub: Some(CameraAddress::told()), ..settings }
}

fn retries(state: &StreamState, words: &str) -> bool {
    matches!(state, StreamState::Retrying { reason } if reason.contains(words))
}

async fn sealed_after(handle: &CameraHandle, what: &str) {
    let before = handle.status.get().last_sealed;
    wait(60, what, async || handle.status.get().last_sealed > before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_tells_where_its_streams_are() {
    let dir = tempfile::tempdir().unwrap();
    let main = clip(dir.path(), "main.mp4", "640x480").expect("scripts/setup.sh sets ffmpeg up");
    let sub = clip(dir.path(), "sub.mp4", "320x240").unwrap();
    let played = Rtsp::start_all(&[("/one", &main), ("/two", &sub)]).expect("scripts/setup.sh sets it up");
    let port = played.address.rsplit(':').next().unwrap();
    let tells = Virtual::start(&["--stream-port", port, "--main", "/one", "--sub", "/two"]);
    let identity = Identity::generate().unwrap();
    let site = start(&dir.path().join("data"), &identity, vec![asked(&tells.url)], None).await;
    let handle = site.handles[0].clone();
    wait(60, "both streams run", async || {
        let status = handle.status.get();
        (status.main, status.sub) == (StreamState::Running, StreamState::Running)
    })
    .await;
    sealed_after(&handle, "it is recorded").await;
    assert!(handle.status.get().says.clock.unwrap().seconds().abs() < 2.0);
    // That it answers no more questions is known, and takes nothing away.
    drop(tells);
    sealed_after(&handle, "recording goes on without it").await;
    site.end().await;
}

/// A camera with one stream that moves, that is meddled with and that sees movement, after the ONVIF Core specification.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_moves_is_followed_and_meddling_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let main = clip(dir.path(), "main.mp4", "640x480").expect("scripts/setup.sh sets ffmpeg up");
    let played = Rtsp::start("/new", &main).expect("scripts/setup.sh sets it up");
    let port: u16 = played.address.rsplit(':').next().unwrap().parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    // Ends with the test's process. Each restart that it tells has its streams asked for anew.
    std::thread::spawn(move || {
        let (mut pulls, mut addresses) = (0, 0);
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let asked = request(&mut stream);
            let is = |name: &str| asked.contains(&format!(":{name}"));
            let body = if is("GetServices") {
                let service = |name| {
                    format!(
                        "<Service><Namespace>http://www.onvif.org/ver10/{name}/wsdl</Namespace><XAddr>http://{at}/</XAddr></Service>"
                    )
                };
                format!(
                    "<GetServicesResponse>{}{}</GetServicesResponse>",
                    service("media"),
                    service("events")
                )
            } else if is("GetProfiles") {
                "<GetProfilesResponse><Profiles token='P'><VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution>\
                 <Width>640</Width><Height>480</Height></Resolution></VideoEncoderConfiguration></Profiles></GetProfilesResponse>".into()
            } else if is("GetStreamUri") {
                addresses += 1;
                let path = if addresses == 1 { "old" } else { "new" };
                format!(
                    "<GetStreamUriResponse><MediaUri><Uri>rtsp://{}:{port}/{path}</Uri></MediaUri></GetStreamUriResponse>",
                    at.ip()
                )
            } else if is("CreatePullPointSubscription") {
                format!(
                    "<CreatePullPointSubscriptionResponse><SubscriptionReference><Address>http://{at}/</Address></SubscriptionReference></CreatePullPointSubscriptionResponse>"
                )
            } else if is("PullMessages") {
                pulls += 1;
                let said = |topic: &str, item: &str| {
                    format!(
                        "<NotificationMessage><Topic>tns1:{topic}</Topic><Message><Message PropertyOperation='Changed'><Data>\
                        <SimpleItem {item}/></Data></Message></Message></NotificationMessage>"
                    )
                };
                let messages = match pulls {
                    1 => said("VideoSource/MotionAlarm", "Name='State' Value='true'"),
                    2 => said("RuleEngine/TamperDetector/Tamper", "Name='IsTamper' Value='true'"),
                    10 => said(
                        "Monitoring/OperatingTime/LastReboot",
                        "Name='Status' Value='2026-05-04T08:00:00Z'",
                    ),
                    _ => String::new(),
                };
                format!("<PullMessagesResponse>{messages}</PullMessagesResponse>")
            } else {
                "<Nothing/>".into()
            };
            let text = format!("<E><Body>{body}</Body></E>");
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        }
    });
    let identity = Identity::generate().unwrap();
    let site = start(&dir.path().join("data"), &identity, vec![asked(&format!("http://{at}/"))], None).await;
    let handle = site.handles[0].clone();
    wait(60, "there is no stream at the old address", async || {
        retries(&handle.status.get().main, "has no stream at this path")
    })
    .await;
    wait(60, "the new address is followed", async || handle.status.get().main == StreamState::Running).await;
    wait(60, "it is recorded", async || handle.status.get().last_sealed.is_some()).await;
    let status = handle.status.get();
    assert_eq!((status.says.motions, status.says.restarts), (1, 1));
    assert!(status.says.tampered_since.is_some());
    assert!(retries(&status.sub, "the main stream is seen in its place"), "{status:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_does_not_tell_is_a_camera_that_is_not_recorded_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let refuses = Virtual::start(&["--user", "admin", "--password-env", "PATH"]);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let identity = Identity::generate().unwrap();
    let mut other = asked(&format!("http://{gone}/"));
    other.id = "yard".parse().unwrap();
    let site = start(&dir.path().join("data"), &identity, vec![asked(&refuses.url), other], None).await;
    for (n, words) in [(0, "refuses the user name or password"), (1, "nothing listens for ONVIF there")] {
        let handle = site.handles[n].clone();
        wait(60, words, async || retries(&handle.status.get().main, words)).await;
    }
    site.end().await;
}

fn request(stream: &mut TcpStream) -> String {
    let (mut text, mut some) = (String::new(), [0; 4096]);
    while !text.contains("Envelope>") || !text.trim_end().ends_with("Envelope>") {
        match stream.read(&mut some) {
            Ok(n @ 1..) => text.push_str(&String::from_utf8_lossy(&some[..n])),
            _ => break,
        }
    }
    text
}
