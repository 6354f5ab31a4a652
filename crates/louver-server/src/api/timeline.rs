//! What there is of a camera over a span of time.

use axum::Json;
use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::events::EventClass;

/// From when to when, milliseconds UTC; `from_ms` before `to_ms`, at most 31 days apart.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SpanQuery {
    /// Start, milliseconds UTC, inclusive.
    pub from_ms: i64,
    /// End, milliseconds UTC, exclusive; at most 31 days after the start.
    pub to_ms: i64,
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Span {
    /// Start, milliseconds UTC.
    pub start_ms: i64,
    /// End, milliseconds UTC.
    pub end_ms: i64,
}

/// Which of a camera's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// The originals.
    Sealed,
    /// What people see.
    Masked,
}

/// A span that is missing, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Gap {
    /// Start, milliseconds UTC.
    pub start_ms: i64,
    /// End, milliseconds UTC.
    pub end_ms: i64,
    /// What is missing.
    pub stream: StreamKind,
    /// Why, in words.
    pub reason: String,
}

/// An event on the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TimelineEvent {
    /// The event's id.
    pub id: String,
    /// What it was.
    pub class: EventClass,
    /// Start, milliseconds UTC.
    pub start_ms: i64,
    /// End, milliseconds UTC; null while it goes on.
    #[schema(required)]
    pub end_ms: Option<i64>,
}

/// What there is of a camera, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Timeline {
    /// When there is masked video; spans that touch are one.
    pub masked: Vec<Span>,
    /// When there are sealed originals; spans that touch are one.
    pub sealed: Vec<Span>,
    /// When something is missing.
    pub gaps: Vec<Gap>,
    /// What happened.
    pub events: Vec<TimelineEvent>,
    /// There are more events in this span than are listed; ask for a shorter one.
    pub events_cut: bool,
}

/// What there is of a camera over a span of time.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/timeline", tag = "cameras",
    params(("id" = String, Path, description = "The camera's id"), SpanQuery),
    responses((status = 200, body = Timeline), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_timeline(
    Path(_id): Path<String>,
    Query(_span): Query<SpanQuery>,
) -> ApiResult<Json<Timeline>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}
