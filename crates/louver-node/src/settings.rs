//! A camera's entry in the register, checked: what a node needs to know to record it.

use std::num::NonZeroU32;

use louver_base::{CameraAddress, CameraId, Pii, WallSpan};
use louver_ingest::{Audio, Connection};
use louver_onvif::OnvifAddress;
use louver_scene::{Show, Zone, ZoneKind};
use louver_see::GateMode;

/// Hours that originals and masked recordings are kept when the settings say nothing.
pub const DEFAULT_RETENTION_HOURS: NonZeroU32 = match NonZeroU32::new(72) {
    Some(hours) => hours,
    None => unreachable!(),
};

/// Whether a camera's pictures are seen, masked and shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Analysis {
    /// Seen, masked and shown; the default.
    #[default]
    On,
    /// Sealed only: nothing of the camera can be seen without an opening.
    Off,
}

/// One camera of the register. There is no way to leave out why it records and who answers for it.
#[derive(Clone, Debug)]
pub struct CameraSettings {
    /// Short name; also the name of the camera's folder.
    pub id: CameraId,
    /// Name on the page.
    pub name: String,
    /// Where the camera answers questions (ONVIF): about its clock, its streams, and whether somebody meddles with it.
    pub onvif: Option<OnvifAddress>,
    /// The best stream: sealed as it comes. An address that the camera tells needs `onvif`.
    pub main: CameraAddress,
    /// The small stream that is seen and masked; without one the main stream is decoded and scaled.
    pub sub: Option<CameraAddress>,
    /// How both are connected to, and whether sound is sealed beside the main stream.
    pub connection: Connection,
    /// What the camera is for, for instance "deliveries and break-ins".
    pub purpose: String,
    /// Who answers for the camera.
    pub owner: Pii<String>,
    /// How people who are recorded can reach the owner.
    pub contact: Pii<String>,
    /// Hours that recordings are kept.
    pub retention_hours: NonZeroU32,
    /// Why they are kept longer than [`DEFAULT_RETENTION_HOURS`]; stands wherever that is the case.
    pub retention_reason: Option<String>,
    /// Whether pictures are seen, masked and shown, or sealed only.
    pub analysis: Analysis,
    /// Whether quiet pictures are left out.
    pub gate: GateMode,
    /// What may be seen as it is, besides the empty place; never people.
    pub show: Show,
    /// Parts of the picture that are never looked at, or never shown.
    pub zones: Vec<Zone>,
}

impl CameraSettings {
    /// How long recordings are kept.
    pub fn retention(&self) -> WallSpan {
        WallSpan::from_hours(self.retention_hours.get())
    }

    /// How the small stream is connected to: no sound is asked of it.
    pub fn sub_connection(&self) -> Connection {
        Connection { audio: Audio::Off, ..self.connection }
    }

    /// Whether some part of the picture is never looked at; sealed originals keep it.
    pub fn excludes(&self) -> bool {
        self.zones.iter().any(|z| z.kind() == ZoneKind::Exclude)
    }

    /// The stream that is decoded, seen and masked, or `None` for a camera that is only sealed.
    pub fn seen(&self) -> Option<&CameraAddress> {
        match self.analysis {
            Analysis::On => Some(self.sub.as_ref().unwrap_or(&self.main)),
            Analysis::Off => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(sub: Option<&str>, analysis: Analysis) -> CameraSettings {
        CameraSettings {
            id: "gate".parse().unwrap(),
            name: "Gate".to_owned(),
            onvif: None,
            main: "rtsp://cam/main".parse().unwrap(),
            sub: sub.map(|s| s.parse().unwrap()),
            connection: Connection::default(),
            purpose: "break-ins".to_owned(),
            owner: Pii::new("Ada".to_owned()),
            contact: Pii::new("ada@example.org".to_owned()),
            retention_hours: DEFAULT_RETENTION_HOURS,
            retention_reason: None,
            analysis,
            gate: GateMode::Auto,
            show: Show::NOTHING,
            zones: vec![],
        }
    }

    #[test]
    fn a_camera_without_sub_stream_has_its_main_stream_seen_and_a_sealed_one_nothing() {
        let seen = |sub, analysis| camera(sub, analysis).seen().map(ToString::to_string);
        assert_eq!(seen(Some("rtsp://cam/sub"), Analysis::On).as_deref(), Some("rtsp://cam/sub"));
        assert_eq!(seen(None, Analysis::On).as_deref(), Some("rtsp://cam/main"));
        assert_eq!(seen(Some("rtsp://cam/sub"), Analysis::Off), None);
    }

    #[test]
    fn a_printed_camera_names_neither_owner_nor_contact() {
        let printed = format!("{:?}", camera(None, Analysis::On));
        assert!(!printed.contains("Ada") && !printed.contains("example.org"), "{printed}");
    }
}
