//! How long it takes to open an hour with 5 of 9 holders, from posting the last approval: `bench/open.sh`.
//!
//! A real server over a real store: one camera's hour at 4 Mbit/s in twelve segments, sealed for nine. What is timed is what the program of
//! the one who asked does over HTTP, on one connection: post the fifth approval, fetch the release, decrypt secrets and shares, join,
//! fetch and decrypt fragments. Beside it the bare primitives over the same bytes. Prints a JSON line a round. Argument: a folder on the disk
//! to be measured; 1.8 GB are written there and removed.

use std::hint::black_box;
use std::io::{Cursor, Read as _, Write as _};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use louver_base::{CameraId, MediaTime, WallTime};
use louver_ledger::{Ledger, Options};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_node::Analysis;
use louver_opening::{HolderSets, Named, RequestHash};
use louver_server::{Server, Site};
use louver_store::{Store, StoreOptions, sealed_segments};
use louver_vault::{Epoch, HolderSet, Hour, HourSecret, OpeningKeys, SegmentHead, SegmentReader, Share};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

#[path = "../tests/site/mod.rs"]
#[allow(clippy::unwrap_used, reason = "it is the tests'")]
mod site;

type Failed = Box<dyn std::error::Error + Send + Sync>;

const HOLDERS: u8 = 9;
const NEEDED: u8 = 5;
const ROUNDS: usize = 3;
const SEGMENTS: i64 = 12;
/// Groups of two seconds in a segment of five minutes.
const GROUPS: i64 = 150;
const GROUP_MS: i64 = 2000;
/// Fragments of about 1 MB asked for at once: below 64 MiB.
const AT_ONCE: usize = 50;

/// A browser of few words, on one connection.
struct Browser {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    cookie: String,
}

impl Browser {
    async fn open(address: std::net::SocketAddr) -> Result<Self, Failed> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string(), cookie: String::new() })
    }

    async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<Bytes, Failed> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        let body = body.map(|body| Bytes::from(body.to_string()));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(Full::new(body.unwrap_or_default()))?).await?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        if !parts.status.is_success() {
            return Err(format!("{path}: {} {}", parts.status, String::from_utf8_lossy(&body)).into());
        }
        if let Some(set) = parts.headers.get("set-cookie") {
            self.cookie = set.to_str()?.split(';').next().unwrap_or_default().to_owned();
        }
        Ok(body)
    }

    async fn json(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failed> {
        Ok(serde_json::from_slice(&self.ask(method, path, body).await?)?)
    }
}

fn camera() -> Result<CameraId, Failed> {
    Ok("gate".parse()?)
}

/// An hour that is over, sealed as a recorder does.
async fn seal(store: &Store, hour: Hour) -> Result<(), Failed> {
    let holders = HolderSet::new(NEEDED.into(), (1..=HOLDERS).map(|n| site::holder(n).public()).collect())?;
    let secret = store.hour_secret(&camera()?, hour).await?;
    let mut epoch = Epoch::begin(store.site_id(), &camera()?, hour, &holders, &secret)?;
    let config =
        [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 1, 0, 4, 0x68, 0xce, 0x3c, 0x80];
    let size = PictureSize::new(1920, 1080).ok_or("within 8192")?;
    let params = VideoParams { codec: Codec::H264, size, config: Bytes::copy_from_slice(&config) };
    for segment in 0..SEGMENTS {
        let at = |n: i64| WallTime::from_millis(hour.start().millis() + (segment * GROUPS + n) * GROUP_MS);
        let (mut sealer, header) = epoch.segment(at(0), &params)?;
        let mut writer = store.sealed_writer(&camera()?);
        writer.begin(header, at(0)).await?;
        for n in 0..GROUPS {
            let packet = |p: i64| Packet {
                media: MediaTime::from_ticks((n * 50 + p) * 3600),
                wall: WallTime::from_millis(at(n).millis() + p * 40),
                key: p == 0,
                data: Bytes::from(vec![p as u8; if p == 0 { 210_000 } else { 16_100 }]),
            };
            writer.append(sealer.seal(&Gop::silent((0..50).map(packet).collect()))?).await?;
        }
        writer.finish(sealer.finish()?.end).await?;
    }
    Ok(())
}

/// A request, and the approvals that holders have ready.
struct Asked {
    identity: age::x25519::Identity,
    path: String,
    approvals: Vec<Value>,
    head: SegmentHead,
}

async fn ask(browser: &mut Browser, store: &Store, hour: Hour) -> Result<Asked, Failed> {
    let identity = age::x25519::Identity::generate();
    let (from, to, now) =
        (hour.start().millis(), hour.start().millis() + 3_600_000, WallTime::now().millis());
    let salt = hex(&rand::random::<[u8; 32]>());
    let text = json!({
        "what": "louver opening request", "v": 1, "site": store.site_id().to_string(), "at": now,
        "expires": now + 72 * 3_600_000, "cameras": ["gate"], "from": from, "to": to, "reason": "test",
        "text": "how long it takes", "salt": salt, "recipient": identity.to_public().to_string(), "hours": 24
    })
    .to_string();
    browser.ask(Method::POST, "/api/v1/openings", Some(json!({ "document": text }))).await?;
    let first = &sealed_segments(store.dir(), &camera()?, WallTime::from_micros(0), WallTime::now())?[0].path;
    let head = SegmentHead::read(&mut std::fs::File::open(first)?)?;
    let approve = |n: u8| -> Result<Value, Failed> {
        let holder = site::holder(n);
        let share = head.share_of(&holder)?.to_bytes();
        let recipient = identity.to_public();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))?;
        let mut shares = Vec::new();
        let mut writer = encryptor.wrap_output(&mut shares)?;
        writer.write_all(&(share.len() as u16).to_be_bytes())?;
        writer.write_all(&share)?;
        writer.finish()?;
        let document = json!({
            "what": "louver opening approval", "v": 1, "request": RequestHash::of(&text).to_string(),
            "holder": holder.id().to_string(), "at": WallTime::now().millis(), "cameras": ["gate"], "from": from, "to": to,
            "shares": louver_ledger::leaf::Digest::of(&shares).to_string()
        })
        .to_string();
        Ok(json!({
            "signature": BASE64.encode(holder.consent(document.as_bytes())?), "document": document,
            "holder": holder.id().to_string(), "shares": BASE64.encode(&shares)
        }))
    };
    let approvals = (1..=NEEDED).map(approve).collect::<Result<_, _>>()?;
    let path = format!("/api/v1/openings/{}", RequestHash::of(&text).id());
    Ok(Asked { identity, path, approvals, head })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn decrypt(identity: &age::x25519::Identity, file: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut out = Vec::new();
    let identity: &dyn age::Identity = identity;
    age::Decryptor::new_buffered(file)?.decrypt(std::iter::once(identity))?.read_to_end(&mut out)?;
    Ok(out)
}

fn field<'a>(value: &'a Value, name: &str) -> Result<&'a str, Failed> {
    value[name].as_str().ok_or_else(|| format!("{name} is missing").into())
}

/// Secrets and shares of a release, decrypted; the age files too.
fn keys(release: &Value, asked: &Asked) -> Result<(OpeningKeys, Vec<Vec<u8>>), Failed> {
    let mut keys = OpeningKeys::new();
    let mut files = vec![BASE64.decode(field(release, "secrets")?)?];
    let secrets = decrypt(&asked.identity, &files[0])?;
    let rest = &secrets[1 + usize::from(secrets[0])..];
    let (hour, secret) = rest.split_first_chunk::<8>().ok_or("an hour")?;
    let hour = Hour::from_number(i64::from_be_bytes(*hour));
    keys.add_hour_secret(camera()?, hour, HourSecret::from_bytes(secret.first_chunk().ok_or("a secret")?));
    for approval in release["approvals"].as_array().ok_or("approvals")? {
        let file = BASE64.decode(field(approval, "shares")?)?;
        keys.add_share(Share::parse(&decrypt(&asked.identity, &file)?[2..])?);
        files.push(file);
    }
    Ok((keys, files))
}

/// What a round took, from posting the last approval.
struct Took {
    first: Duration,
    whole: Duration,
    bytes: u64,
    files: Vec<Vec<u8>>,
    keys: OpeningKeys,
}

async fn round(browser: &mut Browser, asked: &mut Asked) -> Result<Took, Failed> {
    let statements = format!("{}/statements", asked.path);
    let last = asked.approvals.pop().ok_or("five approvals")?;
    for approval in asked.approvals.drain(..) {
        browser.ask(Method::POST, &statements, Some(approval)).await?;
    }
    let began = Instant::now();
    let state = browser.json(Method::POST, &statements, Some(last)).await?;
    if state["state"] != "released" {
        return Err(format!("not released: {state}").into());
    }
    let release = browser.json(Method::GET, &format!("{}/release", asked.path), None).await?;
    let (keys, files) = keys(&release, asked)?;
    let segments = browser.json(Method::GET, &format!("{}/segments", asked.path), None).await?;
    let (mut first, mut bytes) = (None, 0);
    for segment in segments.as_array().ok_or("segments")? {
        let header = BASE64.decode(field(segment, "header")?)?;
        let count = segment["fragments"].as_array().ok_or("fragments")?.len();
        let place = format!("{}/segments/{}/fragments", asked.path, field(segment, "id")?);
        let mut file = header;
        let (mut have, mut opened) = (0, 0);
        while have < count {
            // The first picture first; then as many at once as an answer holds.
            let to = if first.is_none() { 1 } else { (have + AT_ONCE).min(count) };
            file.extend_from_slice(
                &browser.ask(Method::GET, &format!("{place}/{have}-{}", to - 1), None).await?,
            );
            have = to;
            let mut reader = SegmentReader::open(Cursor::new(&file), &keys)?;
            for n in opened..have {
                let (_, gop) = reader.fragment(n as u32)?;
                bytes += gop.bytes() as u64;
                black_box(gop);
            }
            opened = have;
            first.get_or_insert_with(|| began.elapsed());
        }
    }
    Ok(Took { first: first.ok_or("nothing was released")?, whole: began.elapsed(), bytes, files, keys })
}

/// The same without Louver: opening five age files and one, joining five shares, AES-256-GCM and SHA-256 over the hour's bytes.
fn bare(asked: &Asked, took: &Took) -> Result<[Duration; 4], Failed> {
    let began = Instant::now();
    for file in &took.files {
        black_box(decrypt(&asked.identity, file)?);
    }
    let age = began.elapsed();
    let shares: Vec<Vec<u8>> = (1..=NEEDED).map(|x| [&[x][..], &[x.wrapping_mul(37); 32]].concat()).collect();
    let began = Instant::now();
    black_box(vsss_rs::Gf256::combine_bytes(&shares).map_err(|e| format!("joining: {e:?}"))?);
    let join = began.elapsed();
    took.keys.opens(&asked.head)?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).map_err(|_| "32 bytes are a key")?);
    let nonce = || Nonce::assume_unique_for_key([0; 12]);
    let mut sealed = vec![0; 1_000_000];
    key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).map_err(|_| "sealing 1 MB")?;
    let (times, mut buffer) = (took.bytes / 1_000_000, sealed.clone());
    let mut aes = Duration::ZERO;
    for _ in 0..times {
        buffer.copy_from_slice(&sealed);
        let began = Instant::now();
        black_box(key.open_in_place(nonce(), Aad::empty(), &mut buffer).map_err(|_| "opening 1 MB")?);
        aes += began.elapsed();
    }
    let began = Instant::now();
    for _ in 0..times {
        black_box(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &sealed));
    }
    Ok([age, join, aes, began.elapsed()])
}

async fn measure(folder: &std::path::Path) -> Result<(), Failed> {
    let (store, _) = Store::open(&folder.join("data"), StoreOptions::default()).await?;
    let ledger = Ledger::open(&folder.join("data/ledger"), store.site_id().as_bytes(), Options::default())?;
    let hour = Hour::from_number(Hour::of(WallTime::now()).number() - 1);
    seal(&store, hour).await?;
    let (gate, _still) = site::camera("gate", Analysis::On);
    let about = Site { name: "Bench".to_owned(), ledger: Some(ledger.clone()), ..Site::default() };
    let server = Server::bind("127.0.0.1:0".parse()?, store.clone(), vec![gate], about).await?;
    let mut sets = HolderSets::read(&[], &store.site_id().to_string())?;
    let named = |n| Named { name: format!("Holder {n}"), public: site::holder(n).public() };
    let file = sets.first(NEEDED, (1..=HOLDERS).map(named).collect(), vec![], WallTime::now());
    store.write_holder_set(1, file.clone()).await?;
    sets.take(&file)?;
    server.open_vault(sets, louver_server::HoldersNow::new(None)).await?;
    let link = server.first_sign_in_link().await?.ok_or("no password is set yet")?;
    let token = link.split_once("#token=").ok_or("a token")?.1.to_owned();
    let (address, stop) = (server.address(), CancellationToken::new());
    let task = tokio::spawn(server.run(stop.clone()));
    let mut browser = Browser::open(address).await?;
    browser.ask(Method::POST, "/api/v1/session/link", Some(json!({ "token": token }))).await?;
    let password = json!({ "password": site::PASSWORD });
    browser.ask(Method::PUT, "/api/v1/session/password", Some(password)).await?;
    for _ in 0..ROUNDS {
        let mut asked = ask(&mut browser, &store, hour).await?;
        let took = round(&mut browser, &mut asked).await?;
        let [age, join, aes, sha] = bare(&asked, &took)?;
        let ms = |d: Duration| (d.as_secs_f64() * 1e5).round() / 100.0;
        println!(
            "{}",
            json!({
                "first_picture_ms": ms(took.first), "whole_hour_ms": ms(took.whole), "bytes": took.bytes,
                "bare_age_6_files_ms": ms(age), "bare_join_ms": ms(join), "bare_aes_ms": ms(aes), "bare_sha256_ms": ms(sha)
            })
        );
    }
    drop(browser);
    stop.cancel();
    task.await?;
    store.close().await?;
    ledger.close();
    Ok(())
}

fn main() -> Result<(), Failed> {
    let folder = std::env::args().nth(1).ok_or("a folder for the hour is missing")?;
    let folder = tempfile::tempdir_in(folder)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(folder.path()))
}
