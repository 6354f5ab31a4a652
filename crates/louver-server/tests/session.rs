//! Who gets in, and what a request must look like.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod site;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use site::{PASSWORD, Running, SECRETS, start};

/// Addresses that answer without a session, and why.
const OPEN: [(&str, &str); 9] = [
    ("get", "/healthz"),                   // for supervisors
    ("get", "/readyz"),                    // for them too
    ("get", "/metrics"),                   // to programs on this machine, as this test is: tests/metrics.rs
    ("get", "/api/v1/session"),            // the page asks whether it is signed in
    ("post", "/api/v1/session"),           // the password itself
    ("delete", "/api/v1/session"),         // signing out twice is no error
    ("post", "/api/v1/session/link"),      // the link itself
    ("post", "/api/v1/holders/challenge"), // what a holder signs to sign in
    ("post", "/api/v1/holders/session"),   // the signature itself
];

/// Addresses that a holder or observer who is signed in has besides those: requests, and what they say to them.
const HOLDERS: [(&str, &str); 11] = [
    ("get", "/api/v1/vault"),
    ("get", "/api/v1/openings"),
    ("get", "/api/v1/openings/{id}"),
    ("get", "/api/v1/openings/{id}/epochs"),
    ("post", "/api/v1/openings/{id}/statements"),
    ("get", "/api/v1/holders/sets"),
    ("post", "/api/v1/holders/sets"),
    ("get", "/api/v1/holders/proposals"),
    ("post", "/api/v1/holders/proposals"),
    ("get", "/api/v1/holds"),
    ("post", "/api/v1/holds"),
];

/// Method and path of every address in the document, with ids put in.
fn addresses() -> Vec<(String, String)> {
    let document = serde_json::to_value(louver_server::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |m| (m.clone(), path.clone()))
    });
    all.collect()
}

fn filled(path: &str) -> String {
    let path = path.replace("/cameras/{id}", "/cameras/gate").replace("{file}", "0");
    let path = path.replace("{id}", &"0".repeat(32));
    let needs_span = path.ends_with("/timeline") || path.ends_with("/archive");
    if needs_span { format!("{path}?from_ms=0&to_ms=1000") } else { path }
}

async fn ask(site: &Running, method: &str, path: &str, cookie: &str) -> site::Answer {
    let method = method.to_uppercase().parse::<Method>().unwrap();
    let headers = [("cookie", cookie), ("content-type", "application/json")];
    site.ask(method, &filled(path), &headers, Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn every_address_but_the_listed_ones_refuses_without_a_session() {
    let site = start().await;
    let all = addresses();
    assert!(all.len() > 15, "the document lists the API");
    for (method, path) in all {
        let open = OPEN.contains(&(method.as_str(), path.as_str()));
        for cookie in ["", &format!("louver_session={}", "A".repeat(43)), "louver_session=x"] {
            let answer = ask(&site, &method, &path, cookie).await;
            let refused = answer.status == 401 && answer.code() == "signed_out";
            assert_eq!(refused, !open, "{method} {path} with cookie {cookie:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_holders_session_has_requests_and_statements_and_nothing_else() {
    let site = start().await;
    for n in [1, 9] {
        let cookie = site.sign_in_as_holder(n).await;
        for (method, path) in addresses() {
            let address = (method.as_str(), path.as_str());
            if OPEN.contains(&address) {
                continue;
            }
            let answer = ask(&site, &method, &path, &cookie).await;
            let refused = answer.status == 403 && answer.code() == "owner_only";
            assert_eq!(refused, !HOLDERS.contains(&address), "{method} {path}: {answer:?}");
        }
    }
    assert_eq!(site.get("/api/v1/vault", &site.sign_in_as_holder(1).await).await.status, 200);
}

#[tokio::test]
async fn the_document_says_which_addresses_are_open() {
    let document = serde_json::to_value(louver_server::openapi()).unwrap();
    for (method, path) in addresses() {
        let security = &document["paths"][&path][&method]["security"];
        let open = OPEN.contains(&(method.as_str(), path.as_str()));
        let wanted = if open { json!([{}]) } else { Value::Null };
        assert_eq!(security, &wanted, "{method} {path}: null takes the document's own, which is the session");
    }
    assert_eq!(document["security"], json!([{ "session": [] }]));
}

#[test]
fn the_committed_document_is_the_one_that_the_code_makes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let made = serde_json::to_string_pretty(&louver_server::openapi()).unwrap() + "\n";
    let todo =
        "run: cargo run -p louver-server --example openapi > ui/openapi.json, then generate the page's types";
    assert!(committed == made, "{todo}");
}

#[tokio::test]
async fn before_a_password_is_set_a_session_can_do_nothing_but_set_it() {
    let site = start().await;
    let by_link = site.post("/api/v1/session/link", "", json!({ "token": site.link_token() })).await;
    assert_eq!(by_link.json()["state"], "needs_password");
    let cookie = by_link.cookie();
    for (method, path) in addresses() {
        let elsewhere =
            !OPEN.contains(&(method.as_str(), path.as_str())) && path != "/api/v1/session/password";
        if elsewhere {
            let answer = ask(&site, &method, &path, &cookie).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "password_needed"), "{path}");
        }
    }
    assert_eq!(
        site.put_password(&cookie, json!({ "password": "123456789" })).await.code(),
        "password_length"
    );
    let set = site.put_password(&cookie, json!({ "password": "1234567890" })).await;
    assert_eq!(set.json()["state"], "signed_in");
    assert_eq!(site.get("/api/v1/cameras", &set.cookie()).await.status, 200);
    assert_eq!(site.get("/api/v1/cameras", &cookie).await.status, 401, "the old cookie has ended");
}

#[tokio::test]
async fn a_sign_in_link_works_once_and_its_secret_stands_behind_the_hash() {
    let site = start().await;
    let wanted = format!("http://{}/sign-in#token=", site.address);
    assert!(site.link.starts_with(&wanted), "{}", site.link);
    let body = json!({ "token": site.link_token() });
    let first = site.post("/api/v1/session/link", "", body.clone()).await;
    let cookie = first.headers["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let second = site.post("/api/v1/session/link", "", body).await;
    assert_eq!((second.status.as_u16(), second.code().as_str()), (403, "wrong_link"));
    assert!(second.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn guessing_the_password_is_slowed_down_and_a_link_still_lets_the_owner_in() {
    let site = start().await;
    let cookie = site.sign_in().await;
    for _ in 0..5 {
        let wrong = site.post("/api/v1/session", "", json!({ "password": "wrong wrong" })).await;
        assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (403, "wrong_password"));
    }
    let limited = site.post("/api/v1/session", "", json!({ "password": PASSWORD })).await;
    assert_eq!((limited.status.as_u16(), limited.code().as_str()), (429, "too_many_attempts"));
    let wait = limited.json()["error"]["retry_after_s"].as_u64().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(limited.headers["retry-after"], wait.to_string().as_str());
    assert_eq!(site.get("/api/v1/cameras", &cookie).await.status, 200, "who is signed in stays so");

    for _ in 0..5 {
        let wrong = site.post("/api/v1/session/link", "", json!({ "token": "A".repeat(43) })).await;
        assert_eq!(wrong.code(), "wrong_link");
    }
    assert_eq!(site.post("/api/v1/session/link", "", json!({ "token": "x" })).await.status, 429);
    let link = louver_server::issue_sign_in_link(&site.store, site.address).await.unwrap();
    let token = link.split_once("#token=").unwrap().1;
    let owner = site.post("/api/v1/session/link", "", json!({ "token": token })).await;
    assert_eq!(owner.json()["state"], "signed_in", "a right link is never kept waiting");
    let reset = site.put_password(&owner.cookie(), json!({ "password": "another long one" })).await;
    assert_eq!(reset.status, 200, "who came with a link may replace a forgotten password");
}

#[tokio::test]
async fn changing_the_password_needs_the_current_one_and_ends_all_other_sessions() {
    let site = start().await;
    let here = site.sign_in().await;
    let there = site.post("/api/v1/session", "", json!({ "password": PASSWORD })).await.cookie();
    let new = json!({ "password": "quite another one" });
    assert_eq!(site.put_password(&there, new).await.code(), "wrong_password");
    let new = json!({ "password": "quite another one", "current_password": PASSWORD });
    let changed = site.put_password(&there, new).await;
    assert_eq!(changed.status, 200);
    for (cookie, status) in [(&here, 401), (&there, 401), (&changed.cookie(), 200)] {
        assert_eq!(site.get("/api/v1/system", cookie).await.status, status);
    }
    assert_eq!(site.post("/api/v1/session", "", json!({ "password": PASSWORD })).await.status, 403);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookie() {
    let site = start().await;
    let cookie = site.sign_in().await;
    assert_eq!(site.get("/api/v1/session", &cookie).await.json()["site_name"], "Mill Lane 3");
    let out = site.ask(Method::DELETE, "/api/v1/session", &[("cookie", &cookie)], Bytes::new()).await;
    assert_eq!(out.status, 204);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let after = site.get("/api/v1/session", &cookie).await.json();
    assert_eq!(after["state"], "signed_out");
    assert!(after.get("site_name").is_none(), "a stranger does not learn the site's name");
}

#[tokio::test]
async fn what_another_sites_page_started_is_refused() {
    let site = start().await;
    let cookie = site.sign_in().await;
    let body = Bytes::from(json!({ "password": PASSWORD }).to_string());
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let headers = [("cookie", cookie.as_str()), ("content-type", "application/json"), (name, value)];
        for (method, path) in [(Method::POST, "/api/v1/session"), (Method::DELETE, "/api/v1/session")] {
            let answer = site.ask(method, path, &headers, body.clone()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (403, "cross_origin"),
                "{name}: {value}"
            );
        }
    }
    let own = format!("http://{}", site.address);
    let headers = [("content-type", "application/json"), ("origin", own.as_str())];
    assert_eq!(site.ask(Method::POST, "/api/v1/session", &headers, body).await.status, 200);
}

#[tokio::test]
async fn every_refusal_has_the_same_form_and_repeats_no_password() {
    let site = start().await;
    let json_type = ("content-type", "application/json");
    let large = Bytes::from(format!("{{\"password\":\"{}\"}}", "x".repeat(70_000)));
    for (method, path, headers, body, status, code) in [
        (Method::GET, "/api/v1/nothing", vec![], Bytes::new(), 404, "not_found"),
        (Method::GET, "/api", vec![], Bytes::new(), 404, "not_found"),
        (Method::PATCH, "/api/v1/session", vec![], Bytes::new(), 405, "method_not_allowed"),
        (Method::POST, "/anything", vec![], Bytes::new(), 405, "method_not_allowed"),
        (Method::POST, "/api/v1/session", vec![json_type], large, 413, "too_large"),
        (Method::POST, "/api/v1/session", vec![], Bytes::from_static(b"{}"), 400, "bad_request"),
        (
            Method::POST,
            "/api/v1/session",
            vec![json_type],
            Bytes::from_static(b"hunter2"),
            400,
            "bad_request",
        ),
        (
            Method::POST,
            "/api/v1/session",
            vec![json_type],
            Bytes::from_static(b"{\"password\":[\"hunter2\"]}"),
            400,
            "bad_request",
        ),
        (
            Method::POST,
            "/api/v1/session",
            vec![json_type],
            Bytes::from_static(b"{\"hunter2\":1,\"password\":\"x\"}"),
            400,
            "bad_request",
        ),
    ] {
        let answer = site.ask(method.clone(), path, &headers, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{method} {path}: {answer:?}"
        );
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.len() > 20 && message.ends_with('.'), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[tokio::test]
async fn no_answer_holds_an_address_a_password_or_a_hash() {
    let site = start().await;
    let cookie = site.sign_in().await;
    site.gate.status.update(|s| s.notice = Some("Analysis is late.".to_owned()));
    let token = cookie.split_once('=').unwrap().1.to_owned();
    for (method, path) in addresses() {
        if method == "get" {
            let answer = ask(&site, &method, &path, &cookie).await;
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            for secret in SECRETS.into_iter().chain([PASSWORD, &token, site.link_token()]) {
                assert!(!said.contains(secret), "{path} says {secret}: {said}");
            }
        }
    }
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_strict() {
    let site = start().await;
    for path in ["/", "/healthz", "/cameras/gate", "/api/v1/session", "/api/v1/cameras", "/missing.js"] {
        let answer = site.get(path, "").await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("script-src 'self' "), "no script but our own");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer");
        assert!(answer.headers.contains_key("cache-control"), "{path}");
    }
    assert_eq!(site.get("/missing.js", "").await.status, 404);
    let page = site.get("/cameras/gate", "").await;
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let site = start().await;
    let again =
        louver_server::Server::bind(site.address, site.store.clone(), vec![], Default::default()).await;
    let said = again.err().expect("refused").to_string();
    assert!(said.contains(&format!("port {} is taken", site.address.port())), "{said}");
    assert!(said.contains("louver.toml"), "{said}");
}

#[tokio::test]
async fn the_page_is_asked_for_anew_and_its_hashed_files_are_kept() {
    let site = start().await;
    let page = site.get("/", "").await;
    if page.status == 503 {
        assert!(String::from_utf8_lossy(&page.body).contains("make ui"), "says what to do");
        println!("skipped: the page is not built (make ui)");
        return;
    }
    assert_eq!(page.headers["cache-control"], "no-cache");
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let tag = page.headers["etag"].to_str().unwrap();
    let again = site.ask(Method::GET, "/sign-in", &[("if-none-match", tag)], Bytes::new()).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "every view is the same page");
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    let script = html.split('"').find(|s| s.starts_with("/assets/") && s.ends_with(".js")).expect("a script");
    let script = site.get(script, "").await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    assert!(script.headers["cache-control"].to_str().unwrap().contains("immutable"));
}
