//! `louver approve`, `louver opening` and `louver open --request`: 2 of 3 holders and an observer, against a server that records.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use louver_base::WallTime;
use louver_ledger::{Ledger, Options};
use louver_opening::{HolderSets, Named};
use louver_store::{Store, StoreOptions};
use louver_vault::Identity;
use serde_json::Value;

use crate::serving::Server;
use crate::site::{Said, Site, camera, deps, free_port};

/// A site with holders a, b and c, of whom two are needed, an observer o, and a server that records.
pub(crate) struct Held {
    pub(crate) site: Site,
    pub(crate) port: u16,
    server: Option<Server>,
}

impl Held {
    /// `None`, with a printed line, without footage.
    pub(crate) fn start() -> Option<Self> {
        let file = deps("footage/forecourt_main.mp4")?;
        let port = free_port();
        let site = Site::new();
        for name in ["a", "b", "c", "o"] {
            site.run(&["holder", "new", "-o", &format!("{name}.txt")]).must(0, &[]);
        }
        let named = |name: &str| Named {
            name: format!("Holder {name}"),
            public: Identity::read_file(&site.path(&format!("{name}.txt"))).unwrap().public(),
        };
        let holders = ["a", "b", "c"].map(named);
        let list: Vec<String> = (holders.iter())
            .map(|h| format!("{{ name = \"{}\", public = \"{}\" }}", h.name, h.public))
            .collect();
        let address = format!("file://{}", file.canonicalize().unwrap().display());
        let settings = format!(
            "data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n[holders]\nneeded = 2\nlist = [{}]\n{}analysis = \"off\"\n",
            list.join(", "),
            camera("gate", &address)
        );
        std::fs::write(site.path("louver.toml"), settings).unwrap();
        std::fs::write(site.path("pw"), "correct horse battery staple\n").unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, _) = Store::open(&site.path("d"), StoreOptions::default()).await.unwrap();
            let sets = HolderSets::read(&[], &store.site_id().to_string()).unwrap();
            let first = sets.first(2, holders.to_vec(), vec![named("o")], WallTime::now());
            store.write_holder_set(1, first).await.unwrap();
            store.close().await.unwrap();
        });
        let (server, greeting) = Server::start(&site, port);
        server.sign_in(&greeting);
        Some(Self { site, port, server: Some(server) })
    }

    pub(crate) fn restart(&mut self) {
        self.end();
        self.begin();
    }

    pub(crate) fn end(&mut self) {
        assert_eq!(self.server.take().unwrap().end("-INT").0, Some(0));
    }

    pub(crate) fn begin(&mut self) {
        self.server = Some(Server::start(&self.site, self.port).0);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A command with the recorder's address behind its words.
    pub(crate) fn run(&self, words: &[&str], more: &[&str]) -> Said {
        let url = self.url();
        self.site.run(&[words, &[url.as_str()], more].concat())
    }

    /// When the first and the last picture arrived, ms, when at least so many seconds are recorded.
    pub(crate) fn recorded(&self, seconds: i64) -> (i64, i64) {
        let start = Instant::now();
        self.site.wait_for_sealed("gate");
        while start.elapsed() < Duration::from_secs(90) {
            let out = format!("{}.mp4", start.elapsed().as_nanos());
            let args = [
                "open", "--holder", "a.txt", "--holder", "c.txt", "--camera", "gate", "--from", "-1h",
                "--to", "now", "--json", "-o", &out,
            ];
            let told = self.site.command(&args).output().unwrap();
            if let Ok(told) = serde_json::from_slice::<Value>(&told.stdout) {
                let ms = |name: &str| told[name].as_i64().unwrap() / 1000;
                if ms("last_us") - ms("first_us") >= seconds * 1000 {
                    return (ms("first_us"), ms("last_us"));
                }
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("too little is recorded");
    }

    /// Asks, and gives the request's id.
    fn ask(&self, key: &str) -> String {
        self.ask_within(key, "-1h", "now").unwrap()
    }

    /// The same for a time, ms since 1970; or what was said instead.
    pub(crate) fn ask_for(&self, key: &str, from: i64, to: i64) -> Result<String, String> {
        self.ask_within(key, &time(from), &time(to))
    }

    fn ask_within(&self, key: &str, from: &str, to: &str) -> Result<String, String> {
        let args = [
            "opening",
            "request",
            &self.url(),
            "--password-file",
            "pw",
            "--camera",
            "gate",
            "--from",
            from,
            "--to",
            to,
            "--reason",
            "test",
            "--text",
            "the red bicycle\u{1b}[2J at the gate",
            "--key",
            key,
            "--json",
        ];
        let out = self.site.command(&args).output().unwrap();
        let said = || String::from_utf8_lossy(&out.stderr).into_owned();
        let told: Value = serde_json::from_slice(&out.stdout).map_err(|_| said())?;
        Ok(told["request"].as_str().unwrap().to_owned())
    }

    pub(crate) fn approve(&self, id: &str, holder: &str, more: &[&str]) -> Said {
        let file = format!("{holder}.txt");
        self.run(&["approve"], &[&[id, "--holder", &file, "--yes"], more].concat())
    }

    /// The file is whole, from this site, sealed and allowed; and no longer when a byte of it is another.
    pub(crate) fn verifies(&self, file: &str) {
        let key = self.site.read("d/ledger/vkey");
        self.site.run(&["verify", file, "--site", &key]).must(
            0,
            &[
                "The video holds.",
                "the site signed it whose key you gave",
                "that the recorder sealed",
                "had released them",
                "camera         gate",
            ],
        );
        let mut bytes = std::fs::read(self.site.path(file)).unwrap();
        let at = bytes.len() / 3;
        bytes[at] ^= 1;
        std::fs::write(self.site.path("changed.mp4"), bytes).unwrap();
        self.site.run(&["verify", "changed.mp4"]).must(1, &["The video is refused.", "NO   "]);
        let other = Ledger::open(&self.site.path("other"), &[7; 16], Options::default()).unwrap();
        self.site
            .run(&["verify", file, "--site", &other.verifier().to_string()])
            .must(1, &["it is from another site: its ledger's key is louver.invalid/site/"]);
        self.site.run(&["verify", file, "--json"]).must(0, &["\"holds\":true", "\"site_was_given\":false"]);
        self.site.run(&["verify", "nowhere.mp4"]).must(5, &["could not be read; this says nothing about it"]);
        self.site
            .run(&["verify", "a.txt"])
            .must(1, &["the video is refused", "no box of an MP4 begins at byte 0"]);
    }

    pub(crate) fn leaves(&self) -> String {
        self.site.run(&["ledger", "show"]).must(0, &[]).text
    }
}

fn time(ms: i64) -> String {
    WallTime::from_millis(ms).to_string()
}

/// Whether every picture decodes; true with a printed line where there is no ffmpeg.
pub(crate) fn decodes(video: &std::path::Path) -> bool {
    let done =
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(video).args(["-f", "null", "-"]).output();
    match done {
        Ok(done) => done.status.success() && done.stderr.is_empty(),
        Err(_) => {
            println!("skipped: there is no ffmpeg to decode the video with");
            true
        }
    }
}

#[test]
fn two_of_three_holders_agree_each_with_his_own_key_and_who_asked_opens_on_another_machine() {
    let Some(held) = Held::start() else { return };
    held.recorded(2);
    let id = held.ask("k.key");
    held.run(&["opening", "list"], &["--password-file", "pw"])
        .must(0, &[&id, "gate", "waits for the holders"]);
    held.run(&["approve"], &["--holder", "a.txt"])
        .must(0, &["Waiting for you:", &id, "`louver approve URL ID`"]);
    let shown = held.approve(&id, "a", &[]).must(
        0,
        &[
            "the red bicycle [2J at the gate",
            "2 of 3 holders are needed",
            "Holder b (holder",
            "nothing yet",
            "waits for the holders",
        ],
    );
    assert!(!shown.text.contains('\u{1b}'), "what somebody wrote does not reach the terminal");
    held.run(&["approve"], &["--holder", "a.txt"]).must(0, &["No request waits for you."]);
    held.approve(&id, "a", &[]).must(1, &["has spoken to this request already"]);
    let open = |key: &str, out: &str| {
        held.site.run(&["open", "--request", &id, "--key", key, "--password-file", "pw", "-o", out])
    };
    // One waits meanwhile.
    let mut waiting = held
        .site
        .command(&["open", "--request", &id, "--key", "k.key", "--password-file", "pw", "-o", "waited.mp4"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(waiting.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("Waiting for 2 holders") {
        assert!(told.read_line(&mut line).unwrap() > 0, "it ended early: {line}");
    }
    // The words in place of the file, as somebody types them.
    let words = held.site.read("b.txt").lines().find(|l| !l.starts_with('#')).unwrap().to_uppercase();
    let url = held.url();
    held.site
        .run_with_input(&["approve", &url, &id, "--yes"], &words)
        .must(0, &["Holder a (holder", "agreed to all of it", "Sent. The request: released."]);
    let start = Instant::now();
    while waiting.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(60), "it waits for what is there");
        std::thread::sleep(Duration::from_millis(100));
    }
    Said::from(waiting.wait_with_output().unwrap()).must(0, &["Wrote waited.mp4", "delete the key"]);
    assert!(decodes(&held.site.path("waited.mp4")));
    held.verifies("waited.mp4");
    open("k.key", "waited.mp4").must(1, &["waited.mp4 exists already"]);
    open("k.key", "again.mp4").must(0, &["Wrote again.mp4"]);
    assert!(
        !held.site.files("").iter().any(|p| p.to_string_lossy().contains("/.louver-")),
        "no sealed pieces are left"
    );

    // Another request's key opens nothing.
    let other = held.ask("other.key");
    open("other.key", "no.mp4").must(1, &[&format!("is the key of another request, {other}")]);
    open("missing.key", "no.mp4").must(1, &["missing.key cannot be read"]);
    held.run(&["opening", "withdraw"], &[&id, "--password-file", "pw"]).must(0, &["taken back"]);
    open("k.key", "no.mp4").must(1, &["nothing is open to you: the request is taken back"]);
    assert!(!held.site.path("no.mp4").exists());
    let leaves = held.leaves();
    for what in
        ["opening-requested", "opening-approved", "opening-released", "opening-read", "opening-withdrawn"]
    {
        assert!(leaves.contains(what), "{what}\n{leaves}");
    }
    let log = held.site.read("log");
    let secret = held.site.read("k.key").lines().last().unwrap().to_owned();
    assert!(!log.to_uppercase().contains(&words[..40]) && !log.contains(&secret));
}

#[test]
fn what_two_agree_to_is_opened_and_nothing_more() {
    let Some(held) = Held::start() else { return };
    let (first, last) = held.recorded(12);
    let id = held.ask("k.key");
    held.approve(&id, "c", &[]).must(0, &[]);
    held.approve(&id, "a", &["--camera", "yard"]).must(1, &["the request asks for no camera \"yard\""]);
    held.approve(&id, "a", &["--to", "2099-01-01T00:00:00Z"]).must(1, &["is no part of what was asked for"]);
    let (from, to) = (first + (last - first) / 3, first + (last - first) * 2 / 3);
    held.approve(&id, "a", &["--camera", "gate", "--from", &time(from), "--to", &time(to)])
        .must(0, &["Sent. The request: released."]);
    held.run(&["opening", "show"], &[&id, "--password-file", "pw"])
        .must(0, &["granted   gate, ", "agreed to gate, "]);
    let args =
        ["open", "--request", &id, "--key", "k.key", "--password-file", "pw", "-o", "part.mp4", "--json"];
    let out = held.site.command(&args).output().unwrap();
    let told: Value = serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
    let ms = |name: &str| told[0][name].as_i64().unwrap() / 1000;
    // Whole groups of pictures are handed out, and only whole ones can be proven.
    assert!(ms("first_us") > first && ms("last_us") < last, "{told}: {first} {from} {to} {last}");
    assert_eq!(told[0]["signed"], true);
    assert!(decodes(&held.site.path("part.mp4")));
    held.verifies("part.mp4");
    let leaves = held.leaves();
    let (read, exported) = (leaves.rfind("opening-read").unwrap(), leaves.rfind("\"exported\"").unwrap());
    assert!(read < exported, "{leaves}");
}

#[test]
fn holders_deny_an_observer_stops_and_strangers_do_neither() {
    let Some(held) = Held::start() else { return };
    held.recorded(1);
    let (one, two) = (held.ask("1.key"), held.ask("2.key"));
    held.approve(&one, "a", &["--veto", "no"]).must(1, &["a holder has no veto", "--deny"]);
    held.approve(&one, "o", &[]).must(1, &["an observer has no share"]);
    held.approve(&one, "a", &["--deny", "the insurer has it already"]).must(0, &["waits for the holders"]);
    held.approve(&one, "b", &["--deny", "nor do I"])
        .must(0, &["said no, ", "the insurer has it already", "denied: too many holders said no"]);
    held.approve(&one, "c", &[]).must(1, &["the request is not open any more: denied"]);
    held.site
        .run(&["open", "--request", &one, "--key", "1.key", "--password-file", "pw", "-o", "no.mp4"])
        .must(1, &["the request is denied", "`louver opening show` says who said what"]);
    held.approve(&two, "o", &["--veto", "no case number"])
        .must(0, &["Sent. The request: stopped by an observer."]);
    held.approve(&two, "a", &[]).must(1, &["stopped by an observer"]);

    held.site.run(&["holder", "new", "-o", "x.txt"]).must(0, &[]);
    held.approve(&two, "x", &[])
        .must(1, &["the recorder says: This is not the answer of a holder or observer"]);
    let url = held.url();
    held.site
        .run_with_input(&["approve", &url, "--yes"], "abandon ability able about")
        .must(1, &["these are not a holder's words", "24 words are expected, and 4 are here"]);
    let foreign = ["--holder", "a.txt", "--site", "000102030405060708090a0b0c0d0e0f"];
    held.run(&["approve"], &foreign).must(1, &["and not of the one named with --site: nothing was signed"]);
    held.run(&["approve"], &["../vault", "--holder", "a.txt"]).must(1, &["is no request's id"]);
    std::fs::write(held.site.path("wrong"), "not the password").unwrap();
    held.run(&["opening", "list"], &["--password-file", "wrong"])
        .must(1, &["the recorder says: This password is not right", "`louver link`"]);
    held.site
        .run(&["approve", "recorder.example", "--holder", "a.txt"])
        .must(1, &["is no address of a recorder"]);
    let away = format!("http://127.0.0.1:{}", free_port());
    held.site
        .run(&["approve", &away, "--holder", "a.txt"])
        .must(1, &["cannot be reached", "that the recorder runs"]);
}
