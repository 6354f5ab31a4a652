//! What supervisors and monitoring are told, and who is.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod site;

use bytes::Bytes;
use hyper::Method;
use louver_node::StreamState;
use site::{Answer, Held, Running, SECRETS, start, start_held, start_with};

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

async fn metrics(site: &Running, headers: &[(&str, &str)]) -> Answer {
    site.ask(Method::GET, "/metrics", headers, Bytes::new()).await
}

/// The value of a sample, by its whole name with labels.
fn value(page: &str, sample: &str) -> f64 {
    let found: Vec<&str> = page.lines().filter_map(|l| l.strip_prefix(sample)?.strip_prefix(' ')).collect();
    assert_eq!(found.len(), 1, "{sample} in {page}");
    found[0].parse().unwrap()
}

#[tokio::test]
async fn monitoring_reads_every_camera_disk_and_the_ledger_in_one_open_metrics_page() {
    let site = start().await;
    site.gate.status.update(|s| {
        s.main = StreamState::Running;
        s.sub = StreamState::Retrying { reason: "no route to 10.99.88.77".to_owned() };
        s.skipped_frames = 7;
        s.says.tampered_since = Some(louver_base::WallTime::from_millis(1_795_000_000_000));
        s.says.motions = 3;
        s.last_sealed = Some(louver_base::WallTime::from_millis(1_795_000_000_500));
    });
    let answer = metrics(&site, &[]).await;
    assert_eq!(answer.status, 200);
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let page = text(&answer);
    assert!(page.ends_with("# EOF\n"), "{page}");
    assert_eq!(value(&page, "louver_camera_stream_up{camera=\"gate\",stream=\"main\"}"), 1.0);
    assert_eq!(value(&page, "louver_camera_stream_up{camera=\"gate\",stream=\"sub\"}"), 0.0);
    assert_eq!(value(&page, "louver_camera_tampered{camera=\"gate\"}"), 1.0);
    assert_eq!(value(&page, "louver_camera_tampered{camera=\"vault\"}"), 0.0);
    assert_eq!(value(&page, "louver_camera_told_motions_total{camera=\"gate\"}"), 3.0);
    assert!(!page.contains("louver_camera_clock_offset_seconds{"), "nobody was asked");
    let cookie = site.sign_in().await;
    let told = site.get("/api/v1/system", &cookie).await.json()["notices"].to_string();
    assert!(told.contains("The gate: the camera says that somebody covers, turns or blinds it"), "{told}");
    assert_eq!(value(&page, "louver_camera_skipped_pictures_total{camera=\"gate\"}"), 7.0);
    assert_eq!(value(&page, "louver_camera_last_sealed_timestamp_seconds{camera=\"gate\"}"), 1_795_000_000.5);
    assert_eq!(value(&page, "louver_camera_gaps_total{camera=\"gate\",reason=\"disk-full\"}"), 0.0);
    assert_eq!(value(&page, "louver_camera_received_bytes_total{camera=\"gate\",stream=\"main\"}"), 0.0);
    assert_eq!(value(&page, "louver_camera_queued_packets{camera=\"vault\",queue=\"sealing\"}"), 0.0);
    assert!(!page.contains("skipped_pictures_total{camera=\"vault\"}"), "it is not seen");
    let disk = site.store.dir().display().to_string();
    assert!(value(&page, &format!("louver_disk_size_bytes{{disk=\"{disk}\"}}")) > 1e6);
    assert_eq!(value(&page, &format!("louver_disk_up{{disk=\"{disk}\"}}")), 1.0);
    assert_eq!(value(&page, "louver_ledger_size_leaves"), site.ledger.status().size as f64);
    assert!(value(&page, "louver_catalogue_flush_age_seconds") < 60.0);
    let operating = include_str!("../../../docs/operating.md");
    for name in page.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split(['{', ' ']).next()) {
        assert!(operating.contains(&format!("`{name}")), "docs/operating.md does not explain {name}");
    }
    for line in page.lines().filter(|l| l.starts_with("# TYPE ")) {
        let (name, kind) = line.strip_prefix("# TYPE ").unwrap().split_once(' ').unwrap();
        assert!(name.starts_with("louver_") && ["counter", "gauge"].contains(&kind), "{line}");
        assert!(page.contains(&format!("# HELP {name} ")), "{name} is not explained");
    }
}

#[tokio::test]
async fn metrics_name_cameras_by_their_ids_and_hold_nothing_of_people_addresses_or_passwords() {
    let site = start().await;
    site.gate.status.update(|s| {
        s.main = StreamState::Retrying { reason: "10.99.88.77 refused cam-admin".to_owned() };
        s.recording_problem = Some("s3cret-pass".to_owned());
    });
    let page = text(&metrics(&site, &[]).await);
    let people = ["Ada", "ada@example.org", "The gate", "Mill Lane", "Holder 1", "deliveries"];
    for word in SECRETS.iter().chain(&people) {
        assert!(!page.contains(word), "{word} in {page}");
    }
    assert_eq!(value(&page, "louver_camera_recording_fails{camera=\"gate\"}"), 1.0);
}

#[tokio::test]
async fn metrics_are_for_this_machine_alone_and_not_for_what_comes_through_a_proxy() {
    let site = start().await;
    for headers in [[("x-forwarded-for", "192.0.2.7")], [("sec-fetch-site", "cross-site")]] {
        let answer = metrics(&site, &headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(text(&answer).contains("token_file") && !text(&answer).contains("gate"));
    }
    // Another machine's address in the connection itself: tests of the function stand beside it.
}

#[tokio::test]
async fn with_a_token_metrics_are_for_who_has_it_from_anywhere_and_for_nobody_else() {
    let site = start_with(Held::By2Of3, Some("0123456789abcdef0123456789abcdef".into())).await;
    let right =
        [("authorization", "Bearer 0123456789abcdef0123456789abcdef"), ("x-forwarded-for", "192.0.2.7")];
    assert_eq!(metrics(&site, &right).await.status, 200);
    for wrong in ["", "Bearer 0123456789abcdef0123456789abcdeX", "Basic eDp5"] {
        let answer = metrics(&site, &[("authorization", wrong)]).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["www-authenticate"]),
            (401, &"Bearer".parse().unwrap())
        );
        assert!(!text(&answer).contains("gate"));
    }
    let page = text(&metrics(&site, &right).await);
    assert!(!page.contains("0123456789abcdef"));
}

#[tokio::test]
async fn everybody_may_ask_whether_it_is_ready_and_learns_nothing_of_cameras() {
    let site = start().await;
    let ready = site.get("/readyz", "").await;
    assert_eq!((ready.status.as_u16(), text(&ready).as_str()), (200, "ready\n"));
    assert_eq!(text(&site.get("/healthz", "").await), "ok");
    // A camera that is away is no reason to take the server out of service, and is nobody's business.
    site.gate.status.update(|s| s.main = StreamState::Retrying { reason: "gone".to_owned() });
    assert_eq!(site.get("/readyz", "").await.status, 200);
}

#[tokio::test]
async fn what_is_not_ready_is_said_in_words() {
    let site = start_held(Held::ByNobody).await;
    let answer = site.get("/readyz", "").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        text(&answer),
        "There is no holder, and without one nothing is recorded: make the first one on the page.\n"
    );
    site.ledger.close();
    site.store.close().await.unwrap();
    let answer = site.get("/readyz", "").await;
    assert_eq!(answer.status, 503);
    let said = text(&answer);
    assert!(said.contains("The catalogue does not answer"), "{said}");
    assert!(!said.contains(&site.store.dir().display().to_string()) && !said.contains("gate"), "{said}");
    assert_eq!(site.get("/healthz", "").await.status, 200, "the process answers all the same");
}
