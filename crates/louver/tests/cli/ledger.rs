//! `louver ledger`, and the ledger of a server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use louver_ledger::leaf::Digest;
use louver_ledger::{Leaf, Ledger, Options};

use crate::site::Site;

fn leaf(n: u64) -> Leaf {
    Leaf::Exported { request: None, manifest: Digest::of(&n.to_be_bytes()) }
}

/// A ledger of so many leaves where the settings look for it; gives its key.
fn with_ledger(size: u64) -> (Site, String) {
    let site = Site::with("data = \"data\"\n");
    let ledger = Ledger::open(&site.path("data/ledger"), &[7; 16], Options::default()).unwrap();
    ledger.append_all(&(0..size).map(leaf).collect::<Vec<_>>()).unwrap();
    ledger.close();
    (site, ledger.verifier().to_string())
}

fn grow(site: &Site, size: u64) {
    let ledger = Ledger::open(&site.path("data/ledger"), &[7; 16], Options::default()).unwrap();
    ledger.append_all(&(0..size).map(leaf).collect::<Vec<_>>()).unwrap();
}

#[test]
fn a_ledger_is_verified_pinned_and_shown() {
    let (site, key) = with_ledger(300);
    site.run(&["ledger", "verify"])
        .must(0, &["The ledger holds: 300 leaves, all read.", "give yours with --vkey"]);
    let pinned = site.run(&["ledger", "pin", "--vkey", &key]).must(0, &["300 leaves are pinned"]);
    let checkpoint = pinned.text.split("300 leaves are pinned").next().unwrap();
    std::fs::write(site.path("pin"), checkpoint).unwrap();
    grow(&site, 5);
    site.run(&["ledger", "verify", "data", "--vkey", &key, "--since", "pin"]).must(
        0,
        &["305 leaves, of which 5 came since the pinned checkpoint; those before are the same as then."],
    );
    site.run(&["ledger", "verify", "--json"]).must(0, &["\"holds\":true", "\"size\":305"]);
    let shown = site
        .run(&["ledger", "show", "--from", "303"])
        .must(0, &["303 {\"v\":1,\"t\":", "\"what\":\"exported\""]);
    assert_eq!(shown.text.lines().count(), 2, "{}", shown.text);
}

#[test]
fn a_tampered_ledger_is_refused_with_the_place_and_another_exit_code_than_one_that_cannot_be_read() {
    let (site, key) = with_ledger(300);
    let file = site.path("data/ledger/tile/entries/001.p/44");
    let whole = std::fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    bytes[30] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    site.run(&["ledger", "verify"])
        .must(1, &["the ledger is refused", "changed: leaf 256 in tile/entries/001.p/44"]);
    site.run(&["ledger", "verify", "--json"]).must(1, &["\"holds\":false", "\"reason\":\"changed\""]);
    site.run(&["ledger", "show"]).must(1, &["the ledger is refused"]);
    std::fs::write(&file, &whole).unwrap();
    let other =
        Ledger::open(&site.path("other"), &[7; 16], Options::default()).unwrap().verifier().to_string();
    site.run(&["ledger", "verify", "--vkey", &other]).must(1, &["another key signed it"]);
    site.run(&["ledger", "verify", "--vkey", "nonsense"]).must(1, &["is not a verifier key"]);
    let witness = "witness.example/w1+";
    site.run(&["ledger", "verify", "--vkey", &key, "--witness", witness])
        .must(1, &["--witness cannot be used"]);
    site.run(&["ledger", "verify", "--quorum", "1"])
        .must(1, &["not witnessed: 0 of the witnesses have signed, 1 are needed"]);
    site.run(&["ledger", "verify", "http://127.0.0.1:1/ledger"])
        .must(5, &["could not be read; this says nothing about it"]);
    site.run(&["ledger", "verify", "nowhere"]).must(1, &["vkey is missing: this is no ledger"]);
}

#[test]
fn a_ledger_is_verified_over_the_web() {
    let (site, key) = with_ledger(300);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, folder) = (listener.local_addr().unwrap(), site.path("data"));
    // Ends with the test's process.
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(serve(stream, &folder))));
    let url = format!("http://{address}/ledger/");
    site.run(&["ledger", "verify", &url, "--vkey", &key])
        .must(0, &["The ledger holds: 300 leaves, all read."]);
    std::fs::remove_file(site.path("data/ledger/tile/0/001.p/44")).unwrap();
    site.run(&["ledger", "verify", &url]).must(1, &["truncated: tile/0/001.p/44 is missing"]);
}

fn serve(mut stream: std::net::TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let (status, body) = match std::fs::read(folder.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}
