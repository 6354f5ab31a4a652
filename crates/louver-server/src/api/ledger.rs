//! The ledger's files, as [tlog-tiles](https://c2sp.org/tlog-tiles) serves them: to everybody, since they prove and do not tell.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use louver_ledger::tile::Served;

use crate::app::App;

/// One file of the ledger. Only names that the specification gives are looked up; the signing key, the salt and the journal have none.
pub(crate) async fn ledger_file(State(app): State<App>, Path(path): Path<String>) -> Response {
    let Some(ledger) = app.site.ledger.clone() else { return missing() };
    // Reading a file waits for the disk.
    match tokio::task::spawn_blocking(move || ledger.served(&path)).await {
        Ok(Ok(Some((file, bytes)))) => (headers(file), bytes).into_response(),
        Ok(Ok(None)) => missing(),
        Ok(Err(e)) => {
            tracing::error!(error = &e as &dyn std::error::Error, "a file of the ledger cannot be read");
            (StatusCode::INTERNAL_SERVER_ERROR, "This file cannot be read.").into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "There is no such file in the ledger.").into_response()
}

fn headers(file: Served) -> [(header::HeaderName, &'static str); 2] {
    let (kind, cache) = match file {
        // These change.
        Served::Checkpoint | Served::Witnessed | Served::VerifierKey => {
            ("text/plain; charset=utf-8", "no-cache")
        }
        Served::Tile(_) => ("application/octet-stream", "public, max-age=31536000, immutable"),
    };
    [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)]
}
