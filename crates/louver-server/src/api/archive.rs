//! Masked recordings.

use axum::Json;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::timeline::SpanQuery;

/// One masked recording, about a minute long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ArchiveFile {
    /// Its id within the camera.
    pub id: String,
    /// Start, milliseconds UTC. The video's own times begin with 0 here.
    pub start_ms: i64,
    /// End, milliseconds UTC.
    pub end_ms: i64,
    /// Size in bytes.
    pub bytes: u64,
    /// MIME type with codecs, for Media Source Extensions.
    pub mime: String,
}

/// Where in a recording to begin.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// Leaves out what ends before this time (milliseconds UTC): the answer is the file's start (`ftyp`, `moov`) and
    /// its fragments from the one before this time on.
    #[param(nullable = false)]
    pub from_ms: Option<i64>,
}

/// The masked recordings that touch a span of time, oldest first.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/archive", tag = "archive",
    params(("id" = String, Path, description = "The camera's id"), SpanQuery),
    responses((status = 200, body = [ArchiveFile]), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_archive(
    Path(_id): Path<String>,
    Query(_span): Query<SpanQuery>,
) -> ApiResult<Json<Vec<ArchiveFile>>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}

/// A masked recording: fragmented MP4. One `Range` of bytes is understood.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/archive/{file}", tag = "archive",
    params(("id" = String, Path, description = "The camera's id"), ("file" = String, Path, description = "The recording's id"), FileQuery),
    responses((status = 200, content_type = "video/mp4", body = Vec<u8>),
        (status = 206, content_type = "video/mp4", body = Vec<u8>), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_archive_file(
    Path((_id, _file)): Path<(String, String)>,
    Query(_query): Query<FileQuery>,
) -> ApiResult<Response> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}
