//! The cameras as people see them: never an address, never a password.

use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};

/// Whether a camera's pictures are seen and masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Analysis {
    /// Seen, masked and shown.
    On,
    /// Sealed only.
    Off,
}

/// One stream's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum StreamState {
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
pub struct CameraStatus {
    /// The stream that is sealed.
    pub main: StreamState,
    /// The stream that is seen and masked.
    pub sub: StreamState,
    /// When the last original was sealed, milliseconds UTC.
    #[schema(required)]
    pub last_sealed_ms: Option<i64>,
    /// When the last masked picture was made, milliseconds UTC.
    #[schema(required)]
    pub last_masked_ms: Option<i64>,
    /// Why the picture shows little or nothing; null when all is well.
    #[schema(required)]
    pub notice: Option<String>,
    /// Why nothing is recorded; null when all is well.
    #[schema(required)]
    pub recording_problem: Option<String>,
    /// Masked pictures a second, over the last few seconds.
    pub fps: f64,
    /// Pictures that analysis had to skip since start.
    pub skipped_frames: u64,
}

/// One camera of the register.
#[derive(Debug, Serialize, ToSchema)]
pub struct Camera {
    /// Its id: 1 to 32 of a-z, 0-9 and '-'.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Who is responsible for it.
    pub owner: String,
    /// Whom to ask about it.
    pub contact: String,
    /// Hours that its recordings are kept.
    pub retention_hours: u32,
    /// Whether its pictures are seen and masked.
    pub analysis: Analysis,
    /// Nothing of it can be seen without opening.
    pub sealed_only: bool,
    /// What it is doing.
    pub status: CameraStatus,
    /// Whether masked live pictures have begun.
    pub live: bool,
}

/// Every camera, in the order of the settings.
#[utoipa::path(get, path = "/api/v1/cameras", tag = "cameras",
    responses((status = 200, body = [Camera]), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_cameras() -> ApiResult<Json<Vec<Camera>>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}

/// One camera.
#[utoipa::path(get, path = "/api/v1/cameras/{id}", tag = "cameras", params(("id" = String, Path, description = "The camera's id")),
    responses((status = 200, body = Camera), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_camera(Path(_id): Path<String>) -> ApiResult<Json<Camera>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}

/// The camera's latest masked picture. Before the first one: 404 with code `not_found`.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/still", tag = "cameras", params(("id" = String, Path, description = "The camera's id")),
    responses((status = 200, content_type = "image/jpeg", body = Vec<u8>), (status = "default", body = ErrorBody)))]
pub(crate) async fn camera_still(Path(_id): Path<String>) -> ApiResult<Response> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}
