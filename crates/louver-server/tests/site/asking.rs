//! Asking for originals, and agreeing to it, as the programs of requesters and holders do.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use louver_base::{CameraId, MediaTime, WallTime};
use louver_ledger::Leaf;
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_opening::RequestHash;
use louver_vault::{Epoch, Hour, HourSecret, OpeningKeys, Share};
use serde_json::{Value, json};

use super::{Answer, Running, holder};

pub(crate) const GROUP_MS: i64 = 2000;

pub(crate) fn camera() -> CameraId {
    "gate".parse().unwrap()
}

/// Ten groups of one picture each, two seconds apart, sealed for 2 of holders 1 to 3; gives when the first arrived, ms.
pub(crate) async fn sealed(site: &Running) -> i64 {
    sealed_in_parts(site, 1).await
}

/// The same where groups are written in so many parts each.
pub(crate) async fn sealed_in_parts(site: &Running, parts: i64) -> i64 {
    // Within one hour, and in the past.
    let end = WallTime::now().millis() - 60_000;
    let hour = Hour::of(WallTime::from_millis(end - 10 * GROUP_MS));
    let start = (end - 10 * GROUP_MS).min((hour.number() + 1) * 3_600_000 - 11 * GROUP_MS);
    seal_in_parts(site, start, (10, parts), 2, &[1, 2, 3]).await;
    start
}

/// A segment of its own epoch, sealed for `needed` of these holders.
pub(crate) async fn seal(site: &Running, start: i64, groups: i64, needed: usize, holders: &[u8]) {
    seal_in_parts(site, start, (groups, 1), needed, holders).await;
}

/// So many fragments, of which every so many begin with a key frame.
async fn seal_in_parts(
    site: &Running,
    start: i64,
    (fragments, parts): (i64, i64),
    needed: usize,
    holders: &[u8],
) {
    let hour = Hour::of(WallTime::from_millis(start));
    let holders = holders.iter().map(|n| holder(*n).public()).collect();
    let holders = louver_vault::HolderSet::new(needed, holders).unwrap();
    let secret = site.store.hour_secret(&camera(), hour).await.unwrap();
    let mut epoch = Epoch::begin(site.store.site_id(), &camera(), hour, &holders, &secret).unwrap();
    let config =
        [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 1, 0, 4, 0x68, 0xce, 0x3c, 0x80];
    let size = PictureSize::new(640, 360).unwrap();
    let params = VideoParams { codec: Codec::H264, size, config: Bytes::copy_from_slice(&config) };
    let at = |n: i64| WallTime::from_millis(start + n * GROUP_MS);
    let (mut sealer, header) = epoch.segment(at(0), &params).unwrap();
    let mut writer = site.store.sealed_writer(&camera());
    writer.begin(header, at(0)).await.unwrap();
    for n in 0..fragments {
        let media = MediaTime::from_ticks(n * GROUP_MS * 90);
        let packet = Packet { media, wall: at(n), key: n % parts == 0, data: Bytes::from(vec![n as u8; 64]) };
        writer.append(sealer.seal(&Gop::silent(vec![packet])).unwrap()).await.unwrap();
    }
    writer.finish(sealer.finish().unwrap().end).await.unwrap();
}

/// Somebody who asks: a one-time identity and the request's text.
pub(crate) struct Asked {
    pub(crate) identity: age::x25519::Identity,
    pub(crate) text: String,
    pub(crate) id: String,
}

pub(crate) fn ask_for(site: &Running, from: i64, to: i64) -> Asked {
    let identity = age::x25519::Identity::generate();
    let now = WallTime::now().millis();
    let text = json!({
        "what": "louver opening request", "v": 1, "site": site.store.site_id().to_string(), "at": now,
        "expires": now + 72 * 3_600_000, "cameras": ["gate"], "from": from, "to": to, "reason": "theft",
        "text": "the red bicycle at the gate", "salt": "11".repeat(32),
        "recipient": identity.to_public().to_string(), "hours": 24
    })
    .to_string();
    let id = RequestHash::of(&text).id();
    Asked { identity, text, id }
}

impl Asked {
    pub(crate) async fn post(&self, site: &Running, cookie: &str) -> Answer {
        site.post("/api/v1/openings", cookie, json!({ "document": self.text })).await
    }

    pub(crate) fn path(&self, more: &str) -> String {
        format!("/api/v1/openings/{}{more}", self.id)
    }

    pub(crate) fn decrypt(&self, file: &str) -> Vec<u8> {
        let file = BASE64.decode(file).unwrap();
        let mut out = Vec::new();
        let decryptor = age::Decryptor::new_buffered(&file[..]).unwrap();
        let identity: &dyn age::Identity = &self.identity;
        decryptor.decrypt(std::iter::once(identity)).unwrap().read_to_end(&mut out).unwrap();
        out
    }
}

pub(crate) fn signed(n: u8, document: Value, shares: Option<&[u8]>) -> Value {
    let (holder, document) = (holder(n), document.to_string());
    let mut body = json!({
        "document": document, "holder": holder.id().to_string(),
        "signature": BASE64.encode(holder.consent(document.as_bytes()).unwrap())
    });
    if let Some(shares) = shares {
        body["shares"] = BASE64.encode(shares).into();
    }
    body
}

/// What a holder's program does: opens its shares, encrypts them to the requester, signs.
pub(crate) async fn approve(
    site: &Running,
    cookie: &str,
    asked: &Asked,
    n: u8,
    from: i64,
    to: i64,
) -> Answer {
    let identity = holder(n);
    let epochs = site.get(&asked.path(&format!("/epochs?holder={}", identity.id())), cookie).await;
    assert_eq!(epochs.status, 200, "{epochs:?}");
    let mut plain = Vec::new();
    for epoch in epochs.json().as_array().unwrap() {
        assert_eq!(epoch["camera"], "gate");
        let head = louver_store::sealed_segments(
            site.store.dir(),
            &camera(),
            WallTime::from_micros(0),
            WallTime::now(),
        )
        .unwrap();
        let head = louver_vault::SegmentHead::read(&mut std::fs::File::open(&head[0].path).unwrap()).unwrap();
        let share = head.share_of(&identity).unwrap().to_bytes();
        plain.extend_from_slice(&(share.len() as u16).to_be_bytes());
        plain.extend_from_slice(&share);
    }
    let recipient = asked.identity.to_public();
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let mut shares = Vec::new();
    let mut writer = encryptor.wrap_output(&mut shares).unwrap();
    writer.write_all(&plain).unwrap();
    writer.finish().unwrap();
    let document = json!({
        "what": "louver opening approval", "v": 1, "request": RequestHash::of(&asked.text).to_string(),
        "holder": identity.id().to_string(), "at": WallTime::now().millis(), "cameras": ["gate"], "from": from, "to": to,
        "shares": louver_ledger::leaf::Digest::of(&shares).to_string()
    });
    site.post(&asked.path("/statements"), cookie, signed(n, document, Some(&shares))).await
}

pub(crate) fn refusal(n: u8, kind: &str, asked: &Asked) -> Value {
    let document = json!({
        "what": format!("louver opening {kind}"), "v": 1, "request": RequestHash::of(&asked.text).to_string(),
        "holder": holder(n).id().to_string(), "at": WallTime::now().millis(), "text": "not for this"
    });
    signed(n, document, None)
}

pub(crate) fn whats(site: &Running) -> Vec<String> {
    let size = site.ledger.status().size;
    let leaves = (0..size).filter_map(|n| Leaf::parse(&site.ledger.leaf(n).unwrap()));
    leaves
        .map(|entry| serde_json::to_value(&entry.leaf).unwrap()["what"].as_str().unwrap().to_owned())
        .collect()
}

/// What opens what was released: hour secrets and shares, decrypted with the one-time identity.
pub(crate) async fn keys(site: &Running, cookie: &str, asked: &Asked) -> OpeningKeys {
    let release = site.get(&asked.path("/release"), cookie).await.json();
    let mut keys = OpeningKeys::new();
    let secrets = asked.decrypt(release["secrets"].as_str().unwrap());
    let mut secrets = &secrets[..];
    while let Some((length, rest)) = secrets.split_first() {
        let (name, rest) = rest.split_at(*length as usize);
        assert_eq!(name, b"gate");
        let hour = i64::from_be_bytes(rest[..8].try_into().unwrap());
        let secret = HourSecret::from_bytes(rest[8..40].try_into().unwrap());
        keys.add_hour_secret(camera(), Hour::from_number(hour), secret);
        secrets = &rest[40..];
    }
    for approval in release["approvals"].as_array().unwrap() {
        let mut shares = &asked.decrypt(approval["shares"].as_str().unwrap())[..];
        while !shares.is_empty() {
            let length = usize::from(u16::from_be_bytes([shares[0], shares[1]]));
            keys.add_share(Share::parse(&shares[2..2 + length]).unwrap());
            shares = &shares[2 + length..];
        }
    }
    keys
}
