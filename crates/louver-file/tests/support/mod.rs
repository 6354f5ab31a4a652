//! Clips, the detector, and ffprobe; each test skips with a printed line where one is missing.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::unwrap_used)] // Each test file uses its part.

mod schema;

use std::path::{Path, PathBuf};
use std::process::Command;

use louver_codec::detector::{Detector, FaceDetector};
pub use schema::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn deps() -> PathBuf {
    std::env::var_os("LOUVER_DEPS").map_or_else(|| root().join(".deps"), PathBuf::from)
}

/// Footage with ground truth, and models that are not part of the product.
pub fn shared() -> PathBuf {
    std::env::var_os("LOUVER_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

/// The file, or a line that says what is skipped.
pub fn there(path: PathBuf) -> Option<PathBuf> {
    if !path.exists() {
        println!("skipped: {} is not here; scripts/setup.sh sets up what can be had", path.display());
        return None;
    }
    Some(path)
}

pub fn vtest() -> Option<PathBuf> {
    there(deps().join("footage/vtest.avi"))
}

/// A model with the library that runs it; the default one where none is named.
pub fn detector(model: Option<&Path>) -> Option<Detector> {
    let library = there(deps().join("lib/libonnxruntime.so"))?;
    let model = match model {
        Some(model) => there(model.to_owned())?,
        None => there(deps().join("models/ssd_mobilenetv2_oidv4.onnx"))?,
    };
    Some(Detector::load(&library, &model, None).unwrap())
}

/// The face detector that looks at what is shown.
pub fn faces() -> Option<FaceDetector> {
    let library = there(deps().join("lib/libonnxruntime.so"))?;
    let model = there(shared().join("models/yunet_n_dynamic.onnx"))?;
    Some(FaceDetector::load(&library, &model).unwrap())
}

/// Runs ffmpeg; `None`, with a line, where there is none.
pub fn ffmpeg(args: &[&str], out: &Path) -> Option<()> {
    let ran = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).arg(out).output();
    let Ok(ran) = ran else {
        println!("skipped: ffmpeg is not here; scripts/setup.sh sets it up");
        return None;
    };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(())
}

/// What ffprobe says of a file's entries, one line each.
pub fn probe(file: &Path, stream: &str, entries: &str) -> Vec<String> {
    let ran = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-show_entries", entries, "-of", "csv=p=0"])
        .arg(file)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let text = String::from_utf8(ran.stdout).unwrap();
    text.lines().map(|l| l.trim_end_matches(',').to_owned()).filter(|l| !l.is_empty()).collect()
}

/// Presentation times of a file's pictures in seconds, in order.
pub fn times(file: &Path) -> Vec<f64> {
    let mut all: Vec<f64> = probe(file, "v:0", "frame=best_effort_timestamp_time")
        .iter()
        .map(|l| l.split(',').next().unwrap().parse().unwrap())
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Names of what lies in a folder, hidden files too.
pub fn listed(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    all.sort();
    all
}
