//! What happened in front of the cameras.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use louver_base::{Class, EventId, WallTime};
use louver_ledger::leaf::Viewing;
use louver_store::{EventRecord, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody};
use super::extract::{Path, Query};
use super::files;
use crate::app::App;
use crate::auth::gate::Caller;

/// Events of a page where nothing is said, and at most.
const LIMITS: (u16, u16) = (100, 500);

/// What a moving thing is; nothing else is ever said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EventClass {
    /// A human being.
    Person,
    /// Car, lorry, bus, motorcycle, bicycle, boat, train.
    Vehicle,
    /// Dog, cat, horse, bird and the like.
    Animal,
    /// Box, suitcase, bag that nobody carries.
    Parcel,
}

impl From<Class> for EventClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Person => Self::Person,
            Class::Vehicle => Self::Vehicle,
            Class::Animal => Self::Animal,
            Class::Parcel => Self::Parcel,
        }
    }
}

impl From<EventClass> for Class {
    fn from(class: EventClass) -> Self {
        match class {
            EventClass::Person => Self::Person,
            EventClass::Vehicle => Self::Vehicle,
            EventClass::Animal => Self::Animal,
            EventClass::Parcel => Self::Parcel,
        }
    }
}

/// Which events. Newest first.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Only this camera's.
    #[param(nullable = false)]
    pub(crate) camera: Option<String>,
    /// Only of this class.
    #[param(nullable = false)]
    pub(crate) class: Option<EventClass>,
    /// Only those that had not ended before this time, milliseconds UTC.
    #[param(nullable = false)]
    pub(crate) from_ms: Option<i64>,
    /// Only those that started before this time, milliseconds UTC.
    #[param(nullable = false)]
    pub(crate) to_ms: Option<i64>,
    /// How many at most: 1 to 500, 100 where nothing is said.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    pub(crate) limit: Option<u16>,
    /// The next page: `next_before_ms` of the last one.
    #[param(nullable = false)]
    pub(crate) before_ms: Option<i64>,
}

/// Where a thing was at one moment; edges as shares of the picture, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct EventBox {
    /// When, milliseconds UTC.
    pub(crate) at_ms: i64,
    /// Left edge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub(crate) left: f32,
    /// Top edge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub(crate) top: f32,
    /// Right edge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub(crate) right: f32,
    /// Bottom edge.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub(crate) bottom: f32,
}

/// One appearance of one thing in front of one camera.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Its id: random, says nothing.
    pub(crate) id: String,
    /// The camera's id.
    pub(crate) camera: String,
    /// What it was.
    pub(crate) class: EventClass,
    /// When it entered, milliseconds UTC.
    pub(crate) start_ms: i64,
    /// When it was last seen, milliseconds UTC; null while it goes on.
    #[schema(required)]
    pub(crate) end_ms: Option<i64>,
    /// Since when it has stayed in one place, milliseconds UTC; null if it has not.
    #[schema(required)]
    pub(crate) stays_ms: Option<i64>,
    /// When it was seen to leave the picture, milliseconds UTC; null if it has not, or was lost otherwise.
    #[schema(required)]
    pub(crate) leaves_ms: Option<i64>,
    /// Whether there is a masked still.
    pub(crate) still: bool,
    /// How sure the detector was at best, 0 to 1.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub(crate) confidence: f32,
}

/// One event with its way through the picture.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct EventDetail {
    /// The event.
    #[serde(flatten)]
    pub(crate) event: Event,
    /// Where it was over time, oldest first; about one a second, at most 600.
    pub(crate) boxes: Vec<EventBox>,
}

/// A page of events, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// The events.
    pub(crate) events: Vec<Event>,
    /// There are more: ask again with this as `before_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) next_before_ms: Option<i64>,
}

impl From<&EventRecord> for Event {
    fn from(event: &EventRecord) -> Self {
        Self {
            id: event.id.to_string(),
            camera: event.camera.to_string(),
            class: event.class.into(),
            start_ms: event.start.millis(),
            end_ms: event.end.map(WallTime::millis),
            stays_ms: event.stays.map(WallTime::millis),
            leaves_ms: event.leaves.map(WallTime::millis),
            still: event.still,
            confidence: event.confidence,
        }
    }
}

impl From<&louver_store::EventBox> for EventBox {
    fn from(at: &louver_store::EventBox) -> Self {
        let share = |n: u16| f32::from(n.min(10_000)) / 10_000.0;
        Self {
            at_ms: at.wall.millis(),
            left: share(at.left),
            top: share(at.top),
            right: share(at.right),
            bottom: share(at.bottom),
        }
    }
}

/// Events, newest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventQuery),
    responses((status = 200, body = EventPage), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_events(
    State(app): State<App>,
    Query(query): Query<EventQuery>,
) -> ApiResult<Json<EventPage>> {
    let camera = query.camera.as_deref().map(|id| app.camera(id).map(|c| c.id.clone())).transpose()?;
    let limit = query.limit.unwrap_or(LIMITS.0).clamp(1, LIMITS.1);
    let wanted = louver_store::EventQuery {
        camera,
        class: query.class.map(Class::from),
        from: query.from_ms.map(WallTime::from_millis),
        to: query.to_ms.map(WallTime::from_millis),
        // The lowest id: of that very moment nothing, only what started earlier.
        before: query.before_ms.map(|ms| (WallTime::from_millis(ms), EventId::from_random(0))),
        limit: u32::from(limit) + 1,
    };
    let found = app.store.events(&wanted).await.map_err(failed)?;
    Ok(Json(page(found.iter().map(Event::from).collect(), usize::from(limit))))
}

/// The page of at most `limit` out of events newest first, one more than `limit` if there are more.
///
/// The next page is named by a millisecond, so a page ends between two: events of the same one stay together.
fn page(mut events: Vec<Event>, limit: usize) -> EventPage {
    let Some(cut_ms) = events.get(limit).map(|e| e.start_ms) else {
        return EventPage { events, next_before_ms: None };
    };
    let whole = events.partition_point(|e| e.start_ms > cut_ms);
    if whole > 0 {
        events.truncate(whole);
        return EventPage { events, next_before_ms: Some(cut_ms.saturating_add(1)) };
    }
    // A page full of one millisecond (a hundred cameras started at once): the rest of it is passed over.
    events.truncate(limit);
    EventPage { events, next_before_ms: Some(cut_ms) }
}

/// One event with its way through the picture.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "events",
    params(("id" = String, Path, description = "The event's id")),
    responses((status = 200, body = EventDetail), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_event(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<EventDetail>> {
    let event = app.store.event(parse(&id)?).await.map_err(failed)?;
    app.viewed(&caller, &event.camera, Viewing::Events, event.start, last(&event));
    Ok(Json(EventDetail {
        event: Event::from(&event),
        boxes: event.boxes.iter().map(EventBox::from).collect(),
    }))
}

/// The event's best masked picture.
#[utoipa::path(get, path = "/api/v1/events/{id}/still", tag = "events",
    params(("id" = String, Path, description = "The event's id")),
    responses((status = 200, content_type = "image/jpeg", body = Vec<u8>), (status = "default", body = ErrorBody)))]
pub(crate) async fn event_still(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Response> {
    let id = parse(&id)?;
    let still = app.store.still(id).await.map_err(failed)?;
    if still.is_some() {
        let event = app.store.event(id).await.map_err(failed)?;
        app.viewed(&caller, &event.camera, Viewing::Recorded, event.start, last(&event));
    }
    // A minute: an event that goes on may get a better one.
    still.map(|jpeg| files::jpeg(jpeg, "private, max-age=60")).ok_or_else(|| ApiError::not_found("picture"))
}

/// When an event was last seen, as far as is known.
fn last(event: &EventRecord) -> WallTime {
    event.end.unwrap_or(event.start)
}

fn parse(id: &str) -> ApiResult<EventId> {
    id.parse().map_err(|_| ApiError::not_found("event"))
}

#[allow(clippy::needless_pass_by_value, reason = "map_err gives values")]
fn failed(error: StoreError) -> ApiError {
    match error {
        StoreError::NoEvent(_) => ApiError::not_found("event"),
        error => ApiError::internal("reading events", &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(start_ms: i64) -> Event {
        Event {
            id: String::new(),
            camera: String::new(),
            class: EventClass::Person,
            start_ms,
            end_ms: None,
            stays_ms: None,
            leaves_ms: None,
            still: false,
            confidence: 0.5,
        }
    }

    /// Walks through pages as a client does, over a store that lists newest first.
    fn walk(starts: &[i64], limit: usize) -> Vec<i64> {
        let (mut seen, mut before) = (Vec::new(), i64::MAX);
        loop {
            let rest = starts.iter().filter(|s| **s < before).take(limit + 1);
            let got = page(rest.map(|s| event(*s)).collect(), limit);
            assert!(got.events.len() <= limit);
            seen.extend(got.events.iter().map(|e| e.start_ms));
            match got.next_before_ms {
                Some(next) => before = next,
                None => return seen,
            }
        }
    }

    #[test]
    fn page_after_page_shows_every_event_once_also_where_several_start_together() {
        for starts in [&[][..], &[5], &[9, 8, 7, 6, 5], &[9, 9, 8, 8, 8, 7], &[9, 8, 8, 8, 1, 1, 1]] {
            for limit in 3..8 {
                assert_eq!(walk(starts, limit), starts, "limit {limit}");
            }
        }
    }
}
