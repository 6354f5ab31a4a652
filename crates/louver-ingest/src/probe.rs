//! A look at a camera, for `louver camera probe` and `louver doctor`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use louver_base::{CameraAddress, MediaSpan, MediaTime};
use louver_media::{Codec, Outside, Packet, PictureSize, VideoParams};
use retina::client::SessionGroup;
use retina::codec::ParametersRef;
use tokio::time::{Instant, timeout, timeout_at};

use crate::sign_in::{self, SignIn};
use crate::tls::Relay;
use crate::{Connection, IngestError, Timing, file, rtsp};

/// How long pictures are watched, counted from the first key frame.
const WATCH: Duration = Duration::from_millis(2500);
/// How long a camera gets to be done with one connection before the next.
const NOT_DONE_YET: Duration = Duration::from_millis(700);
/// Pictures kept in a report at most: their times and sizes, not their bytes.
const PICTURES_MAX: usize = 1000;

/// What a camera or file offers.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeReport {
    /// How the camera asks for the password; `None` for a file, or where it could not be told.
    pub sign_in: Option<SignIn>,
    /// Every stream at this path.
    pub streams: Vec<StreamReport>,
    /// The stream that would be recorded.
    pub video: VideoReport,
}

/// One stream as the camera describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// `video`, `audio`, `application`.
    pub media: String,
    /// Coding, as people call it.
    pub codec: String,
    /// Picture size, if it was told.
    pub size: Option<PictureSize>,
}

/// What was seen of the video stream.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoReport {
    /// What a decoder must know first.
    pub params: VideoParams,
    /// From asking to the first key frame.
    pub first_key: Duration,
    /// Pictures seen, the first key frame included.
    pub pictures: usize,
    /// Pictures a second; `None` with fewer than two.
    pub pictures_per_second: Option<f64>,
    /// Bits a second, over the time watched; `None` with fewer than two pictures.
    pub bits_per_second: Option<f64>,
    /// Pictures from one key frame to the next; `None` if no second one came in time.
    pub key_interval: Option<usize>,
    /// What each packet tells without being decoded; at most 1000.
    pub packets: Vec<Outside>,
}

/// Connects once, watches for 2.5 s and says what is there.
///
/// # Errors
/// The same as [`run`](crate::run) would meet; a codec not yet supported is one.
pub async fn probe(address: &CameraAddress, connection: &Connection) -> Result<ProbeReport, IngestError> {
    probe_for(address, connection, Timing::default(), WATCH).await
}

/// [`probe`] with other times.
///
/// # Errors
/// As [`probe`].
pub async fn probe_for(
    address: &CameraAddress,
    connection: &Connection,
    timing: Timing,
    watch: Duration,
) -> Result<ProbeReport, IngestError> {
    match (address.file(), address.rtsp_url()) {
        (Some(path), _) => probe_file(path).await,
        (None, Some(url)) => {
            let asking = async {
                match address.is_encrypted() {
                    true => {
                        let relay = Relay::open(address, connection.certificate).await.ok()?;
                        sign_in::ask(&relay.url(url)?).await
                    }
                    false => sign_in::ask(url).await,
                }
            };
            let sign_in = timeout(timing.connect, asking).await.ok().flatten();
            // As in `run`: a library that panics on what a camera sent is no reason to end the program.
            let looking = AssertUnwindSafe(probe_rtsp(address, connection, timing, watch, sign_in));
            looking.catch_unwind().await.unwrap_or(Err(IngestError::Crashed))
        }
        (None, None) => Err(IngestError::NotRtsp),
    }
}

async fn probe_rtsp(
    address: &CameraAddress,
    connection: &Connection,
    timing: Timing,
    watch: Duration,
    sign_in: Option<SignIn>,
) -> Result<ProbeReport, IngestError> {
    let asked = Instant::now();
    let group = Arc::new(SessionGroup::default());
    let offer = match rtsp::describe(address, connection, timing, &group).await {
        // Some are not done with the connection before, which asked for the way to sign in.
        Err(IngestError::Busy(_)) => {
            tokio::time::sleep(NOT_DONE_YET).await;
            rtsp::describe(address, connection, timing, &group).await?
        }
        offer => offer?,
    };
    let stream = |s: &retina::client::Stream| StreamReport {
        media: rtsp::codec_name(s.media()),
        codec: rtsp::codec_name(s.encoding_name()),
        size: match s.parameters() {
            Some(ParametersRef::Video(p)) => rtsp::video_params(p).ok().map(|p| p.size),
            _ => None,
        },
    };
    let streams = offer.session.streams().iter().map(stream).collect();
    let mut pictures = rtsp::start(offer, address, connection, timing).await?;
    let first = next_picture(&mut pictures).await?;
    let params = first.params.ok_or(IngestError::NoKeyFrame(timing.key_frame))?;
    let mut seen = Seen::new(asked.elapsed(), params.codec);
    seen.add(&first.packet);
    let until = Instant::now() + watch;
    while let Ok(next) = timeout_at(until, next_picture(&mut pictures)).await {
        seen.add(&next?.packet);
    }
    Ok(ProbeReport { sign_in, streams, video: seen.report(params) })
}

/// The next picture; what is heard in between is not looked at.
async fn next_picture(pictures: &mut rtsp::Pictures) -> Result<rtsp::Picture, IngestError> {
    loop {
        if let rtsp::Arrived::Picture(picture) = pictures.next().await? {
            return Ok(picture);
        }
    }
}

async fn probe_file(path: &std::path::Path) -> Result<ProbeReport, IngestError> {
    let asked = Instant::now();
    let (_, track) = file::open(path).await?;
    let start = track.samples.iter().position(|s| s.key).ok_or(IngestError::NoPictures)?;
    let mut seen = Seen::new(asked.elapsed(), track.params.codec);
    for s in &track.samples[start..] {
        let media = MediaTime::ZERO + (s.decode - track.samples[start].decode);
        let slices = s.size;
        seen.note(Outside { media, key: s.key, slices, padding: 0, droppable: false }, s.size as usize);
    }
    let stream = StreamReport {
        media: "video".into(),
        codec: track.params.codec.to_string(),
        size: Some(track.params.size),
    };
    Ok(ProbeReport { sign_in: None, streams: vec![stream], video: seen.report(track.params) })
}

/// Times, sizes and key flags of the pictures watched.
struct Seen {
    codec: Codec,
    first_key: Duration,
    pictures: Vec<(i64, usize, bool)>,
    packets: Vec<Outside>,
}

impl Seen {
    fn new(first_key: Duration, codec: Codec) -> Self {
        Self { codec, first_key, pictures: Vec::new(), packets: Vec::new() }
    }

    fn add(&mut self, packet: &Packet) {
        self.note(Outside::of(packet, self.codec), packet.data.len());
    }

    fn note(&mut self, outside: Outside, bytes: usize) {
        if self.pictures.len() < PICTURES_MAX {
            self.pictures.push((outside.media.ticks(), bytes, outside.key));
            self.packets.push(outside);
        }
    }

    fn report(self, params: VideoParams) -> VideoReport {
        let times = self.pictures.iter().map(|p| p.0);
        let (first, last) = (times.clone().min().unwrap_or(0), times.max().unwrap_or(0));
        let seconds = MediaSpan::from_ticks(last.saturating_sub(first)).seconds();
        let steps = self.pictures.len().saturating_sub(1);
        let bytes: usize = self.pictures.iter().map(|p| p.1).take(steps).sum();
        let known = steps > 0 && seconds > 0.0;
        VideoReport {
            params,
            first_key: self.first_key,
            pictures: self.pictures.len(),
            pictures_per_second: known.then(|| steps as f64 / seconds),
            bits_per_second: known.then(|| bytes as f64 * 8.0 / seconds),
            key_interval: self.pictures.iter().skip(1).position(|p| p.2).map(|n| n + 1),
            packets: self.packets,
        }
    }
}
