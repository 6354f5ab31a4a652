//! The gates before everything that needs a session.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use louver_base::WallTime;
use louver_opening::{PartyId, Role};
use louver_store::TokenHash;

use super::{HOLDER, OWNER, cookie};
use crate::api::error::{ApiError, ApiResult, ErrorCode};
use crate::app::App;

/// The owner's session: what every right over cameras and settings depends on.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The session's hash.
    pub(crate) session: TokenHash,
    /// Whether a password is set: before that, setting one is all that a session may do.
    pub(crate) has_password: bool,
}

/// A holder or observer, as of now.
#[derive(Clone, Debug)]
pub(crate) struct Speaker {
    /// Who.
    pub(crate) id: PartyId,
    /// What the others call them.
    pub(crate) name: String,
    /// As what.
    pub(crate) role: Role,
}

/// Whose session it is.
#[derive(Clone, Debug)]
pub(crate) enum Visitor {
    /// The account.
    Owner(Caller),
    /// Somebody who proved to have a holder's or observer's key: requests and statements, nothing else.
    Speaker(Speaker),
}

/// Whose session these headers name, `None` without a valid one.
pub(crate) async fn visitor(app: &App, headers: &HeaderMap) -> ApiResult<Option<Visitor>> {
    let Some(token) = cookie::read(headers) else { return Ok(None) };
    let session = token.hash();
    let found = app.store.session(session, WallTime::now()).await;
    let found = found.map_err(|e| ApiError::internal("looking up a session", &e))?;
    let Some(user) = found.map(|s| s.user) else { return Ok(None) };
    if user == OWNER {
        let has_password = has_password(app).await?;
        return Ok(Some(Visitor::Owner(Caller { session, has_password })));
    }
    // An account that is not there any more has no rights left, nor has who was taken off the list of holders.
    let id = user.strip_prefix(HOLDER).and_then(|id| id.parse().ok());
    Ok(match (id, app.desk.get()) {
        (Some(id), Some(desk)) => desk.speaker(&id).await.map(Visitor::Speaker),
        _ => None,
    })
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

fn no_password() -> ApiError {
    let text = "Set a password first: until then this sign-in can do nothing else.";
    ApiError::new(ErrorCode::PasswordNeeded, text)
}

fn for_the_owner() -> ApiError {
    let text = "You are signed in as a holder or observer, who see requests for originals and nothing else. This needs the password.";
    ApiError::new(ErrorCode::OwnerOnly, text)
}

/// Any session of the owner, also one that still has to set a password.
pub(crate) async fn any_session(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match visitor(&app, request.headers()).await {
        Ok(Some(Visitor::Owner(caller))) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(Some(Visitor::Speaker(_))) => for_the_owner().into_response(),
        Ok(None) => signed_out().into_response(),
        Err(error) => error.into_response(),
    }
}

/// The owner's session, fully signed in.
pub(crate) async fn signed_in(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match visitor(&app, request.headers()).await {
        Ok(Some(Visitor::Owner(caller))) if caller.has_password => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(Some(Visitor::Owner(_))) => no_password().into_response(),
        Ok(Some(Visitor::Speaker(_))) => for_the_owner().into_response(),
        Ok(None) => signed_out().into_response(),
        Err(error) => error.into_response(),
    }
}

/// The owner, fully signed in, or a holder or observer.
pub(crate) async fn either(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match visitor(&app, request.headers()).await {
        Ok(Some(Visitor::Owner(caller))) if !caller.has_password => no_password().into_response(),
        Ok(Some(visitor)) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Ok(None) => signed_out().into_response(),
        Err(error) => error.into_response(),
    }
}
