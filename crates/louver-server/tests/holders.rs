//! docs/opening.md, "Signing in as a holder or an observer", over HTTP.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hyper::Method;
use louver_vault::SiteId;
use serde_json::json;
use site::holder;

const SESSION: &str = "/api/v1/holders/session";

#[tokio::test]
async fn a_challenge_is_answered_once_by_a_holder_or_observer_of_this_site() {
    let site = site::start().await;
    let right = site.holder_answer(1).await;
    let signed_in = site.post(SESSION, "", right.clone()).await;
    assert_eq!(signed_in.json()["holder"]["id"], holder(1).id().to_string());
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap();
    for part in ["louver_session=", "HttpOnly", "SameSite=Strict", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let again = site.post(SESSION, "", right).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (403, "wrong_signature"), "used up");

    let stranger = site.post(SESSION, "", site.holder_answer(7).await).await;
    assert_eq!(stranger.json(), again.json(), "a stranger does not learn why");
    let mut other = site.holder_answer(1).await;
    other["public"] = holder(2).public().to_string().into();
    assert_eq!(site.post(SESSION, "", other).await.code(), "wrong_signature", "another's signature");
    let mut elsewhere = site.holder_answer(1).await;
    let challenge = BASE64.decode(elsewhere["challenge"].as_str().unwrap()).unwrap().try_into().unwrap();
    let signature = holder(1).sign_in(SiteId::from_bytes([0; 16]), &challenge).unwrap();
    elsewhere["signature"] = BASE64.encode(signature).into();
    assert_eq!(site.post(SESSION, "", elsewhere).await.code(), "wrong_signature", "signed for another site");
    let own = holder(1).sign_in(site.store.site_id(), &[5; 32]).unwrap();
    let own = json!({
        "public": holder(1).public().to_string(), "challenge": BASE64.encode([5; 32]), "signature": BASE64.encode(own)
    });
    // The fifth wrong answer; what follows waits, but a right one does not.
    assert_eq!(site.post(SESSION, "", own.clone()).await.code(), "wrong_signature", "of its own choosing");
    let limited = site.post(SESSION, "", own).await;
    assert_eq!((limited.status.as_u16(), limited.code().as_str()), (429, "too_many_attempts"));
    assert!(!site.sign_in_as_holder(2).await.is_empty(), "nobody keeps a holder out");
}

#[tokio::test]
async fn a_holder_signs_out_and_a_new_password_does_not_end_their_session() {
    let site = site::start().await;
    let (one, observer) = (site.sign_in_as_holder(1).await, site.sign_in_as_holder(9).await);
    site.sign_in().await;
    assert_eq!(site.get("/api/v1/openings", &one).await.json(), json!([]));
    let out = site.ask(Method::DELETE, "/api/v1/session", &[("cookie", &one)], Bytes::new()).await;
    assert_eq!(out.status, 204);
    assert_eq!(site.get("/api/v1/openings", &one).await.code(), "signed_out");
    assert_eq!(site.get("/api/v1/session", &observer).await.json()["holder"]["role"], "observer");
}
