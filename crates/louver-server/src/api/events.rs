//! What happened in front of the cameras.

use axum::Json;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};

/// What a moving thing is; nothing else is ever said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventClass {
    /// A human being.
    Person,
    /// Car, lorry, bus, motorcycle, bicycle, boat, train.
    Vehicle,
    /// Dog, cat, horse, bird and the like.
    Animal,
}

/// Which events. Newest first.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only this camera's.
    #[param(nullable = false)]
    pub camera: Option<String>,
    /// Only of this class.
    #[param(nullable = false)]
    pub class: Option<EventClass>,
    /// Only those that end after this time, milliseconds UTC.
    #[param(nullable = false)]
    pub from_ms: Option<i64>,
    /// Only those that start before this time, milliseconds UTC.
    #[param(nullable = false)]
    pub to_ms: Option<i64>,
    /// How many at most: 1 to 500, 100 where nothing is said.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    pub limit: Option<u16>,
    /// The next page: `next_before_ms` of the last one.
    #[param(nullable = false)]
    pub before_ms: Option<i64>,
}

/// Where a thing was at one moment; edges as shares of the picture, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventBox {
    /// When, milliseconds UTC.
    pub at_ms: i64,
    /// Left edge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub left: f32,
    /// Top edge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub top: f32,
    /// Right edge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub right: f32,
    /// Bottom edge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub bottom: f32,
}

/// One appearance of one thing in front of one camera.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// Its id: random, says nothing.
    pub id: String,
    /// The camera's id.
    pub camera: String,
    /// What it was.
    pub class: EventClass,
    /// Start, milliseconds UTC.
    pub start_ms: i64,
    /// End, milliseconds UTC; null while it goes on.
    #[schema(required)]
    pub end_ms: Option<i64>,
    /// Whether there is a masked still.
    pub still: bool,
    /// How sure the detector was at best, 0 to 1.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub confidence: f32,
    /// Where it was over time, oldest first.
    pub boxes: Vec<EventBox>,
}

/// A page of events, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// There are more: ask again with this as `before_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_before_ms: Option<i64>,
}

/// Events, newest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventQuery),
    responses((status = 200, body = EventPage), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_events(Query(_query): Query<EventQuery>) -> ApiResult<Json<EventPage>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}

/// The event's best masked picture.
#[utoipa::path(get, path = "/api/v1/events/{id}/still", tag = "events", params(("id" = String, Path, description = "The event's id")),
    responses((status = 200, content_type = "image/jpeg", body = Vec<u8>), (status = "default", body = ErrorBody)))]
pub(crate) async fn event_still(Path(_id): Path<String>) -> ApiResult<Response> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}
