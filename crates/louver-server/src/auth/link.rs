//! One-time sign-in links, and what a session that came from one may do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use louver_base::{WallSpan, WallTime};
use louver_store::{Store, TokenHash};

use super::token::Token;
use crate::error::ServerError;

/// How long a link can be used.
const LINK_HOURS: u32 = 24;
/// How long after its sign-in a session from a link may replace a forgotten password.
const RESET_FOR: Duration = Duration::from_secs(15 * 60);
/// Sessions from links that are remembered; older ones need the current password.
const RESETS: usize = 16;

/// Makes a link that signs in once within 24 hours. Whoever has it is the owner: show it to them alone.
///
/// The secret stands behind `#`, so that no browser sends it to a proxy and no server writes it to a log.
/// `listen` is where the server listens; a link for `0.0.0.0` names this machine's own `127.0.0.1`.
///
/// # Errors
/// [`ServerError::Store`] when it cannot be kept, [`ServerError::Random`].
pub async fn issue_sign_in_link(store: &Store, listen: SocketAddr) -> Result<String, ServerError> {
    let token = Token::random().map_err(ServerError::Random)?;
    let expires = WallTime::now() + WallSpan::from_hours(LINK_HOURS);
    let kept = store.add_sign_in_link(token.hash(), expires).await;
    kept.map_err(ServerError::store("making a sign-in link"))?;
    Ok(format!("http://{}/sign-in#token={}", reachable(listen), token.reveal()))
}

/// An address that a browser on this machine can open.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Sessions that may replace the password without knowing it: their owner just came with a link, as someone does
/// who has forgotten it. Kept in memory alone: after a restart a new link is made.
#[derive(Debug, Default)]
pub(crate) struct Resets(Mutex<Vec<(TokenHash, Instant)>>);

impl Resets {
    pub(crate) fn allow(&self, session: TokenHash) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() >= RESETS {
            list.remove(0);
        }
        list.push((session, Instant::now()));
    }

    pub(crate) fn allowed(&self, session: TokenHash) -> bool {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().any(|(s, since)| *s == session && since.elapsed() < RESET_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_an_address_that_can_be_opened() {
        for (listen, wanted) in
            [("0.0.0.0:8470", "127.0.0.1:8470"), ("[::]:1", "[::1]:1"), ("10.0.0.2:80", "10.0.0.2:80")]
        {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), wanted);
        }
    }
}
