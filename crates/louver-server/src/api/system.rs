//! The machine and the recordings as a whole.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};

/// The disk that holds the data directory.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Disk {
    /// Its size in bytes.
    pub total_bytes: u64,
    /// Bytes free for Louver.
    pub free_bytes: u64,
}

/// How the machine is doing.
#[derive(Debug, Serialize, ToSchema)]
pub struct System {
    /// Louver's version.
    pub version: String,
    /// The disk that holds the data directory; null when it cannot be read.
    #[schema(required)]
    pub disk: Option<Disk>,
    /// Bytes of masked video.
    pub masked_bytes: u64,
    /// Bytes of sealed originals.
    pub sealed_bytes: u64,
    /// Seconds since start.
    pub uptime_s: u64,
    /// What someone should look at, in sentences; empty when all is well.
    pub notices: Vec<String>,
}

/// Whether the server answers at all: the text `ok`.
#[utoipa::path(get, path = "/healthz", tag = "system", security(()), responses((status = 200, content_type = "text/plain", body = String)))]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// How the machine is doing.
#[utoipa::path(get, path = "/api/v1/system", tag = "system",
    responses((status = 200, body = System), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_system() -> ApiResult<Json<System>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}
