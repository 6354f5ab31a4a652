//! Signing in and out.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use louver_base::{WallSpan, WallTime};
use louver_opening::PartyId;
use louver_store::{StoreError, TokenHash};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};
use super::extract::Json;
use super::openings::RollEntry;
use crate::app::App;
use crate::auth::gate::{self, Caller, Speaker, Visitor};
use crate::auth::password::{LONGEST, SHORTEST};
use crate::auth::token::Token;
use crate::auth::{HOLDER, HOLDER_SESSION_HOURS, OWNER, SESSION_HOURS, cookie};

/// How far this browser is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionState {
    /// Not at all: password or one-time link first.
    SignedOut,
    /// Everything is open.
    SignedIn,
    /// The one-time link was right; a password must be set before anything else.
    NeedsPassword,
    /// As a holder or observer: requests for originals, and nothing else.
    Holder,
}

/// Who is asking.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// How far this browser is signed in.
    pub(crate) state: SessionState,
    /// The site's name; only for those signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) site_name: Option<String>,
    /// Of a holder or observer: who.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) holder: Option<RollEntry>,
    /// Louver's version.
    pub(crate) version: String,
}

/// The one-time link's secret: what stands behind `#token=`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkRequest {
    /// The secret.
    pub(crate) token: String,
}

/// A password to sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInRequest {
    /// The password.
    pub(crate) password: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    /// The new password.
    #[schema(min_length = 10, max_length = 1024)]
    pub(crate) password: String,
    /// The password until now: needed once one is set, unless the session came from a one-time link.
    #[serde(default)]
    #[schema(nullable = false)]
    pub(crate) current_password: Option<String>,
}

impl Session {
    fn of(app: &App, state: SessionState) -> Self {
        let site_name = (state != SessionState::SignedOut).then(|| app.site.name.clone());
        Self { state, site_name, holder: None, version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    fn of_speaker(app: &App, speaker: Speaker) -> Self {
        Self { holder: Some(speaker.into()), ..Self::of(app, SessionState::Holder) }
    }
}

/// How far this browser is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", security(()),
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_session(
    State(app): State<App>,
    headers: HeaderMap,
) -> ApiResult<axum::Json<Session>> {
    Ok(axum::Json(match gate::visitor(&app, &headers).await? {
        None => Session::of(&app, SessionState::SignedOut),
        Some(Visitor::Owner(Caller { has_password: true, .. })) => Session::of(&app, SessionState::SignedIn),
        Some(Visitor::Owner(Caller { has_password: false, .. })) => {
            Session::of(&app, SessionState::NeedsPassword)
        }
        Some(Visitor::Speaker(speaker)) => Session::of_speaker(&app, speaker),
    }))
}

/// Signs in with a one-time link, which is used up by it.
#[utoipa::path(post, path = "/api/v1/session/link", tag = "session", security(()), request_body = LinkRequest,
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn use_link(
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<LinkRequest>,
) -> ApiResult<Response> {
    let right = match Token::parse(&request.token) {
        Some(token) => app.store.use_sign_in_link(token.hash(), WallTime::now()).await.map_err(failed)?,
        None => false,
    };
    if !right {
        // Only wrong links count and wait: nobody guesses 256 bits, and nobody may keep the owner's link out.
        app.link_attempts.take().map_err(ApiError::wait)?;
        return Err(ApiError::new(
            ErrorCode::WrongLink,
            "This sign-in link was used before, is older than a day, or is incomplete. Make a new one on the machine that runs Louver.",
        ));
    }
    let (session, response) = begin(&app, &headers).await?;
    app.resets.allow(session);
    Ok(response)
}

/// Sets the password. All other sessions end.
#[utoipa::path(put, path = "/api/v1/session/password", tag = "session", request_body = PasswordRequest,
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn set_password(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Json(request): Json<PasswordRequest>,
) -> ApiResult<Response> {
    let length = request.password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        let text = format!("A password needs {SHORTEST} to {LONGEST} characters; this one has {length}.");
        return Err(ApiError::new(ErrorCode::PasswordLength, text));
    }
    if caller.has_password && !app.resets.allowed(caller.session) {
        check(&app, request.current_password.unwrap_or_default()).await?;
    }
    let hash = app.passwords.hash(request.password.into()).await;
    let hash = hash.map_err(|e| ApiError::internal("hashing a password", &e))?;
    app.store.set_password_hash(OWNER, &hash).await.map_err(failed)?;
    app.sessions_changed.send_replace(());
    app.password_attempts.right();
    begin(&app, &headers).await.map(|(_, response)| response)
}

/// Signs in with the password.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", security(()), request_body = SignInRequest,
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<SignInRequest>,
) -> ApiResult<Response> {
    check(&app, request.password).await?;
    begin(&app, &headers).await.map(|(_, response)| response)
}

/// Signs out. Without a session nothing happens.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", security(()),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(crate) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> ApiResult<Response> {
    if let Some(token) = cookie::read(&headers) {
        app.store.end_session(token.hash()).await.map_err(failed)?;
        app.sessions_changed.send_replace(());
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().extend(cookie::clear(&headers).map(|value| (header::SET_COOKIE, value)));
    Ok(response)
}

/// A try at the password.
async fn check(app: &App, password: String) -> ApiResult<()> {
    app.password_attempts.take().map_err(ApiError::wait)?;
    let kept = app.store.password_hash(OWNER).await.map_err(failed)?;
    let right = match kept {
        Some(kept) if password.len() <= LONGEST * 4 => app.passwords.is_right(password.into(), kept).await,
        _ => Ok(false),
    };
    if !right.map_err(|e| ApiError::internal("checking a password", &e))? {
        let text =
            "This password is not right. If it is lost, make a sign-in link on the machine that runs Louver.";
        return Err(ApiError::new(ErrorCode::WrongPassword, text));
    }
    app.password_attempts.right();
    Ok(())
}

/// Begins a session and gives the browser its cookie.
async fn begin(app: &App, request: &HeaderMap) -> ApiResult<(TokenHash, Response)> {
    let token = added(app, OWNER, SESSION_HOURS).await?;
    let state = match gate::has_password(app).await? {
        true => SessionState::SignedIn,
        false => SessionState::NeedsPassword,
    };
    let response = with_cookie(Session::of(app, state), &token, SESSION_HOURS, request);
    Ok((token.hash(), response))
}

/// Begins the session of a holder or observer who has proved to be one. A program sends the cookie back as a browser does.
pub(super) async fn begin_as_holder(app: &App, request: &HeaderMap, id: &PartyId) -> ApiResult<Response> {
    let token = added(app, &format!("{HOLDER}{id}"), HOLDER_SESSION_HOURS).await?;
    let speaker = match app.desk.get() {
        Some(desk) => desk.speaker(id).await,
        None => None,
    };
    let session = speaker.map(|speaker| Session::of_speaker(app, speaker));
    let session = session.unwrap_or_else(|| Session::of(app, SessionState::SignedOut));
    Ok(with_cookie(session, &token, HOLDER_SESSION_HOURS, request))
}

async fn added(app: &App, user: &str, hours: u32) -> ApiResult<Token> {
    let token = Token::random().map_err(|e| ApiError::internal("making a session", &e))?;
    let now = WallTime::now();
    let expires = now + WallSpan::from_hours(hours);
    app.store.add_session(token.hash(), user, now, expires).await.map_err(failed)?;
    Ok(token)
}

fn with_cookie(session: Session, token: &Token, hours: u32, request: &HeaderMap) -> Response {
    let mut response = axum::Json(session).into_response();
    let cookie = cookie::set(token, hours, request);
    response.headers_mut().extend(cookie.map(|value| (header::SET_COOKIE, value)));
    response
}

#[allow(clippy::needless_pass_by_value, reason = "map_err gives values")]
fn failed(error: StoreError) -> ApiError {
    ApiError::internal("signing in or out", &error)
}
