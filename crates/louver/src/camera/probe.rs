//! `louver camera probe`: what a camera sends, in words, and what could be better.

use std::path::Path;
use std::time::Duration;

use louver_base::CameraAddress;
use louver_ingest::{IngestError, ProbeReport, SignIn, StreamReport, Timing};
use louver_node::{Analysis, Audio, CameraSettings, Connection, Fingerprint, Transport};
use louver_onvif::{Camera, Streams};
use louver_see::at_a_glance;

use crate::error::Error;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  louver camera probe front-door
  louver camera probe rtsp://louver:password@192.0.2.10/stream1

An id is looked up in the settings, and both streams of that camera are looked at.";

/// How long a stream is watched: long enough to see two key frames of a camera that is set up well.
const WATCH: Duration = Duration::from_millis(4500);
/// A key frame should come at least so often.
const KEY_SECONDS_MAX: f64 = 4.0;

/// Arguments of `louver camera probe`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Id of a camera in the settings, or an address: rtsp://… or file://…
    #[arg(value_name = "ID|ADDRESS")]
    camera: Typed,
    /// With an address: ask for pictures over UDP
    #[arg(long)]
    udp: bool,
    /// With an address: the SHA-256 fingerprint of the certificate that the camera shows
    #[arg(long, value_name = "sha256:…")]
    certificate: Option<Fingerprint>,
}

/// An id or an address as typed; an address may hold a password, so it prints as `[…]`.
#[derive(Clone)]
struct Typed(String);

impl std::str::FromStr for Typed {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[…]")
    }
}

/// What a stream is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Sealed, never decoded.
    Sealed,
    /// Seen and masked.
    Seen,
    /// Both: a camera without sub stream.
    Both,
}

/// A look at one stream.
pub(crate) struct Look {
    /// `main` or `sub`.
    pub stream: &'static str,
    /// What came of it.
    pub outcome: Result<ProbeReport, IngestError>,
    /// What it is used for.
    pub used: Use,
    /// Whether its sound is kept.
    pub audio: Audio,
}

/// Runs the command.
pub(super) fn run(args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    let text = &args.camera.0;
    if text.contains("://") || text.contains('@') {
        let address: CameraAddress =
            text.parse().map_err(|why| Error::Address { what: "the address", why })?;
        let transport = if args.udp { Transport::Udp } else { Transport::Tcp };
        let connection = Connection { transport, certificate: args.certificate, ..Connection::default() };
        let report = runtime()?.block_on(probe(&address, &connection)).map_err(unanswered)?;
        print(&format!("{address}"), Audio::Off, &report, &advice(&report, Use::Sealed));
        return Ok(());
    }
    let settings = Settings::load(settings)?;
    let camera = settings.camera(text)?;
    for look in runtime()?.block_on(look_at(camera)) {
        let report = look.outcome.map_err(unanswered)?;
        let name = format!("{} {}", camera.id, look.stream);
        print(&name, look.audio, &report, &advice(&report, look.used));
    }
    Ok(())
}

fn unanswered(e: IngestError) -> Error {
    Error::because("the camera cannot be recorded as it is", e)
}

/// Looks at a camera before it is entered, and prints what was seen.
pub(super) fn before_adding(camera: &CameraSettings) -> Result<(), Error> {
    println!("Looking at the camera (--no-probe leaves that out) …");
    for look in runtime()?.block_on(look_at(camera)) {
        let report = look.outcome.map_err(|e| Error::Failed {
            what: format!("the {} stream gives no video, so nothing was changed", look.stream),
            advice: "correct that, or say --no-probe to add the camera all the same".into(),
            source: Some(Box::new(e)),
        })?;
        print(look.stream, look.audio, &report, &advice(&report, look.used));
    }
    Ok(())
}

fn print(name: &str, audio: Audio, report: &ProbeReport, advice: &[String]) {
    println!("{name}: {}", in_words(report, audio));
    for line in advice {
        println!("  ! {line}");
    }
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let made = tokio::runtime::Builder::new_current_thread().enable_all().build();
    made.map_err(|e| Error::because("the camera cannot be asked", e))
}

async fn probe(address: &CameraAddress, connection: &Connection) -> Result<ProbeReport, IngestError> {
    louver_ingest::probe_for(address, connection, Timing::default(), WATCH).await
}

/// Looks at both streams of a camera, the two at once; asks it first where they are, if it is to tell.
pub(crate) async fn look_at(camera: &CameraSettings) -> Vec<Look> {
    let told;
    let camera = match &camera.onvif {
        Some(onvif) if camera.main.is_told() => match Camera::new(onvif.clone()).streams().await {
            Ok(sources) => {
                let first = sources.into_iter().next();
                told = with_streams(camera, first);
                &told
            }
            Err(e) => {
                let error = if e.is_sign_in() {
                    IngestError::WrongPassword
                } else {
                    IngestError::NotTold(e.to_string())
                };
                return vec![Look {
                    stream: "main",
                    outcome: Err(error),
                    used: Use::Sealed,
                    audio: Audio::Off,
                }];
            }
        },
        _ => camera,
    };
    let sub = camera.sub.as_ref().filter(|_| camera.analysis == Analysis::On);
    let used = match (camera.analysis, sub) {
        (Analysis::On, None) => Use::Both,
        _ => Use::Sealed,
    };
    let sub = async {
        match sub {
            Some(address) => Some(probe(address, &camera.sub_connection()).await),
            None => None,
        }
    };
    let (main, sub) = tokio::join!(probe(&camera.main, &camera.connection), sub);
    let main = Look { stream: "main", outcome: main, used, audio: camera.connection.audio };
    let sub = sub.map(|outcome| Look { stream: "sub", outcome, used: Use::Seen, audio: Audio::Off });
    std::iter::once(main).chain(sub).collect()
}

fn with_streams(camera: &CameraSettings, streams: Option<Streams>) -> CameraSettings {
    let mut camera = camera.clone();
    if let Some(Streams { main, sub }) = streams {
        (camera.main, camera.sub) = (main.address, sub.map(|sub| sub.address));
    }
    camera
}

/// Codec, size, pace, bits and key frames in one line.
pub(crate) fn in_words(report: &ProbeReport, audio: Audio) -> String {
    let video = &report.video;
    let mut parts = vec![format!("{} {}", video.params.codec, video.params.size)];
    parts.extend(video.pictures_per_second.map(|fps| format!("{fps:.1} pictures a second")));
    parts.extend(video.bits_per_second.map(bits));
    parts.push(match key_seconds(report) {
        Some(seconds) => format!("a key frame every {seconds:.1} s"),
        None => "no second key frame while it was watched".to_owned(),
    });
    let other = |s: &&StreamReport| !matches!(s.media.as_str(), "video" | "image");
    // The first stream of sound is the one that is kept.
    let heard = report.streams.iter().position(|s| s.media == "audio").filter(|_| audio == Audio::Sealed);
    let others = |kept: bool| {
        let of = report.streams.iter().enumerate().filter(|(n, s)| other(s) && (heard == Some(*n)) == kept);
        of.map(|(_, s)| s.codec.as_str()).collect::<Vec<_>>().join(", ")
    };
    for (kept, what) in [(true, "sealed beside it"), (false, "not recorded")] {
        let others = others(kept);
        if !others.is_empty() {
            parts.push(format!("also {others} ({what})"));
        }
    }
    parts.join(", ")
}

/// Bits a second for people.
pub(crate) fn bits(bits: f64) -> String {
    if bits >= 1e6 { format!("{:.1} Mbit/s", bits / 1e6) } else { format!("{:.0} kbit/s", bits / 1e3) }
}

fn key_seconds(report: &ProbeReport) -> Option<f64> {
    Some(report.video.key_interval? as f64 / report.video.pictures_per_second?)
}

/// What could be better, most important first; empty if nothing.
pub(crate) fn advice(report: &ProbeReport, used: Use) -> Vec<String> {
    let video = &report.video;
    let (width, height) = (video.params.size.width(), video.params.size.height());
    let mut lines = Vec::new();
    // A short file or a stalled camera shows one key frame too; only what was watched long enough tells.
    let watched = video.pictures as f64 / video.pictures_per_second.unwrap_or(f64::INFINITY);
    if key_seconds(report).map_or(watched >= KEY_SECONDS_MAX, |s| s > KEY_SECONDS_MAX) {
        lines.push(format!(
            "key frames are more than {KEY_SECONDS_MAX} s apart: set the camera's I-frame interval to 1 to 4 s, because \
             so much is lost when the power fails and so long a new viewer waits"
        ));
    }
    if report.sign_in == Some(SignIn::Basic) {
        lines.push(
            "the password travels readably (basic sign-in): set the camera to digest sign-in".to_owned(),
        );
    }
    match used {
        Use::Both => lines.push(format!(
            "there is no sub stream, so {width}x{height} is decoded and scaled, which costs several times the work: \
             switch the camera's sub stream on (about 640x360, 5 to 10 pictures a second) and set `sub`"
        )),
        Use::Seen if width * height > 1280 * 720 => lines.push(format!(
            "{width}x{height} is more than seeing needs: set the camera's sub stream to about 640x360"
        )),
        Use::Seen if width < 320 => lines.push(format!(
            "{width}x{height} is little: people far away may not be recognised; about 640x360 is good"
        )),
        Use::Seen | Use::Sealed => {}
    }
    if used == Use::Seen && video.pictures_per_second.is_some_and(|fps| fps > 16.0) {
        lines.push(
            "more than 15 pictures a second cost work and show nothing more: 5 to 10 are good".to_owned(),
        );
    }
    if used != Use::Sealed
        && let Some(habit) = at_a_glance(&video.packets)
    {
        lines.push(format!("{}: {}", habit.says(), habit.advice()));
    }
    if used != Use::Seen && video.bits_per_second.is_some_and(|b| b > 20e6) {
        lines.push(
            "more than 20 Mbit/s fill a disk quickly: lower the camera's bit rate if that is too much"
                .to_owned(),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use louver_base::MediaTime;
    use louver_ingest::VideoReport;
    use louver_media::{Codec, Outside, PictureSize, VideoParams};

    use super::*;

    fn report(width: u32, height: u32, fps: f64, key_interval: Option<usize>) -> ProbeReport {
        let size = PictureSize::new(width, height).unwrap();
        let stream =
            |media: &str, codec: &str| StreamReport { media: media.into(), codec: codec.into(), size: None };
        ProbeReport {
            sign_in: Some(SignIn::Digest),
            streams: vec![stream("video", "H.264"), stream("audio", "AAC")],
            video: VideoReport {
                params: VideoParams { codec: Codec::H264, size, config: Default::default() },
                first_key: Duration::from_millis(300),
                pictures: (fps * 4.5) as usize,
                pictures_per_second: Some(fps),
                bits_per_second: Some(4_100_000.0),
                key_interval,
                packets: Vec::new(),
            },
        }
    }

    #[test]
    fn a_stream_is_described_in_one_line() {
        assert_eq!(
            in_words(&report(1920, 1080, 25.0, Some(50)), Audio::Off),
            "H.264 1920x1080, 25.0 pictures a second, 4.1 Mbit/s, a key frame every 2.0 s, also AAC (not recorded)"
        );
    }

    #[test]
    fn sound_that_the_register_declares_is_told_as_sealed() {
        let said = in_words(&report(1920, 1080, 25.0, Some(50)), Audio::Sealed);
        assert!(said.ends_with(", also AAC (sealed beside it)"), "{said}");
    }

    #[test]
    fn a_camera_that_is_set_up_well_gets_no_advice() {
        assert!(advice(&report(1920, 1080, 25.0, Some(50)), Use::Sealed).is_empty());
        assert!(advice(&report(640, 360, 8.0, Some(16)), Use::Seen).is_empty());
    }

    #[test]
    fn each_weakness_has_its_advice() {
        let says = |r: &ProbeReport, used, what: &str| {
            let lines = advice(r, used);
            assert!(lines.iter().any(|l| l.contains(what)), "{lines:?} does not say {what}");
        };
        says(&report(1920, 1080, 25.0, None), Use::Sealed, "key frames are more than 4 s apart");
        says(&report(1920, 1080, 25.0, Some(110)), Use::Sealed, "key frames are more than 4 s apart");
        says(&report(1920, 1080, 25.0, Some(50)), Use::Both, "there is no sub stream");
        says(&report(1920, 1080, 10.0, Some(20)), Use::Seen, "more than seeing needs");
        says(&report(160, 90, 10.0, Some(20)), Use::Seen, "is little");
        says(&report(640, 360, 25.0, Some(50)), Use::Seen, "more than 15 pictures a second");
        let mut padded = report(640, 360, 8.0, Some(16));
        padded.video.packets = (0..30)
            .map(|n| Outside {
                media: MediaTime::from_ticks(n * 11_250),
                key: n % 16 == 0,
                slices: 900,
                padding: 700,
                droppable: false,
            })
            .collect();
        says(&padded, Use::Seen, "from constant (CBR) to variable (VBR)");
        assert!(advice(&padded, Use::Sealed).is_empty(), "what is never decoded needs no gate");
        let basic = ProbeReport { sign_in: Some(SignIn::Basic), ..report(640, 360, 8.0, Some(16)) };
        says(&basic, Use::Seen, "the password travels readably");
    }
}
