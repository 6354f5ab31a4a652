//! A camera that does what a test tells it, over real sockets.

// Each test binary uses its own part; a camera that cannot be set up fails its test.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::time::Duration;

use base64::Engine;
use louver_ingest::{Event, Role, Source, Timing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// x264, 320x240, High profile.
pub const SPS: [u8; 25] = [
    0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
    0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60,
];
pub const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
pub const SECRET: &str = "s3cret";

/// What the camera does on one connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers every request with this status and these further header lines.
    Refuse(&'static str, &'static str),
    /// Sends these bytes at once and keeps the connection open.
    Say(&'static [u8]),
    /// Takes the connection and says nothing.
    Mute,
    /// Ends the connection at once.
    HangUp,
    /// Describes itself so and plays these.
    Play(String, Vec<Rtp>),
}

/// What is sent while playing.
#[derive(Clone, Debug)]
pub enum Rtp {
    /// One NAL unit at this RTP time; the flag ends the picture.
    Nal(u32, bool, Vec<u8>),
    /// An RTP payload at this time, sequence number counted.
    Payload(u32, bool, Vec<u8>),
    /// These bytes, as they are.
    Raw(Vec<u8>),
    /// Packets that were counted and do not come.
    Lost(u16),
    /// Nothing more, and the connection stays open.
    Stall,
}

/// A key frame of one slice.
pub fn key(time: u32) -> Rtp {
    Rtp::Nal(time, true, vec![0x65, 0x88, 0x84, 0x21, 0x80])
}

/// A picture that depends on others; `mark` tells it apart.
pub fn delta(time: u32, mark: u8) -> Rtp {
    Rtp::Nal(time, true, vec![0x41, 0x9a, mark, 0x80])
}

pub fn sdp(media: &str, rtpmap: &str, fmtp: &str) -> String {
    format!(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=control:*\r\nm={media} 0 RTP/AVP 96\r\n\
         a=rtpmap:96 {rtpmap}\r\n{fmtp}a=control:trackID=0\r\n"
    )
}

pub fn h264_sdp() -> String {
    let b64 = |b: &[u8]| base64::engine::general_purpose::STANDARD.encode(b);
    let sets = format!("{},{}", b64(&SPS), b64(&PPS));
    sdp("video", "H264/90000", &format!("a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\n"))
}

pub fn play(what: Vec<Rtp>) -> Act {
    Act::Play(h264_sdp(), what)
}

/// A camera at a free port; on its n-th connection it does the n-th act, and the last one for all that follow.
pub struct Camera {
    pub port: u16,
    task: JoinHandle<()>,
}

impl Camera {
    pub async fn new(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let mut acts = acts.into_iter().peekable();
            let mut act = acts.next().unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, act.clone()));
                act = acts.next().unwrap_or(act);
            }
        });
        Self { port, task }
    }

    pub fn address(&self) -> String {
        format!("rtsp://admin:{SECRET}@127.0.0.1:{}/gate/main?password={SECRET}", self.port)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, act: Act) {
    match act {
        Act::HangUp => (),
        Act::Mute => drain(&mut stream).await,
        Act::Say(bytes) => {
            let _ = stream.write_all(bytes).await;
            drain(&mut stream).await;
        }
        Act::Refuse(status, headers) => {
            while let Some((_, cseq)) = request(&mut stream).await {
                let answer = format!("RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n{headers}\r\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
        Act::Play(sdp, what) => {
            let _ = play_to(&mut stream, &sdp, what).await;
        }
    }
}

async fn drain(stream: &mut TcpStream) {
    let mut sink = [0; 4096];
    while stream.read(&mut sink).await.is_ok_and(|n| n > 0) {}
}

/// Method and `CSeq` of the next request.
async fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head).unwrap();
    let cseq = text.lines().find_map(|l| l.strip_prefix("CSeq: ")).unwrap_or("0").to_owned();
    Some((text.split(' ').next().unwrap().to_owned(), cseq))
}

async fn play_to(stream: &mut TcpStream, sdp: &str, what: Vec<Rtp>) -> std::io::Result<()> {
    while let Some((method, cseq)) = request(stream).await {
        let rest = match method.as_str() {
            "DESCRIBE" => {
                format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len())
            }
            "SETUP" => {
                "Session: 1;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n".into()
            }
            _ => "Session: 1\r\n\r\n".into(),
        };
        stream.write_all(format!("RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n{rest}").as_bytes()).await?;
        if method == "PLAY" {
            break;
        }
    }
    let mut seq = 7_u16;
    for rtp in what {
        let (time, mark, payload) = match rtp {
            Rtp::Nal(time, mark, nal) => (time, mark, nal),
            Rtp::Payload(time, mark, payload) => (time, mark, payload),
            Rtp::Raw(bytes) => {
                stream.write_all(&bytes).await?;
                continue;
            }
            Rtp::Lost(packets) => {
                seq = seq.wrapping_add(packets);
                continue;
            }
            Rtp::Stall => {
                drain(stream).await;
                return Ok(());
            }
        };
        let mut packet = vec![b'$', 0];
        packet.extend_from_slice(&(payload.len() as u16 + 12).to_be_bytes());
        packet.extend_from_slice(&[0x80, 96 | u8::from(mark) << 7]);
        packet.extend_from_slice(&seq.to_be_bytes());
        packet.extend_from_slice(&time.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 9]);
        packet.extend_from_slice(&payload);
        stream.write_all(&packet).await?;
        seq = seq.wrapping_add(1);
    }
    Ok(())
}

/// Short times, so that tests need not wait; each is far longer than loopback takes.
pub fn quick() -> Timing {
    let ms = Duration::from_millis;
    Timing {
        connect: ms(2000),
        start: ms(2000),
        silence: ms(400),
        key_frame: ms(300),
        retry_first: ms(20),
        retry_longest: ms(100),
    }
}

/// A source that runs, and what it says.
pub struct Running {
    pub events: mpsc::Receiver<Event>,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

pub fn source(address: &str) -> Source {
    let camera = "gate".parse().unwrap();
    Source { timing: quick(), ..Source::new(camera, Role::Main, address.parse().unwrap()) }
}

pub fn run(source: Source, room: usize) -> Running {
    let (out, events) = mpsc::channel(room);
    let stop = CancellationToken::new();
    let task = tokio::spawn(louver_ingest::run(source, out, stop.clone()));
    Running { events, stop, task }
}

impl Running {
    /// The next event, within 20 s.
    pub async fn next(&mut self) -> Event {
        let next = tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await;
        next.expect("an event within 20 s").expect("the source still runs")
    }

    /// The next loss, as its sentence with causes, and the wait before the next attempt; checked for secrets.
    pub async fn next_loss(&mut self) -> (String, Duration) {
        loop {
            if let Event::Lost { error, retry_in } = self.next().await {
                let mut said = error.to_string();
                let mut cause = std::error::Error::source(&error);
                while let Some(c) = cause {
                    said = format!("{said}: {c}");
                    cause = c.source();
                }
                for text in [&said, &format!("{error:?}")] {
                    assert!(!text.contains(SECRET) && !text.contains("admin"), "{text}");
                    assert!(!text.contains("127.0.0.1"), "an address in: {text}");
                }
                return (said, retry_in);
            }
        }
    }

    /// Ends the source and waits for its end, at most 5 s.
    pub async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.task).await.expect("ends when asked").unwrap();
    }
}
