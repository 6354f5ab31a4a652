//! Scene streams: live over a WebSocket, recorded as bytes, and drawn as video on demand (docs/format-scene.md).

use aws_lc_rs::digest;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use louver_base::{CameraId, WallSpan, WallTime};
use louver_export::manifest_box;
use louver_ledger::leaf::{Digest, Viewing};
use louver_node::Rendition;
use louver_scene::Masked;
use louver_scene::stream::{SCENE_MEDIA_TYPE, SceneCut};
use louver_store::{Recording, RecordingKind, StoreError};
use tokio::sync::mpsc;

use super::cameras::visible;
use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::extract::{Path, Query};
use super::live::{LiveMessage, open};
use super::messages::Watched;
use super::timeline::SpanQuery;
use crate::app::App;
use crate::auth::gate::Caller;

/// Bytes of one answer, about.
const ANSWER_BYTES: usize = 4 << 20;
/// Time that one answer covers at most.
const ANSWER_SPAN: WallSpan = WallSpan::from_millis(600_000);
/// Fragments of video that wait for a slow viewer; drawing waits for it.
const VIDEO_WAITING: usize = 4;

/// The live scene stream (WebSocket).
///
/// Text messages are `LiveMessage`s of type `notice`. Binary messages are whole boxes of docs/format-scene.md: first header,
/// full record and the deltas since, then a message a record. A viewer that fell behind gets header and full record again.
/// The server pings; a viewer that does not read is disconnected.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/scene", tag = "cameras",
    params(("id" = String, Path, description = "The camera's id")),
    responses((status = 101, description = "The stream begins", body = LiveMessage), (status = "default", body = ErrorBody)))]
pub(crate) async fn live_scene(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult<Response> {
    open(app, &id, caller, &headers, upgrade, Watched::Scenes)
}

/// The recorded scene stream of a span of time.
///
/// Header, the state at `from_ms`, what follows before `to_ms`, and an end mark that says where to ask next: an answer covers
/// ten minutes and about 4 MiB at most (docs/format-scene.md).
#[utoipa::path(get, path = "/api/v1/cameras/{id}/scene/archive", tag = "archive",
    params(("id" = String, Path, description = "The camera's id"), SpanQuery),
    responses((status = 200, content_type = "application/vnd.louver.scene", body = Vec<u8>),
        (status = "default", body = ErrorBody)))]
pub(crate) async fn scene_archive(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    Query(span): Query<SpanQuery>,
) -> ApiResult<Response> {
    let camera = visible(&app, &id)?.id.clone();
    let (from, to) = span.checked()?;
    let until = to.min(from + ANSWER_SPAN);
    app.viewed(&caller, &camera, Viewing::Recorded, from, until);
    let mut cut = SceneCut::new(from, until, ANSWER_BYTES);
    for file in scene_files(&app, &camera, from, until).await? {
        if cut.is_full() {
            break;
        }
        for part in parts(&app, &camera, &file).await? {
            cut.part(&part);
        }
    }
    let bytes = cut.finish((until < to).then_some(until));
    let headers = [(header::CONTENT_TYPE, SCENE_MEDIA_TYPE), (header::CACHE_CONTROL, "private, no-cache")];
    Ok((headers, bytes.into_inner()).into_response())
}

/// What was recorded, drawn and coded as video while it is sent.
///
/// Fragmented MP4 (H.264); time 0 is `from_ms`. At most ten minutes, and one at a time for each session. It ends early where
/// the picture's size changes.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/masked.mp4", tag = "archive",
    params(("id" = String, Path, description = "The camera's id"), SpanQuery),
    responses((status = 200, content_type = "video/mp4", body = Vec<u8>), (status = "default", body = ErrorBody)))]
pub(crate) async fn masked_video(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    Query(span): Query<SpanQuery>,
) -> ApiResult<Response> {
    let camera = visible(&app, &id)?.id.clone();
    let (from, to) = span.checked()?;
    if to - from > ANSWER_SPAN {
        let text = "At most ten minutes can be had as video at once. Ask for a shorter span.";
        return Err(ApiError::new(ErrorCode::BadSpan, text));
    }
    let turn = app.renditions.begin(&caller).ok_or_else(|| {
        let text =
            "A video is being made for you already, or for too many others: try again when it is done.";
        ApiError::new(ErrorCode::TooManyViewers, text)
    })?;
    let files = scene_files(&app, &camera, from, to).await?;
    if files.is_empty() {
        return Err(ApiError::not_found("recording"));
    }
    app.viewed(&caller, &camera, Viewing::Recorded, from, to);
    let (sender, mut receiver) = mpsc::channel(VIDEO_WAITING);
    let running = app.tasks.token();
    tokio::spawn(async move {
        let mut sent = Sent::new(sender.clone());
        let made = async {
            draw(&app, &camera, &files, Rendition::new(from, from, to), &mut sent).await?;
            sent.sign(&app, &camera, (from, to)).await;
            Ok::<_, Broken>(())
        };
        let stopped = tokio::select! { biased;
            () = app.stop.cancelled() => true,
            made = made => {
                if let Err(e) = made {
                    // The body breaks off, so that nobody takes a part for the whole.
                    let _ = sender.send(Err(e)).await;
                }
                false
            }
        };
        if stopped {
            let _ = sender.try_send(Err("the server stops".into()));
        }
        drop((turn, running));
    });
    // Before the head is sent, so that nothing at all is no video of 0 bytes.
    let first = match receiver.recv().await {
        Some(first) => first.map_err(|e| ApiError::internal("drawing a video", &*e))?,
        None => {
            let text =
                "Nothing of this span can be shown: its recordings are damaged, or were deleted just now.";
            return Err(ApiError::new(ErrorCode::NotFound, text));
        }
    };
    let body = futures::stream::once(std::future::ready(Ok(first))).chain(Chunks(receiver));
    let headers = [(header::CONTENT_TYPE, "video/mp4"), (header::CACHE_CONTROL, "private, no-store")];
    Ok((headers, Body::from_stream(body)).into_response())
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// A body's chunks out of a queue.
struct Chunks(mpsc::Receiver<Result<Bytes, Broken>>);

impl futures::Stream for Chunks {
    type Item = Result<Bytes, Broken>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

async fn draw(
    app: &App,
    camera: &CameraId,
    files: &[Recording],
    mut rendition: Rendition,
    to: &mut Sent,
) -> Result<(), Broken> {
    for file in files {
        for part in parts(app, camera, file).await.map_err(|_| "a recording cannot be read")? {
            let (moved, drawn) = tokio::task::spawn_blocking(move || {
                let drawn = rendition.part(&part);
                (rendition, drawn)
            })
            .await?;
            rendition = moved;
            for fragment in drawn? {
                if !to.send(fragment).await {
                    return Ok(());
                }
            }
            if rendition.ended() {
                return Ok(());
            }
        }
    }
    for fragment in tokio::task::spawn_blocking(move || rendition.finish()).await?? {
        to.send(fragment).await;
    }
    Ok(())
}

/// A video on its way, and what a manifest says of it.
struct Sent {
    to: mpsc::Sender<Result<Bytes, Broken>>,
    bytes: u64,
    hash: digest::Context,
    /// Whoever asked is gone.
    gone: bool,
}

impl Sent {
    fn new(to: mpsc::Sender<Result<Bytes, Broken>>) -> Self {
        Self { to, bytes: 0, hash: digest::Context::new(&digest::SHA256), gone: false }
    }

    /// Whether anybody still takes it.
    async fn send(&mut self, part: Masked<Bytes>) -> bool {
        let part = part.into_inner();
        self.bytes += part.len() as u64;
        self.hash.update(&part);
        self.gone |= self.to.send(Ok(part)).await.is_err();
        !self.gone
    }

    /// Sends the manifest behind a whole video. One that the ledger could not be told of goes without: masked pictures are shown all the same, and
    /// whoever checks is told that there is none.
    async fn sign(self, app: &App, camera: &CameraId, span: (WallTime, WallTime)) {
        let Some(exporter) = app.exporter.clone().filter(|_| !self.gone && self.bytes > 0) else { return };
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.hash.finish().as_ref());
        let (camera, video) = (camera.clone(), (self.bytes, Digest::from_bytes(sha256)));
        let signed = tokio::task::spawn_blocking(move || {
            let manifest = exporter.masked(camera, span, video)?;
            exporter.sign(&manifest)
        });
        match signed.await {
            Ok(Ok(signed)) => {
                if let Some(bytes) = manifest_box(&signed.note) {
                    let _ = self.to.send(Ok(bytes.into())).await;
                }
            }
            Ok(Err(e)) => {
                tracing::error!(
                    error = &e as &dyn std::error::Error,
                    "a video of masked pictures goes without its manifest"
                );
            }
            Err(e) => tracing::error!(error = &e as &dyn std::error::Error, "signing a manifest failed"),
        }
    }
}

/// A recorded scene file drawn as one video whose times begin with 0 at its start; only what ends after `from`.
pub(crate) async fn file_as_video(
    app: &App,
    camera: &CameraId,
    file: &louver_store::MaskedFile,
    start: WallTime,
    from: Option<WallTime>,
) -> ApiResult<Vec<Masked<Bytes>>> {
    let failed = |e: &(dyn std::error::Error + 'static)| ApiError::internal("drawing a recording", e);
    let turn = app.renditions.wait().await;
    let parts: Vec<_> = file.parts().cloned().collect();
    let end = file.fragments.last().map_or(start, |f| f.last) + WallSpan::from_millis(100);
    let from = from.map_or(start, |from| from.max(start)).min(end);
    tracing::debug!(%camera, "a recording is drawn as video");
    let drawn = tokio::task::spawn_blocking(move || {
        // Just before, so that the picture at this very time is drawn too.
        let before = from - WallSpan::from_micros(1);
        let mut rendition = Rendition::new(start, before, end);
        let mut out = Vec::new();
        for part in &parts {
            out.extend(rendition.part(part)?);
        }
        out.extend(rendition.finish()?);
        drop(turn);
        Ok::<_, louver_node::RenditionError>(out)
    });
    drawn.await.map_err(|e| failed(&e))?.map_err(|e| failed(&e))
}

/// The scene files that may hold what stood or came in a span.
async fn scene_files(
    app: &App,
    camera: &CameraId,
    from: WallTime,
    to: WallTime,
) -> ApiResult<Vec<Recording>> {
    let files = app.store.recordings(camera, from - SceneCut::BEFORE, to).await;
    let mut files = files.map_err(|e| ApiError::internal("reading recordings", &e))?;
    files.retain(|f| f.kind == RecordingKind::Scene);
    Ok(files)
}

/// A file's parts; none of one that was deleted since or is damaged: what can be shown is.
async fn parts(app: &App, camera: &CameraId, file: &Recording) -> ApiResult<Vec<Masked<Bytes>>> {
    match app.store.scene_file(camera, file.id).await {
        Ok(file) => Ok(file.parts().cloned().collect()),
        Err(StoreError::NoRecording { .. } | StoreError::Damaged { .. }) => Ok(Vec::new()),
        Err(e) => Err(ApiError::internal("reading recordings", &e)),
    }
}
