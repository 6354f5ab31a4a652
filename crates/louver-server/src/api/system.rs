//! The machine and the recordings as a whole.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use louver_base::WallTime;
use louver_node::{CameraHandle, StreamState};
use louver_store::RecordingKind;
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
    /// The disk that holds the data directory; null when it cannot be read.
    #[schema(required)]
    pub(crate) disk: Option<Disk>,
    /// Bytes of masked video, up to a minute ago.
    pub(crate) masked_bytes: u64,
    /// Bytes of sealed originals, up to a minute ago.
    pub(crate) sealed_bytes: u64,
    /// Seconds since start.
    pub(crate) uptime_s: u64,
    /// What someone should look at, in sentences; empty when all is well.
    pub(crate) notices: Vec<String>,
}

/// Bytes of both stores.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    masked: u64,
    sealed: u64,
}

/// Bytes of both stores as last added up; adding up reads the whole catalogue, so it is done once a minute at most.
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
    let disk = disk(&app);
    Ok(Json(System {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        disk,
        masked_bytes: usage.masked,
        sealed_bytes: usage.sealed,
        uptime_s: app.since.elapsed().as_secs(),
        notices: notices(&app, disk),
    }))
}

async fn usage(app: &App) -> ApiResult<Usage> {
    // Held while adding up, so that many who ask at once wait for one answer.
    let mut cache = app.usage.0.lock().await;
    if let Some((_, usage)) = cache.filter(|(at, _)| at.elapsed() < FRESH) {
        return Ok(usage);
    }
    let mut sum = Usage::default();
    for camera in &app.cameras {
        let (from, to) = (WallTime::from_micros(i64::MIN), WallTime::from_micros(i64::MAX));
        let recordings = app.store.recordings(&camera.id, from, to).await;
        for recording in recordings.map_err(|e| ApiError::internal("adding up recordings", &e))? {
            let kind = match recording.kind {
                RecordingKind::Masked => &mut sum.masked,
                RecordingKind::Sealed => &mut sum.sealed,
            };
            *kind = kind.saturating_add(recording.bytes);
        }
    }
    *cache = Some((Instant::now(), sum));
    Ok(sum)
}

fn disk(app: &App) -> Option<Disk> {
    let stat = rustix::fs::statvfs(app.store.dir()).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(Disk { total_bytes: bytes(stat.f_blocks), free_bytes: bytes(stat.f_bavail) })
}

fn notices(app: &App, disk: Option<Disk>) -> Vec<String> {
    let mut out = app.site.notices.clone();
    match disk {
        Some(disk) if disk.free_bytes < disk.total_bytes / 20 => {
            out.push(
                "Less than a twentieth of the disk is free: shorten retention_hours or use a larger disk."
                    .to_owned(),
            );
        }
        Some(_) => {}
        None => out.push(
            "The disk that holds the data directory cannot be read: look at its cable and health.".to_owned(),
        ),
    }
    out.extend(app.cameras.iter().flat_map(camera_notices));
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
