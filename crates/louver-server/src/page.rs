//! The page: built by `make ui` and part of the binary.

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::api::error::{ApiError, ErrorCode};

#[derive(Embed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Page;

const INDEX: &str = "index.html";

/// Whatever no other route took: a file of the page, or the page itself, which finds its own way.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        let text = "There is no such address in this API. Its addresses are listed in ui/openapi.json.";
        return ApiError::new(ErrorCode::NotFound, text).into_response();
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        return method_not_allowed().await;
    }
    if let Some(file) = Page::get(path) {
        return answer(path, file, &headers);
    }
    // A missing script must not come back as HTML; a view of the page has no dot in its last part.
    if path.rsplit('/').next().is_some_and(|last| last.contains('.')) {
        return (StatusCode::NOT_FOUND, "There is no such file.").into_response();
    }
    match Page::get(INDEX) {
        Some(index) => answer(INDEX, index, &headers),
        None => missing(),
    }
}

/// The address exists, but not for this method.
pub(crate) async fn method_not_allowed() -> Response {
    ApiError::new(ErrorCode::MethodNotAllowed, "This address does not take this method.").into_response()
}

fn answer(path: &str, file: EmbeddedFile, request: &HeaderMap) -> Response {
    // Vite puts a hash of the content into the names under assets/.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag: String = file.metadata.sha256_hash().iter().take(16).map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = request.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == tag.as_bytes());
    let headers =
        [(header::CACHE_CONTROL, cache.to_owned()), (header::ETAG, tag), (header::CONTENT_TYPE, mime(&file))];
    if known {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, file.data).into_response()
    }
}

fn mime(file: &EmbeddedFile) -> String {
    let mime = file.metadata.mimetype();
    let is_text = mime.starts_with("text/") || mime == "image/svg+xml";
    if is_text { format!("{mime}; charset=utf-8") } else { mime.to_owned() }
}

fn missing() -> Response {
    let text = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Louver</title>\
        <h1>Louver runs, but was built without its page</h1>\
        <p>Run <code>make ui</code>, then build and start Louver again. Recording and masking are not affected.</p>";
    (StatusCode::SERVICE_UNAVAILABLE, Html(text)).into_response()
}
