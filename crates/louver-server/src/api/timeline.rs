//! What there is of a camera over a span of time.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use louver_base::{CameraId, WallTime};
use louver_ledger::leaf::Viewing;
use louver_store::{EventQuery, EventRecord, RecordingKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::events::EventClass;
use super::extract::{Path, Query};
use crate::app::App;
use crate::auth::gate::Caller;

/// From when to when, milliseconds UTC; `from_ms` before `to_ms`, at most 31 days apart.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SpanQuery {
    /// Start, milliseconds UTC, inclusive.
    pub(crate) from_ms: i64,
    /// End, milliseconds UTC, exclusive; at most 31 days after the start.
    pub(crate) to_ms: i64,
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Span {
    /// Start, milliseconds UTC.
    pub(crate) start_ms: i64,
    /// End, milliseconds UTC.
    pub(crate) end_ms: i64,
}

/// Which of a camera's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StreamKind {
    /// The originals.
    Sealed,
    /// What people see.
    Masked,
}

/// A span that is missing, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Gap {
    /// Start, milliseconds UTC.
    pub(crate) start_ms: i64,
    /// End, milliseconds UTC.
    pub(crate) end_ms: i64,
    /// What is missing.
    pub(crate) stream: StreamKind,
    /// Why, in words.
    pub(crate) reason: String,
}

/// An event on the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TimelineEvent {
    /// The event's id.
    pub(crate) id: String,
    /// What it was.
    pub(crate) class: EventClass,
    /// Start, milliseconds UTC.
    pub(crate) start_ms: i64,
    /// End, milliseconds UTC; null while it goes on.
    #[schema(required)]
    pub(crate) end_ms: Option<i64>,
}

/// What there is of a camera, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// When there is something to see, scenes or masked video; spans that touch are one.
    pub(crate) masked: Vec<Span>,
    /// When there are sealed originals; spans that touch are one.
    pub(crate) sealed: Vec<Span>,
    /// When something is missing.
    pub(crate) gaps: Vec<Gap>,
    /// What happened.
    pub(crate) events: Vec<TimelineEvent>,
    /// There are more events in this span than are listed; ask for a shorter one.
    pub(crate) events_cut: bool,
}

/// The longest span that is answered.
const LONGEST_MS: i64 = 31 * 86_400_000;
/// Recordings this close follow each other: files begin with the next group of pictures, and a scene stands for so long.
const TOUCH_MS: i64 = 5_000;
/// Events listed at most.
const EVENTS: usize = 5_000;

impl SpanQuery {
    /// The span, if it can be answered.
    pub(crate) fn checked(self) -> ApiResult<(WallTime, WallTime)> {
        let length = self.to_ms.checked_sub(self.from_ms);
        if !length.is_some_and(|l| (1..=LONGEST_MS).contains(&l)) {
            let text = "from_ms must lie before to_ms, at most 31 days. Ask for a shorter span.";
            return Err(ApiError::new(ErrorCode::BadSpan, text));
        }
        Ok((WallTime::from_millis(self.from_ms), WallTime::from_millis(self.to_ms)))
    }
}

/// What there is of a camera over a span of time.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/timeline", tag = "cameras",
    params(("id" = String, Path, description = "The camera's id"), SpanQuery),
    responses((status = 200, body = Timeline), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_timeline(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<SpanQuery>,
) -> ApiResult<Json<Timeline>> {
    let camera = &app.camera(&id)?.id;
    let (from, to) = query.checked()?;
    app.viewed(&caller, camera, Viewing::Events, from, to);
    let failed = |e| ApiError::internal("reading the timeline", &e);
    let recordings = app.store.recordings(camera, from, to).await.map_err(failed)?;
    let gaps = app.store.gaps(camera, from, to).await.map_err(failed)?;
    let (events, events_cut) = events(&app, camera, from, to).await?;
    let spans = |sealed| {
        let of_kind = recordings.iter().filter(|r| (r.kind == RecordingKind::Sealed) == sealed);
        merged(of_kind.map(|r| (r.start.millis(), r.end.millis())), query)
    };
    Ok(Json(Timeline {
        masked: spans(false),
        sealed: spans(true),
        gaps: gaps.iter().map(|g| Gap::within(g, query)).collect(),
        events,
        events_cut,
    }))
}

impl Gap {
    fn within(gap: &louver_store::Gap, query: SpanQuery) -> Self {
        Self {
            start_ms: gap.start.millis().max(query.from_ms),
            end_ms: gap.end.millis().min(query.to_ms),
            stream: match gap.stream {
                louver_store::StreamKind::Main => StreamKind::Sealed,
                louver_store::StreamKind::Sub => StreamKind::Masked,
            },
            reason: gap.reason.text().to_owned(),
        }
    }
}

/// Spans that touch as one, cut to what was asked; `spans` come oldest first.
fn merged(spans: impl Iterator<Item = (i64, i64)>, query: SpanQuery) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for (start, end) in spans {
        let (start_ms, end_ms) = (start.max(query.from_ms), end.min(query.to_ms));
        match out.last_mut() {
            Some(last) if start_ms <= last.end_ms.saturating_add(TOUCH_MS) => {
                last.end_ms = last.end_ms.max(end_ms);
            }
            _ if start_ms < end_ms => out.push(Span { start_ms, end_ms }),
            _ => {}
        }
    }
    out
}

/// The events of a span, oldest first, and whether there are more than are listed.
async fn events(
    app: &App,
    camera: &CameraId,
    from: WallTime,
    to: WallTime,
) -> ApiResult<(Vec<TimelineEvent>, bool)> {
    let mut query = EventQuery {
        camera: Some(camera.clone()),
        from: Some(from),
        to: Some(to),
        limit: 1000,
        ..Default::default()
    };
    let mut out = Vec::new();
    let cut = loop {
        let page = app.store.events(&query).await.map_err(|e| ApiError::internal("reading events", &e))?;
        query.before = page.last().map(|e| (e.start, e.id));
        out.extend(page.iter().map(TimelineEvent::from));
        if page.is_empty() {
            break false;
        } else if out.len() >= EVENTS {
            break true;
        }
    };
    out.reverse();
    Ok((out, cut))
}

impl From<&EventRecord> for TimelineEvent {
    fn from(event: &EventRecord) -> Self {
        Self {
            id: event.id.to_string(),
            class: event.class.into(),
            start_ms: event.start.millis(),
            end_ms: event.end.map(WallTime::millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SpanQuery = SpanQuery { from_ms: 0, to_ms: 86_400_000 };

    fn span(start_ms: i64, end_ms: i64) -> Span {
        Span { start_ms, end_ms }
    }

    #[test]
    fn files_that_follow_each_other_are_one_span_and_a_real_gap_parts_them() {
        let files = [(0, 60_000), (60_100, 120_000), (124_900, 180_000), (190_000, 200_000)];
        assert_eq!(merged(files.into_iter(), DAY), [span(0, 180_000), span(190_000, 200_000)]);
    }

    #[test]
    fn spans_are_cut_to_what_was_asked_and_empty_ones_left_out() {
        let query = SpanQuery { from_ms: 1000, to_ms: 2000 };
        assert_eq!(merged([(0, 5000)].into_iter(), query), [span(1000, 2000)]);
        assert_eq!(merged([(1500, 1500)].into_iter(), query), []);
        assert_eq!(merged([(0, 1800), (100, 1200)].into_iter(), query), [span(1000, 1800)]);
    }

    #[test]
    fn a_span_that_is_empty_backwards_or_longer_than_31_days_is_refused() {
        for (from_ms, to_ms) in [(5, 5), (6, 5), (0, LONGEST_MS + 1), (i64::MIN, i64::MAX)] {
            assert!(SpanQuery { from_ms, to_ms }.checked().is_err(), "{from_ms} {to_ms}");
        }
        assert!(SpanQuery { from_ms: 0, to_ms: LONGEST_MS }.checked().is_ok());
    }
}
