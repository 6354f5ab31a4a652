//! Every address and the gates before it.
//!
//! Each API address stands in exactly one of four groups: open to all, open to any session of the owner, open to the owner fully signed
//! in, open to the owner and to holders and observers. A test walks the OpenAPI document and fails for an address that answers without a session and is not listed there
//! as open.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::error::{ApiError, ErrorCode};
use crate::api::{
    archive, cameras, events, health, holders, holds, ledger, live, metrics, openings, scenes, session, sets,
    system, timeline,
};
use crate::app::App;
use crate::auth::{gate, origin};
use crate::{headers, page};

/// Largest body taken.
const BODY_BYTES: usize = 64 * 1024;
/// Longest time for a request up to its answer's first byte.
const WITHIN: Duration = Duration::from_secs(30);

pub(crate) fn router(app: App) -> Router {
    let open = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::get_metrics))
        .route("/ledger/{*path}", get(ledger::ledger_file))
        .route("/api/v1/session", get(session::get_session).post(session::sign_in).delete(session::sign_out))
        .route("/api/v1/session/link", post(session::use_link))
        .route("/api/v1/holders/challenge", post(holders::challenge))
        .route("/api/v1/holders/session", post(holders::sign_in));
    let any_session = Router::new()
        .route("/api/v1/session/password", put(session::set_password))
        .route_layer(from_fn_with_state(app.clone(), gate::any_session));
    let signed_in = Router::new()
        .route("/api/v1/cameras", get(cameras::list_cameras))
        .route("/api/v1/cameras/{id}", get(cameras::get_camera))
        .route("/api/v1/cameras/{id}/still", get(cameras::camera_still))
        .route("/api/v1/cameras/{id}/timeline", get(timeline::get_timeline))
        .route("/api/v1/cameras/{id}/archive", get(archive::list_archive))
        .route("/api/v1/cameras/{id}/archive/{file}", get(archive::get_archive_file))
        .route("/api/v1/cameras/{id}/live", get(live::live))
        .route("/api/v1/cameras/{id}/scene", get(scenes::live_scene))
        .route("/api/v1/cameras/{id}/scene/archive", get(scenes::scene_archive))
        .route("/api/v1/cameras/{id}/masked.mp4", get(scenes::masked_video))
        .route("/api/v1/events", get(events::list_events))
        .route("/api/v1/events/{id}", get(events::get_event))
        .route("/api/v1/events/{id}/still", get(events::event_still))
        .route("/api/v1/openings", post(openings::ask))
        .route("/api/v1/openings/{id}", delete(openings::withdraw))
        .route("/api/v1/openings/{id}/release", get(openings::release))
        .route("/api/v1/openings/{id}/segments", get(openings::segments))
        .route("/api/v1/openings/{id}/segments/{segment}/fragments/{range}", get(openings::fragments))
        .route("/api/v1/vault/first-holder", post(sets::first_holder))
        .route(
            "/api/v1/openings/{id}/exports",
            post(openings::export).layer(DefaultBodyLimit::max(openings::EXPORT_BYTES)),
        )
        .route("/api/v1/system", get(system::get_system))
        .route_layer(from_fn_with_state(app.clone(), gate::signed_in));
    let either = Router::new()
        .route("/api/v1/vault", get(openings::get_vault))
        .route("/api/v1/openings", get(openings::list_openings))
        .route("/api/v1/openings/{id}", get(openings::get_opening))
        .route("/api/v1/openings/{id}/epochs", get(openings::epochs))
        .route(
            "/api/v1/openings/{id}/statements",
            post(openings::say).layer(DefaultBodyLimit::max(openings::STATEMENT_BYTES)),
        )
        .route(
            "/api/v1/holders/sets",
            get(sets::list_sets).post(sets::post_set).layer(DefaultBodyLimit::max(sets::SET_BYTES)),
        )
        .route(
            "/api/v1/holders/proposals",
            get(sets::list_proposals).post(sets::post_proposal).layer(DefaultBodyLimit::max(sets::SET_BYTES)),
        )
        .route(
            "/api/v1/holds",
            get(holds::list_holds).post(holds::post_hold).layer(DefaultBodyLimit::max(holds::HOLD_BYTES)),
        )
        .route_layer(from_fn_with_state(app.clone(), gate::either));
    let all = open.merge(any_session).merge(signed_in).merge(either);
    harden(all.fallback(page::serve).method_not_allowed_fallback(page::method_not_allowed).with_state(app))
}

/// What holds for every address; the last layer is the outermost.
pub(crate) fn harden(router: Router) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn(origin::gate))
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(|_| panicked()))
        .layer(from_fn(headers::add))
}

async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(WITHIN, next.run(request)).await.unwrap_or_else(|_| {
        ApiError::new(ErrorCode::TooSlow, "The request took longer than 30 s. Please try again.")
            .into_response()
    })
}

/// The panic hook has printed what happened.
fn panicked() -> Response {
    ApiError::new(ErrorCode::Internal, "Something failed in the server. Its log says what; please try again.")
        .into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_handler_answers_as_any_other_fault_of_ours() {
        async fn panics() {
            panic!("on purpose");
        }
        let router = harden(Router::new().route("/", get(panics)));
        for _ in 0..2 {
            let answer = router.clone().oneshot(Request::new(Body::empty())).await.unwrap();
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(answer.headers().contains_key("content-security-policy"));
            let body = to_bytes(answer.into_body(), 1000).await.unwrap();
            assert!(body.starts_with(b"{\"error\":{\"code\":\"internal\""), "{body:?}");
        }
    }
}
