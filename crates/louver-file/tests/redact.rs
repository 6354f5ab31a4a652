//! A masked file has the frames and times of its input, or is not there at all.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::path::{Path, PathBuf};

use louver_codec::VideoFile;
use louver_file::{FileError, Pass, Policy, RedactReport, redact};
use support::*;

/// A folder for inputs and one for outputs, so that what a run leaves behind can be seen.
struct Folders {
    _dir: tempfile::TempDir,
    input: PathBuf,
    output: PathBuf,
}

fn folders() -> Folders {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("in"), dir.path().join("out"));
    std::fs::create_dir(&input).unwrap();
    std::fs::create_dir(&output).unwrap();
    Folders { _dir: dir, input, output }
}

fn run(input: &Path, out: &Path, sound: Option<&Path>) -> Option<Result<RedactReport, FileError>> {
    let detector = detector(None)?;
    let file = match VideoFile::open(input) {
        Ok(file) => file,
        Err(e) => return Some(Err(e.into())),
    };
    Some(redact(Pass::new(file, detector), out, Policy::People, sound, |_| true))
}

/// Three seconds with B-frames and a tone.
fn clip(folder: &Path, size: &str) -> Option<PathBuf> {
    let out = folder.join("clip.mp4");
    let picture = format!("testsrc2=size={size}:rate=25:duration=3");
    let args = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=duration=3", "-shortest"];
    let codecs = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    ffmpeg(&[&args[..], &codecs].concat(), &out)?;
    Some(out)
}

/// Same frames, at the same times from the first one on, of the same size.
fn check_frames(input: &Path, out: &Path, report: &RedactReport) {
    let (wanted, got) = (times(input), times(out));
    assert_eq!(got.len(), wanted.len(), "frames of {}", out.display());
    assert_eq!(report.frames as usize, wanted.len());
    for (n, (w, g)) in wanted.iter().zip(&got).enumerate() {
        let (w, g) = (w - wanted[0], g - got[0]);
        // ffprobe prints microseconds; a tick of 1/90 000 s is eleven of them.
        assert!((w - g).abs() < 20e-6, "frame {n} is at {g} and should be at {w}");
    }
    assert_eq!(probe(out, "v:0", "stream=width,height"), probe(input, "v:0", "stream=width,height"));
}

#[test]
fn frames_times_and_size_are_the_inputs_and_there_is_no_sound() {
    let f = folders();
    for size in ["320x240", "322x182"] {
        let Some(input) = clip(&f.input, size) else { return };
        let out = f.output.join(format!("{size}.mp4"));
        let Some(report) = run(&input, &out, None) else { return };
        check_frames(&input, &out, &report.unwrap());
        assert!(probe(&out, "a", "stream=index").is_empty(), "nobody asked for sound");
    }
    assert_eq!(listed(&f.output), ["320x240.mp4", "322x182.mp4"], "nothing else is left");
}

#[test]
fn uneven_times_are_kept_as_they_are() {
    let f = folders();
    let input = f.input.join("uneven.mkv");
    // Every seventh and every tenth picture is missing, and there is a hole of two seconds.
    let select = "select='mod(n,7)*mod(n,10)*not(between(n,40,90))'";
    let args =
        ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=5", "-vf", select, "-vsync", "vfr"];
    let Some(()) = ffmpeg(&[&args[..], &["-c:v", "libx264", "-preset", "veryfast"]].concat(), &input) else {
        return;
    };
    let out = f.output.join("out.mp4");
    let Some(report) = run(&input, &out, None) else { return };
    check_frames(&input, &out, &report.unwrap());
}

#[test]
fn real_footage_with_people_keeps_its_frames_and_hides_the_people() {
    let f = folders();
    let (Some(vtest), input) = (vtest(), f.input.join("ten.avi")) else { return };
    let Some(()) = ffmpeg(&["-i", vtest.to_str().unwrap(), "-t", "10", "-c", "copy"], &input) else { return };
    let out = f.output.join("out.mp4");
    let Some(report) = run(&input, &out, None) else { return };
    let report = report.unwrap();
    check_frames(&input, &out, &report);
    assert!(report.frames_with_people > report.frames / 2, "{report:?}");
    assert!(report.people_appearances > 0 && report.detector_runs > 0, "{report:?}");
    assert_eq!((report.width, report.height), (768, 576));
    // What is shown of it is measured elsewhere; here only that it is neither all grey nor the input.
    let first = |path: &Path| VideoFile::open(path).unwrap().next_frame().unwrap().unwrap().picture;
    let shown = first(&out);
    assert!(shown.y.iter().all(|y| y.abs_diff(52) < 12), "nothing is known at the first picture");
    let mut file = VideoFile::open(&out).unwrap();
    let mut last = None;
    while let Some(frame) = file.next_frame().unwrap() {
        last = Some(frame.picture);
    }
    let grey = last.unwrap().y.iter().filter(|y| y.abs_diff(52) < 12).count();
    assert!(grey < shown.y.len() * 2 / 3, "{grey} pixels of the last picture are hidden");
}

#[test]
fn the_policy_everything_shows_boxes_on_flat_ground_alone() {
    let f = folders();
    let Some(input) = clip(&f.input, "320x240") else { return };
    let (Some(detector), out) = (detector(None), f.output.join("out.mp4")) else { return };
    let pass = Pass::new(VideoFile::open(&input).unwrap(), detector);
    redact(pass, &out, Policy::Everything, None, |_| true).unwrap();
    let mut file = VideoFile::open(&out).unwrap();
    while let Some(frame) = file.next_frame().unwrap() {
        // The test picture has every luma there is; grey and the four kinds' colours end at 155.
        assert!(frame.picture.y.iter().all(|y| (30..=175).contains(y)));
    }
}

#[test]
fn sound_is_there_when_it_was_asked_for_and_its_packets_are_the_inputs() {
    let f = folders();
    let Some(input) = clip(&f.input, "320x240") else { return };
    let out = f.output.join("out.mp4");
    let Some(report) = run(&input, &out, Some(&input)) else { return };
    check_frames(&input, &out, &report.unwrap());
    assert_eq!(probe(&out, "a", "stream=codec_name"), ["aac"]);
    let packets = |path: &Path, name: &str| {
        let raw = f.input.join(name);
        ffmpeg(&["-i", path.to_str().unwrap(), "-vn", "-c:a", "copy", "-f", "adts"], &raw).unwrap();
        std::fs::read(raw).unwrap()
    };
    let (wanted, got) = (packets(&input, "in.aac"), packets(&out, "out.aac"));
    assert!(!wanted.is_empty() && wanted == got, "{} and {} bytes", wanted.len(), got.len());
    assert_eq!(listed(&f.output), ["out.mp4"]);
    // A file without sound gives video alone, not an error.
    let (silent, out) = (f.input.join("silent.mp4"), f.output.join("silent.mp4"));
    ffmpeg(&["-i", input.to_str().unwrap(), "-an", "-c", "copy"], &silent).unwrap();
    run(&silent, &out, Some(&silent)).unwrap().unwrap();
    assert!(probe(&out, "a", "stream=index").is_empty());
}

#[test]
fn damaged_input_gives_an_error_and_leaves_neither_output_nor_anything_else() {
    let f = folders();
    let Some(input) = clip(&f.input, "320x240") else { return };
    let bytes = std::fs::read(&input).unwrap();
    let avi = f.input.join("clip.avi");
    ffmpeg(&["-i", input.to_str().unwrap(), "-an", "-c:v", "mpeg4"], &avi).unwrap();
    let fast = f.input.join("fast.mp4");
    ffmpeg(&["-i", input.to_str().unwrap(), "-an", "-c", "copy", "-movflags", "faststart"], &fast).unwrap();
    let (avi, fast) = (std::fs::read(avi).unwrap(), std::fs::read(fast).unwrap());
    let mut dice = 7_u64;
    let mut noise = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
        (dice >> 56) as u8
    };
    let garbage: Vec<u8> = (0..100_000).map(|_| noise()).collect();
    let sound = f.input.join("sound.m4a");
    ffmpeg(&["-i", input.to_str().unwrap(), "-vn", "-c", "copy"], &sound).unwrap();
    let cases: [(&str, Vec<u8>); 7] = [
        ("empty.mp4", vec![]),
        ("garbage.mp4", garbage),
        ("text.mp4", b"This is no video.".to_vec()),
        ("cut-index-last.mp4", bytes[..bytes.len() / 2].to_vec()),
        ("cut-index-first.mp4", fast[..fast.len() / 2].to_vec()),
        ("cut.avi", avi[..avi.len() / 2].to_vec()),
        ("sound-alone.mp4", std::fs::read(sound).unwrap()),
    ];
    for (name, bytes) in cases {
        let input = f.input.join(name);
        std::fs::write(&input, bytes).unwrap();
        let out = f.output.join("out.mp4");
        let Some(result) = run(&input, &out, None) else { return };
        let error = result.map(|r| r.frames).expect_err(name).to_string();
        assert!(error.contains(name), "{name}: the sentence names the file: {error}");
        assert_eq!(listed(&f.output), [""; 0], "{name}");
    }
    let Some(result) = run(&f.input.join("nowhere.mp4"), &f.output.join("out.mp4"), None) else { return };
    assert!(result.unwrap_err().to_string().contains("nowhere.mp4"));
    let Some(result) = run(&input, &f.output.join("no/folder/out.mp4"), None) else { return };
    assert!(matches!(result, Err(FileError::Write { .. })), "{result:?}");
    assert_eq!(listed(&f.output), [""; 0]);
}

#[test]
fn asked_to_stop_it_leaves_nothing() {
    let f = folders();
    let Some(input) = clip(&f.input, "320x240") else { return };
    for stop_at in [1, 60] {
        let Some(detector) = detector(None) else { return };
        let pass = Pass::new(VideoFile::open(&input).unwrap(), detector);
        let out = f.output.join("out.mp4");
        let mut told = 0;
        let result = redact(pass, &out, Policy::People, None, |p| {
            told += 1;
            assert_eq!((p.frames, p.of), (told, Some(75)));
            p.frames < stop_at
        });
        assert!(matches!(result, Err(FileError::Stopped)), "{result:?}");
        assert_eq!((told, listed(&f.output)), (stop_at, vec![]));
    }
}

#[test]
fn a_file_that_is_there_is_not_touched() {
    let f = folders();
    let Some(input) = clip(&f.input, "320x240") else { return };
    let out = f.output.join("out.mp4");
    std::fs::write(&out, b"somebody's only copy").unwrap();
    let Some(result) = run(&input, &out, None) else { return };
    assert!(matches!(result, Err(FileError::Exists(_))), "{result:?}");
    assert_eq!(std::fs::read(&out).unwrap(), b"somebody's only copy");
    assert_eq!(listed(&f.output), ["out.mp4"]);
}
