//! docs/opening.md over HTTP, with real sealed files, a real key ring and a real ledger: who gets what, and when.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hyper::Method;
use louver_base::WallTime;
use louver_vault::{Hour, SegmentReader};
use serde_json::json;
use site::asking::*;
use site::holder;

#[tokio::test]
async fn two_of_three_holders_open_a_minute_and_who_asked_decrypts_it_with_a_key_that_never_left() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let start = sealed(&site).await;
    let asked = ask_for(&site, start, start + 10 * GROUP_MS);
    let answer = asked.post(&site, &cookie).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (201, &json!("asked")), "{answer:?}");
    assert_eq!(answer.json()["id"], asked.id);
    let held =
        || site.store.key_ring().unwrap().held_until(&camera(), Hour::of(WallTime::from_millis(start)));
    assert!(
        held().is_some_and(|until| until > WallTime::now()),
        "retention leaves it until the request has ended"
    );
    for closed in ["/release", "/segments", "/segments/gate.1/fragments/0"] {
        assert_eq!(
            site.get(&asked.path(closed), &cookie).await.status,
            404,
            "{closed} before anybody agreed"
        );
    }
    let one = approve(&site, &cookie, &asked, 1, start, start + 10 * GROUP_MS).await;
    assert_eq!((one.status.as_u16(), &one.json()["state"]), (200, &json!("asked")), "{one:?}");
    assert_eq!(site.get(&asked.path("/release"), &cookie).await.status, 404, "one of two");
    // The second agrees to the middle alone.
    let (from, to) = (start + 3 * GROUP_MS, start + 6 * GROUP_MS);
    let two = approve(&site, &cookie, &asked, 3, from, to).await.json();
    assert_eq!(two["state"], "released", "{two}");
    assert_eq!(two["granted"], json!([{ "camera": "gate", "from_ms": from, "to_ms": to }]));
    assert_eq!(
        whats(&site),
        ["opening-requested", "opening-approved", "opening-approved", "opening-released"]
    );

    let keys = keys(&site, &cookie, &asked).await;
    let segments = site.get(&asked.path("/segments"), &cookie).await.json();
    let segment = &segments[0];
    let numbers: Vec<u64> =
        segment["fragments"].as_array().unwrap().iter().map(|f| f["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [3, 4, 5], "what both agreed to, and nothing else");
    let fragments = format!("/segments/{}/fragments", segment["id"].as_str().unwrap());
    let bytes = site.get(&asked.path(&format!("{fragments}/3-5")), &cookie).await;
    assert_eq!((bytes.status.as_u16(), &bytes.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    for other in ["/4294967295-4294967295", "/2-5", "/3-6", "/0", "/5-3", "/99", "/x", "/-1"] {
        let answer = site.get(&asked.path(&format!("{fragments}{other}")), &cookie).await;
        assert_eq!(answer.status, 404, "{other}");
    }
    let beyond = asked.path(&format!("/segments/gate.{}/fragments/0", i64::MAX));
    assert_eq!(site.get(&beyond, &cookie).await.status, 404);
    assert_eq!(whats(&site).last().unwrap(), "opening-read", "before it was sent");
    // As a file of its own it ends early and begins late: put where they stood, the fragments open.
    let path = &louver_store::sealed_segments(
        site.store.dir(),
        &camera(),
        WallTime::from_micros(0),
        WallTime::now(),
    )
    .unwrap()[0]
        .path;
    let file = std::fs::read(path).unwrap();
    let at = file.windows(bytes.body.len()).position(|w| w == bytes.body).expect("as they stand in the file");
    let header = BASE64.decode(segment["header"].as_str().unwrap()).unwrap();
    assert!(file.starts_with(&header) && at > header.len());
    let mut reader = SegmentReader::open(Cursor::new(&file), &keys).unwrap();
    for n in 3..6 {
        let (_, gop) = reader.fragment(n).unwrap();
        assert_eq!(&gop.packets[0].data[..], [n as u8; 64]);
    }

    // Taken back, it is closed.
    let cookie_header = [("cookie", cookie.as_str())];
    let closed = site.ask(Method::DELETE, &asked.path(""), &cookie_header, Bytes::new()).await;
    assert_eq!(closed.json()["state"], "withdrawn");
    assert_eq!(held(), None, "and goes on then");
    assert_eq!(site.get(&asked.path("/release"), &cookie).await.status, 404);
}

#[tokio::test]
async fn holders_and_observers_agree_and_veto_with_sessions_of_their_own() {
    let site = site::start().await;
    let owner = site.sign_in().await;
    let start = sealed(&site).await;
    let asked = ask_for(&site, start, start + 4000);
    assert_eq!(asked.post(&site, &owner).await.status, 201);
    for n in [1, 2] {
        let cookie = site.sign_in_as_holder(n).await;
        let me = site.get("/api/v1/session", &cookie).await.json();
        assert_eq!((&me["state"], &me["holder"]["role"]), (&json!("holder"), &json!("holder")));
        assert_eq!(me["holder"]["name"], format!("Holder {n}"));
        let others = asked.path(&format!("/epochs?holder={}", holder(3).id()));
        assert_eq!(site.get(&others, &cookie).await.status, 404, "another's shares are nobody else's");
        let said = approve(&site, &cookie, &asked, n, start, start + 4000).await.json();
        assert_eq!(said["mine"], false);
        let released = site.get(&asked.path("/release"), &cookie).await;
        assert_eq!((released.status.as_u16(), released.code().as_str()), (403, "owner_only"));
    }
    assert_eq!(site.get(&asked.path(""), &owner).await.json()["state"], "released");
    let observer = site.sign_in_as_holder(9).await;
    assert_eq!(site.get("/api/v1/openings", &observer).await.json()[0]["id"], asked.id);
    let vetoed = site.post(&asked.path("/statements"), &observer, refusal(9, "veto", &asked)).await.json();
    assert_eq!(vetoed["state"], "vetoed");
}

#[tokio::test]
async fn denials_and_a_veto_end_a_request_and_each_stands_in_the_ledger() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let start = sealed(&site).await;
    let (one, two) = (ask_for(&site, start, start + 4000), ask_for(&site, start, start + 6000));
    for asked in [&one, &two] {
        assert_eq!(asked.post(&site, &cookie).await.status, 201);
    }
    for n in [1, 2] {
        site.post(&one.path("/statements"), &cookie, refusal(n, "denial", &one)).await;
    }
    assert_eq!(site.get(&one.path(""), &cookie).await.json()["state"], "denied");
    let vetoed = site.post(&two.path("/statements"), &cookie, refusal(9, "veto", &two)).await.json();
    assert_eq!(vetoed["state"], "vetoed");
    assert_eq!(vetoed["statements"][0]["name"], "Holder 9");
    let late = approve(&site, &cookie, &two, 1, start, start + 6000).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (400, "opening_refused"));
    let told = whats(&site);
    assert_eq!(told.iter().filter(|w| *w == "opening-denied").count(), 2);
    assert_eq!(told.iter().filter(|w| *w == "opening-vetoed").count(), 1);
    assert_eq!(site.get("/api/v1/openings", &cookie).await.json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_not_in_order_is_refused_with_a_sentence_and_nothing_is_written() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let start = sealed(&site).await;
    let nothing = ask_for(&site, 1_000_000, 2_000_000).post(&site, &cookie).await;
    assert_eq!(nothing.code(), "opening_refused");
    assert!(nothing.json().to_string().contains("Nothing is recorded"), "{nothing:?}");
    let mut other_site = ask_for(&site, start, start + 4000);
    other_site.text = other_site.text.replace(&site.store.site_id().to_string(), &"00".repeat(16));
    assert!(other_site.post(&site, &cookie).await.json().to_string().contains("another site"));
    let asked = ask_for(&site, start, start + 4000);
    assert_eq!(asked.post(&site, &cookie).await.status, 201);
    assert_eq!(asked.post(&site, &cookie).await.json()["id"], asked.id, "the same request again is the same");
    let forged = {
        let mut f = refusal(1, "denial", &asked);
        f["holder"] = holder(2).id().to_string().into();
        f
    };
    assert!(
        site.post(&asked.path("/statements"), &cookie, forged).await.json().to_string().contains("signature")
    );
    assert_eq!(site.get(&asked.path(""), &cookie).await.json()["statements"], json!([]));
    assert_eq!(site.get(&format!("/api/v1/openings/{}", "0".repeat(32)), &cookie).await.status, 404);
    assert_eq!(site.get("/api/v1/vault", "").await.status, 401);
    let vault = site.get("/api/v1/vault", &cookie).await.json();
    assert_eq!((&vault["needed"], vault["holders"].as_array().unwrap().len()), (&json!(2), 3));
    // Without a ledger nothing is opened: the request is as it was.
    site.ledger.close();
    let down = site.post(&asked.path("/statements"), &cookie, refusal(1, "denial", &asked)).await;
    assert_eq!((down.status.as_u16(), down.code().as_str()), (503, "ledger_failed"));
    assert_eq!(site.get(&asked.path(""), &cookie).await.json()["statements"], json!([]));
}

#[tokio::test]
async fn a_holder_is_asked_for_no_share_of_a_segment_that_ended_before_what_was_asked_for() {
    let site = site::start().await;
    let cookie = site.sign_in().await;
    let start = sealed(&site).await;
    // The neighbour before it, sealed for others, of which holder 1 is one.
    seal(&site, start - 5 * GROUP_MS, 2, 1, &[1]).await;
    let asked = ask_for(&site, start, start + 10 * GROUP_MS);
    assert_eq!(asked.post(&site, &cookie).await.status, 201);
    let epochs = site.get(&asked.path(&format!("/epochs?holder={}", site::holder(1).id())), &cookie).await;
    assert_eq!(epochs.json().as_array().unwrap().len(), 1, "{epochs:?}");
}
