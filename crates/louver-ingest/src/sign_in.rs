//! How a camera wants its viewers to sign in: asked once, without a password.

use std::fmt;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// Bytes of the answer's head at most.
const HEAD_MAX: usize = 8192;

/// How a camera asks for the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignIn {
    /// Not at all: whoever reaches it sees it.
    Open,
    /// Digest (RFC 7616): the password itself is not sent.
    Digest,
    /// Basic (RFC 7617): the password goes over the network in clear text.
    Basic,
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "none",
            Self::Digest => "digest",
            Self::Basic => "basic (the password goes over the network in clear text)",
        })
    }
}

/// Asks; `None` when the answer makes no sense or the connection fails. The caller bounds the time.
pub(crate) async fn ask(url: &Url) -> Option<SignIn> {
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let mut stream = TcpStream::connect((host, url.port().unwrap_or(554))).await.ok()?;
    let request = format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut head = Vec::with_capacity(1024);
    while head.len() < HEAD_MAX && !head.windows(4).any(|w| w == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            break;
        }
    }
    understand(&String::from_utf8_lossy(&head))
}

/// The strongest way offered, as retina takes it too.
pub(crate) fn understand(head: &str) -> Option<SignIn> {
    let mut lines = head.lines();
    let status = lines.next()?.strip_prefix("RTSP/1.0 ")?.get(..3)?;
    let offers = |scheme: &str| {
        head.lines().any(|line| {
            let line = line.to_ascii_lowercase();
            line.strip_prefix("www-authenticate:").is_some_and(|value| value.contains(scheme))
        })
    };
    match status {
        "200" => Some(SignIn::Open),
        "401" if offers("digest") => Some(SignIn::Digest),
        "401" if offers("basic") => Some(SignIn::Basic),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_sign_in_is_read_from_the_answer() {
        let answer =
            |rest: &str| understand(&format!("RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n{rest}\r\n\r\n"));
        assert_eq!(answer("WWW-Authenticate: Basic realm=\"x\""), Some(SignIn::Basic));
        assert_eq!(
            answer("www-authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Digest realm=\"x\""),
            Some(SignIn::Digest)
        );
        assert_eq!(answer(""), None);
        assert_eq!(understand("RTSP/1.0 200 OK\r\n\r\n"), Some(SignIn::Open));
        assert_eq!(understand("HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
