//! Cameras to ask: ipycam, a virtual camera from PyPI, and ones that do what a test tells them, over real sockets.

// Each test binary uses its own part; a camera that cannot be set up fails its test.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub const SECRET: &str = "s3cret-of-a-camera";

/// ipycam, found by multicast on the loopback network. It tells no events.
pub struct VirtualCamera {
    child: Child,
    /// Of its device service.
    pub url: String,
}

impl VirtualCamera {
    pub fn start(more: &[&str]) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/virtual_camera.py");
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .args(["--password-env", "VIRTUAL_CAMERA_PASSWORD"])
            .args(more)
            .env("VIRTUAL_CAMERA_PASSWORD", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let url = said.trim().strip_prefix("ready ").expect("scripts/setup.sh --test sets it up").to_owned();
        Self { child, url }
    }

    /// Changes its settings as its page would.
    pub async fn set(&self, json: &str) {
        let at = self.url.split('/').nth(2).unwrap();
        let mut stream = TcpStream::connect(at).await.unwrap();
        let request = format!(
            "POST /api/config HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("200"), "{answer}");
    }
}

impl Drop for VirtualCamera {
    fn drop(&mut self) {
        // It ends with its standard input, and takes its folder with it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: String,
    pub body: String,
}

impl Asked {
    /// Whether it asks this question.
    pub fn is(&self, name: &str) -> bool {
        let at = self.body.split_once(":Body>").map_or("", |(_, body)| body);
        at.split('<')
            .nth(1)
            .is_some_and(|tag| tag.split([' ', '>', '/']).next().unwrap().ends_with(&format!(":{name}")))
    }
}

/// What a scripted camera does with a request.
pub enum Does {
    /// Status line, further header lines, body.
    Answer(&'static str, String, String),
    /// Sends these bytes, then nothing, and keeps the connection open.
    Say(Vec<u8>),
    /// Sends this and then one of these bytes each 20 ms, for ever.
    Drip(String, &'static [u8]),
    /// Sends this and then these bytes, for ever, as fast as they are taken.
    Flood(String, Vec<u8>),
    /// Ends the connection.
    HangUp,
}

impl Does {
    /// A SOAP answer.
    pub fn soap(body: &str) -> Self {
        Self::Answer("200 OK", String::new(), envelope(body))
    }

    pub fn fault(subcode: &str) -> Self {
        let fault = format!(
            "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code></s:Fault>"
        );
        Self::Answer("400 Bad Request", String::new(), envelope(&fault))
    }
}

pub fn envelope(body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:tt='t'><s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// A camera that does with each request what a function says.
pub struct Scripted {
    pub at: SocketAddr,
    pub asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Scripted {
    /// One that answers a look as a camera with two streams would, but for what the function has an answer to.
    pub async fn but(does: impl Fn(&Asked, SocketAddr) -> Option<Does> + Send + Sync + 'static) -> Self {
        let at: Arc<OnceLock<SocketAddr>> = Arc::default();
        let own = at.clone();
        let camera = Self::new(move |asked| {
            let at = *own.get().unwrap();
            does(asked, at).unwrap_or_else(|| ordinary(asked, at))
        })
        .await;
        at.set(camera.at).unwrap();
        camera
    }

    pub async fn new(does: impl Fn(&Asked) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (does, heard) = (Arc::new(does), asked.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (does, heard) = (does.clone(), heard.clone());
                tokio::spawn(async move { serve(stream, &*does, &heard).await });
            }
        });
        Self { at, asked, task }
    }

    pub fn address(&self, sign_in: &str) -> louver_onvif::OnvifAddress {
        format!("http://{sign_in}{}/", self.at).parse().unwrap()
    }

    pub fn questions(&self, name: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|a| a.is(name)).cloned().collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, does: &(impl Fn(&Asked) -> Does + ?Sized), heard: &Mutex<Vec<Asked>>) {
    let mut bytes = Vec::new();
    let asked = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break Asked { head: head.to_owned(), body: body.to_owned() };
        }
    };
    let act = does(&asked);
    heard.lock().unwrap().push(asked);
    // Whether the other side still listens is its own affair.
    let _ = match act {
        Does::Answer(status, headers, body) => {
            let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await
        }
        Does::Say(bytes) => {
            let _ = stream.write_all(&bytes).await;
            std::future::pending().await
        }
        Does::Drip(head, bytes) => {
            let _ = stream.write_all(head.as_bytes()).await;
            for byte in bytes.iter().cycle() {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        }
        Does::Flood(head, bytes) => {
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&bytes).await.is_ok() {}
            Ok(())
        }
        Does::HangUp => Ok(()),
    };
}

/// Answers the questions of a look as a camera with two streams would, its services at `at`.
pub fn ordinary(asked: &Asked, at: SocketAddr) -> Does {
    if asked.is("GetSystemDateAndTime") {
        return Does::soap(&time(0));
    }
    if asked.is("GetDeviceInformation") {
        return Does::soap(
            "<GetDeviceInformationResponse><Manufacturer>Maker</Manufacturer><Model>X-1</Model>\
             <FirmwareVersion>1.2</FirmwareVersion></GetDeviceInformationResponse>",
        );
    }
    if asked.is("GetServices") {
        let service = |ns: &str, path: &str| {
            format!(
                "<Service><Namespace>http://www.onvif.org/{ns}</Namespace><XAddr>http://{at}/{path}</XAddr></Service>"
            )
        };
        return Does::soap(&format!(
            "<GetServicesResponse>{}{}</GetServicesResponse>",
            service("ver10/media/wsdl", "media"),
            service("ver10/events/wsdl", "events")
        ));
    }
    if asked.is("GetProfiles") {
        return Does::soap(&format!(
            "<GetProfilesResponse>{}{}</GetProfilesResponse>",
            profile("P1", 1920, 1080),
            profile("P2", 640, 360)
        ));
    }
    if asked.is("GetStreamUri") {
        let path = if asked.body.contains("P1") { "main" } else { "sub" };
        return Does::soap(&format!(
            "<GetStreamUriResponse><MediaUri><Uri>rtsp://127.0.0.1:554/{path}</Uri></MediaUri></GetStreamUriResponse>"
        ));
    }
    Does::fault("ter:ActionNotSupported")
}

pub fn profile(token: &str, width: u32, height: u32) -> String {
    format!(
        "<Profiles token='{token}'><VideoSourceConfiguration><SourceToken>V</SourceToken></VideoSourceConfiguration>\
         <VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution><Width>{width}</Width><Height>{height}</Height>\
         </Resolution></VideoEncoderConfiguration></Profiles>"
    )
}

/// What time a camera has that is so many seconds ahead.
pub fn time(ahead: i64) -> String {
    let now =
        louver_base::WallTime::from_millis(louver_base::WallTime::now().millis() + ahead * 1000).to_string();
    let part = |from: usize, to: usize| now[from..to].to_owned();
    format!(
        "<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>{}</Hour><Minute>{}</Minute><Second>{}</Second>\
         </Time><Date><Year>{}</Year><Month>{}</Month><Day>{}</Day></Date></UTCDateTime></SystemDateAndTime>\
         </GetSystemDateAndTimeResponse>",
        part(11, 13),
        part(14, 16),
        part(17, 19),
        part(0, 4),
        part(5, 7),
        part(8, 10)
    )
}
