//! Cameras and video files to packets.
//!
//! [`run`] plays one [`Source`] for as long as it is wanted and says what happens in [`Event`]s: it connects, waits for
//! a key frame, hands packets on, and connects anew whenever the camera is lost. [`probe`] looks at a camera once.
//!
//! **Order and time.** Packets come in the order of decoding. Within one session their media times follow the camera's
//! RTP clock, starting at zero with the first packet; the clock's 32-bit wrap is taken out, its jumps are not (they may
//! go either way: cameras set their clocks). A new session starts a new media clock, so media times of two sessions
//! cannot be compared: [`Event::Connected`] carries the session's number and stands before its first packet.
//!
//! **Bounds.** The channel's bound is the caller's. When it is full the reader stops reading, so TCP holds the camera
//! back: nothing is dropped here. A reader held back for longer than the camera's patience (about a minute) loses the
//! session. One session keeps two ring buffers of 64 KiB, the second grown to twice the largest picture, and the picture in
//! hand; a picture of more than 16 MiB ends the session. retina has no limit for one answer to a request; what bounds a
//! hostile camera there is time: [`Timing::connect`], [`Timing::start`], and [`Timing::silence`] while playing.
//!
//! **Key frames** are IDR pictures, of H.265 CRA and BLA pictures too; each JPEG is one. A camera that refreshes its picture
//! gradually (recovery points, "intra refresh") never sends one and is refused after [`Timing::key_frame`] in words that say
//! which setting to change.
//!
//! **What cameras get wrong**, and what is done about it, stands in [`quirks`].

mod backoff;
mod connection;
mod error;
mod file;
#[doc(hidden)]
pub mod fuzzing;
mod late;
mod probe;
pub mod quirks;
mod rtsp;
mod sign_in;
mod tls;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use louver_base::{CameraAddress, CameraId};
use louver_media::{Packet, SoundParams, VideoParams};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use backoff::Backoff;
pub use connection::{Audio, Connection, Fingerprint, FingerprintError, Transport};
pub use error::IngestError;
pub use late::{LateReader, Reading};
pub use probe::{ProbeReport, StreamReport, VideoReport, probe, probe_for};
pub(crate) use rtsp::PICTURE_BYTES_MAX;
pub use sign_in::SignIn;

/// Which of a camera's streams a source is; for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The best picture: sealed.
    Main,
    /// The small picture: seen and masked.
    Sub,
}

/// How a video file is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilePlay {
    /// At its own pace, over and over, as a camera would: media time goes on over the repeat, within one session.
    #[default]
    Loop,
    /// Once, as fast as packets are taken; then [`run`] ends.
    Once,
}

/// How long things may take. The defaults suit cameras; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Finding the host, connecting and getting the stream's description; 5 s.
    pub connect: Duration,
    /// Setting the stream up and starting it; 10 s.
    pub start: Duration,
    /// From one picture to the next, before the camera counts as silent; 10 s.
    pub silence: Duration,
    /// From the start to the first key frame; 60 s, as cameras that save bits send one every 40 s at worst.
    pub key_frame: Duration,
    /// Before the first new attempt; doubled by each failure in a row; 1 s.
    pub retry_first: Duration,
    /// Between attempts at most; 30 s.
    pub retry_longest: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            connect: s(5),
            start: s(10),
            silence: s(10),
            key_frame: s(60),
            retry_first: s(1),
            retry_longest: s(30),
        }
    }
}

/// One stream to play.
#[derive(Clone, Debug)]
pub struct Source {
    /// Whose; for logs.
    pub camera: CameraId,
    /// Which of its streams; for logs.
    pub role: Role,
    /// Where from.
    pub address: CameraAddress,
    /// How it is connected to; of no meaning for a file.
    pub connection: Connection,
    /// How long things may take.
    pub timing: Timing,
    /// How a file is played; of no meaning for a network camera.
    pub file: FilePlay,
    /// When a network camera's packets are read, as of now: it may change while the stream is played.
    pub reading: watch::Receiver<Reading>,
    /// Who reads them late; without it they are read at once whatever `reading` says.
    pub late: Option<LateReader>,
}

impl Source {
    /// A stream with the usual timing; a file is played like a camera.
    pub fn new(camera: CameraId, role: Role, address: CameraAddress) -> Self {
        let (connection, timing, file) = Default::default();
        Self {
            camera,
            role,
            address,
            connection,
            timing,
            file,
            reading: watch::channel(Reading::default()).1,
            late: None,
        }
    }

    /// Who reads it late, if it can be: not over UDP, whose buffers lose what they cannot hold, and not a file.
    fn late(&self) -> Option<LateReader> {
        let tcp = self.address.file().is_none() && self.connection.transport == Transport::Tcp;
        self.late.clone().filter(|_| tcp)
    }
}

/// What happens with a source.
#[derive(Debug)]
pub enum Event {
    /// Pictures flow: the packets that follow belong to this session. The first of them is a key frame at media time
    /// zero.
    Connected {
        /// Counts the sessions of this [`run`], from 1.
        session: u64,
        /// What a decoder must know first.
        params: VideoParams,
        /// How its sound is coded; `None` where none is wanted, or none that can be kept is there.
        sound: Option<SoundParams>,
    },
    /// The parameters changed within the session; they hold from the next packet on, which is a key frame unless the
    /// camera is at fault.
    Params(VideoParams),
    /// One picture.
    Packet(Packet),
    /// A packet of sound, where sound is wanted; its media time is on the pictures' clock.
    Sound(Packet),
    /// The transport lost something before the next packet (RTP counts what it sends): pictures up to the next key frame may
    /// be smeared. Stands before the packet that came after the hole.
    Missing {
        /// RTP packets that did not come, as far as the 16 bits of their counter tell.
        packets: u16,
    },
    /// The session ended or did not come about. [`Event::Connected`] follows when it is back.
    Lost {
        /// Why; its `Display` is for the operator.
        error: IngestError,
        /// When the next attempt is made.
        retry_in: Duration,
    },
}

/// Plays a source until `stop` is cancelled, the receiver is gone, or a file was played [`FilePlay::Once`].
///
/// RTSP packets hold the NAL units as the camera sent them (of MJPEG a whole JPEG, put together as RFC 2435 says), with three exceptions of retina's depacketizer: Annex B
/// start codes inside a NAL unit part it, repeated parameter sets are dropped, and the parameter
/// sets in force stand once in front of every key frame (behind its access unit delimiter, if it has one), whether or
/// not the camera repeated them. Files' packets are as they stand in the file.
pub async fn run(source: Source, out: mpsc::Sender<Event>, stop: CancellationToken) {
    let span = tracing::info_span!("ingest", camera = %source.camera, role = ?source.role);
    let sink = Sink { out, stop };
    match source.late() {
        Some(reader) => reader.run(async move { sessions(&source, &sink).instrument(span).await }).await,
        None => sessions(&source, &sink).instrument(span).await,
    }
}

async fn sessions(source: &Source, sink: &Sink) {
    let mut backoff = Backoff::new(source.timing.retry_first, source.timing.retry_longest);
    let mut player = rtsp::Player::default();
    for session in 1.. {
        let began = Instant::now();
        let end = match source.address.file() {
            Some(path) => file::play(path, source.file, session, sink).await,
            None => {
                // A library that panics on what a camera sent costs the session, not the recording.
                let playing = AssertUnwindSafe(player.play(source, session, sink)).catch_unwind();
                playing.await.unwrap_or(Err(End::Failed(IngestError::Crashed)))
            }
        };
        let error = match end {
            Ok(()) | Err(End::Stopped) => return,
            Err(End::Failed(error)) => error,
        };
        if began.elapsed() >= backoff::STEADY {
            backoff.reset();
        }
        let retry_in = backoff.next(error.patience(), rand::random());
        let wait = async {
            sink.send(Event::Lost { error, retry_in }).await?;
            sink.until_stopped(tokio::time::sleep(retry_in)).await
        };
        if wait.await.is_err() {
            return;
        }
    }
}

/// Why a session is over.
#[derive(Debug)]
enum End {
    /// It was asked to, or nobody listens any more.
    Stopped,
    /// It could not go on.
    Failed(IngestError),
}

impl From<IngestError> for End {
    fn from(error: IngestError) -> Self {
        Self::Failed(error)
    }
}

/// Where events go, and whether they are still wanted.
struct Sink {
    out: mpsc::Sender<Event>,
    stop: CancellationToken,
}

impl Sink {
    /// Waits for room: the camera is held back meanwhile.
    async fn send(&self, event: Event) -> Result<(), End> {
        tokio::select! { biased;
            sent = self.out.send(event) => sent.map_err(|_| End::Stopped),
            () = self.stop.cancelled() => Err(End::Stopped),
        }
    }

    /// `act` may be dropped half-way.
    async fn until_stopped<T>(&self, act: impl Future<Output = T>) -> Result<T, End> {
        tokio::select! { biased;
            () = self.stop.cancelled() => Err(End::Stopped),
            () = self.out.closed() => Err(End::Stopped),
            done = act => Ok(done),
        }
    }
}
