//! `louver ledger`, and the ledger of a server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use louver_ledger::leaf::Digest;
use louver_ledger::{Leaf, Ledger, Options};

use crate::serving::Server;
use crate::site::Site;

/// A test counts the segments that are there, on whatever disk: none goes for room.
const NEARLY_FULL: &str = "[storage]\nmin_free_percent = 1\n";

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

/// The leaves `sealed` of a site's ledger: header, whether recovered.
fn sealed(site: &Site) -> Vec<(String, bool)> {
    let shown = site.run(&["ledger", "show"]).must(0, &[]).text;
    let leaves = shown.lines().filter_map(|line| line.split_once(' '));
    let leaves = leaves.filter_map(|(_, leaf)| serde_json::from_str::<serde_json::Value>(leaf).ok());
    let sealed = leaves.filter(|leaf| leaf["what"] == "sealed");
    sealed.map(|leaf| (leaf["header"].as_str().unwrap().to_owned(), leaf["recovered"] == true)).collect()
}

#[test]
fn every_segment_gets_its_leaf_at_its_end_and_those_that_a_crash_cut_off_at_the_next_start() {
    let Some(file) = crate::site::deps("footage/forecourt_main.mp4") else { return };
    let port = crate::site::free_port();
    let site = Site::with(&format!("data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n{NEARLY_FULL}"));
    site.run(&["holder", "new", "-o", "holder.txt", "--add"]).must(0, &[]);
    let address = format!("file://{}", file.canonicalize().unwrap().display());
    let camera = crate::site::camera("gate", &address) + "analysis = \"off\"\n";
    std::fs::write(site.path("louver.toml"), site.read("louver.toml") + &camera).unwrap();
    let headers = || {
        let info = |path: std::path::PathBuf| {
            louver_vault::SegmentInfo::inspect(&mut std::fs::File::open(path).unwrap()).unwrap()
        };
        let mut found: Vec<_> = site.sealed_files("gate").into_iter().map(info).collect();
        found.sort_by_key(|info| info.head.start());
        found.iter().map(|info| Digest::from_bytes(*info.head.hash()).to_string()).collect::<Vec<_>>()
    };
    let (server, _) = Server::start(&site, port);
    site.wait_for_sealed("gate");
    assert_eq!(server.end("-INT").0, Some(0));
    let first = headers();
    assert_eq!(sealed(&site), [(first[0].clone(), false)], "at the end");
    let (server, _) = Server::start(&site, port);
    let more = || {
        site.sealed_files("gate").len() > 1
            && site.sealed_files("gate").iter().all(|f| f.metadata().is_ok_and(|m| m.len() > 100_000))
    };
    crate::site::until("the second run seals", more);
    server.end("-KILL");
    assert_eq!(sealed(&site).len(), 1, "nobody was there to tell");
    let (server, _) = Server::start(&site, port);
    crate::site::until("the start tells it", || sealed(&site).len() == 2);
    assert_eq!(sealed(&site)[1], (headers()[1].clone(), true), "what was cut off");
    assert_eq!(server.end("-INT").0, Some(0));
    let all = sealed(&site);
    assert_eq!(all.len(), 3, "each once: {all:?}");
    assert_eq!(all[2], (headers()[2].clone(), false));
}

/// The first segment meets a limit of the file's size, as it meets a full disk; what was written of it is told at once, not at the next start.
#[test]
fn a_segment_whose_write_failed_stands_in_the_ledger_as_it_is_in_its_file_while_the_recorder_goes_on() {
    let Some(file) = crate::site::deps("footage/forecourt_main.mp4") else { return };
    let port = crate::site::free_port();
    let site = Site::with(&format!("data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n{NEARLY_FULL}"));
    site.run(&["holder", "new", "-o", "holder.txt", "--add"]).must(0, &[]);
    let address = format!("file://{}", file.canonicalize().unwrap().display());
    let camera = crate::site::camera("gate", &address) + "analysis = \"off\"\n";
    std::fs::write(site.path("louver.toml"), site.read("louver.toml") + &camera).unwrap();
    // Past the limit a write fails, and does not end the process.
    let runner = ["sh", "-c", "trap '' XFSZ; exec \"$@\""];
    let (server, _) = Server::start_within(&site, port, &runner);
    let pid = server.pid().to_string();
    let limit = |bytes: &str| {
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:")]).status();
        set.is_ok_and(|status| status.success())
    };
    let first =
        || site.sealed_files("gate").into_iter().min().and_then(|f| Some((f.metadata().ok()?.len(), f)));
    crate::site::until("a segment has fragments", || first().is_some_and(|(len, _)| len > 400_000));
    let (len, path) = first().unwrap();
    if !limit(&len.to_string()) {
        println!("skipped: there is no prlimit to make a write fail with");
        return;
    }
    crate::site::until("what is there of it is told", || !sealed(&site).is_empty());
    let info = louver_vault::SegmentInfo::inspect(&mut std::fs::File::open(&path).unwrap()).unwrap();
    let shown = site.run(&["ledger", "show"]).must(0, &[]).text;
    let told =
        format!("\"fragments\":{},\"digest\":\"{}\",\"recovered\":true", info.fragments.len(), digest(&info));
    assert!(shown.contains(&told), "{told}\n{shown}");
    assert_eq!(sealed(&site)[0], (Digest::from_bytes(*info.head.hash()).to_string(), true));
    assert!(limit("unlimited"));
    let told = sealed(&site).len();
    crate::site::until("it records again", || site.sealed_files("gate").len() > told);
    assert_eq!(server.end("-INT").0, Some(0));
    let all = sealed(&site);
    assert!(!all[all.len() - 1].1, "the last one ended as it should: {all:?}");
    let headers: std::collections::BTreeSet<_> = all.iter().map(|(header, _)| header).collect();
    assert_eq!(headers.len(), all.len(), "each once: {all:?}");
}

fn digest(info: &louver_vault::SegmentInfo) -> String {
    Digest::from_bytes(*info.digest().as_bytes()).to_string()
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
