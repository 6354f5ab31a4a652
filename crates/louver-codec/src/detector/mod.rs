//! Person, vehicle, animal and parcel detectors: ONNX models run by ONNX Runtime, a library that is loaded at run time.
//!
//! A detector gives classes and boxes. It serves masking and counting; no model that tells people apart can be loaded,
//! because only the three output layouts below are read. [`FaceDetector`] is for measuring what masking leaves to be
//! seen; no settings lead to it.

mod deimv2;
mod error;
mod face;
mod runtime;
mod ssd;
mod yolox;

use std::path::{Path, PathBuf};

use louver_base::Class;
use louver_media::Picture;
use louver_scene::{Detection, DetectorTraits, Rect};
use ort::session::Session;
use ort::value::{TensorRef, ValueType};

use crate::Scaler;
pub use error::DetectorError;
use error::first_line;
pub use face::{Face, FaceDetector};
use runtime::open_model;
pub use runtime::{load_runtime, refuse_telemetry};

/// Layout of a model's inputs and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// SSD-MobileNetV2 of MediaPipe Objectron (24 Open Images classes), 300x300.
    SsdMobileNetV2,
    /// YOLOX (COCO), raw head.
    Yolox,
    /// DEIMv2 (COCO), 416x416, decoded outputs.
    DeimV2,
}

impl ModelKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::SsdMobileNetV2, Self::Yolox, Self::DeimV2];

    /// The word used in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SsdMobileNetV2 => "ssd-mobilenet-v2",
            Self::Yolox => "yolox",
            Self::DeimV2 => "deimv2",
        }
    }

    /// What the kind is like: scores from its precision and recall on people (EVALUATION.md).
    pub const fn traits(self) -> DetectorTraits {
        match self {
            // Finds four of five people, and many that are none: it needs a low bar and larger pictures.
            Self::SsdMobileNetV2 => {
                DetectorTraits { mask_score: 0.35, event_score: 0.45, halves: true, side: 300 }
            }
            Self::Yolox => DetectorTraits { mask_score: 0.15, event_score: 0.45, halves: false, side: 416 },
            Self::DeimV2 => DetectorTraits { mask_score: 0.2, event_score: 0.45, halves: false, side: 416 },
        }
    }

    /// What it finds of parcels, in words.
    pub const fn parcels(self) -> &'static str {
        match self {
            Self::SsdMobileNetV2 => "boxes, but neither bags nor suitcases",
            Self::Yolox | Self::DeimV2 => "suitcases and bags, but no boxes",
        }
    }

    /// The kind that a file's name suggests, where the settings name none.
    pub fn guess(model: &Path) -> Option<Self> {
        let name = model.file_name()?.to_string_lossy().to_lowercase();
        [("ssd", Self::SsdMobileNetV2), ("yolox", Self::Yolox), ("deim", Self::DeimV2)]
            .into_iter()
            .find_map(|(part, kind)| name.contains(part).then_some(kind))
    }
}

impl std::str::FromStr for ModelKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|k| k.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a kind of model: ssd-mobilenet-v2, yolox or deimv2"))
    }
}

/// A loaded model. One run at a time; one thread a run, so that cameras are the parallel work.
pub struct Detector {
    session: Session,
    kind: ModelKind,
    side: (u32, u32),
    scaler: Scaler,
    input: Vec<f32>,
    anchors: Vec<ssd::Anchor>,
    path: PathBuf,
    runs: u64,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Detector {{ {} }}", self.path.display())
    }
}

impl Detector {
    /// Loads a model file. `kind` is guessed from the file's name where it is `None`.
    ///
    /// # Errors
    /// When the library or the file is missing or damaged, or the model is of another kind.
    pub fn load(library: &Path, model: &Path, kind: Option<ModelKind>) -> Result<Self, DetectorError> {
        if !model.exists() {
            return Err(DetectorError::NoModel(model.into()));
        }
        let kind = kind
            .or_else(|| ModelKind::guess(model))
            .ok_or_else(|| DetectorError::UnknownKind(model.into()))?;
        let session = open_model(library, model)?;
        let side = input_side(&session, kind).map_err(|reason| DetectorError::Kind {
            path: model.into(),
            kind: kind.as_str(),
            reason,
        })?;
        let anchors = if kind == ModelKind::SsdMobileNetV2 { ssd::anchors() } else { Vec::new() };
        let mut detector = Self {
            session,
            kind,
            side,
            scaler: Scaler::default(),
            input: Vec::new(),
            anchors,
            path: model.into(),
            runs: 0,
        };
        // A wrong output layout shows itself at the first run; better now than in front of a camera.
        let size = louver_media::PictureSize::new(64, 64).unwrap_or_else(|| unreachable!("64x64 is a size"));
        let part = Rect { left: 0, top: 0, right: 64, bottom: 64 };
        detector.run(&Picture::flat(size, 128, 128, 128), part, 0.99).map_err(|e| DetectorError::Kind {
            path: model.into(),
            kind: kind.as_str(),
            reason: e.to_string(),
        })?;
        detector.runs = 0;
        Ok(detector)
    }

    /// The model's file name, for reports.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    }

    /// The model's kind.
    pub fn kind(&self) -> ModelKind {
        self.kind
    }

    /// Network runs so far.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Detects in each part of a picture (the whole one is a part too), removes duplicates, and gives boxes in pixels
    /// of the picture. `least` is the lowest score given, 0 to 1.
    ///
    /// # Errors
    /// When a run fails: nothing is known then, and the caller must not take that for an empty picture.
    pub fn detect(
        &mut self,
        picture: &Picture,
        parts: &[Rect],
        least: f32,
    ) -> Result<Vec<Detection>, DetectorError> {
        let mut all = Vec::new();
        for &part in parts {
            all.extend(self.run(picture, part, least)?);
        }
        Ok(Detection::without_duplicates(all, 0.6))
    }

    fn run(&mut self, picture: &Picture, part: Rect, least: f32) -> Result<Vec<Detection>, DetectorError> {
        self.runs += 1;
        let (width, height) = self.side;
        let rgb = self.scaler.rgb(picture, part, width, height).map_err(DetectorError::Scale)?;
        fill_input(&mut self.input, &rgb, self.kind);
        let fail = |e: ort::Error| DetectorError::Run(first_line(&e));
        let shape = [1i64, 3, i64::from(height), i64::from(width)];
        let image = TensorRef::from_array_view((shape, self.input.as_slice())).map_err(fail)?;
        let raw = match self.kind {
            ModelKind::SsdMobileNetV2 => {
                let out = self.session.run(ort::inputs![image]).map_err(fail)?;
                ssd::read(&out, &self.anchors, least)
            }
            ModelKind::Yolox => {
                let out = self.session.run(ort::inputs![image]).map_err(fail)?;
                yolox::read(&out, width, height, least)
            }
            ModelKind::DeimV2 => {
                let sizes = [i64::from(width), i64::from(height)];
                let sizes = TensorRef::from_array_view(([1i64, 2], sizes.as_slice())).map_err(fail)?;
                let out = self.session.run(ort::inputs![image, sizes]).map_err(fail)?;
                deimv2::read(&out, width, height, least)
            }
        }
        .map_err(DetectorError::Run)?;
        Ok(raw.into_iter().filter_map(|b| b.placed(part)).collect())
    }
}

/// A box in parts of the network's input, 0 to 1 a side.
struct RawBox {
    class: Class,
    /// Somebody may sit on it in the open.
    ridden: bool,
    score: f32,
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl RawBox {
    /// In pixels of the picture; `None` for a box without area or with a number that is none.
    fn placed(self, part: Rect) -> Option<Detection> {
        let (w, h) = ((part.right - part.left) as f32, (part.bottom - part.top) as f32);
        let at = |n: f32, side: f32, from: i32| {
            n.is_finite().then(|| from + (n.clamp(-0.5, 1.5) * side).round() as i32)
        };
        let rect = Rect {
            left: at(self.left, w, part.left)?,
            top: at(self.top, h, part.top)?,
            right: at(self.right, w, part.left)?,
            bottom: at(self.bottom, h, part.top)?,
        };
        let Self { class, score, ridden, .. } = self;
        (rect.area() > 0).then_some(Detection { class, score, rect, ridden })
    }
}

/// Width and height of the network's picture; a reason when the model does not look like its kind.
fn input_side(session: &Session, kind: ModelKind) -> Result<(u32, u32), String> {
    let inputs = session.inputs();
    let wanted = if kind == ModelKind::DeimV2 { 2 } else { 1 };
    if inputs.len() != wanted {
        return Err(format!("it has {} inputs where {wanted} are expected", inputs.len()));
    }
    let dims: Vec<i64> = match inputs.first().map(|i| i.dtype()) {
        Some(ValueType::Tensor { shape, .. }) => shape.iter().copied().collect(),
        _ => Vec::new(),
    };
    match (kind, dims.as_slice()) {
        (ModelKind::SsdMobileNetV2, [_, 3, 300, 300]) => Ok((300, 300)),
        (ModelKind::DeimV2, [_, 3, h, w]) | (ModelKind::Yolox, [_, 3, h, w]) => {
            let side = |n: i64| match n {
                -1 => Ok(416),
                32..=2048 if n % 32 == 0 => Ok(n as u32),
                _ => Err(format!("its input is {dims:?}")),
            };
            Ok((side(*w)?, side(*h)?))
        }
        _ => Err(format!("its input is {dims:?}")),
    }
}

/// Interleaved RGB bytes to planar numbers in the range and order that the kind was trained with.
fn fill_input(input: &mut Vec<f32>, rgb: &[u8], kind: ModelKind) {
    let (order, scale, offset) = match kind {
        ModelKind::SsdMobileNetV2 => ([0, 1, 2], 2.0 / 255.0, -1.0),
        ModelKind::Yolox => ([2, 1, 0], 1.0, 0.0),
        ModelKind::DeimV2 => ([0, 1, 2], 1.0 / 255.0, 0.0),
    };
    input.clear();
    for channel in order {
        input.extend(rgb.chunks_exact(3).map(|p| f32::from(p[channel]) * scale + offset));
    }
}

/// Planar blue, green, red, 0 to 255.
fn fill_bgr(input: &mut Vec<f32>, rgb: &[u8]) {
    fill_input(input, rgb, ModelKind::Yolox);
}

/// COCO's 80 classes to Louver's, and whether somebody may sit on it in the open; `None` for things.
fn coco_class(index: usize) -> Option<(Class, bool)> {
    match index {
        0 => Some((Class::Person, false)),
        // Bicycle, motorcycle, boat.
        1 | 3 | 8 => Some((Class::Vehicle, true)),
        2 | 4..=7 => Some((Class::Vehicle, false)),
        // Horse, elephant.
        17 | 20 => Some((Class::Animal, true)),
        14..=23 => Some((Class::Animal, false)),
        // Backpack, handbag, suitcase.
        24 | 26 | 28 => Some((Class::Parcel, false)),
        _ => None,
    }
}
