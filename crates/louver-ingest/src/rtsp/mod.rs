//! RTSP with retina, which connects, signs in, keeps sessions alive and puts pictures together. Sessions are read packet by packet, not
//! through retina's own `Demuxed`, for four reasons: a picture has a largest size here, sound that cannot be read costs no picture, Opus
//! is known, and an RTP clock may have any rate. The parts of retina that this takes are hidden ones, so its version is pinned.

mod assembly;
mod pace;
mod pictures;
mod sdp;
mod sound;
mod udp;

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use louver_base::CameraAddress;
use louver_media::{ParameterSetError, PictureSize, VideoParams};
use retina::client::{
    Credentials, Described, InitialSequenceNumberPolicy, InitialTimestampPolicy, PlayOptions, Session,
    SessionGroup, SessionIdPolicy, SessionOptions, SetupOptions, Stream, TcpTransportOptions,
    UdpTransportOptions,
};
use retina::codec::{Depacketizer, FrameFormat, VideoParameters, VideoParametersCodec};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::late::{LateReader, Reading};
use crate::tls::Relay;
use crate::{Audio, Connection, End, Event, IngestError, Sink, Source, Timing, Transport};
pub(crate) use assembly::{Arrived, Assembly, PICTURE_BYTES_MAX, Picture};
pub(crate) use pictures::Pictures;
pub(crate) use sound::Hearing;

/// How long old live555 servers go on sending to a socket that was closed (retina issue 17).
const STALE_LONGEST: std::time::Duration = std::time::Duration::from_secs(65);
/// Ticks a second that retina's depacketizers for pictures insist on; which they are is of no matter to them.
const VIDEO_CLOCK: u32 = 90_000;

/// Plays one camera's sessions, one after the other.
#[derive(Default)]
pub(crate) struct Player {
    group: Arc<SessionGroup>,
    /// The server named itself as one that goes on sending to closed sessions.
    leaves_stale_sessions: bool,
}

impl Player {
    /// One session: connects, waits for a key frame and hands on packets until something ends it.
    pub(crate) async fn play(&mut self, source: &Source, session: u64, sink: &Sink) -> Result<(), End> {
        let late = source.late();
        late.as_ref().inspect(|reader| reader.hurry());
        if self.leaves_stale_sessions {
            let stale = self.group.stale_sessions();
            let gone = timeout(STALE_LONGEST, self.group.await_stale_sessions(&stale));
            let _ = sink.until_stopped(gone).await?;
        }
        let opening = open(&source.address, &source.connection, source.timing, &self.group);
        let mut pictures = sink.until_stopped(opening).await??;
        if late.is_some() {
            pictures.are_read_late();
        }
        self.leaves_stale_sessions = pictures.leaves_stale_sessions();
        let (mut first, mut lossy) = (true, false);
        loop {
            let at_once = lossy || *source.reading.borrow() == Reading::AtOnce;
            let arrived = match &late {
                Some(late) if !first && !at_once => next_late(&mut pictures, late, sink).await?,
                // Dropping `next` half-way loses nothing: what is read stays in the session's buffer.
                _ => sink.until_stopped(pictures.next()).await??,
            };
            // Where arrivals are the only clock they must be right; and a camera that dropped packets, which over TCP it does when
            // it is not read, has less room than others.
            lossy |=
                matches!(&arrived, Arrived::Picture(picture) if picture.lost > 0) || pictures.is_by_arrival();
            late.as_ref().filter(|_| lossy || at_once).inspect(|reader| reader.hurry());
            let picture = match arrived {
                Arrived::Picture(picture) => picture,
                Arrived::Sound(packet) => {
                    sink.send(Event::Sound(packet)).await?;
                    continue;
                }
            };
            match picture.params {
                Some(params) if first => {
                    let sound = pictures.sound_params();
                    sink.send(Event::Connected { session, params, sound }).await?;
                }
                Some(params) => sink.send(Event::Params(params)).await?,
                None => {}
            }
            if picture.lost > 0 && !first {
                sink.send(Event::Missing { packets: picture.lost }).await?;
            }
            first = false;
            sink.send(Event::Packet(picture.packet)).await?;
        }
    }
}

/// What is there already, or else what is there at the next look.
async fn next_late(pictures: &mut Pictures, late: &LateReader, sink: &Sink) -> Result<Arrived, End> {
    let mut next = std::pin::pin!(pictures.next());
    match futures::poll!(next.as_mut()) {
        Poll::Ready(arrived) => Ok(arrived?),
        Poll::Pending => {
            sink.until_stopped(late.next_look()).await?;
            Ok(sink.until_stopped(next).await??)
        }
    }
}

/// A camera that has said what it offers.
pub(crate) struct Offer {
    pub(crate) session: Session<Described>,
    /// What the session's bytes go through, where they are encrypted.
    relay: Option<Relay>,
    /// Where the camera may be, by its name.
    hosts: Vec<IpAddr>,
}

/// Connects and asks what there is.
pub(crate) async fn describe(
    address: &CameraAddress,
    connection: &Connection,
    timing: Timing,
    group: &Arc<SessionGroup>,
) -> Result<Offer, IngestError> {
    let url = address.rtsp_url().ok_or(IngestError::NotRtsp)?.clone();
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let creds = address
        .credentials()
        .map(|c| Credentials { username: c.user.clone(), password: c.password.expose_secret().to_owned() });
    let options = SessionOptions::default()
        .creds(creds)
        .user_agent(format!("Louver {}", env!("CARGO_PKG_VERSION")))
        .session_id(SessionIdPolicy::UseFirst)
        .session_group(group.clone());
    let opening = async {
        // Looked up here too because retina's error does not tell an unknown name from an unreachable host.
        let port = address.port().unwrap_or(554);
        let hosts = tokio::net::lookup_host((host, port)).await.map_err(IngestError::NameNotFound)?;
        let hosts = hosts.map(|host| host.ip().to_canonical()).collect();
        let (relay, url) = match address.is_encrypted() {
            true => {
                // Requests alone would be encrypted.
                if connection.transport == Transport::Udp {
                    return Err(IngestError::UdpInClear);
                }
                let relay = Relay::open(address, connection.certificate).await?;
                let url = relay.url(&url).ok_or(IngestError::NotRtsp)?;
                (Some(relay), url)
            }
            false => (None, url),
        };
        // The reader of descriptions (sdp-types 0.1.8) panics on some that are malformed.
        let described = AssertUnwindSafe(Session::describe(url, options)).catch_unwind().await;
        let described = described.map_err(|_| {
            IngestError::BadStream(
                "its description of itself is malformed, and the RTSP library fails over it".into(),
            )
        })?;
        Ok(Offer { session: described.map_err(|e| IngestError::from_retina(&e, address))?, relay, hosts })
    };
    timeout(timing.connect, opening).await.unwrap_or(Err(IngestError::NoAnswer(timing.connect)))
}

/// Connects and starts the first stream of pictures, and of sound where it is wanted.
pub(crate) async fn open(
    address: &CameraAddress,
    connection: &Connection,
    timing: Timing,
    group: &Arc<SessionGroup>,
) -> Result<Pictures, IngestError> {
    let offer = describe(address, connection, timing, group).await?;
    start(offer, address, connection, timing).await
}

/// Sets the streams up and starts them.
pub(crate) async fn start(
    mut offer: Offer,
    address: &CameraAddress,
    connection: &Connection,
    timing: Timing,
) -> Result<Pictures, IngestError> {
    let index = choose(offer.session.streams())?;
    let announced = Announced::of(&offer.session, index).ok_or(IngestError::NoVideo)?;
    let video = Track::new(index, &announced).map_err(|why| IngestError::bad_stream(&why, address))?;
    let hearing = match connection.audio {
        Audio::Sealed => Hearing::find(&offer.session),
        Audio::Off => None,
    };
    let failed = |e: retina::Error| IngestError::from_retina(&e, address);
    let setup = || {
        SetupOptions::default().transport(match connection.transport {
            Transport::Tcp => retina::client::Transport::Tcp(TcpTransportOptions::default()),
            Transport::Udp => retina::client::Transport::Udp(UdpTransportOptions::default()),
        })
    };
    let starting = async {
        offer.session.setup(index, setup()).await.map_err(failed)?;
        let hearing = match hearing {
            Some(hearing) => match offer.session.setup(hearing.index(), setup()).await {
                Ok(()) => Some(hearing),
                Err(e) => {
                    // Pictures are worth more than sound.
                    let reason = failed(e);
                    tracing::warn!(%reason, "the camera refuses its sound; pictures are taken without it");
                    None
                }
            },
            None => None,
        };
        if connection.transport == Transport::Udp && !udp::are_from(offer.session.streams(), &offer.hosts) {
            return Err(IngestError::OtherSender);
        }
        let play = PlayOptions::default()
            .initial_timestamp(InitialTimestampPolicy::Ignore)
            .initial_seq(InitialSequenceNumberPolicy::Ignore);
        Ok((offer.session.play(play).await.map_err(failed)?, hearing))
    };
    let (session, hearing) =
        timeout(timing.start, starting).await.unwrap_or(Err(IngestError::NoAnswer(timing.start)))?;
    Ok(Pictures::new(session, video, hearing, offer.relay, address, timing))
}

/// What a camera's description says of one stream.
pub(crate) struct Announced<'a> {
    /// `video`, `image`, `audio` or anything else.
    pub(crate) media: &'a str,
    /// How it is coded, in lower case.
    pub(crate) encoding: &'a str,
    /// Ticks a second of its RTP clock.
    pub(crate) clock: u32,
    /// Of sound.
    pub(crate) channels: Option<NonZeroU16>,
    /// What stands in `a=fmtp`.
    pub(crate) parameters: Option<String>,
}

impl<'a> Announced<'a> {
    /// `None` where there are fewer streams.
    fn of(session: &'a Session<Described>, index: usize) -> Option<Self> {
        let stream = session.streams().get(index)?;
        let (media, number) = (stream.media(), stream.rtp_payload_type());
        Some(Self {
            media,
            encoding: stream.encoding_name(),
            clock: stream.clock_rate_hz(),
            channels: stream.channels(),
            parameters: sdp::format_parameters(session.sdp(), media, number),
        })
    }
}

/// One stream of a session and what puts its packets together.
pub(crate) struct Track {
    index: usize,
    /// Ticks a second of the RTP clock; 90,000 unless the camera says otherwise.
    clock: u32,
    depacketizer: Depacketizer,
}

impl Track {
    /// The error is a sentence of retina's.
    pub(crate) fn new(index: usize, stream: &Announced<'_>) -> Result<Self, String> {
        let Announced { media, encoding, clock, channels, ref parameters } = *stream;
        let announced = if media == "audio" { clock } else { VIDEO_CLOCK };
        let new = |parameters| Depacketizer::new(media, encoding, announced, channels, parameters);
        // Parameters that make no sense: those in the stream count, as if there were none here.
        let made = match new(parameters.as_deref()) {
            Err(_) if media != "audio" && parameters.is_some() => new(None),
            made => made,
        };
        let mut depacketizer = made?;
        // MP4's framing with the parameter sets in front of key frames: every group of pictures can be read alone.
        depacketizer.set_frame_format(FrameFormat {
            parameter_set_insertion: retina::codec::ParameterSetInsertion::EachKeyFrame,
            ..FrameFormat::MP4
        });
        Ok(Self { index, clock, depacketizer })
    }
}

/// The first stream of pictures that can be recorded, or why there is none.
fn choose(streams: &[Stream]) -> Result<usize, IngestError> {
    let video = |s: &&Stream| matches!(s.media(), "video" | "image");
    let taken = |s: &Stream| matches!(s.encoding_name(), "h264" | "h265" | "jpeg");
    let other = streams.iter().find(video).map(|s| codec_name(s.encoding_name()));
    let found = streams.iter().position(|s| video(&s) && taken(s));
    found.ok_or_else(|| other.map_or(IngestError::NoVideo, IngestError::Codec))
}

/// The name that people know; a foreign one is cut and cleaned.
pub(crate) fn codec_name(encoding: &str) -> String {
    match encoding {
        "h264" => "H.264".into(),
        "h265" => "H.265".into(),
        "jpeg" => "MJPEG".into(),
        "mp4v-es" => "MPEG-4 Part 2".into(),
        "mpeg4-generic" => "AAC".into(),
        "pcma" => "G.711 A-law".into(),
        "pcmu" => "G.711 µ-law".into(),
        "opus" => "Opus".into(),
        other => other.chars().filter(char::is_ascii_graphic).take(20).collect(),
    }
}

/// retina's parameters as ours.
pub(crate) fn video_params(p: &VideoParameters) -> Result<VideoParams, ParameterSetError> {
    let (width, height) = p.pixel_dimensions();
    let wrong = ParameterSetError::Size { width: width.into(), height: height.into() };
    let size = PictureSize::new(width, height).ok_or(wrong)?;
    match p.codec_params() {
        VideoParametersCodec::H265 { .. } => VideoParams::h265(size, p.extra_data()),
        VideoParametersCodec::Jpeg => Ok(VideoParams::mjpeg(size)),
        _ => Ok(VideoParams::h264(size, p.extra_data())),
    }
}
