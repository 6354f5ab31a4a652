//! Whether a request was started by our own page (OWASP: cross-site request forgery).

use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::error::{ApiError, ErrorCode};

/// What the headers say about the page that started a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// Our own page.
    Here,
    /// Another site's page.
    Elsewhere,
    /// Nothing says: a program, not a browser.
    Unsaid,
}

/// Reads `Sec-Fetch-Site` and `Origin` against `Host`.
pub(crate) fn started(headers: &HeaderMap) -> Started {
    let text = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
    if headers.contains_key("sec-fetch-site")
        && !matches!(text("sec-fetch-site"), Some("same-origin" | "none"))
    {
        return Started::Elsewhere;
    }
    if !headers.contains_key(header::ORIGIN) {
        return Started::Unsaid;
    }
    let origin = text("origin").and_then(|o| o.parse::<Uri>().ok());
    let Some((scheme, from)) = origin.as_ref().and_then(|o| Some((o.scheme_str()?, o.authority()?))) else {
        return Started::Elsewhere;
    };
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return Started::Elsewhere,
    };
    let host = text("host").and_then(|h| h.parse::<axum::http::uri::Authority>().ok());
    let same = host.is_some_and(|h| {
        h.host().eq_ignore_ascii_case(from.host())
            && h.port_u16().unwrap_or(usual) == from.port_u16().unwrap_or(usual)
    });
    if same { Started::Here } else { Started::Elsewhere }
}

/// The refusal.
pub(crate) fn refused() -> ApiError {
    ApiError::new(
        ErrorCode::CrossOrigin,
        "This request came from another site's page. Open Louver itself and try again; a proxy before it must pass the Host header on.",
    )
}

/// Lets nothing through that changes something and was started elsewhere.
pub(crate) async fn gate(request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && started(request.headers()) == Started::Elsewhere {
        return refused().into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &'static str)]) -> Started {
        let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        started(&headers)
    }

    #[test]
    fn only_the_page_of_this_very_host_and_port_is_ours() {
        let here = [
            [("host", "cams:8470"), ("origin", "http://cams:8470")],
            [("host", "CAMS:8470"), ("origin", "http://cams:8470")],
            [("host", "cams"), ("origin", "http://cams")],
            [("host", "cams:443"), ("origin", "https://cams")],
            [("host", "[::1]:8470"), ("origin", "http://[::1]:8470")],
        ];
        let elsewhere = [
            [("host", "cams:8470"), ("origin", "http://cams:8471")],
            [("host", "cams:8470"), ("origin", "http://cams")],
            [("host", "cams:8470"), ("origin", "http://cams.evil:8470")],
            [("host", "cams:8470"), ("origin", "null")],
            [("host", "cams:8470"), ("origin", "")],
            [("host", "cams:8470"), ("origin", "file://cams:8470")],
            [("host", ""), ("origin", "http://cams")],
        ];
        here.iter().for_each(|h| assert_eq!(of(h), Started::Here, "{h:?}"));
        elsewhere.iter().for_each(|h| assert_eq!(of(h), Started::Elsewhere, "{h:?}"));
    }

    #[test]
    fn what_the_browser_says_about_the_site_counts_even_without_an_origin() {
        assert_eq!(of(&[("host", "cams"), ("sec-fetch-site", "cross-site")]), Started::Elsewhere);
        assert_eq!(of(&[("host", "cams"), ("sec-fetch-site", "same-site")]), Started::Elsewhere);
        assert_eq!(of(&[("host", "cams"), ("sec-fetch-site", "same-origin")]), Started::Unsaid);
        assert_eq!(of(&[("host", "cams")]), Started::Unsaid);
    }
}
