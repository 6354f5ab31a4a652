//! What supervisors, monitoring and `louver top` get of a running server.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::serving::Server;
use crate::site::{PUBLIC, Site, camera, deps, free_port, until};

fn settings(port: u16, more: &str) -> String {
    format!(
        "data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n{more}\n[holders]\nneeded = 1\nlist = [{{ name = \"Ada\", public = \"{PUBLIC}\" }}]\n"
    )
}

#[test]
fn systemd_is_told_that_it_is_ready_that_it_goes_on_and_that_it_ends() {
    let port = free_port();
    let site = Site::with(&settings(port, ""));
    let socket = UnixDatagram::bind(site.path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let heard = || {
        let mut news = [0; 4096];
        let n = socket.recv(&mut news).unwrap();
        String::from_utf8_lossy(&news[..n]).into_owned()
    };
    let script =
        format!("export NOTIFY_SOCKET={} WATCHDOG_USEC=300000; exec \"$@\"", site.path("notify").display());
    let (server, _) = Server::start_within(&site, port, &["sh", "-c", &script]);
    let mut ready = false;
    let mut fed = 0;
    while !(ready && fed > 3) {
        let news = heard();
        ready |= news.contains("READY=1\n");
        fed += usize::from(news.contains("WATCHDOG=1\n"));
    }
    let (code, _) = server.end("-TERM");
    assert_eq!(code, Some(0));
    while !heard().contains("STOPPING=1\n") {}
}

#[test]
fn top_shows_what_a_camera_brings_and_metrics_count_it() {
    let Some(file) = deps("footage/forecourt_main.mp4") else { return };
    let port = free_port();
    let address = format!("file://{}", file.canonicalize().unwrap().display());
    let site = Site::with(&(settings(port, "") + &camera("gate", &address) + "analysis = \"off\"\n"));
    site.run(&["top", "--once"]).must(1, &["no Louver answers at 127.0.0.1", "louver serve"]);
    let (server, _) = Server::start(&site, port);
    site.wait_for_sealed("gate");
    let view = |said: &str| serde_json::from_str::<serde_json::Value>(said.lines().next().unwrap()).unwrap();
    until("top sees it recording", || {
        let view = view(&site.run(&["top", "--once", "--json"]).must(0, &[]).text);
        let gate = &view["cameras"][0];
        gate["camera"] == "gate"
            && gate["state"] == "recording"
            && gate["mbit_per_s"].as_f64() > Some(0.5)
            && gate["pictures_per_s"].as_f64() > Some(2.0)
            && gate["sealed_s_ago"].as_f64() < Some(30.0)
            && view["disks"][0]["there"] == true
    });
    site.run(&["top", "--once"]).must(0, &["camera  state", "gate    recording", "GB free"]);
    let page = server.ask("GET", "/metrics", "", "");
    let bytes = "louver_camera_received_bytes_total{camera=\"gate\",stream=\"main\"} ";
    let bytes: f64 = page.split(bytes).nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert!(bytes > 100_000.0, "{page}");
    assert!(!page.contains("ada@example.org"), "{page}");
}

#[test]
fn a_token_file_is_tried_before_anything_begins_and_then_asked_of_everybody() {
    let port = free_port();
    let site = Site::with(&settings(port, "[metrics]\ntoken_file = \"token\""));
    site.run(&["serve"]).must(3, &["[metrics] token_file", "cannot be read", "openssl rand"]);
    std::fs::write(site.path("token"), "short\n").unwrap();
    site.run(&["serve"]).must(3, &["does not hold one word of 16 letters and more"]);
    assert!(!site.path("d").exists(), "a start that fails leaves nothing behind");
    std::fs::write(site.path("token"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let (server, _) = Server::start(&site, port);
    assert!(server.ask("GET", "/metrics", "", "").starts_with("HTTP/1.1 401 "));
    let token = "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n";
    assert!(server.ask("GET", "/metrics", token, "").starts_with("HTTP/1.1 200 "));
    site.run(&["top", "--once"]).must(0, &["0 cameras"]);
    assert!(!site.read("log").contains("0123456789abcdef"), "the token stands in the log");
}
