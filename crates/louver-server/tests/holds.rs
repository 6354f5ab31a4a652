//! docs/keys.md, "Legal hold", over HTTP with real sealed files, a real key ring and a real ledger: retention leaves what k holders hold.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hyper::Method;
use louver_base::{CameraId, MediaTime, WallSpan, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_opening::RequestHash;
use louver_store::DiskWatermark;
use louver_vault::{Epoch, HolderSet, Hour};
use serde_json::{Value, json};
use site::{Answer, Running, holder};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn camera() -> CameraId {
    "gate".parse().unwrap()
}

/// One picture, sealed so many hours ago for 2 of holders 1 to 3; gives when it arrived, ms.
async fn sealed(site: &Running, hours_ago: i64) -> i64 {
    let hour = Hour::of(WallTime::from_millis(WallTime::now().millis() - hours_ago * HOUR_MS));
    let start = WallTime::from_millis(hour.start().millis() + 60_000);
    let holders = HolderSet::new(2, [1, 2, 3].map(|n| holder(n).public()).into()).unwrap();
    let secret = site.store.hour_secret(&camera(), hour).await.unwrap();
    let mut epoch = Epoch::begin(site.store.site_id(), &camera(), hour, &holders, &secret).unwrap();
    let size = PictureSize::new(640, 360).unwrap();
    let config =
        [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 1, 0, 4, 0x68, 0xce, 0x3c, 0x80];
    let params = VideoParams { codec: Codec::H264, size, config: Bytes::copy_from_slice(&config) };
    let (mut sealer, header) = epoch.segment(start, &params).unwrap();
    let mut writer = site.store.sealed_writer(&camera());
    writer.begin(header, start).await.unwrap();
    let packet = Packet { media: MediaTime::ZERO, wall: start, key: true, data: Bytes::from(vec![7; 64]) };
    writer.append(sealer.seal(&Gop::silent(vec![packet])).unwrap()).await.unwrap();
    writer.finish(sealer.finish().unwrap().end).await.unwrap();
    start.millis()
}

/// Originals that are left when so many days have passed, and retention takes what is older than 72 hours.
async fn left_after(site: &Running, days: i64) -> usize {
    let now = WallTime::now() + WallSpan::from_hours(u32::try_from(days * 24).unwrap());
    let nothing = DiskWatermark::Percent(0);
    site.store.retention_pass(now, &[(camera(), 72)], nothing).await.unwrap();
    let (first, last) = (WallTime::from_micros(0), now);
    louver_store::sealed_segments(site.store.dir(), &camera(), first, last).unwrap().len()
}

fn held(site: &Running, at: i64) -> Option<WallTime> {
    site.store.key_ring().unwrap().held_until(&camera(), Hour::of(WallTime::from_millis(at)))
}

fn hold(site: &Running, at: i64, days: i64) -> String {
    let now = WallTime::now().millis();
    json!({
        "what": "louver hold", "v": 1, "site": site.store.site_id().to_string(), "at": now, "cameras": ["gate"],
        "from": at, "to": at + 1000, "reason": "the police asked for it", "until": now + days * DAY_MS,
        "salt": "22".repeat(32)
    })
    .to_string()
}

async fn post(site: &Running, cookie: &str, document: &str, by: &[u8]) -> Answer {
    let consent = |n: &u8| {
        let signature = holder(*n).consent(document.as_bytes()).unwrap();
        json!({ "holder": holder(*n).id().to_string(), "signature": BASE64.encode(signature) })
    };
    let consents: Vec<Value> = by.iter().map(consent).collect();
    site.post("/api/v1/holds", cookie, json!({ "document": document, "consents": consents })).await
}

async fn ask(site: &Running, cookie: &str, at: i64) -> String {
    let now = WallTime::now().millis();
    let text = json!({
        "what": "louver opening request", "v": 1, "site": site.store.site_id().to_string(), "at": now,
        "expires": now + DAY_MS, "cameras": ["gate"], "from": at, "to": at + 1000, "reason": "theft",
        "text": "the red bicycle at the gate", "salt": "11".repeat(32),
        "recipient": age::x25519::Identity::generate().to_public().to_string(), "hours": 24
    })
    .to_string();
    let asked = site.post("/api/v1/openings", cookie, json!({ "document": text })).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    RequestHash::of(&text).id()
}

#[tokio::test]
async fn what_k_holders_hold_outlives_retention_and_goes_when_its_date_has_come() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let (kept, gone) = (sealed(&site, 5).await, sealed(&site, 9).await);
    let document = hold(&site, kept, 30);
    let too_few = post(&site, &cookie, &document, &[1, 9]).await;
    assert_eq!((too_few.status.as_u16(), too_few.code().as_str()), (400, "opening_refused"));
    assert!(too_few.json().to_string().contains("1 of the 2 holders needed agreed"), "{too_few:?}");
    assert_eq!(site.ledger.status().size, 0, "what is not taken stands nowhere");
    let taken = post(&site, &cookie, &document, &[1, 3]).await;
    assert_eq!((taken.status.as_u16(), &taken.json()["hours"]), (201, &json!(1)), "{taken:?}");
    assert_eq!(taken.json()["by"].as_array().unwrap().len(), 2);
    assert_eq!(site.ledger.status().size, 1);
    assert_eq!(site.get("/api/v1/holds", &cookie).await.json().as_array().unwrap().len(), 1);
    assert_eq!(site.get("/api/v1/holds", "").await.status, 401);

    assert_eq!(left_after(&site, 10).await, 1, "what nobody holds has gone");
    assert!(held(&site, gone).is_none() && held(&site, kept).is_some());
    assert_eq!(left_after(&site, 29).await, 1);
    assert_eq!(left_after(&site, 31).await, 0, "its date has come");
    let nothing = post(&site, &cookie, &hold(&site, gone, 40), &[1, 3]).await;
    assert!(nothing.json().to_string().contains("Nothing is recorded"), "{nothing:?}");
}

#[tokio::test]
async fn a_request_and_a_hold_on_the_same_hour_do_not_end_each_other() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let at = sealed(&site, 5).await;
    let document = hold(&site, at, 30);
    post(&site, &cookie, &document, &[1, 2]).await;
    let until = held(&site, at).unwrap();
    let withdraw = async |id: &str| {
        let headers = [("cookie", cookie.as_str())];
        let closed =
            site.ask(Method::DELETE, &format!("/api/v1/openings/{id}"), &headers, Bytes::new()).await;
        assert_eq!(closed.json()["state"], "withdrawn");
    };
    let one = ask(&site, &cookie, at).await;
    assert_eq!(held(&site, at), Some(until), "the hold is longer");
    withdraw(&one).await;
    assert_eq!(held(&site, at), Some(until), "and stays when the request ends");
    let two = ask(&site, &cookie, at).await;
    let end = json!({
        "what": "louver hold end", "v": 1, "site": site.store.site_id().to_string(), "at": WallTime::now().millis(),
        "hold": RequestHash::of(&document).to_string(), "reason": "the case is closed", "salt": "33".repeat(32)
    })
    .to_string();
    let ended = post(&site, &cookie, &end, &[2, 3]).await;
    assert!(ended.status == 201 && ended.json()["over_ms"].is_i64(), "{ended:?}");
    assert!(
        held(&site, at).is_some_and(|now| now < until),
        "the request still needs it, and no longer than it does"
    );
    withdraw(&two).await;
    assert_eq!(held(&site, at), None);
    assert_eq!(post(&site, &cookie, &document, &[1, 2]).await.code(), "opening_refused", "it has ended");
}
