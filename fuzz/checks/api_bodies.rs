//! Any bytes as requests to the API of a running server: their addresses, queries and bodies reach the real handlers. No answer is a fault
//! of the server's, every refusal is a sentence, no secret comes out, and nothing behind a sign-in is answered without one.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HeaderValue;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use louver_base::WallTime;
use louver_opening::{HolderSets, RequestHash};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::site::{self, PASSWORD, Running, SECRETS, asking, holder};

/// Bytes of an answer at most: a recording's page, or the chain of the holder sets.
const ANSWER_MAX: usize = 1 << 20;
/// What was written by then makes another site necessary, so that none grows.
const WRITES_MAX: u32 = 64;

/// How a text becomes a body.
#[derive(Clone, Copy, PartialEq)]
enum Body {
    None,
    /// As it is.
    Json,
    /// In `document`, or under that name.
    In(&'static str),
    /// In `document`, signed as a statement.
    Statement,
    /// In `document`, with consents.
    Consents,
}

/// Everything that takes an address's part, a query or a body; `{}` is where a part goes. The letter begins an input.
const ROUTES: [(u8, Method, &str, Body); 27] = [
    (b'a', Method::POST, "/api/v1/session", Body::Json),
    (b'b', Method::POST, "/api/v1/session/link", Body::Json),
    (b'c', Method::PUT, "/api/v1/session/password", Body::Json),
    (b'd', Method::POST, "/api/v1/holders/challenge", Body::Json),
    (b'e', Method::POST, "/api/v1/holders/session", Body::Json),
    (b'f', Method::POST, "/api/v1/openings", Body::In("document")),
    (b'g', Method::POST, "/api/v1/openings/{}/statements", Body::Statement),
    (b'h', Method::POST, "/api/v1/holders/sets", Body::Consents),
    (b'i', Method::POST, "/api/v1/holders/proposals", Body::Consents),
    (b'j', Method::POST, "/api/v1/holds", Body::Consents),
    (b'k', Method::POST, "/api/v1/vault/first-holder", Body::Json),
    (b'l', Method::POST, "/api/v1/openings/{}/exports", Body::In("draft")),
    (b'm', Method::GET, "/api/v1/cameras/{}/timeline", Body::None),
    (b'n', Method::GET, "/api/v1/cameras/{}/archive", Body::None),
    (b'o', Method::GET, "/api/v1/cameras/gate/archive/{}", Body::None),
    (b'p', Method::GET, "/api/v1/cameras/{}/scene/archive", Body::None),
    (b'q', Method::GET, "/api/v1/cameras/gate/masked.mp4{}", Body::None),
    (b'r', Method::GET, "/api/v1/events{}", Body::None),
    (b's', Method::GET, "/api/v1/openings/{}", Body::None),
    (b't', Method::GET, "/api/v1/openings/{}/epochs", Body::None),
    (b'u', Method::GET, "/api/v1/openings/{}/release", Body::None),
    (b'v', Method::GET, "/api/v1/openings/{}/segments", Body::None),
    (b'w', Method::GET, "/api/v1/openings/{}/segments/gate.1/fragments/{}", Body::None),
    (b'x', Method::DELETE, "/api/v1/openings/{}", Body::None),
    (b'y', Method::GET, "/ledger/{}", Body::None),
    (b'z', Method::GET, "/{}", Body::None),
    (b'0', Method::GET, "/api/v1/cameras/{}", Body::None),
];

/// Which are open to all.
fn is_open(letter: u8) -> bool {
    matches!(letter, b'a' | b'b' | b'd' | b'e' | b'y' | b'z')
}

struct Api {
    runtime: Runtime,
    site: Option<Running>,
    sender: Option<SendRequest<Full<Bytes>>>,
    owner: String,
    holder: String,
    /// The request for originals that is there, and when they were recorded, ms.
    opening: String,
    recorded: i64,
    /// The hash of the holder set in force.
    before: String,
    writes: u32,
}

static API: Mutex<Option<Api>> = Mutex::new(None);

/// Ends the server, and takes its data away.
pub(crate) fn end() {
    *API.lock().expect("a panic ends the program") = None;
}

/// A letter for the address, one for whom (`-` nobody, `o` the owner, `h` a holder), one for the body (`j`: it is sent as it is). Then what
/// goes into the address, with the query; behind the first line end, the body. In all of it `{site}`, `{now}`, `{from}`, `{to}`,
/// `{later}`, `{opening}`, `{request}`, `{before}`, `{holder}` and `{public}` stand for what only a running server knows.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let Some(([letter, who, how], text)) = bytes.split_first_chunk::<3>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Some((_, method, path, body)) = ROUTES.iter().find(|route| route.0 == *letter) else { return };
    let mut api = API.lock().expect("a panic ends the program");
    if api.as_ref().is_none_or(|api| api.writes > WRITES_MAX) {
        *api = None;
        *api = Some(Api::new());
    }
    let api = api.as_mut().expect("it was just made");
    let text = api.filled(text);
    let (part, text) = text.split_once('\n').unwrap_or((&text, ""));
    let path = path.replacen("{}", part, 2);
    let Ok(uri) = path.parse::<Uri>() else { return };
    let body = api.body(if *how == b'j' { Body::Json } else { *body }, text);
    // Each costs a tenth of a second, and a right one ends all sessions.
    if *letter == b'c' && *who != b'-' && body.windows(10).any(|w| w == b"\"password\"") {
        return;
    }
    api.asks(*letter, *who, method, &uri, &body);
}

impl Api {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (site, owner, holder, opening, recorded, before) = runtime.block_on(async {
            let site = site::start().await;
            let owner = site.sign_in().await;
            let recorded = asking::sealed(&site).await;
            let asked = asking::ask_for(&site, recorded, recorded + 4000);
            assert_eq!(asked.post(&site, &owner).await.status, 201);
            let holder = site.sign_in_as_holder(1).await;
            let files = site.store.holder_sets().await.expect("they were written");
            let sets =
                HolderSets::read(&files, &site.store.site_id().to_string()).expect("as they were written");
            let before = sets.latest().map(|set| set.hash().to_string()).unwrap_or_default();
            (site, owner, holder, asked.text, recorded, before)
        });
        Self { runtime, site: Some(site), sender: None, owner, holder, opening, recorded, before, writes: 0 }
    }

    fn site(&self) -> &Running {
        self.site.as_ref().expect("it runs until it is dropped")
    }

    fn filled(&self, text: &str) -> String {
        if !text.contains('{') {
            return text.to_owned();
        }
        let now = WallTime::now().millis();
        let request = RequestHash::of(&self.opening);
        text.replace("{site}", &self.site().store.site_id().to_string())
            .replace("{now}", &now.to_string())
            .replace("{later}", &(now + 3_600_000).to_string())
            .replace("{from}", &self.recorded.to_string())
            .replace("{to}", &(self.recorded + 4000).to_string())
            .replace("{opening}", &request.id())
            .replace("{request}", &request.to_string())
            .replace("{before}", &self.before)
            .replace("{holder}", &holder(1).id().to_string())
            .replace("{public}", &holder(4).public().to_string())
    }

    fn body(&self, body: Body, text: &str) -> Vec<u8> {
        let signed = |n: u8| {
            let signature = holder(n).consent(text.as_bytes()).map(|s| BASE64.encode(s)).unwrap_or_default();
            json!({ "holder": holder(n).id().to_string(), "signature": signature })
        };
        let with = |name: &str, mut body: Value| {
            body[name] = text.into();
            body.to_string().into_bytes()
        };
        match body {
            Body::None => Vec::new(),
            Body::Json => text.as_bytes().to_vec(),
            Body::In(name) => with(name, json!({})),
            Body::Statement => with("document", signed(1)),
            Body::Consents => with("document", json!({ "consents": [signed(1), signed(2)] })),
        }
    }

    fn asks(&mut self, letter: u8, who: u8, method: &Method, uri: &Uri, body: &[u8]) {
        let cookie = match who {
            b'o' => self.owner.clone(),
            b'h' => self.holder.clone(),
            _ => String::new(),
        };
        let address = self.site().address.to_string();
        let Self { runtime, sender, .. } = self;
        let (status, headers, answer) = runtime.block_on(async {
            // Fails where the last answer was not read to its end.
            if sender.as_mut().is_none_or(|s| s.is_closed())
                || sender.as_mut().expect("there").ready().await.is_err()
            {
                let stream = TcpStream::connect(&address).await.expect("the server listens");
                let (new, connection) = handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
                tokio::spawn(connection);
                *sender = Some(new);
            }
            let mut request = Request::builder()
                .method(method)
                .uri(uri)
                .header("host", &address)
                .header("content-type", "application/json");
            if !cookie.is_empty() {
                request = request.header("cookie", HeaderValue::from_str(&cookie).expect("it was one"));
            }
            let request = request.body(Full::new(Bytes::copy_from_slice(body))).expect("a request");
            let sent = sender.as_mut().expect("there").send_request(request).await.expect("an answer");
            let (parts, body) = sent.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await;
            (parts.status.as_u16(), parts.headers, body.expect("an answer of bounded length").to_bytes())
        });
        let said = String::from_utf8_lossy(&answer);
        assert!(
            headers.contains_key("content-security-policy") && headers.contains_key("x-content-type-options")
        );
        for secret in SECRETS.iter().chain([&PASSWORD]) {
            assert!(
                !said.contains(secret) || body.windows(secret.len()).any(|w| w == secret.as_bytes()),
                "{said}"
            );
        }
        if who != b'o' && who != b'h' && !is_open(letter) {
            // There may be no such address.
            assert!(matches!(status, 401 | 404 | 405), "{method} {uri}: {status} {said}");
        }
        if status >= 400 {
            if matches!(letter, b'y' | b'z') {
                // Files and the page, which may not have been built.
                return assert!(status < 500 || (letter == b'z' && status == 503), "{uri}: {status} {said}");
            }
            assert!(status < 500, "{method} {uri}: {status} {said}");
            let error: Value = serde_json::from_slice(&answer).unwrap_or_else(|e| panic!("{e}: {said}"));
            let text = error["error"]["message"].as_str().unwrap_or_default();
            assert!(error["error"]["code"].is_string() && text.len() > 10 && text.ends_with('.'), "{said}");
            assert!(text.len() < 1000 + uri.to_string().len(), "{said}");
            // A body may hold a password, whole or in pieces.
            if matches!(letter, b'a'..=b'e') {
                let pieces = body.split(|b| !b.is_ascii_alphanumeric()).filter(|p| p.len() >= 12);
                for piece in pieces {
                    assert!(!answer.windows(piece.len()).any(|w| w == piece), "{said}");
                }
            }
        } else if *method != Method::GET {
            self.writes += 1;
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(site) = self.site.take() {
            self.runtime.block_on(async {
                site.stop.cancel();
                let _ = site.task.await;
            });
        }
    }
}
