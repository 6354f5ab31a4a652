//! The session cookie.

use axum::http::{HeaderMap, HeaderValue, header};

use super::token::Token;
use crate::openapi::SESSION_COOKIE;

/// The token of a request's session cookie.
pub(crate) fn read(headers: &HeaderMap) -> Option<Token> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .and_then(|(_, value)| Token::parse(value))
}

/// The cookie that begins a session. `Secure` only where the browser came by https: over http on a home network it would
/// never be sent back.
pub(crate) fn set(token: &Token, hours: u32, request: &HeaderMap) -> Option<HeaderValue> {
    let seconds = u64::from(hours) * 3600;
    header_value(&format!("{SESSION_COOKIE}={}; Max-Age={seconds}", token.reveal()), request)
}

/// The cookie that ends it.
pub(crate) fn clear(request: &HeaderMap) -> Option<HeaderValue> {
    header_value(&format!("{SESSION_COOKIE}=; Max-Age=0"), request)
}

fn header_value(what: &str, request: &HeaderMap) -> Option<HeaderValue> {
    let secure = if came_by_https(request) { "; Secure" } else { "" };
    let mut value =
        HeaderValue::from_str(&format!("{what}; Path=/; HttpOnly; SameSite=Strict{secure}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// As the browser or the proxy before us says; whoever lies here harms only their own session.
fn came_by_https(request: &HeaderMap) -> bool {
    let text = |name| request.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or("");
    text("origin").starts_with("https://") || text("x-forwarded-proto") == "https"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_strict_and_secure_under_https_alone() {
        let token = Token::random().unwrap();
        let mut request = HeaderMap::new();
        let plain = set(&token, crate::auth::SESSION_HOURS, &request).unwrap();
        let plain = plain.to_str().unwrap();
        for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=2592000"] {
            assert!(plain.contains(part), "{plain}");
        }
        assert!(!plain.contains("Secure"));
        request.insert("origin", HeaderValue::from_static("https://cams.example"));
        assert!(
            set(&token, crate::auth::SESSION_HOURS, &request)
                .unwrap()
                .to_str()
                .unwrap()
                .ends_with("; Secure")
        );
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let token = Token::random().unwrap();
        let mut request = HeaderMap::new();
        let text = format!("a=b; {SESSION_COOKIE}={}; c=d", token.reveal());
        request.insert("cookie", HeaderValue::from_str(&text).unwrap());
        assert_eq!(read(&request).map(|t| t.hash()), Some(token.hash()));
        request.insert("cookie", HeaderValue::from_static("louver_session=short"));
        assert!(read(&request).is_none());
    }
}
