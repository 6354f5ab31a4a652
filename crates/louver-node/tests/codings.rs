//! Cameras that send other than H.264, and sound: from a real server through sealing to the opened file, and to what is seen.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use louver_media::{Codec, SoundCodec};
use louver_node::{Analysis, Audio};
use louver_store::{GapReason, RecordingKind, sealed_segments};
use louver_vault::opening::{Existing, Export, export_mp4};
use louver_vault::{Identity, OpeningKeys, SegmentReader};
use support::*;

const PICTURES: &str =
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=640,height=360,framerate=10/1";
const H265: &str = "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph265pay name=pay0 pt=96 config-interval=-1";
const H264: &str = "openh264enc gop-size=10 ! rtph264pay name=pay0 pt=96 config-interval=-1";
const MJPEG: &str = "jpegenc ! rtpjpegpay name=pay0 pt=26";
const SOUND: &str = "audiotestsrc is-live=true ! audio/x-raw";

/// Size, coding and sound of each fragment of a camera, file by file.
fn sealed(data: &Path, identity: &Identity) -> Vec<Vec<(Codec, String, Option<SoundCodec>)>> {
    let of = |path: &PathBuf| {
        let file = std::fs::read(path).unwrap();
        let mut reader = SegmentReader::open(Cursor::new(&file), &keys(data, &file, identity)).unwrap();
        let fragments = reader.fragments().map(|f| f.unwrap());
        fragments
            .map(|(params, gop)| (params.codec, params.size.to_string(), gop.sound.map(|s| s.params.codec)))
            .collect()
    };
    let camera = "gate".parse().unwrap();
    sealed_segments(data, &camera, EVER.0, EVER.1).unwrap().iter().map(|s| of(&s.path)).collect()
}

/// Opens everything of the camera into an MP4; pictures in it.
fn opened_into(data: &Path, identity: &Identity, out: &Path) -> u64 {
    let camera = "gate".parse().unwrap();
    let segments: Vec<PathBuf> =
        sealed_segments(data, &camera, EVER.0, EVER.1).unwrap().into_iter().map(|s| s.path).collect();
    let mut all = OpeningKeys::new();
    for path in &segments {
        let file = std::fs::read(path).unwrap();
        let head = louver_vault::SegmentHead::read(&mut &file[..]).unwrap();
        all.add_share_of(&head, identity).unwrap();
        let hour = (head.camera().clone(), head.hour());
        for ((camera, hour), secret) in louver_vault::KeyRing::look(&data.join("keyring"), &[hour]).unwrap() {
            all.add_hour_secret(camera, hour, secret);
        }
    }
    let job =
        Export { keys: &all, segments: &segments, from: EVER.0, to: EVER.1, out, existing: Existing::Keep };
    export_mp4(&job, &mut |_| ControlFlow::Continue(())).unwrap().packets
}

/// What a foreign program finds in a file: its streams' codings, and pictures decoded without a complaint.
fn read_by_ffmpeg(file: &Path) -> (Vec<String>, u64) {
    let probe = |args: &[&str]| {
        let out = Command::new("ffprobe")
            .args(["-v", "error", "-of", "csv=p=0"])
            .args(args)
            .arg(file)
            .output()
            .unwrap();
        assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let codecs = probe(&["-show_entries", "stream=codec_name"])
        .lines()
        .map(|l| l.trim_matches(',').to_owned())
        .collect();
    let counted =
        probe(&["-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames"]);
    let heard = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    assert!(heard.stderr.is_empty(), "{}", String::from_utf8_lossy(&heard.stderr));
    (codecs, counted.trim().trim_matches(',').parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_camera_sends_is_sealed_seen_and_opened_and_sound_only_where_it_is_declared() {
    let cases = [
        (
            Codec::H265,
            H265,
            "rate=16000,channels=1 ! voaacenc ! rtpmp4gpay name=pay1 pt=97",
            SoundCodec::Aac,
            ["hevc", "aac"],
        ),
        (
            Codec::Mjpeg,
            MJPEG,
            "rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8",
            SoundCodec::ALaw,
            ["mjpeg", "pcm_alaw"],
        ),
        (
            Codec::H264,
            H264,
            "rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0",
            SoundCodec::MuLaw,
            ["h264", "pcm_mulaw"],
        ),
        (
            Codec::H264,
            H264,
            "rate=48000,channels=2 ! opusenc ! rtpopuspay name=pay1 pt=97",
            SoundCodec::Opus,
            ["h264", "opus"],
        ),
    ];
    for (codec, video, audio, sound, names) in cases {
        let pipeline = format!("{PICTURES} ! {video} {SOUND},{audio}");
        let Some(server) = Rtsp::launch(0, "/gate", &pipeline) else { return };
        for declared in [Audio::Off, Audio::Sealed] {
            let dir = tempfile::tempdir().unwrap();
            let (data, identity) = (dir.path().join("data"), Identity::generate().unwrap());
            let mut gate = camera("gate", &format!("{}/gate", server.address), None, Analysis::On);
            gate.connection.audio = declared;
            let site = start(&data, &identity, vec![gate], None).await;
            let handle = site.handles[0].clone();
            let problem = async |what: &str| {
                let known = recordings(&site.store, &handle.id, RecordingKind::Sealed).await;
                println!("{codec} {declared:?} {what}: {:?} {known:?}", handle.status.get());
                false
            };
            let long = louver_base::WallSpan::from_millis(2500);
            wait(40, "it is sealed", async || {
                assert!(handle.status.get().recording_problem.is_none());
                let known = recordings(&site.store, &handle.id, RecordingKind::Sealed).await;
                known.iter().any(|r| r.end - r.start > long) || problem("sealed").await
            })
            .await;
            wait(40, "it is seen", async || handle.scenes.started() || problem("seen").await).await;
            let store = site.end().await;
            assert!(gaps(&store, &handle.id).await.is_empty(), "nothing is missing");
            store.close().await.unwrap();

            let kept = (declared == Audio::Sealed).then_some(sound);
            let files = sealed(&data, &identity);
            assert_eq!(files.len(), 1);
            assert!(files[0].iter().all(|f| *f == (codec, "640x360".into(), kept)), "{files:?}");
            let out = dir.path().join("out.mp4");
            let pictures = opened_into(&data, &identity, &out);
            let (codecs, decoded) = read_by_ffmpeg(&out);
            let wanted = if kept.is_some() { &names[..] } else { &names[..1] };
            assert_eq!((codecs, decoded), (wanted.iter().map(|n| (*n).to_owned()).collect(), pictures));
            assert!(pictures >= 20, "{pictures}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_comes_back_with_another_size_or_coding_begins_another_file() {
    let pipeline = |size: &str, coding: &str| {
        format!("videotestsrc is-live=true ! video/x-raw,format=I420,{size},framerate=10/1 ! {coding}")
    };
    let Some(first) = Rtsp::launch(0, "/gate", &pipeline("width=640,height=360", H264)) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (data, identity) = (dir.path().join("data"), Identity::generate().unwrap());
    let gate = camera("gate", &format!("{}/gate", first.address), None, Analysis::On);
    let site = start(&data, &identity, vec![gate], None).await;
    let handle = site.handles[0].clone();
    let sealed_of = async |n: usize| {
        let known = recordings(&site.store, &handle.id, RecordingKind::Sealed).await;
        known.len() >= n && known.last().is_some_and(|r| r.bytes > 2000)
    };
    wait(40, "the first is sealed", async || sealed_of(1).await).await;
    let port = first.port();
    drop(first);
    let second = Rtsp::launch(port, "/gate", &pipeline("width=320,height=240", H264)).unwrap();
    wait(40, "the smaller one is sealed", async || sealed_of(2).await).await;
    drop(second);
    let third = Rtsp::launch(port, "/gate", &pipeline("width=320,height=240", H265)).unwrap();
    wait(40, "H.265 is sealed", async || sealed_of(3).await).await;
    let store = site.end().await;
    let reasons: Vec<GapReason> = gaps(&store, &handle.id).await.into_iter().map(|g| g.reason).collect();
    assert!(reasons.iter().all(|r| *r == GapReason::Unreachable) && reasons.len() >= 2, "{reasons:?}");
    store.close().await.unwrap();
    drop(third);
    let mut files = sealed(&data, &identity);
    files.iter_mut().for_each(Vec::dedup);
    let of = |codec, size: &str| vec![(codec, size.to_owned(), None)];
    assert_eq!(files, [of(Codec::H264, "640x360"), of(Codec::H264, "320x240"), of(Codec::H265, "320x240")]);
}
