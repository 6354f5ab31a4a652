//! Masked live pictures over a WebSocket.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use louver_base::WallTime;
use louver_ledger::leaf::Viewing;
use serde::Serialize;
use utoipa::ToSchema;

use super::cameras::visible;
use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::extract::Path;
use super::messages::Watched;
use super::viewer;
use crate::app::App;
use crate::auth::gate::Caller;
use crate::auth::origin::{self, Started};

/// A text message of the live feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum LiveMessage {
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

/// Masked live video (WebSocket), made while somebody watches it; the page itself watches the scene stream.
///
/// Text messages are `LiveMessage`. Binary messages are one byte kind (0 init: `ftyp` and `moov`; 1 fragment;
/// 2 fragment that a player can start with), eight bytes wall time of the first picture in milliseconds UTC
/// (big-endian, 0 for init), then fragmented MP4. A viewer that fell behind gets nothing until the next kind 2.
/// The server pings; a viewer that does not read is disconnected.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/live", tag = "cameras",
    params(("id" = String, Path, description = "The camera's id")),
    responses((status = 101, description = "The feed begins", body = LiveMessage), (status = "default", body = ErrorBody)))]
pub(crate) async fn live(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult<Response> {
    open(app, &id, caller, &headers, upgrade, Watched::Video)
}

/// Opens a viewer's connection.
pub(crate) fn open(
    app: App,
    id: &str,
    caller: Caller,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    what: Watched,
) -> ApiResult<Response> {
    // Browsers send cookies with WebSockets of any page and ask nobody, so here the origin must be said and be ours.
    if origin::started(headers) != Started::Here {
        return Err(origin::refused());
    }
    let camera = visible(&app, id)?.clone();
    let upgrade =
        upgrade.map_err(|_| ApiError::new(ErrorCode::BadRequest, "This address speaks WebSocket only."))?;
    let place = Arc::clone(&app.viewers).try_acquire_owned().map_err(|_| {
        let text = "Too many live pictures are open at once: close some and try again.";
        ApiError::new(ErrorCode::TooManyViewers, text)
    })?;
    let running = app.tasks.token();
    // Viewers have nothing to say beyond pongs and a close.
    let upgrade = upgrade.max_message_size(4096).max_frame_size(4096);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let (id, from) = (camera.id.clone(), WallTime::now());
        app.viewed(&caller, &id, Viewing::Live, from, from);
        viewer::serve(socket, Arc::clone(&app), camera, caller.clone(), what).await;
        app.viewed(&caller, &id, Viewing::Live, from, WallTime::now());
        drop((place, running));
    }))
}
