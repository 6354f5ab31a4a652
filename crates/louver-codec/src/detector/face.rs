//! A face detector, for measuring alone: how many faces are left in what Louver shows. No camera, recorder or settings
//! lead to it, it gives boxes and nothing else, and the model's landmarks are never read.

use std::path::{Path, PathBuf};

use louver_media::Picture;
use louver_scene::Rect;
use ort::session::{Session, SessionOutputs};
use ort::value::TensorRef;

use super::error::first_line;
use super::runtime::open_model;
use super::{DetectorError, fill_bgr};
use crate::Scaler;

/// Where a face may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// Where, pixels of the picture.
    pub rect: Rect,
}

/// YuNet (Wu et al., 2023) with inputs of any size, in its exported form: for strides 8, 16 and 32 one output each of class
/// score, objectness and box.
pub struct FaceDetector {
    session: Session,
    scaler: Scaler,
    input: Vec<f32>,
    path: PathBuf,
}

impl std::fmt::Debug for FaceDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FaceDetector {{ {} }}", self.path.display())
    }
}

/// Strides of the three outputs; sides of the input are a multiple of the largest.
const STRIDES: [u32; 3] = [8, 16, 32];
/// Faces that overlap by more than this (IoU) are one.
const SAME: f32 = 0.3;

impl FaceDetector {
    /// Loads a model file.
    ///
    /// # Errors
    /// When the library or the file is missing or damaged, or the model is no YuNet.
    pub fn load(library: &Path, model: &Path) -> Result<Self, DetectorError> {
        if !model.exists() {
            return Err(DetectorError::NoModel(model.into()));
        }
        let session = open_model(library, model)?;
        let mut it = Self { session, scaler: Scaler::default(), input: Vec::new(), path: model.into() };
        let size = louver_media::PictureSize::new(64, 64).unwrap_or_else(|| unreachable!("64x64 is a size"));
        it.detect(&Picture::flat(size, 128, 128, 128), 1, 0.9).map_err(|e| DetectorError::Kind {
            path: model.into(),
            kind: "yunet",
            reason: e.to_string(),
        })?;
        Ok(it)
    }

    /// The model's file name, for reports.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    }

    /// Faces in a picture that is first made `larger` times as wide and high (small faces are found only so), surest first.
    /// `least` is the lowest score given, 0 to 1.
    ///
    /// # Errors
    /// When a run fails.
    pub fn detect(&mut self, picture: &Picture, larger: u32, least: f32) -> Result<Vec<Face>, DetectorError> {
        let side = |n: usize| (n as u32 * larger).next_multiple_of(STRIDES[2]);
        let (width, height) = (side(picture.size.width()), side(picture.size.height()));
        let whole = Rect {
            left: 0,
            top: 0,
            right: picture.size.width() as i32,
            bottom: picture.size.height() as i32,
        };
        let rgb = self.scaler.rgb(picture, whole, width, height).map_err(DetectorError::Scale)?;
        fill_bgr(&mut self.input, &rgb);
        let fail = |e: ort::Error| DetectorError::Run(first_line(&e));
        let shape = [1i64, 3, i64::from(height), i64::from(width)];
        let image = TensorRef::from_array_view((shape, self.input.as_slice())).map_err(fail)?;
        let out = self.session.run(ort::inputs![image]).map_err(fail)?;
        let mut found = Vec::new();
        for stride in STRIDES {
            read(&out, stride, (width, height), least, &mut found).map_err(DetectorError::Run)?;
        }
        let (across, down) = (whole.right as f32 / width as f32, whole.bottom as f32 / height as f32);
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut kept: Vec<Face> = Vec::new();
        for (score, [left, top, right, bottom]) in found {
            let rect = Rect {
                left: (left * across).round() as i32,
                top: (top * down).round() as i32,
                right: (right * across).round() as i32,
                bottom: (bottom * down).round() as i32,
            };
            if rect.area() > 0 && !kept.iter().any(|k| k.rect.iou(rect) > SAME) {
                kept.push(Face { score, rect });
            }
        }
        Ok(kept)
    }
}

/// Boxes of one stride, pixels of the network's input: score, then left, top, right, bottom.
fn read(
    out: &SessionOutputs<'_>,
    stride: u32,
    (width, height): (u32, u32),
    least: f32,
    found: &mut Vec<(f32, [f32; 4])>,
) -> Result<(), String> {
    let columns = (width / stride) as usize;
    let cells = columns * (height / stride) as usize;
    let tensor = |what: &str, each: usize| {
        let name = format!("{what}_{stride}");
        out.get(&name)
            .and_then(|v| v.try_extract_tensor::<f32>().ok().map(|(_, data)| data))
            .filter(|data| data.len() == cells * each)
            .ok_or_else(|| format!("it has no output \"{name}\" of {cells} times {each} numbers"))
    };
    let (class, object, boxes) = (tensor("cls", 1)?, tensor("obj", 1)?, tensor("bbox", 4)?);
    let s = stride as f32;
    for (n, b) in boxes.chunks_exact(4).enumerate() {
        let score = (class[n].clamp(0.0, 1.0) * object[n].clamp(0.0, 1.0)).sqrt();
        if !(score >= least && b.iter().all(|v| v.is_finite())) {
            continue;
        }
        let (x, y) = (((n % columns) as f32 + b[0]) * s, ((n / columns) as f32 + b[1]) * s);
        // Beyond e^6 strides a box is larger than any picture.
        let (w, h) = (b[2].min(6.0).exp() * s, b[3].min(6.0).exp() * s);
        found.push((score, [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0]));
    }
    Ok(())
}
