//! Masked recordings.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use louver_base::{CameraId, MediaSpan, WallTime};
use louver_ledger::leaf::Viewing;
use louver_node::Rendition;
use louver_scene::Masked;
use louver_scene::stream::picture_size;
use louver_store::{MaskedFile, Recording, RecordingId, RecordingKind, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody};
use super::extract::{Path, Query};
use super::timeline::SpanQuery;
use super::{files, scenes};
use crate::app::App;
use crate::auth::gate::Caller;

/// One masked recording, about a minute long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ArchiveFile {
    /// Its id within the camera.
    pub(crate) id: String,
    /// Start, milliseconds UTC. The video's own times begin with 0 here.
    pub(crate) start_ms: i64,
    /// End, milliseconds UTC; later in the next answer while the file is being written.
    pub(crate) end_ms: i64,
    /// Size in bytes.
    pub(crate) bytes: u64,
    /// MIME type with codecs of its video, for Media Source Extensions.
    pub(crate) mime: String,
    /// How it is kept.
    pub(crate) format: ArchiveFormat,
}

/// How a recording is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ArchiveFormat {
    /// As a scene stream; asked for by its id it is drawn as video first.
    Scene,
    /// As video.
    Mp4,
}

/// Where in a recording to begin.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileQuery {
    /// Leaves out what ends before this time (milliseconds UTC): the answer is the file's start (`ftyp`, `moov`) and
    /// its fragments from the one at this time on. Their times stay those of the whole file.
    #[param(nullable = false)]
    pub(crate) from_ms: Option<i64>,
}

/// The masked recordings that touch a span of time, oldest first.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/archive", tag = "archive",
    params(("id" = String, Path, description = "The camera's id"), SpanQuery),
    responses((status = 200, body = [ArchiveFile]), (status = "default", body = ErrorBody)))]
pub(crate) async fn list_archive(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(span): Query<SpanQuery>,
) -> ApiResult<Json<Vec<ArchiveFile>>> {
    let camera = app.camera(&id)?.id.clone();
    let (from, to) = span.checked()?;
    let mut files = app.store.recordings(&camera, from, to).await.map_err(failed)?;
    files.retain(|r| r.kind != RecordingKind::Sealed);
    let mimes = mimes(&app, &camera, &files).await;
    let listed = |(file, mime): (&Recording, String)| ArchiveFile {
        id: file.id.0.to_string(),
        start_ms: file.start.millis(),
        end_ms: file.end.millis(),
        bytes: file.bytes,
        mime,
        format: if file.kind == RecordingKind::Scene { ArchiveFormat::Scene } else { ArchiveFormat::Mp4 },
    };
    Ok(Json(files.iter().zip(mimes).map(listed).collect()))
}

/// A masked recording as video: fragmented MP4 whose times begin with 0 at the file's start. Scenes are drawn for it. One `Range` of bytes is understood.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/archive/{file}", tag = "archive",
    params(("id" = String, Path, description = "The camera's id"),
        ("file" = String, Path, description = "The recording's id"), FileQuery),
    responses((status = 200, content_type = "video/mp4", body = Vec<u8>),
        (status = 206, content_type = "video/mp4", body = Vec<u8>), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_archive_file(
    State(app): State<App>,
    Path((id, file)): Path<(String, String)>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<FileQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let camera = app.camera(&id)?.id.clone();
    let id = file.parse().map(RecordingId).map_err(|_| ApiError::not_found("recording"))?;
    let from = query.from_ms.map(WallTime::from_millis);
    // How long it is stands in it, and it may grow still: that it was looked at is what matters.
    let begin = from.map_or(id.start(), |from| from.max(id.start()));
    app.viewed(&caller, &camera, Viewing::Recorded, begin, begin);
    let parts = match app.store.masked_file(&camera, id).await {
        Err(StoreError::NoRecording { .. }) => {
            let file = app.store.scene_file(&camera, id).await.map_err(failed)?;
            scenes::file_as_video(&app, &camera, &file, id.start(), from).await?
        }
        file => playable(&file.map_err(failed)?, id.start(), from),
    };
    let mime = parts.first().map_or_else(|| "video/mp4".to_owned(), |init| mime(init.get()));
    // A file being written grows: what a browser kept of it would be too short.
    files::video(&parts, &mime, "private, no-cache", &headers)
}

/// Jumps between the video's clock and the wall clock up to this are left alone: pictures arrive a little early or late.
const DRIFT: MediaSpan = MediaSpan::from_millis(1000);

/// Init and fragments from `from` on, with times that begin with 0 at `start`.
///
/// On disk a file's times are those of its stream, which began long before and may have begun anew within the file. Here
/// they follow each other as recorded; where they leave the wall clock by more than [`DRIFT`], it is taken instead.
fn playable(file: &MaskedFile, start: WallTime, from: Option<WallTime>) -> Vec<Masked<Bytes>> {
    let mut out = vec![file.init.clone()];
    let mut by = None;
    for fragment in &file.fragments {
        let Some(at) = fragment.bytes.decode_time() else { continue };
        // Microseconds to 1/90 000 s; a first picture is never before its file.
        let wall = (fragment.first - start).micros().max(0).saturating_mul(9) / 100;
        let away = |by: &MediaSpan| (at + *by).ticks().abs_diff(wall) > DRIFT.ticks().unsigned_abs();
        let moved = match by {
            Some(by) if !away(&by) => by,
            _ => MediaSpan::from_ticks(wall.saturating_sub(at.ticks())),
        };
        by = Some(moved);
        if from.is_none_or(|from| fragment.last >= from) {
            out.extend(fragment.bytes.moved(moved));
        }
    }
    out
}

/// Codecs of files seen before; emptied when full.
#[derive(Debug, Default)]
pub(crate) struct Codecs(Mutex<HashMap<(CameraId, RecordingId), String>>);

impl Codecs {
    const MOST: usize = 10_000;

    fn get(&self, key: &(CameraId, RecordingId)) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: (CameraId, RecordingId), mime: String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(key, mime);
    }
}

/// The MIME type of every file. A camera's coding hardly ever changes, so files between two of the same coding are
/// taken to have it too, and a month is known from a few reads. (A file's own answer always says its own.)
async fn mimes(app: &App, camera: &CameraId, files: &[Recording]) -> Vec<String> {
    let mut out = vec![String::new(); files.len()];
    let mut todo = Vec::from([(0, files.len())]);
    while let Some((from, to)) = todo.pop() {
        let (Some(first), Some(last)) = (files.get(from), to.checked_sub(1).and_then(|n| files.get(n)))
        else {
            continue;
        };
        let (a, b) = (one_mime(app, camera, first).await, one_mime(app, camera, last).await);
        if a == b {
            out[from..to].fill(a);
        } else {
            // Different, so there are at least two: both halves are shorter.
            let middle = from.midpoint(to);
            todo.extend([(from, middle), (middle, to)]);
        }
    }
    out
}

async fn one_mime(app: &App, camera: &CameraId, file: &Recording) -> String {
    let key = (camera.clone(), file.id);
    if let Some(known) = app.codecs.get(&key) {
        return known;
    }
    let mime = match file.kind {
        RecordingKind::Scene => {
            let file = app.store.scene_file(camera, file.id).await.ok();
            let size = file.and_then(|file| picture_size(&file.init));
            size.and_then(|size| Rendition::codec(size).ok()).map(|c| format!("video/mp4; codecs=\"{c}\""))
        }
        RecordingKind::Masked | RecordingKind::Sealed => {
            app.store.masked_file(camera, file.id).await.ok().map(|file| mime(file.init.get()))
        }
    };
    // None: deleted since, or damaged. Asking for it will say so.
    let Some(mime) = mime else { return "video/mp4".to_owned() };
    app.codecs.put(key, mime.clone());
    mime
}

/// The MIME type of a file that begins so: the profile and level stand in `avcC` (ISO/IEC 14496-15 section 5.3.3.1).
fn mime(init: &[u8]) -> String {
    let at = init.windows(4).position(|w| w == b"avcC");
    match at.and_then(|at| init.get(at + 5..at + 8)) {
        Some([profile, compatible, level]) => {
            format!("video/mp4; codecs=\"avc1.{profile:02x}{compatible:02x}{level:02x}\"")
        }
        _ => "video/mp4".to_owned(),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "map_err gives values")]
fn failed(error: StoreError) -> ApiError {
    match error {
        StoreError::NoRecording { .. } => ApiError::not_found("recording"),
        error => ApiError::internal("reading recordings", &error),
    }
}
