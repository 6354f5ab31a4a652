//! Pictures survive encoding and decoding; damaged input gets a sentence.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

use std::io::Write;
use std::path::{Path, PathBuf};

use louver_base::MediaTime;
use louver_codec::detector::{Detector, DetectorError, FaceDetector, ModelKind};
use louver_codec::{CodecError, Decoder, EncoderSettings, H264Encoder, JpegEncoder, VideoFile};
use louver_media::{Picture, PictureSize};
use louver_scene::{PictureEncoder, Rect, Scene};

fn deps() -> PathBuf {
    std::env::var_os("LOUVER_DEPS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.deps"), PathBuf::from)
}

/// A picture with slow ramps, which any encoder keeps well.
fn ramp(size: PictureSize, shift: usize) -> Picture {
    let mut p = Picture::flat(size, 0, 100, 160);
    let w = size.width();
    for (n, y) in p.y.iter_mut().enumerate() {
        *y = (40 + ((n % w) + (n / w) + shift) / 8 % 160) as u8;
    }
    p
}

#[test]
fn an_encoded_picture_decodes_to_nearly_the_same() {
    let size = PictureSize::new(320, 180).unwrap();
    let mut encoder = H264Encoder::new(EncoderSettings::for_size(size, 10.0)).unwrap();
    let mut decoder = None;
    for n in 0..30 {
        let picture = ramp(size, n);
        let at = MediaTime::from_ticks(n as i64 * 9000);
        let coded = encoder.encode(&picture, at, n == 20).unwrap();
        assert_eq!(coded.packet.key, n == 0 || n == 20, "picture {n}");
        assert_eq!(coded.params.is_some(), coded.packet.key);
        if let Some(params) = &coded.params {
            assert_eq!(params.size, size);
            assert!(params.rfc6381().starts_with("avc1.42"), "{}", params.rfc6381());
            decoder = Some(Decoder::new(params, None).unwrap());
        }
        let out = decoder.as_mut().unwrap().decode(&coded.packet).unwrap();
        assert_eq!(out.len(), 1, "no delay: picture {n}");
        assert_eq!(out[0].media, at);
        let error: u64 =
            picture.y.iter().zip(&out[0].picture.y).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(error / (size.area() as u64) < 4, "mean error of picture {n}: {error}");
    }
}

#[test]
fn a_decoder_goes_on_after_garbage() {
    let size = PictureSize::new(320, 180).unwrap();
    let mut encoder = H264Encoder::new(EncoderSettings::for_size(size, 10.0)).unwrap();
    let first = encoder.encode(&ramp(size, 0), MediaTime::ZERO, true).unwrap();
    let mut decoder = Decoder::new(first.params.as_ref().unwrap(), None).unwrap();
    for len in [0usize, 1, 3, 4, 5, 100, 5000] {
        let mut packet = first.packet.clone();
        let mut garbage: Vec<u8> = (0..len).map(|n| (n * 37 + 11) as u8).collect();
        if len > 4 {
            garbage[..4].copy_from_slice(&(len as u32 - 4).to_be_bytes());
        }
        packet.data = garbage.into();
        let _ = decoder.decode(&packet);
    }
    decoder.restart();
    assert_eq!(decoder.decode(&first.packet).unwrap().len(), 1);
}

#[test]
fn a_still_is_a_jpeg_of_the_pictures_size() {
    let size = PictureSize::new(64, 48).unwrap();
    let still = Scene::nothing(size).encode(&mut JpegEncoder::default(), MediaTime::ZERO, true).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("still.jpg");
    std::fs::write(&path, still.get()).unwrap();
    let mut file = VideoFile::open(&path).unwrap();
    assert_eq!(file.size(), size);
    let frame = file.next_frame().unwrap().unwrap();
    assert!(frame.picture.y.iter().all(|y| y.abs_diff(52) < 4), "{:?}", &frame.picture.y[..4]);
}

fn message(path: &Path) -> String {
    let mut file = match VideoFile::open(path) {
        Ok(file) => file,
        Err(e) => return e.to_string(),
    };
    loop {
        match file.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => return "fine".into(),
            Err(e) => return e.to_string(),
        }
    }
}

#[test]
fn a_file_that_is_no_video_gets_its_own_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path
    };
    assert!(message(&dir.path().join("none.mp4")).contains("cannot be opened"));
    assert!(message(dir.path()).contains("cannot be"));
    assert!(message(&file("empty.mp4", b"")).contains("is empty"));
    assert!(message(&file("text.mp4", b"this is not a video at all")).contains("cannot be read as video"));
}

#[test]
fn a_truncated_file_is_damaged_not_shorter() {
    let clip = deps().join("footage/vtest.avi");
    let Ok(bytes) = std::fs::read(&clip) else {
        println!("skipped: {} is not there (make setup)", clip.display());
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    for part in [bytes.len() / 10, bytes.len() / 3] {
        let path = dir.path().join("cut.avi");
        std::fs::write(&path, &bytes[..part]).unwrap();
        let said = message(&path);
        assert!(said.contains("damaged or cut off after") && said.contains("of 795"), "{said}");
    }
}

#[test]
fn a_wrong_or_damaged_model_gets_its_own_sentence() {
    let library = deps().join("lib/libonnxruntime.so");
    let model = deps().join("models/ssd_mobilenetv2_oidv4.onnx");
    if !library.exists() || !model.exists() {
        println!("skipped: {} or the model is not there (make setup)", library.display());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let said = |library: &Path, model: &Path, kind: &str| {
        let kind = (!kind.is_empty()).then(|| kind.parse().unwrap());
        Detector::load(library, model, kind).map(|_| ()).unwrap_err()
    };
    assert!(matches!(said(&library, &dir.path().join("none.onnx"), ""), DetectorError::NoModel(_)));
    assert!(matches!(said(&dir.path().join("none.so"), &model, ""), DetectorError::NoLibrary(_)));
    assert!(matches!(said(&library, &model, "yolox"), DetectorError::Kind { .. }));
    let odd = dir.path().join("something.onnx");
    std::fs::write(&odd, b"not a model").unwrap();
    assert!(matches!(said(&library, &odd, ""), DetectorError::UnknownKind(_)));
    assert!(matches!(said(&library, &odd, "deimv2"), DetectorError::Model { .. }));
    let cut = dir.path().join("ssd_cut.onnx");
    let bytes = std::fs::read(&model).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(said(&library, &cut, ""), DetectorError::Model { .. }));
}

#[test]
fn the_detector_finds_the_people_of_the_clip() {
    let library = deps().join("lib/libonnxruntime.so");
    let model = deps().join("models/ssd_mobilenetv2_oidv4.onnx");
    let clip = deps().join("footage/vtest.avi");
    if !library.exists() || !model.exists() || !clip.exists() {
        println!("skipped: library, model or clip is not there (make setup)");
        return;
    }
    let mut detector = Detector::load(&library, &model, None).unwrap();
    let mut file = VideoFile::open(&clip).unwrap();
    let frame = file.next_frame().unwrap().unwrap();
    let whole = Rect { left: 0, top: 0, right: 768, bottom: 576 };
    let found = detector.detect(&frame.picture, &[whole], 0.3).unwrap();
    let people = found.iter().filter(|d| d.class == louver_base::Class::Person).count();
    // Seven people walk in the first picture; the default model finds four out of five.
    assert!((4..=12).contains(&people), "{found:?}");
}

#[test]
fn an_error_about_a_size_says_which() {
    let e = CodecError::Size { width: 9000, height: 1 };
    assert!(e.to_string().contains("9000x1"));
}

fn shared() -> PathBuf {
    std::env::var_os("LOUVER_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from)
}

#[test]
fn the_face_detector_measures_and_cannot_be_loaded_as_the_products_detector() {
    let library = deps().join("lib/libonnxruntime.so");
    let (model, other) =
        (shared().join("models/yunet_n_dynamic.onnx"), deps().join("models/ssd_mobilenetv2_oidv4.onnx"));
    if !library.exists() || !model.exists() || !other.exists() {
        println!("skipped: {}, {} or the default model is not there", library.display(), model.display());
        return;
    }
    for kind in ModelKind::ALL {
        let refused = Detector::load(&library, &model, Some(kind)).map(|_| ());
        assert!(matches!(refused, Err(DetectorError::Kind { .. })), "{kind:?}: {refused:?}");
    }
    assert!(matches!(Detector::load(&library, &model, None), Err(DetectorError::UnknownKind(_))));
    assert!(matches!(FaceDetector::load(&library, &other), Err(DetectorError::Kind { .. })));
    assert!(matches!(FaceDetector::load(&library, Path::new("none")), Err(DetectorError::NoModel(_))));
    let mut faces = FaceDetector::load(&library, &model).unwrap();
    // Sides that are no multiple of 32 are made so.
    let flat = Picture::flat(PictureSize::new(330, 182).unwrap(), 100, 120, 140);
    assert_eq!(faces.detect(&flat, 2, 0.3).unwrap(), []);
}

/// Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => sources(&entry.path(), found),
            false if entry.path().extension().is_some_and(|e| e == "rs") => found.push(entry.path()),
            false => {}
        }
    }
}

#[test]
fn faces_are_looked_for_by_measuring_and_by_nothing_else() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    sources(&crates, &mut files);
    let may = ["louver-codec/", "louver-file/src/measure/", "louver-file/tests/", "louver/src/eval/"];
    let mut seen = 0;
    for file in files {
        let name = file.strip_prefix(&crates).unwrap().to_string_lossy().into_owned();
        let names_it = std::fs::read_to_string(&file).unwrap().contains("FaceDetector");
        assert!(!names_it || may.iter().any(|m| name.starts_with(m)), "{name} looks for faces");
        seen += usize::from(names_it);
    }
    assert!(seen > 3, "the search finds what is there");
}
