//! A camera that does what a test tells it, over real sockets.

// Each test binary uses its own part; a camera that cannot be set up fails its test.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod ffmpeg;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use louver_ingest::{Event, Role, Source, Timing};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
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
    /// The same with bad manners.
    Strange(Manners, String, Vec<Rtp>),
}

/// What a camera does wrong in its answers.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// Another session in each answer.
    pub changes_session: bool,
    /// Header lines of the answer to PLAY.
    pub play_headers: &'static str,
    /// The SETUP of a control that ends so is refused.
    pub refuses: Option<&'static str>,
    /// The transport that it agrees to whatever is asked for.
    pub transport: Option<String>,
    /// Not bad: it wants every request signed with digest and SHA-256 (RFC 7616).
    pub digest_sha256: bool,
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
    /// A whole RTP packet on this channel, its numbers as they are.
    Packet(u8, Vec<u8>),
    /// A payload of this type on this channel, at this time.
    On(u8, u8, u32, Vec<u8>),
    /// Packets that were counted and do not come.
    Lost(u16),
    /// Nothing for so long.
    Pause(Duration),
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

/// One more stream behind those of a description, at `trackID=1`; its payload type is `number`.
pub fn and(sdp: &str, media: &str, number: u8, rtpmap: &str, fmtp: &str) -> String {
    format!(
        "{sdp}m={media} 0 RTP/AVP {number}\r\na=rtpmap:{number} {rtpmap}\r\n{fmtp}a=control:trackID=1\r\n"
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
        Self::at(0, acts).await
    }

    /// At this port, where one was before.
    pub async fn at(port: u16, acts: Vec<Act>) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], port).into()).unwrap();
        let listener = socket.listen(64).unwrap();
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

    /// A camera that speaks TLS with this certificate.
    pub async fn encrypted(config: Arc<rustls::ServerConfig>, act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(config);
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, act) = (acceptor.clone(), act.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, act).await;
                    }
                });
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

/// What a camera is connected by.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for T {}

async fn serve(mut stream: impl Wire, act: Act) {
    match act {
        Act::HangUp => (),
        Act::Mute => drain(&mut stream).await,
        Act::Say(bytes) => {
            let _ = stream.write_all(bytes).await;
            drain(&mut stream).await;
        }
        Act::Refuse(status, headers) => {
            while let Some((_, cseq, _)) = request(&mut stream).await {
                let answer = format!("RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n{headers}\r\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
        Act::Play(sdp, what) => {
            let _ = play_to(&mut stream, &Manners::default(), &sdp, what).await;
        }
        Act::Strange(manners, sdp, what) => {
            let _ = play_to(&mut stream, &manners, &sdp, what).await;
        }
    }
}

/// Whether a request is signed as RFC 7616 section 3.4.1 says, by `admin` with the password.
fn signed(request: &str) -> bool {
    let hash = |text: String| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let Some(line) = request.lines().find_map(|l| l.strip_prefix("Authorization: Digest ")) else {
        return false;
    };
    let field = |name: &str| {
        let found = line.split(',').find_map(|f| f.trim().strip_prefix(&format!("{name}=")));
        found.unwrap_or_default().trim_matches('"').to_owned()
    };
    let method = request.split(' ').next().unwrap_or_default();
    let (ha1, ha2) = (hash(format!("admin:cam:{SECRET}")), hash(format!("{method}:{}", field("uri"))));
    let wanted = format!("{ha1}:5f:{}:{}:auth:{ha2}", field("nc"), field("cnonce"));
    field("response") == hash(wanted)
}

async fn drain(stream: &mut impl Wire) {
    let mut sink = [0; 4096];
    while stream.read(&mut sink).await.is_ok_and(|n| n > 0) {}
}

/// Method with address, `CSeq` and all of the next request.
async fn request(stream: &mut impl Wire) -> Option<(String, String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head).unwrap();
    let cseq = text.lines().find_map(|l| l.strip_prefix("CSeq: ")).unwrap_or("0").to_owned();
    Some((text.lines().next().unwrap().to_owned(), cseq, text))
}

async fn play_to(
    stream: &mut impl Wire,
    manners: &Manners,
    sdp: &str,
    what: Vec<Rtp>,
) -> std::io::Result<()> {
    let mut answers = 0;
    let mut channel = 0;
    while let Some((line, cseq, text)) = request(stream).await {
        if manners.digest_sha256 && !signed(&text) {
            let asks = "Digest realm=\"cam\", qop=\"auth\", nonce=\"5f\", algorithm=SHA-256";
            let answer =
                format!("RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\nWWW-Authenticate: {asks}\r\n\r\n");
            stream.write_all(answer.as_bytes()).await?;
            continue;
        }
        let method = line.split(' ').next().unwrap_or_default();
        answers += 1;
        let session = if manners.changes_session { answers } else { 1 };
        let mut status = "200 OK";
        let rest = match method {
            "DESCRIBE" => {
                format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len())
            }
            "SETUP" if manners.refuses.is_some_and(|end| line.contains(end)) => {
                status = "461 Unsupported Transport";
                "\r\n".into()
            }
            "SETUP" => {
                channel += 2;
                let of = format!("RTP/AVP/TCP;unicast;interleaved={}-{}", channel - 2, channel - 1);
                let of = manners.transport.as_ref().unwrap_or(&of);
                format!("Session: {session};timeout=60\r\nTransport: {of}\r\n\r\n")
            }
            "PLAY" => format!("Session: {session}\r\n{}\r\n", manners.play_headers),
            _ => format!("Session: {session}\r\n\r\n"),
        };
        stream.write_all(format!("RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n{rest}").as_bytes()).await?;
        if method == "PLAY" {
            break;
        }
    }
    let mut seq = [7_u16; 8];
    for rtp in what {
        let (channel, kind, time, mark, payload) = match rtp {
            Rtp::Nal(time, mark, payload) | Rtp::Payload(time, mark, payload) => (0, 96, time, mark, payload),
            Rtp::On(channel, kind, time, payload) => (channel, kind, time, true, payload),
            Rtp::Packet(channel, packet) => {
                let size = (packet.len() as u16).to_be_bytes();
                stream.write_all(&[&[b'$', channel][..], &size, &packet].concat()).await?;
                continue;
            }
            Rtp::Raw(bytes) => {
                stream.write_all(&bytes).await?;
                continue;
            }
            Rtp::Lost(packets) => {
                seq[0] = seq[0].wrapping_add(packets);
                continue;
            }
            Rtp::Pause(time) => {
                tokio::time::sleep(time).await;
                continue;
            }
            Rtp::Stall => {
                drain(stream).await;
                return Ok(());
            }
        };
        let mut packet = vec![b'$', channel];
        packet.extend_from_slice(&(payload.len() as u16 + 12).to_be_bytes());
        packet.extend_from_slice(&[0x80, kind | u8::from(mark) << 7]);
        packet.extend_from_slice(&seq[usize::from(channel)].to_be_bytes());
        packet.extend_from_slice(&time.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 9]);
        packet.extend_from_slice(&payload);
        stream.write_all(&packet).await?;
        seq[usize::from(channel)] = seq[usize::from(channel)].wrapping_add(1);
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
