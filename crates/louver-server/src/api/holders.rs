//! Signing in as a holder or an observer, with a signature in place of a password (docs/opening.md).

use std::time::Instant;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_opening::PartyId;
use louver_vault::HolderPublic;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::extract::Json;
use super::session::{self, Session};
use crate::app::App;

/// What is to be signed, within a minute.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChallengeView {
    /// The site, 32 hex digits. Who signs for a site that is not his signs for somebody who passes it on.
    pub(crate) site: String,
    /// 32 random bytes, base64.
    pub(crate) challenge: String,
}

/// The answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HolderSignIn {
    /// The public half, `holder1…`.
    pub(crate) public: String,
    /// The challenge, base64.
    pub(crate) challenge: String,
    /// Ed25519 over `louver sign-in v1`, a line feed, the site (16 bytes) and the challenge (32 bytes); base64.
    pub(crate) signature: String,
}

/// Asks for something to sign.
#[utoipa::path(post, path = "/api/v1/holders/challenge", tag = "holders", security(()),
    responses((status = 200, body = ChallengeView), (status = "default", body = ErrorBody)))]
pub(crate) async fn challenge(State(app): State<App>) -> ApiResult<axum::Json<ChallengeView>> {
    let site = app.store.site_id().to_string();
    let challenge = app.challenges.issue(Instant::now());
    let challenge = challenge.map_err(|e| ApiError::internal("making a challenge", &e))?;
    Ok(axum::Json(ChallengeView { site, challenge: BASE64.encode(challenge) }))
}

/// Signs in as a holder or an observer. The session sees requests for originals and takes statements, and nothing else.
#[utoipa::path(post, path = "/api/v1/holders/session", tag = "holders", security(()), request_body = HolderSignIn,
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<HolderSignIn>,
) -> ApiResult<Response> {
    if let Some(id) = proven(&app, &request).await {
        return session::begin_as_holder(&app, &headers, &id).await;
    }
    // Only wrong answers count and wait: nobody guesses a signature, and nobody may keep a holder out.
    app.holder_attempts.take().map_err(ApiError::wait)?;
    // One sentence for all of it: a stranger does not learn whose key would do.
    Err(ApiError::new(
        ErrorCode::WrongSignature,
        "This is not the answer of a holder or observer of this site, or it came later than a minute. Please try again; if your key is \
         the right one, ask whether you are on the list of holders.",
    ))
}

/// Who signed, if all of it is right and they may speak here.
async fn proven(app: &App, request: &HolderSignIn) -> Option<PartyId> {
    let challenge: [u8; 32] = BASE64.decode(&request.challenge).ok()?.try_into().ok()?;
    // Used up by a wrong answer too.
    let outstanding = app.challenges.take(&challenge, Instant::now());
    let public: HolderPublic = request.public.parse().ok()?;
    let signature = BASE64.decode(&request.signature).ok()?;
    let signed = outstanding && public.signed_in(app.store.site_id(), &challenge, &signature);
    let id = PartyId::of(&public);
    let speaks = signed && app.desk.get()?.speaker(&id).await.is_some();
    speaks.then_some(id)
}
