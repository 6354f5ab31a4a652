//! A real server on a free port over a real store in a temporary folder, and a browser of few words.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod asking;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use louver_base::{Class, MediaSpan, MediaTime, Pii, WallTime};
use louver_ledger::{Ledger, Options};
use louver_media::{Codec, Packet, Picture, PictureSize, VideoParams, fmp4};
use louver_node::{Analysis, CameraHandle, CameraSettings, DEFAULT_RETENTION_HOURS, LatestStill};
use louver_opening::{HolderSets, Named};
use louver_scene::{Masked, PictureEncoder, Scene, Show, Zone, ZoneKind};
use louver_server::{Server, Site};
use louver_store::{Store, StoreOptions};
use louver_vault::{HolderSet, Identity};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// Stand in the settings and must never come out.
pub(crate) const SECRETS: [&str; 4] = ["s3cret-pass", "cam-admin", "10.99.88.77", "$argon2"];
pub(crate) const PASSWORD: &str = "a long enough one";

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) ledger: Ledger,
    pub(crate) gate: CameraHandle,
    pub(crate) still: watch::Sender<LatestStill>,
    pub(crate) link: String,
    /// Whom a recorder would seal for.
    pub(crate) holders: watch::Receiver<Option<HolderSet>>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
    _dir: TempDir,
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// `name=value` of the cookie that it sets.
    pub(crate) fn cookie(&self) -> String {
        let set = self.headers.get("set-cookie").expect("a cookie").to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }
}

pub(crate) fn camera(id: &str, analysis: Analysis) -> (CameraHandle, watch::Sender<LatestStill>) {
    CameraHandle::new(&CameraSettings {
        id: id.parse().unwrap(),
        name: format!("The {id}"),
        onvif: None,
        main: "rtsp://cam-admin:s3cret-pass@10.99.88.77/main?user=cam-admin".parse().unwrap(),
        sub: Some("rtsp://cam-admin:s3cret-pass@10.99.88.77/sub".parse().unwrap()),
        connection: louver_node::Connection::default(),
        purpose: "deliveries".to_owned(),
        owner: Pii::new("Ada".to_owned()),
        contact: Pii::new("ada@example.org".to_owned()),
        retention_hours: DEFAULT_RETENTION_HOURS,
        retention_reason: None,
        analysis,
        gate: louver_node::GateMode::Auto,
        show: Show::NOTHING.and(Class::Vehicle).unwrap(),
        zones: vec![
            Zone::new(
                "Neighbour",
                ZoneKind::Exclude,
                vec![[0.0, 0.0], [20.0, 0.0], [20.0, 37.5], [0.0, 37.5]],
            )
            .unwrap(),
        ],
    })
}

/// Who can open anything at the beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    By2Of3,
    ByNobody,
}

pub(crate) async fn start() -> Running {
    start_held(Held::By2Of3).await
}

pub(crate) async fn start_held(held: Held) -> Running {
    start_with(held, None).await
}

pub(crate) async fn start_with(held: Held, metrics_token: Option<secrecy::SecretString>) -> Running {
    let dir = TempDir::new().unwrap();
    let options = StoreOptions { flush_every: Duration::from_millis(50), ..StoreOptions::default() };
    let (store, _) = Store::open(dir.path(), options).await.unwrap();
    let (gate, still) = camera("gate", Analysis::On);
    let (vault, _) = camera("vault", Analysis::Off);
    let ledger =
        Ledger::open(&dir.path().join("ledger"), store.site_id().as_bytes(), Options::default()).unwrap();
    let site = Site {
        name: "Mill Lane 3".to_owned(),
        notices: vec!["No detector is loaded.".to_owned()],
        ledger: Some(ledger.clone()),
        metrics_token,
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::bind(listen, store.clone(), vec![gate.clone(), vault], site).await.unwrap();
    let mut sets = HolderSets::read(&[], &store.site_id().to_string()).unwrap();
    if held == Held::By2Of3 {
        let file = sets.first(2, vec![named(1), named(2), named(3)], vec![named(9)], WallTime::now());
        store.write_holder_set(1, file.clone()).await.unwrap();
        sets.take(&file).unwrap();
    }
    let (now, holders) = watch::channel(sets.latest().map(|set| set.set().clone()));
    server.open_vault(sets, now).await.unwrap();
    let link = server.first_sign_in_link().await.unwrap().expect("no password is set yet");
    let (address, stop) = (server.address(), CancellationToken::new());
    let task = tokio::spawn(server.run(stop.clone()));
    Running { address, store, ledger, gate, still, link, holders, stop, task, _dir: dir }
}

/// A holder of 32 equal bytes.
pub(crate) fn holder(n: u8) -> Identity {
    Identity::from_recovery_secret(Zeroizing::new([n; 32])).unwrap()
}

pub(crate) fn named(n: u8) -> Named {
    Named { name: format!("Holder {n}"), public: holder(n).public() }
}

impl Running {
    /// The secret of the first sign-in link.
    pub(crate) fn link_token(&self) -> &str {
        self.link.split_once("#token=").expect("a token").1
    }

    /// Link, password, cookie.
    pub(crate) async fn sign_in(&self) -> String {
        let by_link = self.post("/api/v1/session/link", "", json!({ "token": self.link_token() })).await;
        assert_eq!(by_link.status, 200, "{by_link:?}");
        let set = self.put_password(&by_link.cookie(), json!({ "password": PASSWORD })).await;
        assert_eq!(set.status, 200, "{set:?}");
        set.cookie()
    }

    /// What holder `n` answers to a challenge.
    pub(crate) async fn holder_answer(&self, n: u8) -> Value {
        let asked = self.post("/api/v1/holders/challenge", "", json!({})).await.json();
        let challenge = BASE64.decode(asked["challenge"].as_str().unwrap()).unwrap().try_into().unwrap();
        assert_eq!(asked["site"], self.store.site_id().to_string());
        let signature = holder(n).sign_in(self.store.site_id(), &challenge).unwrap();
        json!({
            "public": holder(n).public().to_string(), "challenge": asked["challenge"],
            "signature": BASE64.encode(signature)
        })
    }

    /// Challenge, signature, cookie.
    pub(crate) async fn sign_in_as_holder(&self, n: u8) -> String {
        let answer = self.post("/api/v1/holders/session", "", self.holder_answer(n).await).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.cookie()
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.ask(Method::GET, path, &[("cookie", cookie)], Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, cookie: &str, body: Value) -> Answer {
        let headers = [("cookie", cookie), ("content-type", "application/json")];
        self.ask(Method::POST, path, &headers, body.to_string().into()).await
    }

    pub(crate) async fn put_password(&self, cookie: &str, body: Value) -> Answer {
        let headers = [("cookie", cookie), ("content-type", "application/json")];
        self.ask(Method::PUT, "/api/v1/session/password", &headers, body.to_string().into()).await
    }

    /// One request over a connection of its own, within ten seconds.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        let talk = async {
            let stream = TcpStream::connect(self.address).await.unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            let connection = tokio::spawn(connection);
            let mut request =
                Request::builder().method(method).uri(path).header("host", self.address.to_string());
            for (name, value) in headers.iter().filter(|(_, v)| !v.is_empty()) {
                request = request.header(*name, HeaderValue::from_str(value).unwrap());
            }
            let response = sender.send_request(request.body(Full::new(body)).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            drop(sender);
            let _ = connection.await;
            Answer { status: parts.status, headers: parts.headers, body }
        };
        tokio::time::timeout(Duration::from_secs(10), talk).await.expect("an answer within ten seconds")
    }
}

/// Makes given bytes masked by the one way there is: as the coded form of a masked picture.
struct Given(Bytes);

impl PictureEncoder for Given {
    type Output = Bytes;
    type Error = std::convert::Infallible;
    fn encode(&mut self, _: &Picture, _: MediaTime, _: bool) -> Result<Bytes, Self::Error> {
        Ok(self.0.clone())
    }
}

pub(crate) fn masked(bytes: impl Into<Bytes>) -> Masked<Bytes> {
    let picture = Scene::nothing(PictureSize::new(16, 16).unwrap());
    match picture.encode(&mut Given(bytes.into()), MediaTime::ZERO, true) {
        Ok(masked) => masked,
        Err(never) => match never {},
    }
}

/// `ftyp` and `moov` of a small stream of profile 42c01e.
pub(crate) fn init() -> Masked<Bytes> {
    let config =
        [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 1, 0, 4, 0x68, 0xce, 0x3c, 0x80];
    let size = PictureSize::new(640, 360).unwrap();
    let params = VideoParams { codec: Codec::H264, size, config: Bytes::copy_from_slice(&config) };
    masked(fmp4::init_segment(&params).unwrap())
}

/// One key picture whose stream clock says `media_ms`.
pub(crate) fn fragment(media_ms: i64) -> Masked<Bytes> {
    let media = MediaTime::ZERO + MediaSpan::from_millis(media_ms);
    let data = Bytes::from_static(&[0, 0, 0, 2, 0x65, 0x88]);
    let packet = Packet { media, wall: WallTime::from_millis(0), key: true, data };
    masked(fmp4::fragment(1, MediaTime::ZERO, &[packet], MediaSpan::from_millis(1000)))
}
