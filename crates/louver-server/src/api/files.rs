//! The last step of masked bytes on their way to a browser. What is not masked does not compile here.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use louver_scene::Masked;

use super::error::{ApiError, ApiResult, ErrorCode};
use super::range::{Range, Wanted};

/// A masked picture.
pub(crate) fn jpeg(picture: Masked<Bytes>, cache: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, cache)];
    (headers, picture.into_inner()).into_response()
}

/// A masked video out of its parts; the part of it that `request` asks for with `Range`.
pub(crate) fn video(
    parts: &[Masked<Bytes>],
    mime: &str,
    cache: &'static str,
    request: &HeaderMap,
) -> ApiResult<Response> {
    let mut all = BytesMut::with_capacity(parts.iter().map(|p| p.get().len()).sum());
    parts.iter().for_each(|p| all.extend_from_slice(p.get()));
    let all = all.freeze();
    let wanted = request.get(header::RANGE).and_then(|v| v.to_str().ok());
    let (status, part, place) = match Wanted::of(wanted, all.len()) {
        Wanted::Whole => (StatusCode::OK, all, None),
        Wanted::Part(Range { first, last }) => {
            let place = format!("bytes {first}-{last}/{}", all.len());
            (StatusCode::PARTIAL_CONTENT, all.slice(first..=last), Some(place))
        }
        Wanted::Outside => {
            let text = format!("This recording has {} bytes; those asked for lie outside it.", all.len());
            return Err(ApiError::new(ErrorCode::BadRange, text));
        }
    };
    let mut response = Response::new(Body::from(part));
    *response.status_mut() = status;
    let mut put = |name: HeaderName, value: &str| {
        response.headers_mut().extend(HeaderValue::from_str(value).ok().map(|v| (name, v)));
    };
    put(header::CONTENT_TYPE, mime);
    put(header::ACCEPT_RANGES, "bytes");
    put(header::CACHE_CONTROL, cache);
    if let Some(place) = place {
        put(header::CONTENT_RANGE, &place);
    }
    Ok(response)
}
