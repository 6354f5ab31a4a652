//! What the rest of Louver may see of a running camera: everything here is masked or made for people.

use std::num::NonZeroU32;

use bytes::Bytes;
use louver_base::{CameraId, Pii};
use louver_scene::{Masked, Show, Zone};
use louver_see::GateMode;
use tokio::sync::watch;

use louver_ingest::Audio;

use crate::{Analysis, CameraSettings, LiveHub, SceneHub, StatusCell};

/// The latest masked picture as JPEG, or nothing before the first one.
pub type LatestStill = Option<Masked<Bytes>>;

/// A running camera as the server sees it: no address, no password, no original.
#[derive(Clone)]
pub struct CameraHandle {
    /// Short name.
    pub id: CameraId,
    /// Name for people.
    pub name: String,
    /// What the camera is for.
    pub purpose: String,
    /// Who answers for it.
    pub owner: Pii<String>,
    /// How people who are recorded can reach the owner.
    pub contact: Pii<String>,
    /// Hours that recordings are kept.
    pub retention_hours: NonZeroU32,
    /// Whether pictures are seen, masked and shown, or sealed only.
    pub analysis: Analysis,
    /// Whether quiet pictures are left out.
    pub gate: GateMode,
    /// Whether its sound is sealed beside the pictures.
    pub audio: Audio,
    /// What may be seen as it is, besides the empty place; never people.
    pub show: Show,
    /// Parts of the picture that are never looked at, or never shown.
    pub zones: Vec<Zone>,
    /// The live scene stream.
    pub scenes: SceneHub,
    /// Masked live video, made while it has viewers.
    pub live: LiveHub,
    /// What the camera is doing.
    pub status: StatusCell,
    /// The latest masked picture.
    pub still: watch::Receiver<LatestStill>,
}

impl CameraHandle {
    /// A camera that has not begun, and the end by which its node gives stills.
    pub fn new(settings: &CameraSettings) -> (Self, watch::Sender<LatestStill>) {
        let (sender, still) = watch::channel(None);
        let handle = Self {
            id: settings.id.clone(),
            name: settings.name.clone(),
            purpose: settings.purpose.clone(),
            owner: settings.owner.clone(),
            contact: settings.contact.clone(),
            retention_hours: settings.retention_hours,
            analysis: settings.analysis,
            gate: settings.gate,
            audio: settings.connection.audio,
            show: settings.show,
            zones: settings.zones.clone(),
            scenes: SceneHub::default(),
            live: LiveHub::default(),
            status: StatusCell::default(),
            still,
        };
        (handle, sender)
    }
}

impl std::fmt::Debug for CameraHandle {
    /// The id alone: names and contacts have no place in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CameraHandle {{ {} }}", self.id)
    }
}
