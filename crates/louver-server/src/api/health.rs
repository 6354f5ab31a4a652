//! Whether the server lives and whether it does its work, for supervisors and load balancers: open to everybody, so nothing of cameras,
//! people or folders is said here.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;

/// Journals and catalogue are written every two seconds; a disk that takes longer than that for it is in trouble.
const FLUSH_WITHIN: Duration = Duration::from_secs(60);
/// For everything that is asked.
const ASK_WITHIN: Duration = Duration::from_secs(5);

/// Whether the server answers at all: the text `ok`.
#[utoipa::path(get, path = "/healthz", tag = "system", security(()),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// Whether everything is there that recording and opening need: the text `ready`, or 503 and a sentence a line for what is not.
#[utoipa::path(get, path = "/readyz", tag = "system", security(()),
    responses(
        (status = 200, content_type = "text/plain", body = String),
        (status = 503, content_type = "text/plain", body = String, description = "What is not ready, a sentence a line")
    ))]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let missing = missing(&app).await;
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    match missing.is_empty() {
        true => (no_store, "ready\n").into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, no_store, missing.join("\n") + "\n").into_response(),
    }
}

/// What is not ready, in sentences.
async fn missing(app: &App) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |is: bool, sentence: &str| {
        if is {
            out.push(sentence.to_owned());
        }
    };
    let asked = tokio::time::timeout(ASK_WITHIN, app.store.catalogue_answers()).await;
    say(!matches!(asked, Ok(Ok(()))), "The catalogue does not answer: the server's log says why.");
    let health = app.store.health();
    say(
        health.flush_fails || health.flush_age > FLUSH_WITHIN,
        "Journals and catalogue are not written: look at the data directory's disk and at the server's log.",
    );
    say(health.disks_away > 0, "A disk of recordings is not there: mount it again.");
    say(health.disks_failing > 0, "Writing to a disk of recordings failed: look at its health.");
    say(health.disks_full > 0, "A disk of recordings is full, and nothing may be deleted for room.");
    match &app.site.ledger {
        Some(ledger) => say(
            ledger.status().trouble.is_some(),
            "The ledger is not written, so nothing can be opened: the server's log says why.",
        ),
        None => say(true, "There is no ledger."),
    }
    let held = match app.desk.get() {
        Some(desk) => desk.sets().read().await.latest().is_some(),
        None => false,
    };
    say(!held, "There is no holder, and without one nothing is recorded: make the first one on the page.");
    out
}
