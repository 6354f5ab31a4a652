//! The cameras as people see them: never an address, never a password.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use louver_base::WallTime;
use louver_ledger::leaf::Viewing;
use louver_node::{CameraHandle, GateReport};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::events::EventClass;
use super::extract::Path;
use super::files;
use crate::app::App;
use crate::auth::gate::Caller;

/// Whether a camera's pictures are seen and masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Analysis {
    /// Seen, masked and shown.
    On,
    /// Sealed only.
    Off,
}

/// What a zone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ZoneKind {
    /// Never analysed and never shown; sealed originals keep what the camera sent.
    Exclude,
    /// Analysed and counted, never shown.
    Mask,
}

/// A part of a camera's picture that is never looked at, or never shown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Zone {
    /// Its name for people.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) kind: ZoneKind,
    /// Its corners, x and y in per cent of the picture's width and height, 0 to 100; the last is joined to the first.
    pub(crate) polygon: Vec<[f32; 2]>,
}

/// One stream's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum StreamState {
    /// Not used.
    Off,
    /// Connecting for the first time.
    Connecting,
    /// Pictures arrive.
    Running,
    /// Connection lost or refused; trying again.
    Retrying {
        /// What happened and what to do.
        reason: String,
    },
}

/// What a camera is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CameraStatus {
    /// The stream that is sealed.
    pub(crate) main: StreamState,
    /// The stream that is seen and masked.
    pub(crate) sub: StreamState,
    /// When the last original was sealed, milliseconds UTC.
    #[schema(required)]
    pub(crate) last_sealed_ms: Option<i64>,
    /// When the last masked picture was made, milliseconds UTC.
    #[schema(required)]
    pub(crate) last_masked_ms: Option<i64>,
    /// Why the picture shows little or nothing; null when all is well.
    #[schema(required)]
    pub(crate) notice: Option<String>,
    /// Why nothing is recorded; null when all is well.
    #[schema(required)]
    pub(crate) recording_problem: Option<String>,
    /// Masked pictures a second, over the last few seconds.
    pub(crate) fps: f64,
    /// Pictures that analysis had to skip since start.
    pub(crate) skipped_frames: u64,
    /// How much of the stream is decoded; missing before the first picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gate: Option<Gate>,
}

/// What the gate does, which leaves out pictures in which nothing happens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Gate {
    /// Packets given to the decoder since the stream began.
    pub(crate) decoded: u64,
    /// Packets left out as quiet.
    pub(crate) left_out: u64,
    /// Why everything is decoded now, in words; missing while quiet pictures are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<String>,
    /// What to change in the camera's settings, so that less must be decoded; missing if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl From<GateReport> for Gate {
    fn from(report: GateReport) -> Self {
        let advice = report.habit.map_or("", |h| h.advice());
        Self {
            decoded: report.decoded,
            left_out: report.left_out,
            open: report.open.map(|o| o.says()),
            advice: (!advice.is_empty()).then(|| advice.to_owned()),
        }
    }
}

/// One camera of the register.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Camera {
    /// Its id: 1 to 32 of a-z, 0-9 and '-'.
    pub(crate) id: String,
    /// Its name for people.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) purpose: String,
    /// Who is responsible for it.
    pub(crate) owner: String,
    /// Whom to ask about it.
    pub(crate) contact: String,
    /// Hours that its recordings are kept.
    pub(crate) retention_hours: u32,
    /// Whether its pictures are seen and masked.
    pub(crate) analysis: Analysis,
    /// Nothing of it can be seen without opening.
    pub(crate) sealed_only: bool,
    /// Whether its sound is sealed beside the pictures; it can be heard in an opening alone.
    pub(crate) audio_sealed: bool,
    /// Classes whose things may be seen as they are, where no person is near; never people.
    pub(crate) show: Vec<EventClass>,
    /// Parts of its picture that are never looked at, or never shown.
    pub(crate) zones: Vec<Zone>,
    /// What it is doing.
    pub(crate) status: CameraStatus,
    /// Whether masked live pictures have begun.
    pub(crate) live: bool,
}

impl From<louver_node::StreamState> for StreamState {
    fn from(state: louver_node::StreamState) -> Self {
        match state {
            louver_node::StreamState::Off => Self::Off,
            louver_node::StreamState::Connecting => Self::Connecting,
            louver_node::StreamState::Running => Self::Running,
            louver_node::StreamState::Retrying { reason } => Self::Retrying { reason },
        }
    }
}

impl From<louver_node::CameraStatus> for CameraStatus {
    fn from(status: louver_node::CameraStatus) -> Self {
        Self {
            main: status.main.into(),
            sub: status.sub.into(),
            last_sealed_ms: status.last_sealed.map(WallTime::millis),
            last_masked_ms: status.last_masked.map(WallTime::millis),
            notice: status.notice,
            recording_problem: status.recording_problem,
            fps: f64::from(status.fps_x10) / 10.0,
            skipped_frames: status.skipped_frames,
            gate: status.gate.map(Gate::from),
        }
    }
}

impl From<&louver_scene::Zone> for Zone {
    fn from(zone: &louver_scene::Zone) -> Self {
        let kind = match zone.kind() {
            louver_scene::ZoneKind::Exclude => ZoneKind::Exclude,
            louver_scene::ZoneKind::Mask => ZoneKind::Mask,
        };
        Self { name: zone.name().to_owned(), kind, polygon: zone.polygon().to_vec() }
    }
}

impl From<&CameraHandle> for Camera {
    fn from(camera: &CameraHandle) -> Self {
        let (analysis, sealed_only) = match camera.analysis {
            louver_node::Analysis::On => (Analysis::On, false),
            louver_node::Analysis::Off => (Analysis::Off, true),
        };
        Self {
            id: camera.id.to_string(),
            name: camera.name.clone(),
            purpose: camera.purpose.clone(),
            owner: camera.owner.reveal().clone(),
            contact: camera.contact.reveal().clone(),
            retention_hours: camera.retention_hours.get(),
            analysis,
            sealed_only,
            audio_sealed: camera.audio == louver_node::Audio::Sealed,
            show: camera.show.classes().map(EventClass::from).collect(),
            zones: camera.zones.iter().map(Zone::from).collect(),
            status: camera.status.get().into(),
            live: !sealed_only && camera.scenes.started(),
        }
    }
}

/// Every camera, in the order of the settings.
#[utoipa::path(get, path = "/api/v1/cameras", tag = "cameras",
    responses((status = 200, body = [Camera]), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_cameras(State(app): State<App>) -> Json<Vec<Camera>> {
    Json(app.cameras.iter().map(Camera::from).collect())
}

/// One camera.
#[utoipa::path(get, path = "/api/v1/cameras/{id}", tag = "cameras",
    params(("id" = String, Path, description = "The camera's id")),
    responses((status = 200, body = Camera), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_camera(State(app): State<App>, Path(id): Path<String>) -> ApiResult<Json<Camera>> {
    Ok(Json(app.camera(&id)?.into()))
}

/// The camera's latest masked picture. Before the first one: 404 with code `not_found`.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/still", tag = "cameras",
    params(("id" = String, Path, description = "The camera's id")),
    responses((status = 200, content_type = "image/jpeg", body = Vec<u8>), (status = "default", body = ErrorBody)))]
pub(crate) async fn camera_still(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Response> {
    let camera = visible(&app, &id)?;
    let still = camera.still.borrow().clone();
    if still.is_some() {
        let now = WallTime::now();
        app.viewed(&caller, &camera.id, Viewing::Live, now, now);
    }
    still.map(|jpeg| files::jpeg(jpeg, "no-store")).ok_or_else(|| {
        ApiError::new(
            ErrorCode::NotFound,
            "There is no picture of this camera yet: try again in some seconds.",
        )
    })
}

/// A camera of which something can be seen.
pub(crate) fn visible<'a>(app: &'a App, id: &str) -> ApiResult<&'a CameraHandle> {
    let camera = app.camera(id)?;
    match camera.analysis {
        louver_node::Analysis::On => Ok(camera),
        louver_node::Analysis::Off => Err(ApiError::new(
            ErrorCode::SealedOnly,
            "This camera is sealed only (analysis = \"off\"): nothing of it can be seen without an opening.",
        )),
    }
}
