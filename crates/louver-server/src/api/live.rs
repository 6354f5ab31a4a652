//! Masked live pictures over a WebSocket.

use axum::extract::Path;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};

/// A text message of the live feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveMessage {
    /// Pictures (re)start: set the player up anew. The init message (kind 0) follows.
    Start {
        /// MIME type with codecs, for Media Source Extensions.
        mime: String,
    },
    /// Why the picture shows little or nothing; null when all is well again.
    Notice {
        /// The sentence to show.
        #[schema(required)]
        text: Option<String>,
    },
}

/// Masked live pictures (WebSocket).
///
/// Text messages are `LiveMessage`. Binary messages are one byte kind (0 init: `ftyp` and `moov`; 1 fragment;
/// 2 fragment that a player can start with), eight bytes wall time of the first picture in milliseconds UTC
/// (big-endian, 0 for init), then fragmented MP4. A viewer that fell behind gets nothing until the next kind 2.
/// The server pings; a viewer that does not read is disconnected.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/live", tag = "cameras", params(("id" = String, Path, description = "The camera's id")),
    responses((status = 101, description = "The feed begins", body = LiveMessage), (status = "default", body = ErrorBody)))]
pub(crate) async fn live(Path(_id): Path<String>) -> ApiResult<Response> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}
