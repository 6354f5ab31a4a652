//! Video files as cameras, and the look at one.
#![allow(clippy::unwrap_used)] // A clip that cannot be made fails its test.

mod common;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{run, source};
use louver_ingest::{Connection, Event, FilePlay, probe};
use louver_media::Packet;

/// A clip of `seconds` at 25 pictures a second, key frame every 10; `None` (and a line) without ffmpeg.
fn clip(dir: &Path, name: &str, args: &[&str], seconds: &str) -> Option<String> {
    let path = dir.join(name);
    let input = format!("testsrc2=s=160x120:r=25:d={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &input])
        .args(args)
        .arg(&path)
        .status();
    match made {
        Ok(status) => assert!(status.success()),
        Err(e) => {
            println!("skipped: ffmpeg does not run ({e}); scripts/setup.sh installs it");
            return None;
        }
    }
    Some(format!("file://{}", path.display()))
}

const H264: [&str; 6] = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", "keyint=10:bframes=0"];

async fn packets(address: &str, play: FilePlay, want: usize) -> Vec<(Packet, Instant)> {
    let mut as_file = source(address);
    as_file.file = play;
    let mut running = run(as_file, 2);
    let mut out = Vec::new();
    while out.len() < want {
        match running.events.recv().await {
            Some(Event::Connected { session, params, .. }) => {
                assert_eq!((session, out.len(), params.size.to_string().as_str()), (1, 0, "160x120"));
            }
            Some(Event::Packet(p)) => out.push((p, Instant::now())),
            Some(other) => panic!("{other:?}"),
            None => break,
        }
    }
    running.stop.cancel();
    running.task.await.unwrap();
    out
}

#[tokio::test]
async fn a_file_played_once_gives_all_its_pictures_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let Some(address) = clip(dir.path(), "a.mp4", &H264, "2") else { return };
    let out = packets(&address, FilePlay::Once, usize::MAX).await;
    assert_eq!(out.len(), 50);
    for (n, (p, _)) in out.iter().enumerate() {
        assert_eq!((p.media.ticks(), p.key), (n as i64 * 3600, n % 10 == 0));
        assert_eq!(p.key, louver_media::has_idr(p.nals()));
    }
}

#[tokio::test]
async fn a_file_played_like_a_camera_keeps_its_pace_and_its_clock_goes_on_over_the_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let Some(address) = clip(dir.path(), "a.mp4", &H264, "0.4") else { return };
    let out = packets(&address, FilePlay::Loop, 25).await;
    assert!(out.iter().enumerate().all(|(n, (p, _))| p.media.ticks() == n as i64 * 3600));
    let took = out[24].1 - out[0].1;
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_millis(2500),
        "24 steps of 40 ms took {took:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_played_says_how_to_convert_it() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mpeg4) = clip(dir.path(), "m.mp4", &["-c:v", "mpeg4"], "0.4") else { return };
    let Some(avi) = clip(dir.path(), "h.avi", &["-c:v", "libx264", "-pix_fmt", "yuv420p"], "0.4") else {
        return;
    };
    let Some(cut) = clip(dir.path(), "c.mp4", &H264, "0.4") else { return };
    let path = dir.path().join("c.mp4");
    let len = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(len / 2).unwrap();
    let none = format!("file://{}/none.mp4", dir.path().display());
    let folder = format!("file://{}", dir.path().display());
    for (address, wanted) in [
        (mpeg4, "MPEG-4 Part 2"),
        (avi, "-c copy"),
        (cut, "cut off"),
        (none, "cannot be opened"),
        (folder, "cannot be opened"),
    ] {
        let mut running = run(source(&address), 2);
        let (said, _) = running.next_loss().await;
        assert!(said.contains(wanted), "{address}: {said}");
        running.end().await;
    }
}

#[tokio::test]
async fn a_look_at_a_file_tells_its_size_pace_and_key_frames() {
    let dir = tempfile::tempdir().unwrap();
    let Some(address) = clip(dir.path(), "a.mp4", &H264, "2") else { return };
    let report = probe(&address.parse().unwrap(), &Connection::default()).await.unwrap();
    let video = report.video;
    assert_eq!(
        (video.params.size.to_string().as_str(), video.pictures, video.key_interval),
        ("160x120", 50, Some(10))
    );
    assert_eq!(video.pictures_per_second.map(f64::round), Some(25.0));
}
