//! Signing in and out.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, ErrorBody, ErrorCode};

/// How far this browser is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Not at all: password or one-time link first.
    SignedOut,
    /// Everything is open.
    SignedIn,
    /// The one-time link was right; a password must be set before anything else.
    NeedsPassword,
}

/// Who is asking.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// How far this browser is signed in.
    pub state: SessionState,
    /// The site's name; only for those signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub site_name: Option<String>,
    /// Louver's version.
    pub version: String,
}

/// The one-time link's secret: what stands behind `#token=`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    /// The secret.
    pub token: String,
}

/// A password to sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The password.
    pub password: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The new password.
    #[schema(min_length = 10, max_length = 1024)]
    pub password: String,
    /// The password until now: needed once one is set, unless the session came from a one-time link.
    #[serde(default)]
    #[schema(nullable = false)]
    pub current_password: Option<String>,
}

/// How far this browser is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", security(()),
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn get_session() -> ApiResult<Json<Session>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}

/// Signs in with a one-time link, which is used up by it.
#[utoipa::path(post, path = "/api/v1/session/link", tag = "session", security(()), request_body = LinkRequest,
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn use_link(Json(_request): Json<LinkRequest>) -> ApiResult<Json<Session>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}

/// Sets the password. All other sessions end.
#[utoipa::path(put, path = "/api/v1/session/password", tag = "session", request_body = PasswordRequest,
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn set_password(Json(_request): Json<PasswordRequest>) -> ApiResult<Json<Session>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}

/// Signs in with the password.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", security(()), request_body = SignInRequest,
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(crate) async fn sign_in(Json(_request): Json<SignInRequest>) -> ApiResult<Json<Session>> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}

/// Signs out. Without a session nothing happens.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", security(()),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(crate) async fn sign_out() -> ApiResult<StatusCode> {
    Err(ApiError::new(ErrorCode::Internal, ""))
}
