//! The machine and the recordings as a whole.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use louver_base::WallTime;
use louver_node::{CameraHandle, StreamState};
use louver_store::{DiskUsage, Usage};
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

/// What a disk of recordings is for.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DiskRole {
    /// New recordings.
    Hot,
    /// Old ones.
    Cold,
    /// Nothing new is put there.
    None,
}

/// A disk that holds recordings.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RecordingDisk {
    /// Its folder.
    pub(crate) path: String,
    /// What is put there.
    pub(crate) role: DiskRole,
    /// Whether it is there; `false`: it is not mounted, and what lies on it cannot be shown until it is.
    pub(crate) there: bool,
    /// Its size in bytes; 0 while it is not there.
    pub(crate) total_bytes: u64,
    /// Bytes free for Louver.
    pub(crate) free_bytes: u64,
    /// Bytes of recordings on it.
    pub(crate) recordings_bytes: u64,
    /// Days of recordings that it holds at the rate of the last day; absent before that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<f64>,
}

impl From<&DiskUsage> for RecordingDisk {
    fn from(disk: &DiskUsage) -> Self {
        let role = match disk.role {
            Some(louver_store::DiskRole::Hot) => DiskRole::Hot,
            Some(louver_store::DiskRole::Cold) => DiskRole::Cold,
            None => DiskRole::None,
        };
        let path = disk.path.display().to_string();
        let DiskUsage { there, total_bytes, free_bytes, recordings_bytes, days, .. } = *disk;
        Self { path, role, there, total_bytes, free_bytes, recordings_bytes, days }
    }
}

/// How the machine is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct System {
    /// Louver's version.
    pub(crate) version: String,
    /// The disk that holds the data directory, up to a minute ago.
    pub(crate) disk: Disk,
    /// The disks that hold recordings, the data directory's first, up to a minute ago.
    pub(crate) disks: Vec<RecordingDisk>,
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
pub(crate) struct UsageCache(Mutex<Option<(Instant, Usage, Vec<DiskUsage>)>>);

const FRESH: Duration = Duration::from_secs(60);

/// How the machine is doing.
#[utoipa::path(get, path = "/api/v1/system", tag = "system",
    responses((status = 200, body = System), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_system(State(app): State<App>) -> ApiResult<Json<System>> {
    let (usage, disks) = usage(&app).await?;
    Ok(Json(System {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        disk: Disk { total_bytes: usage.disk_bytes, free_bytes: usage.free_bytes },
        disks: disks.iter().map(RecordingDisk::from).collect(),
        masked_bytes: usage.masked_bytes,
        sealed_bytes: usage.sealed_bytes,
        uptime_s: app.since.elapsed().as_secs(),
        notices: notices(&app, &disks),
    }))
}

pub(super) async fn usage(app: &App) -> ApiResult<(Usage, Vec<DiskUsage>)> {
    // Held while adding up, so that many who ask at once wait for one answer.
    let mut cache = app.usage.0.lock().await;
    if let Some((_, usage, disks)) = cache.as_ref().filter(|(at, ..)| at.elapsed() < FRESH) {
        return Ok((*usage, disks.clone()));
    }
    let usage = app.store.usage().await.map_err(|e| ApiError::internal("adding up recordings", &e))?;
    let failed = |e| ApiError::internal("adding up disks", &e);
    let disks = app.store.disks(WallTime::now()).await.map_err(failed)?;
    *cache = Some((Instant::now(), usage, disks.clone()));
    Ok((usage, disks))
}

fn notices(app: &App, disks: &[DiskUsage]) -> Vec<String> {
    let mut out = app.site.notices.clone();
    out.extend(disks.iter().filter(|d| d.there && d.free_bytes < d.total_bytes / 20).map(|disk| {
        let path = disk.path.display();
        format!("Less than a twentieth of the disk of {path} is free: shorten retention_hours or use a larger disk.")
    }));
    out.extend(forecast(app.cameras.iter().map(|c| c.retention_hours.get()).max(), disks));
    out.extend(app.store.concerns());
    out.extend(app.site.ledger.iter().flat_map(|ledger| ledger_notices(&ledger.status())));
    out.extend(app.cameras.iter().flat_map(camera_notices));
    out
}

/// That the disks fill before the longest retention, in hours, is over, if so.
fn forecast(longest: Option<u32>, disks: &[DiskUsage]) -> Option<String> {
    // What a disk that is away holds cannot be said, and that it is away is said already; nor where the system does not say how large it is.
    if disks.iter().any(|d| d.role.is_some() && (!d.there || d.total_bytes == 0)) {
        return None;
    }
    let known: Vec<f64> = disks.iter().filter_map(|d| d.days).collect();
    let days: f64 = known.iter().sum();
    let wanted = f64::from(longest?) / 24.0;
    (!known.is_empty() && days < wanted).then(|| {
        format!(
            "At the rate of the last day the disks hold {days:.1} days of recordings, and retention asks for {wanted:.1}: \
             shorten retention_hours or use a larger disk."
        )
    })
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

/// What keeps a camera from being recorded, and whether it says that somebody meddles with it. Why its masked picture shows little is said beside the picture.
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
    if status.says.tampered_since.is_some() {
        out.push(format!(
            "{}: the camera says that somebody covers, turns or blinds it. Look at its picture, then at the camera.",
            camera.name
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(role: Option<louver_store::DiskRole>, there: bool, days: Option<f64>) -> DiskUsage {
        let (total_bytes, free_bytes, recordings_bytes) = (100, 50, 50);
        DiskUsage { path: "/d".into(), role, there, total_bytes, free_bytes, recordings_bytes, days }
    }

    #[test]
    fn disks_that_fill_too_early_are_told_of_but_not_while_one_of_them_is_away() {
        let hot = Some(louver_store::DiskRole::Hot);
        let disks = [disk(None, true, None), disk(hot, true, Some(2.0)), disk(hot, true, Some(2.0))];
        assert_eq!(forecast(Some(96), &disks), None);
        let told = forecast(Some(120), &disks).unwrap();
        assert!(told.contains("hold 4.0 days") && told.contains("asks for 5.0"), "{told}");
        let away = [disk(None, true, None), disk(hot, true, Some(2.0)), disk(hot, false, None)];
        assert_eq!(forecast(Some(96), &away), None, "what it holds cannot be said");
        let old = [disk(None, false, None), disk(hot, true, Some(2.0))];
        assert!(forecast(Some(96), &old).is_some(), "on that one nothing is put in any case");
        assert_eq!(forecast(Some(96), &disks[..1]), None);
    }
}
