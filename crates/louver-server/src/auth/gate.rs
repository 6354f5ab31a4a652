//! The gate before everything that needs a session.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use louver_base::WallTime;
use louver_store::TokenHash;

use super::{OWNER, cookie};
use crate::api::error::{ApiError, ApiResult, ErrorCode};
use crate::app::App;

/// Who is asking: what every right will depend on.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The session's hash.
    pub(crate) session: TokenHash,
    /// Whether a password is set: before that, setting one is all that a session may do.
    pub(crate) has_password: bool,
}

/// Who sent these headers, `None` without a valid session.
pub(crate) async fn caller(app: &App, headers: &HeaderMap) -> ApiResult<Option<Caller>> {
    let Some(token) = cookie::read(headers) else { return Ok(None) };
    let session = token.hash();
    let found = app.store.session(session, WallTime::now()).await;
    let found = found.map_err(|e| ApiError::internal("looking up a session", &e))?;
    // An account that is not there any more has no rights left.
    if found.is_none_or(|s| s.user != OWNER) {
        return Ok(None);
    }
    let has_password = has_password(app).await?;
    Ok(Some(Caller { session, has_password }))
}

/// Whether the owner has set a password.
pub(crate) async fn has_password(app: &App) -> ApiResult<bool> {
    let hash = app.store.password_hash(OWNER).await;
    Ok(hash.map_err(|e| ApiError::internal("looking up the account", &e))?.is_some())
}

fn signed_out() -> ApiError {
    ApiError::new(
        ErrorCode::SignedOut,
        "You are not signed in, or your session has ended. Sign in and try again.",
    )
}

/// Any valid session, also one that still has to set a password.
pub(crate) async fn any_session(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match caller(&app, request.headers()).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => signed_out().into_response(),
        Err(error) => error.into_response(),
    }
}

/// A session that is fully signed in.
pub(crate) async fn signed_in(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match caller(&app, request.headers()).await {
        Ok(Some(caller)) if caller.has_password => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(Some(_)) => {
            let text = "Set a password first: until then this sign-in can do nothing else.";
            ApiError::new(ErrorCode::PasswordNeeded, text).into_response()
        }
        Ok(None) => signed_out().into_response(),
        Err(error) => error.into_response(),
    }
}
