//! One question to a camera and its answer, over HTTP.
//!
//! A new connection each time, as small cameras want it. Bounds: the whole exchange has one deadline, so a camera that sends
//! a byte a second costs that long and no longer; the head has [`HEAD_MAX`] bytes and [`HEADERS_MAX`] lines, the body
//! [`MESSAGE_MAX`](crate::xml::MESSAGE_MAX). Redirections are never followed: the digest of a password that goes to another
//! host can be tried out there.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_auth::{PasswordClient, PasswordParams};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use louver_base::Credentials;
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use url::Url;

use crate::OnvifError;
use crate::xml::{MESSAGE_MAX, XmlError};

/// Bytes of an answer's head.
const HEAD_MAX: usize = 32 << 10;
/// Lines of an answer's head.
const HEADERS_MAX: usize = 64;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    /// How the camera wants its visitors to sign in, if it refused this one.
    challenges: Vec<String>,
}

/// Asks one camera, and remembers how it wants its visitors to sign in.
#[derive(Default)]
pub(crate) struct Client {
    digest: Option<PasswordClient>,
}

impl Client {
    /// Posts a SOAP message. Signs in by digest (RFC 7616) where the camera asks for it; never in clear text.
    pub(crate) async fn post(
        &mut self,
        url: &Url,
        action: &str,
        message: &str,
        credentials: Option<&Credentials>,
        within: Duration,
    ) -> Result<Answer, OnvifError> {
        let asking = async {
            let remembered = self.digest.is_some();
            let answer = send(url, action, message, self.sign(url, message, credentials)).await?;
            if answer.status != StatusCode::UNAUTHORIZED
                || answer.challenges.is_empty()
                || credentials.is_none()
            {
                return Ok(answer);
            }
            self.digest = None;
            let mut builder = PasswordClient::builder();
            for challenge in &answer.challenges {
                builder = builder.challenges(challenge);
            }
            match builder.build() {
                Ok(digest @ PasswordClient::Digest(_)) => self.digest = Some(digest),
                Ok(_) => return Err(OnvifError::ClearText),
                Err(_) if answer.challenges.iter().any(|c| c.to_ascii_lowercase().starts_with("basic")) => {
                    return Err(OnvifError::ClearText);
                }
                // Unreadable: the answer itself says that it is refused.
                Err(_) => return Ok(answer),
            }
            let again = send(url, action, message, self.sign(url, message, credentials)).await?;
            if again.status == StatusCode::UNAUTHORIZED && !remembered {
                self.digest = None;
            }
            Ok(again)
        };
        tokio::time::timeout(within, asking).await.unwrap_or(Err(OnvifError::NoAnswer(within)))
    }

    fn sign(&mut self, url: &Url, message: &str, credentials: Option<&Credentials>) -> Option<String> {
        let (digest, Credentials { user, password }) = (self.digest.as_mut()?, credentials?);
        let params = PasswordParams {
            username: user,
            password: password.expose_secret(),
            uri: target(url),
            method: "POST",
            body: Some(message.as_bytes()),
        };
        digest.respond(&params).ok()
    }
}

/// Path and query.
fn target(url: &Url) -> &str {
    &url[url::Position::BeforePath..url::Position::AfterQuery]
}

async fn send(url: &Url, action: &str, message: &str, signed: Option<String>) -> Result<Answer, OnvifError> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let bare = host.trim_matches(['[', ']']);
    let found = tokio::net::lookup_host((bare, port)).await.map_err(OnvifError::NameNotFound)?;
    let mut last = OnvifError::Unreachable("it has no address".into());
    let mut connected = None;
    for to in found.take(4) {
        match TcpStream::connect(to).await {
            Ok(stream) => {
                connected = Some(stream);
                break;
            }
            Err(e) => last = OnvifError::from_io(&e),
        }
    }
    let Some(stream) = connected else { return Err(last) };
    let named = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut request = Request::post(target(url))
        .header(header::HOST, named)
        .header(header::USER_AGENT, concat!("Louver ", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, format!("application/soap+xml; charset=utf-8; action=\"{action}\""));
    if let Some(signed) = signed {
        request = request.header(header::AUTHORIZATION, signed);
    }
    // Only a host name that is none could fail here, and that was looked up.
    let request = request
        .body(Full::new(Bytes::copy_from_slice(message.as_bytes())))
        .map_err(|_| OnvifError::Unreachable("its name cannot be written in a request".into()))?;
    let shake = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = shake.await.map_err(|_| OnvifError::NotHttp)?;
    let mut exchange = pin!(async move {
        let answer = sender.send_request(request).await.map_err(|e| broken(&e))?;
        read(answer).await
    });
    let mut connection = pin!(connection);
    // The connection moves the bytes; it may end before the answer is read to its end.
    let mut open = true;
    loop {
        tokio::select! { biased;
            answer = &mut exchange => return answer,
            _ = &mut connection, if open => open = false,
        }
    }
}

async fn read(answer: hyper::Response<hyper::body::Incoming>) -> Result<Answer, OnvifError> {
    let status = answer.status();
    let challenges = answer.headers().get_all(header::WWW_AUTHENTICATE).iter();
    let challenges = challenges.take(4).filter_map(|v| v.to_str().ok()).map(str::to_owned).collect();
    if status.is_redirection() {
        return Err(OnvifError::Elsewhere);
    }
    // Into one buffer: a camera that sends byte by byte must not have each of them kept in a place of its own.
    let (mut body, mut parts) = (Vec::new(), answer.into_body());
    while let Some(part) = parts.frame().await {
        let part = part.map_err(|_| OnvifError::Unreadable(XmlError::CutOff))?;
        let Ok(data) = part.into_data() else { continue };
        if body.len() + data.len() > MESSAGE_MAX {
            return Err(OnvifError::Unreadable(XmlError::TooLong));
        }
        body.extend_from_slice(&data);
    }
    Ok(Answer { status, body, challenges })
}

fn broken(error: &hyper::Error) -> OnvifError {
    if error.is_parse() || error.is_parse_too_large() {
        return OnvifError::NotHttp;
    }
    OnvifError::Unreachable("it closed the connection without an answer".into())
}
