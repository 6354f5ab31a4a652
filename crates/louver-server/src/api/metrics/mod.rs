//! `GET /metrics`: what a monitoring system reads (docs/operating.md).

mod families;

use std::net::{IpAddr, SocketAddr};

use axum::Extension;
use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use secrecy::{ExposeSecret as _, SecretString};

use super::error::{ApiError, ApiResult};
use crate::app::App;
use crate::auth::origin::{Started, started};

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted, for monitoring, in the OpenMetrics text format. With a token in the settings (`[metrics] token_file`): for who has it
/// (`Authorization: Bearer …`). Without one: for programs on this machine that come neither through a proxy nor from another site's page.
#[utoipa::path(get, path = "/metrics", tag = "system", security(()),
    responses(
        (status = 200, content_type = "application/openmetrics-text", body = String),
        (status = 401, content_type = "text/plain", body = String, description = "The token is missing or wrong"),
        (status = 403, content_type = "text/plain", body = String, description = "No token is set, and this is another machine")
    ))]
pub(crate) async fn get_metrics(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let peer = peer.map(|Extension(Peer(peer))| peer.ip());
    match allowed(app.site.metrics_token.as_ref(), peer, &headers) {
        Ok(()) => {}
        Err(refused) => return Ok(refused.into_response()),
    }
    let (usage, disks) = super::system::usage(&app).await?;
    let mut registry = Registry::default();
    registry.register_collector(Box::new(families::all(&app, &usage, &disks)));
    let mut page = String::new();
    text::encode(&mut page, &registry).map_err(|e| ApiError::internal("writing metrics", &e))?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS), (header::CACHE_CONTROL, "no-store")], page).into_response())
}

/// Why somebody may not read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Token,
    Elsewhere,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Token => (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, "Bearer")],
                "The token is missing or wrong: send the one in the file that [metrics] token_file names.\n",
            )
                .into_response(),
            Self::Elsewhere => (
                StatusCode::FORBIDDEN,
                "Without [metrics] token_file in the settings only programs on this machine may read this, at its own address.\n",
            )
                .into_response(),
        }
    }
}

fn allowed(token: Option<&SecretString>, peer: Option<IpAddr>, headers: &HeaderMap) -> Result<(), Refused> {
    let Some(token) = token else {
        return if is_here(peer, headers) { Ok(()) } else { Err(Refused::Elsewhere) };
    };
    let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let given = given.and_then(|v| v.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    // Hashes are compared in constant time.
    let same =
        |given: &str| blake3::hash(given.trim().as_bytes()) == blake3::hash(token.expose_secret().as_bytes());
    if given.is_some_and(|(_, given)| same(given)) { Ok(()) } else { Err(Refused::Token) }
}

/// A proxy on this machine comes from loopback too, and a browser that was led here by another name: neither has this machine's own name
/// in `Host` (a proxy before Louver must pass it on), and a proxy says for whom it asks.
fn is_here(peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()?.parse::<Authority>().ok());
    peer.is_some_and(|ip| ip.to_canonical().is_loopback())
        && host.is_some_and(|host| is_this_machine(host.host()))
        && !forwarded.iter().any(|name| headers.contains_key(*name))
        && started(headers) != Started::Elsewhere
}

fn is_this_machine(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn without_a_token_only_this_machine_by_its_own_name_and_without_a_proxy_may_read() {
        let here: Option<IpAddr> = Some("127.0.0.1".parse().unwrap());
        let own = ("host", "127.0.0.1:8470");
        let good = [vec![own], vec![("host", "localhost:8470")], vec![("host", "[::1]:8470")]];
        for pairs in &good {
            assert_eq!(allowed(None, here, &headers(pairs)), Ok(()), "{pairs:?}");
        }
        let mapped = Some("::ffff:127.0.0.1".parse().unwrap());
        assert_eq!(allowed(None, mapped, &headers(&[own])), Ok(()));
        let bad = [
            vec![("host", "cams.example")],
            vec![("host", "127.0.0.1.evil.example:8470")],
            vec![own, ("x-forwarded-for", "192.0.2.7")],
            vec![own, ("forwarded", "for=192.0.2.7")],
            vec![own, ("x-real-ip", "192.0.2.7")],
            vec![own, ("via", "1.1 proxy")],
            vec![own, ("sec-fetch-site", "cross-site")],
            vec![],
        ];
        for pairs in &bad {
            assert_eq!(allowed(None, here, &headers(pairs)), Err(Refused::Elsewhere), "{pairs:?}");
        }
        for peer in [None, Some("192.0.2.7".parse().unwrap())] {
            assert_eq!(allowed(None, peer, &headers(&[own])), Err(Refused::Elsewhere));
        }
    }

    #[test]
    fn with_a_token_it_is_asked_of_everybody_and_no_other_will_do() {
        let token = SecretString::from("correct horse battery staple");
        let far = Some("192.0.2.7".parse().unwrap());
        let here = Some("127.0.0.1".parse().unwrap());
        for kind in ["Bearer correct horse battery staple", "bearer  correct horse battery staple"] {
            assert_eq!(allowed(Some(&token), far, &headers(&[("authorization", kind)])), Ok(()));
        }
        for given in ["Bearer correct", "Bearer", "Bearer ", "Basic correct horse battery staple", ""] {
            let refused = allowed(Some(&token), far, &headers(&[("authorization", given)]));
            assert_eq!(refused, Err(Refused::Token), "{given:?}");
        }
        let own = headers(&[("host", "127.0.0.1:8470")]);
        assert_eq!(allowed(Some(&token), here, &own), Err(Refused::Token));
    }
}
