//! The one way in which commands use the web.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long is waited.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// For everything together: small files, where a slow server counts as away.
    Whole(Duration),
    /// For an answer to begin; what follows may be large.
    Begin(Duration),
}

/// A large answer may take so long.
const BODY_WITHIN: Duration = Duration::from_secs(600);
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// Certificates are those that the system trusts, so that a site's own authority works; proxies are those of the environment
/// (HTTPS_PROXY and its like). Redirections are not followed: what is asked for lies where it lies, and a session is sent nowhere else.
pub(crate) fn agent(patience: Patience) -> Agent {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|cert| Certificate::from_der(cert.as_ref()).to_owned()).collect();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("louver/", env!("CARGO_PKG_VERSION")));
    let config = match patience {
        Patience::Whole(within) => config.timeout_global(Some(within)),
        // Each call has a connection of its own: one that the server closed meanwhile would look as if it were away.
        Patience::Begin(within) => config
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_recv_response(Some(within))
            .timeout_send_body(Some(BODY_WITHIN))
            .timeout_recv_body(Some(BODY_WITHIN)),
    };
    config.build().new_agent()
}
