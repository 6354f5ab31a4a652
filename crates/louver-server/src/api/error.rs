//! What the API says when something does not work: always the same JSON, always a sentence.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Kinds of refusal, for programs; the sentence beside it is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub(crate) enum ErrorCode {
    /// The request cannot be understood.
    BadRequest,
    /// No valid session came with the request.
    SignedOut,
    /// The session may do nothing before it has set a password.
    PasswordNeeded,
    /// The password is not right.
    WrongPassword,
    /// The new password has fewer than 10 or more than 1024 characters.
    PasswordLength,
    /// The sign-in link was used, is too old, or was never given out.
    WrongLink,
    /// What was signed is not a challenge of the last minute, or not signed by a holder or observer.
    WrongSignature,
    /// The session is a holder's or observer's, and this is for the owner.
    OwnerOnly,
    /// Too many wrong passwords, links or signatures; wait `retry_after_s`.
    TooManyAttempts,
    /// The request was started by another site's page.
    CrossOrigin,
    /// There is no such address, camera, recording, event or picture.
    NotFound,
    /// The address exists, but not for this method.
    MethodNotAllowed,
    /// The times asked for lie too far apart or in the wrong order.
    BadSpan,
    /// The body is larger than 64 KiB.
    TooLarge,
    /// The bytes asked for lie outside the recording.
    BadRange,
    /// The request took longer than 30 s.
    TooSlow,
    /// Too many live viewers are connected.
    TooManyViewers,
    /// Nothing of this camera can be seen: it is sealed-only.
    SealedOnly,
    /// A request for originals, or a statement to one, that is not taken; the sentence says why.
    OpeningRefused,
    /// A change of the holders that is not taken; the sentence says why.
    HoldersRefused,
    /// The ledger could not be written, and nothing is opened without it.
    LedgerFailed,
    /// Something failed in the server; its log says what.
    Internal,
}

/// The body of every refusal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What happened.
    pub(crate) error: ErrorDetail,
}

/// What happened, for programs and for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// For programs.
    pub(crate) code: ErrorCode,
    /// A sentence for people: what happened and what to do next.
    pub(crate) message: String,
    /// With `too_many_attempts`: seconds to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) retry_after_s: Option<u64>,
}

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: ErrorCode,
    message: String,
    retry_after_s: Option<u64>,
}

/// What handlers give back.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_s: None }
    }

    /// A fault of ours: the cause goes to the log, never to the client.
    pub(crate) fn internal(doing: &'static str, cause: &(dyn std::error::Error + 'static)) -> Self {
        let chain: Vec<String> =
            std::iter::successors(Some(cause), |e| e.source()).map(ToString::to_string).collect();
        tracing::error!(doing, cause = chain.join(": "), "request failed");
        Self::new(ErrorCode::Internal, "Something failed in the server. Its log says what; please try again.")
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no such {what}: it may have been deleted since."))
    }

    pub(crate) fn wait(seconds: u64) -> Self {
        let message = format!("Too many attempts: please try again in {seconds} s.");
        Self { code: ErrorCode::TooManyAttempts, message, retry_after_s: Some(seconds) }
    }

    const fn status(&self) -> StatusCode {
        match self.code {
            ErrorCode::BadRequest
            | ErrorCode::BadSpan
            | ErrorCode::PasswordLength
            | ErrorCode::OpeningRefused
            | ErrorCode::HoldersRefused => StatusCode::BAD_REQUEST,
            ErrorCode::SignedOut => StatusCode::UNAUTHORIZED,
            ErrorCode::PasswordNeeded
            | ErrorCode::WrongPassword
            | ErrorCode::WrongLink
            | ErrorCode::WrongSignature
            | ErrorCode::OwnerOnly
            | ErrorCode::CrossOrigin
            | ErrorCode::SealedOnly => StatusCode::FORBIDDEN,
            ErrorCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::BadRange => StatusCode::RANGE_NOT_SATISFIABLE,
            ErrorCode::TooSlow => StatusCode::REQUEST_TIMEOUT,
            ErrorCode::TooManyViewers | ErrorCode::LedgerFailed => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let retry_after_s = self.retry_after_s;
        let error = ErrorDetail { code: self.code, message: self.message, retry_after_s };
        let mut response = (status, Json(ErrorBody { error })).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
