//! The machine and the recordings as a whole.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use louver_node::{CameraHandle, StreamState};
use louver_store::Usage;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody};
use crate::app::App;

/// The disk that holds the data directory.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Disk {
    /// Its size in bytes.
    pub(crate) total_bytes: u64,
    /// Bytes free for Louver.
    pub(crate) free_bytes: u64,
}

/// How the machine is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct System {
    /// Louver's version.
    pub(crate) version: String,
    /// The disk that holds the data directory, up to a minute ago.
    pub(crate) disk: Disk,
    /// Bytes of masked video, up to a minute ago.
    pub(crate) masked_bytes: u64,
    /// Bytes of sealed originals, up to a minute ago.
    pub(crate) sealed_bytes: u64,
    /// Seconds since start.
    pub(crate) uptime_s: u64,
    /// What someone should look at, in sentences; empty when all is well.
    pub(crate) notices: Vec<String>,
}

/// What the store last said; adding up reads the whole catalogue, so it is done once a minute at most.
#[derive(Debug, Default)]
pub(crate) struct UsageCache(Mutex<Option<(Instant, Usage)>>);

const FRESH: Duration = Duration::from_secs(60);

/// Whether the server answers at all: the text `ok`.
#[utoipa::path(get, path = "/healthz", tag = "system", security(()),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// How the machine is doing.
#[utoipa::path(get, path = "/api/v1/system", tag = "system",
    responses((status = 200, body = System), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_system(State(app): State<App>) -> ApiResult<Json<System>> {
    let usage = usage(&app).await?;
    Ok(Json(System {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        disk: Disk { total_bytes: usage.disk_bytes, free_bytes: usage.free_bytes },
        masked_bytes: usage.masked_bytes,
        sealed_bytes: usage.sealed_bytes,
        uptime_s: app.since.elapsed().as_secs(),
        notices: notices(&app, usage),
    }))
}

async fn usage(app: &App) -> ApiResult<Usage> {
    // Held while adding up, so that many who ask at once wait for one answer.
    let mut cache = app.usage.0.lock().await;
    if let Some((_, usage)) = cache.filter(|(at, _)| at.elapsed() < FRESH) {
        return Ok(usage);
    }
    let usage = app.store.usage().await.map_err(|e| ApiError::internal("adding up recordings", &e))?;
    *cache = Some((Instant::now(), usage));
    Ok(usage)
}

fn notices(app: &App, usage: Usage) -> Vec<String> {
    let mut out = app.site.notices.clone();
    if usage.free_bytes < usage.disk_bytes / 20 {
        let text = "Less than a twentieth of the disk is free: shorten retention_hours or use a larger disk.";
        out.push(text.to_owned());
    }
    out.extend(app.site.ledger.iter().flat_map(|ledger| ledger_notices(&ledger.status())));
    out.extend(app.cameras.iter().flat_map(camera_notices));
    out
}

/// What keeps the ledger from being written or witnessed. Recording does not wait for either.
fn ledger_notices(status: &louver_ledger::Status) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(trouble) = &status.trouble {
        out.push(format!("Originals cannot be opened: {trouble}. Recording goes on."));
    }
    if status.omitted > 0 {
        out.push(format!(
            "{} of what should stand in the ledger since the start could not be written.",
            status.omitted
        ));
    }
    out.extend(status.witnesses.iter().filter_map(|witness| witness.trouble.clone()));
    out
}

/// What keeps a camera from being recorded. Why its masked picture shows little is said beside the picture.
fn camera_notices(camera: &CameraHandle) -> Vec<String> {
    let status = camera.status.get();
    let mut out = Vec::new();
    if let StreamState::Retrying { reason } = &status.main {
        out.push(format!("{}: {reason}", camera.name));
    }
    if let StreamState::Retrying { reason } = &status.sub
        && status.sub != status.main
    {
        out.push(format!("{}, sub stream: {reason}", camera.name));
    }
    out.extend(status.recording_problem.iter().map(|problem| format!("{}: {problem}", camera.name)));
    out
}
