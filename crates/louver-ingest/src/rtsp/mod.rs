//! RTSP over TCP with retina.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use louver_base::{CameraAddress, MEDIA_TICKS_PER_SECOND, MediaTime, WallTime};
use louver_media::{Codec, Packet, ParameterSetError, PictureSize, VideoParams, has_idr};
use retina::client::{
    Credentials, Described, InitialSequenceNumberPolicy, InitialTimestampPolicy, PlayOptions, Session,
    SessionGroup, SessionIdPolicy, SessionOptions, SetupOptions, Stream, Transport,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame, VideoParameters};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{End, Event, IngestError, Sink, Source, Timing};

/// How long old live555 servers go on sending to a socket that was closed (retina issue 17).
const STALE_LONGEST: std::time::Duration = std::time::Duration::from_secs(65);

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
        if self.leaves_stale_sessions {
            let stale = self.group.stale_sessions();
            let gone = timeout(STALE_LONGEST, self.group.await_stale_sessions(&stale));
            let _ = sink.until_stopped(gone).await?;
        }
        let opening = open(&source.address, source.timing, &self.group);
        let mut pictures = sink.until_stopped(opening).await??;
        self.leaves_stale_sessions = pictures.demuxed.tool().is_some_and(|t| t.has_live555_tcp_bug());
        let mut first = true;
        loop {
            // Dropping `next` half-way loses nothing: what is read stays in the session's buffer.
            let picture = sink.until_stopped(pictures.next()).await??;
            match picture.params {
                Some(params) if first => sink.send(Event::Connected { session, params }).await?,
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

/// Connects and asks what there is.
pub(crate) async fn describe(
    address: &CameraAddress,
    timing: Timing,
    group: &Arc<SessionGroup>,
) -> Result<Session<Described>, IngestError> {
    let url = address.rtsp_url().ok_or(IngestError::NotRtsp)?.clone();
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let port = url.port().unwrap_or(554);
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
        drop(tokio::net::lookup_host((host, port)).await.map_err(IngestError::NameNotFound)?);
        Session::describe(url, options).await.map_err(|e| IngestError::from_retina(&e, address))
    };
    timeout(timing.connect, opening).await.unwrap_or(Err(IngestError::NoAnswer(timing.connect)))
}

/// Connects and starts the first H.264 stream.
pub(crate) async fn open(
    address: &CameraAddress,
    timing: Timing,
    group: &Arc<SessionGroup>,
) -> Result<Pictures, IngestError> {
    let session = describe(address, timing, group).await?;
    start(session, address, timing).await
}

/// Sets the first H.264 stream up and starts it.
pub(crate) async fn start(
    mut session: Session<Described>,
    address: &CameraAddress,
    timing: Timing,
) -> Result<Pictures, IngestError> {
    let stream = choose(session.streams())?;
    let clock = session.streams()[stream].clock_rate_hz();
    let failed = |e: retina::Error| IngestError::from_retina(&e, address);
    let starting = async {
        // MP4's framing with the parameter sets in front of key frames: every group of pictures can be read alone.
        let setup = SetupOptions::default().transport(Transport::default()).frame_format(FrameFormat {
            parameter_set_insertion: retina::codec::ParameterSetInsertion::EachKeyFrame,
            ..FrameFormat::MP4
        });
        session.setup(stream, setup).await.map_err(failed)?;
        let play = PlayOptions::default()
            .initial_timestamp(InitialTimestampPolicy::Ignore)
            .initial_seq(InitialSequenceNumberPolicy::Ignore);
        session.play(play).await.and_then(Session::demuxed).map_err(failed)
    };
    let demuxed =
        timeout(timing.start, starting).await.unwrap_or(Err(IngestError::NoAnswer(timing.start)))?;
    Ok(Pictures {
        demuxed,
        address: address.clone(),
        timing,
        stream,
        clock,
        origin: None,
        params: None,
        started: Instant::now(),
        skipped: 0,
    })
}

/// The first H.264 stream, or why there is none.
fn choose(streams: &[Stream]) -> Result<usize, IngestError> {
    let video = |s: &&Stream| s.media() == "video";
    let h264 = streams.iter().position(|s| video(&s) && s.encoding_name() == "h264");
    let other = streams.iter().find(video).map(|s| codec_name(s.encoding_name()));
    h264.ok_or_else(|| other.map_or(IngestError::NoVideo, IngestError::Codec))
}

/// The name that people know; a foreign one is cut and cleaned.
pub(crate) fn codec_name(encoding: &str) -> String {
    match encoding {
        "h264" => "H.264".into(),
        "h265" => "H.265".into(),
        "jpeg" => "MJPEG".into(),
        "mp4v-es" => "MPEG-4 Part 2".into(),
        other => other.chars().filter(char::is_ascii_graphic).take(20).collect(),
    }
}

/// A session's pictures from its first key frame on.
pub(crate) struct Pictures {
    demuxed: retina::client::Demuxed,
    address: CameraAddress,
    timing: Timing,
    stream: usize,
    /// Ticks a second of the RTP clock; 90,000 unless the camera says otherwise.
    clock: u32,
    /// RTP ticks of the first packet handed on.
    origin: Option<i64>,
    /// The parameters last told.
    params: Option<VideoParams>,
    started: Instant,
    /// Pictures before the first key frame.
    pub(crate) skipped: u64,
}

/// One picture, and the parameters if they are new with it.
pub(crate) struct Arrived {
    pub(crate) packet: Packet,
    pub(crate) params: Option<VideoParams>,
    /// RTP packets that did not come before it.
    lost: u16,
}

impl Pictures {
    /// The next picture, key frame first. May be dropped half-way.
    pub(crate) async fn next(&mut self) -> Result<Arrived, IngestError> {
        // From being asked: the time for which a full channel held the reader back is not the camera's silence.
        let mut deadline = Instant::now() + self.timing.silence;
        loop {
            // Sender reports go on when a camera's encoder hangs, so only pictures count.
            let item = timeout_at(deadline, self.demuxed.next()).await;
            let item = item.map_err(|_| IngestError::Silent(self.timing.silence))?;
            let frame = match item {
                Some(Ok(CodecItem::VideoFrame(frame))) => frame,
                Some(Ok(_)) => continue,
                Some(Err(e)) => return Err(self.failed(&e)),
                None => return Err(IngestError::Closed),
            };
            deadline = Instant::now() + self.timing.silence;
            if let Some(arrived) = self.take(frame)? {
                return Ok(arrived);
            }
            if self.origin.is_none() && self.started.elapsed() > self.timing.key_frame {
                return Err(IngestError::NoKeyFrame(self.timing.key_frame));
            }
        }
    }

    fn failed(&self, error: &retina::Error) -> IngestError {
        match IngestError::from_retina(error, &self.address) {
            // It did speak RTSP before.
            IngestError::NotRtsp => {
                IngestError::BadStream("the connection carries something else than RTSP".into())
            }
            other => other,
        }
    }

    /// `None` before the first key frame.
    fn take(&mut self, frame: VideoFrame) -> Result<Option<Arrived>, IngestError> {
        let wall = WallTime::now();
        let (ticks, lost) = (frame.timestamp().elapsed(), frame.loss());
        let changed = frame.has_new_parameters();
        let mut data = frame.into_data();
        delimiter_first(&mut data);
        let mut packet = Packet { media: MediaTime::ZERO, wall, key: false, data: data.into() };
        packet.key = has_idr(packet.nals());
        let params = if changed || self.params.is_none() { self.parameters()? } else { None };
        if self.origin.is_none() && !(packet.key && params.is_some()) {
            self.skipped += 1;
            return Ok(None);
        }
        let origin = *self.origin.get_or_insert(ticks);
        packet.media = media_time(ticks.saturating_sub(origin), self.clock);
        let params = params.filter(|p| self.params.as_ref() != Some(p));
        if params.is_some() {
            self.params.clone_from(&params);
        }
        Ok(Some(Arrived { packet, params, lost }))
    }

    fn parameters(&self) -> Result<Option<VideoParams>, IngestError> {
        match self.demuxed.streams()[self.stream].parameters() {
            Some(ParametersRef::Video(p)) => Ok(Some(video_params(p)?)),
            _ => Ok(None),
        }
    }
}

/// retina's parameters as ours.
pub(crate) fn video_params(p: &VideoParameters) -> Result<VideoParams, ParameterSetError> {
    let (width, height) = p.pixel_dimensions();
    let wrong = ParameterSetError::Size { width: width.into(), height: height.into() };
    let size = PictureSize::new(width, height).ok_or(wrong)?;
    Ok(VideoParams { codec: Codec::H264, size, config: Bytes::copy_from_slice(p.extra_data()) })
}

/// To 90,000 ticks a second, to the nearest.
fn media_time(ticks: i64, clock: u32) -> MediaTime {
    let (ticks, clock) = (i128::from(ticks), i128::from(clock.max(1)));
    let exact = (ticks * i128::from(MEDIA_TICKS_PER_SECOND) + clock / 2).div_euclid(clock);
    MediaTime::from_ticks(exact.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

/// retina puts the parameter sets in front of everything; an access unit delimiter must stand first (ITU-T H.264
/// section 7.4.1.2.3), and Chromium refuses a picture in which it does not.
fn delimiter_first(data: &mut [u8]) {
    let mut at = 0;
    while let Some((len, nal)) = data[at..].split_first_chunk::<4>() {
        let whole = 4 + u32::from_be_bytes(*len) as usize;
        match nal.first().map(|header| header & 0x1f) {
            Some(7 | 8) if whole <= data.len() - at => at += whole,
            Some(9) if at > 0 && whole <= data.len() - at => {
                return data[..at + whole].rotate_right(whole);
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nals(types: &[u8]) -> Vec<u8> {
        types.iter().flat_map(|t| [0, 0, 0, 2, *t, 0xaa]).collect()
    }

    #[test]
    fn an_access_unit_delimiter_stands_before_the_parameter_sets() {
        for (from, to) in
            [(&[7, 8, 9, 6, 5][..], &[9, 7, 8, 6, 5][..]), (&[9, 1], &[9, 1]), (&[7, 8, 5], &[7, 8, 5])]
        {
            let mut data = nals(from);
            delimiter_first(&mut data);
            assert_eq!(data, nals(to));
        }
    }

    #[test]
    fn other_clock_rates_become_ninety_thousand() {
        assert_eq!(media_time(1000, 1000).ticks(), 90_000);
        assert_eq!(media_time(-90_000, 90_000).ticks(), -90_000);
        assert_eq!(media_time(i64::MAX, 1).ticks(), i64::MAX);
    }

    proptest! {
        #[test]
        fn putting_the_delimiter_first_keeps_every_byte(mut data: Vec<u8>) {
            let mut before = data.clone();
            delimiter_first(&mut data);
            before.sort_unstable();
            data.sort_unstable();
            prop_assert_eq!(before, data);
        }
    }
}
