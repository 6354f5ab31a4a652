//! The OpenAPI document, made from the handlers.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::api::{
    archive, cameras, events, health, holders, holds, live, metrics, openings, scenes, session, sets, system,
    timeline,
};

/// Name of the session cookie.
pub(crate) const SESSION_COOKIE: &str = "louver_session";

#[derive(OpenApi)]
#[openapi(
    info(title = "Louver", description = "Cameras that watch over places, not people.\n\nTimes are milliseconds since 1970-01-01T00:00:00Z. Everything shown is masked."),
    paths(
        session::get_session,
        session::use_link,
        session::set_password,
        session::sign_in,
        session::sign_out,
        cameras::list_cameras,
        cameras::get_camera,
        cameras::camera_still,
        timeline::get_timeline,
        archive::list_archive,
        archive::get_archive_file,
        live::live,
        scenes::live_scene,
        scenes::scene_archive,
        scenes::masked_video,
        events::list_events,
        events::get_event,
        events::event_still,
        holders::challenge,
        holders::sign_in,
        holds::list_holds,
        holds::post_hold,
        sets::list_sets,
        sets::post_set,
        sets::list_proposals,
        sets::post_proposal,
        sets::first_holder,
        openings::get_vault,
        openings::list_openings,
        openings::get_opening,
        openings::ask,
        openings::withdraw,
        openings::say,
        openings::epochs,
        openings::release,
        openings::segments,
        openings::fragments,
        openings::export,
        system::get_system,
        health::healthz,
        health::readyz,
        metrics::get_metrics,
    ),
    security(("session" = [])),
    modifiers(&SessionCookie)
)]
struct Document;

struct SessionCookie;

impl Modify for SessionCookie {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE)));
        openapi.components.get_or_insert_default().add_security_scheme("session", scheme);
    }
}

/// The document that the page's types are generated from.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
