//! Built footage through ffmpeg, coded the ways that cameras code.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use louver_media::{Picture, PictureSize};

use super::footage::{Footage, Window};
use crate::FileError;

/// One way of coding, named as in the report.
#[derive(Clone, Copy, Debug)]
pub struct Coding {
    /// Its name.
    pub name: &'static str,
    /// What it stands for, in words.
    pub says: &'static str,
    /// Standard deviation of the sensor's noise, levels.
    pub noise: f32,
    /// Pictures a second: 10, as the clip.
    /// Options of x264.
    options: &'static [&'static str],
}

const LIVE: &[&str] = &["-preset", "veryfast", "-tune", "zerolatency"];
/// Noise of a sensor by day behind a camera's own filter, and at night; levels.
const DAY: f32 = 1.0;
const NIGHT: f32 = 5.0;

/// Every way that is measured.
pub const CODINGS: [Coding; 9] = [
    Coding {
        name: "steady",
        says: "constant quality, a key frame every 2 s",
        noise: DAY,
        options: &["-crf", "24", "-g", "20"],
    },
    Coding {
        name: "vbr",
        says: "variable bit rate of 300 kbit/s, a key frame every 2 s",
        noise: DAY,
        options: &["-b:v", "300k", "-maxrate", "600k", "-bufsize", "1200k", "-g", "20"],
    },
    Coding {
        name: "low",
        says: "96 kbit/s, a key frame every 4 s",
        noise: DAY,
        options: &["-b:v", "96k", "-maxrate", "128k", "-bufsize", "256k", "-g", "40"],
    },
    Coding {
        name: "cbr",
        says: "constant bit rate of 512 kbit/s by the quantiser",
        noise: DAY,
        options: &["-b:v", "512k", "-minrate", "512k", "-maxrate", "512k", "-bufsize", "512k", "-g", "20"],
    },
    Coding {
        name: "padded",
        says: "constant bit rate of 512 kbit/s, filled up with padding",
        noise: DAY,
        options: &[
            "-b:v",
            "512k",
            "-minrate",
            "512k",
            "-maxrate",
            "512k",
            "-bufsize",
            "256k",
            "-g",
            "20",
            "-x264-params",
            "nal-hrd=cbr:qpmin=24",
        ],
    },
    Coding {
        name: "long",
        says: "constant quality, a key frame every 10 s",
        noise: DAY,
        options: &["-crf", "24", "-g", "100"],
    },
    Coding {
        name: "smart",
        says: "a smart codec: a key frame every 60 s",
        noise: DAY,
        options: &["-crf", "24", "-g", "600", "-sc_threshold", "0"],
    },
    Coding {
        name: "reordered",
        says: "constant quality with B pictures",
        noise: DAY,
        options: &["-crf", "24", "-g", "20", "-tune", "film", "-bf", "2", "-rc-lookahead", "10"],
    },
    Coding {
        name: "night",
        says: "noise at night level, constant quality",
        noise: NIGHT,
        options: &["-crf", "28", "-g", "20"],
    },
];

/// Reads the window of a clip, scaled, through ffmpeg.
pub fn read_clip(video: &Path, window: Window) -> Result<Vec<Picture>, FileError> {
    let (size, p) = (window.size, window.part);
    let filter = format!(
        "crop={}:{}:{}:{},scale={}:{}:flags=area",
        p.right - p.left,
        p.bottom - p.top,
        p.left,
        p.top,
        size.width(),
        size.height()
    );
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(video)
        .args(["-vf", &filter, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(FileError::Ffmpeg)?;
    let mut out = child.stdout.take().ok_or_else(|| FileError::Ffmpeg(std::io::Error::other("no output")))?;
    let mut pictures = Vec::new();
    loop {
        let mut picture = Picture::flat(size, 0, 128, 128);
        let read = out
            .read_exact(&mut picture.y)
            .and_then(|()| out.read_exact(&mut picture.u))
            .and_then(|()| out.read_exact(&mut picture.v));
        if read.is_err() || pictures.len() >= MOST_PICTURES {
            break;
        }
        pictures.push(picture);
    }
    drop(out);
    child.wait().map_err(FileError::Ffmpeg)?;
    Ok(pictures)
}

/// Pictures of a clip at most: about 350 MB at 640x360.
const MOST_PICTURES: usize = 1000;

/// Writes built footage as an MP4 file, ten pictures a second.
pub fn write(
    footage: &mut Footage,
    pictures: u64,
    size: PictureSize,
    coding: &Coding,
    to: &Path,
) -> Result<(), FileError> {
    let mut n = 0;
    encode(size, super::FPS, coding.options, to, || {
        n += 1;
        Ok((n <= pictures).then(|| footage.picture(n - 1)))
    })
}

/// Codes pictures as a camera does, with options of x264, into an MP4 file.
pub(crate) fn encode(
    size: PictureSize,
    fps: f64,
    options: &[&str],
    to: &Path,
    mut next: impl FnMut() -> Result<Option<Picture>, FileError>,
) -> Result<(), FileError> {
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-r"])
        .arg(format!("{fps:.3}"))
        .arg("-s")
        .arg(format!("{}x{}", size.width(), size.height()))
        .args(["-i", "-", "-c:v", "libx264"])
        .args(LIVE)
        .args(options)
        .args(["-f", "mp4"])
        .arg(to)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(FileError::Ffmpeg)?;
    if let Some(mut input) = child.stdin.take() {
        while let Some(p) = next()? {
            input
                .write_all(&p.y)
                .and_then(|()| input.write_all(&p.u))
                .and_then(|()| input.write_all(&p.v))
                .map_err(FileError::Ffmpeg)?;
        }
    }
    let ended = child.wait().map_err(FileError::Ffmpeg)?;
    if ended.success() {
        Ok(())
    } else {
        Err(FileError::Ffmpeg(std::io::Error::other("it ended with an error")))
    }
}
