//! `louver holder set`: holders change who they are while it records, and what was sealed before and after opens with those it was sealed for.

use std::time::{Duration, Instant};

use louver_base::WallTime;
use louver_vault::{Identity, SegmentHead};

use crate::approving::Held;
use crate::serving::Server;
use crate::site::{Site, camera, deps, free_port};

fn public(site: &Site, name: &str) -> String {
    site.run(&["holder", "new", "-o", &format!("{name}.txt")]).must(0, &[]);
    Identity::read_file(&site.path(&format!("{name}.txt"))).unwrap().public().to_string()
}

/// When the first segment that is sealed for a holder begins, ms, when at least so many seconds of it are recorded.
fn sealed_for(held: &Held, name: &str, seconds: i64) -> i64 {
    let id = Identity::read_file(&held.site.path(&format!("{name}.txt"))).unwrap().id();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        for path in held.site.files("d/sealed").iter().filter(|p| p.is_file()) {
            let head = std::fs::File::open(path).ok().and_then(|mut f| SegmentHead::read(&mut f).ok());
            let Some(head) = head.filter(|h| h.keys().shares().iter().any(|s| s.holder == id)) else {
                continue;
            };
            if WallTime::now().millis() - head.start().millis() >= seconds * 1000 {
                return head.start().millis();
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("nothing is sealed for {name}");
}

#[test]
fn holders_replace_one_of_them_and_both_hours_open_with_those_they_were_sealed_for() {
    let Some(mut held) = Held::start() else { return };
    let (first, _) = held.recorded(3);
    let d = public(&held.site, "d");
    let make = |more: &[&str]| {
        held.run(&["holder", "set", "make"], &[&["--holder", "a.txt", "-o", "next.json"], more].concat())
    };
    make(&[]).must(1, &["nothing would be different in the next set"]);
    make(&["--remove", "Eve"]).must(1, &["nobody called \"Eve\" is on the list", "Holder a ("]);
    make(&["--needed", "4"]).must(1, &["this can never be the next set", "4"]);
    make(&["--remove", "Holder a", "--remove", "Holder b", "--remove", "Holder c"])
        .must(1, &["leave one at least"]);
    make(&["--add", "Dora=holder1x"]).must(2, &["--add"]);
    held.run(&["holder", "set", "make"], &["--holder", "o.txt", "-o", "next.json", "--remove", "Holder c"])
        .must(1, &["only a holder of today can propose"]);
    let replace = format!("Holder c={d}");
    make(&["--replace", &replace]).must(
        0,
        &[
            "Set 2, ",
            "added: Holder c (",
            "removed: Holder c (",
            "agreed to by Holder a",
            "1 more of Holder a",
        ],
    );
    let post = ["next.json", "--holder", "b.txt"];
    held.run(&["holder", "set", "post"], &post)
        .must(1, &["the recorder says: 1 of the 2 holders needed agreed to this holder set"]);
    let sign = |name: &str, more: &[&str]| {
        let file = format!("{name}.txt");
        held.site.run(&[&["holder", "set", "sign", "next.json", "--holder", &file], more].concat())
    };
    // Who comes has no say yet, nor has an observer.
    sign("d", &["--yes"]).must(0, &["Signed: the file has 2 consents"]);
    sign("o", &["--yes"]).must(0, &["Signed: the file has 3 consents"]);
    held.run(&["holder", "set", "post"], &post).must(1, &["1 of the 2 holders needed agreed"]);
    sign("b", &[]).must(1, &["say --yes to sign it"]);
    sign("b", &["--yes"]).must(0, &["needed    2 of 3", "Signed: the file has 4 consents"]);
    let changed = WallTime::now().millis();
    held.run(&["holder", "set", "post"], &post).must(0, &["Set 2 is in force: 2 of 3 holders"]);
    held.run(&["holder", "set", "post"], &post).must(0, &["Set 2 is in force"]);
    let after = sealed_for(&held, "d", 3);
    assert!(after - changed < 20_000, "without a restart: {} ms", after - changed);

    // Who was removed is out.
    let list = |name: &str| held.run(&["holder", "set", "list"], &["--holder", &format!("{name}.txt")]);
    list("c").must(1, &["This is not the answer of a holder or observer of this site"]);
    list("o").must(0, &["Set 1, ", "Set 2, ", "agreed to by Holder a, Holder b", "In force is set 2"]);

    let ask = |key: &str, from: i64, to: i64| held.ask_for(key, from, to);
    let mixed = ask("mixed.key", first, after + 1000).unwrap_err();
    assert!(mixed.contains("holders were changed in that time"), "{mixed}");
    let before = ask("before.key", first, after).unwrap();
    let since = ask("since.key", after, after + 2000).unwrap();
    // What was sealed before opens with who was removed, and for nothing else does he count.
    held.approve(&before, "d", &[]).must(1, &[]);
    held.approve(&before, "c", &[]).must(0, &["Sent."]);
    held.approve(&since, "c", &[]).must(1, &[]);
    held.approve(&before, "a", &[]).must(0, &["Sent. The request: released."]);
    held.approve(&since, "b", &[]).must(0, &["Sent."]);
    held.approve(&since, "d", &[]).must(0, &["Sent. The request: released."]);
    for (id, key) in [(&before, "before"), (&since, "since")] {
        let (key, out) = (format!("{key}.key"), format!("{key}.mp4"));
        held.site
            .run(&["open", "--request", id, "--key", &key, "--password-file", "pw", "-o", &out])
            .must(0, &[&format!("Wrote {out}")]);
        assert!(crate::approving::decodes(&held.site.path(&out)));
        // What was made before the change is signed and checked like what was made since.
        held.verifies(&out);
    }
    // With the machine itself, and k holders of then, nothing of what came after opens.
    let time = |ms: i64| WallTime::from_millis(ms).to_string();
    let emergency = |two: &str, out: &str| {
        let (from, to) = (time(after), time(after + 2000));
        let args = [
            "open", "--holder", "a.txt", "--holder", two, "--camera", "gate", "--from", &from, "--to", &to,
            "-o", out,
        ];
        held.site.run(&args)
    };
    assert_ne!(emergency("c.txt", "no.mp4").code, 0);
    assert!(!held.site.path("no.mp4").exists());
    emergency("d.txt", "yes.mp4").must(0, &["yes.mp4"]);

    let leaves = held.leaves();
    let set_2 = "\"what\":\"holders\",\"number\":2";
    assert_eq!(leaves.matches(set_2).count(), 1, "posted again it is written once: {leaves}");
    // Who takes the last file away does not get the set before back, nor does a new list in the settings begin anew.
    held.end();
    let refused = |says: &str| {
        held.site.run(&["serve"]).must(1, &[says, "from a backup, or put the file that the holders signed"])
    };
    let away =
        |name: &str| std::fs::rename(held.site.path(&format!("d/holders/{name}")), held.site.path(name));
    // The file that went from holder to holder.
    let signed = held.site.path("signed.json");
    std::fs::rename(held.site.path("next.json"), &signed).unwrap();
    away("0002.json").unwrap();
    refused("the ledger says that set 2 is in force, and the folder holders/ ends with set 1");
    away("0001.json").unwrap();
    refused("the list of holders is gone: the ledger says that set 2 is in force");
    std::fs::rename(held.site.path("0001.json"), held.site.path("d/holders/0001.json")).unwrap();
    std::fs::copy(&signed, held.site.path("d/holders/0002.json")).unwrap();
    held.begin();
    // The settings that it began with may stay: they name set 1, and set 2 is in force.
    held.run(&["holder", "set", "list"], &["--holder", "d.txt"]).must(0, &["In force is set 2"]);
    let doctor = held.site.run(&["doctor"]).text;
    assert!(doctor.contains("2 of 3 holders open originals together"), "{doctor}");
    held.site
        .run(&["holder", "new", "-o", "e.txt", "--add", "--name", "Eve"])
        .must(1, &["only its holders change it", "louver holder set make"]);
    assert!(!held.site.path("e.txt").exists());
}

#[test]
fn a_site_without_holders_serves_its_page_and_records_nothing() {
    let Some(file) = deps("footage/forecourt_main.mp4") else { return };
    let port = free_port();
    let address = format!("file://{}", file.canonicalize().unwrap().display());
    let settings = |more: &str| {
        format!(
            "data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n{more}{}analysis = \"off\"\n",
            camera("gate", &address)
        )
    };
    let site = Site::with(&settings(""));
    site.run(&["doctor"]).must(1, &["no holder, no recording"]);
    let (server, greeting) = Server::start(&site, port);
    assert!(
        greeting.contains("sealed for nobody yet") && greeting.contains("make the first one on the page")
    );
    let cookie = server.sign_in(&greeting);
    let public = public(&site, "a");
    let body = format!("{{\"name\":\"Ada\",\"public\":\"{public}\"}}");
    assert!(!site.path("d/sealed/gate").exists());
    let made = server.ask("POST", "/api/v1/vault/first-holder", &cookie, &body);
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    site.wait_for_sealed("gate");
    assert_eq!(server.end("-INT").0, Some(0));

    // It goes on without [holders]; who puts himself into the settings is refused, and so is a list that is gone.
    let (server, greeting) = Server::start(&site, port);
    assert!(greeting.contains("sealed for 1 holder"), "{greeting}");
    assert_eq!(server.end("-INT").0, Some(0));
    let eve = self::public(&site, "e");
    let list = format!("[holders]\nneeded = 1\nlist = [{{ name = \"Eve\", public = \"{eve}\" }}]\n");
    std::fs::write(site.path("louver.toml"), settings(&list)).unwrap();
    site.run(&["serve"])
        .must(1, &["names other holders than the site's own list (set 1)", "louver holder set"]);
    std::fs::write(site.path("louver.toml"), settings("")).unwrap();
    std::fs::rename(site.path("d/holders"), site.path("away")).unwrap();
    let gone = "the list of holders is gone: the ledger says that set 1 is in force";
    site.run(&["serve"]).must(1, &[gone, "from a backup"]);
    std::fs::write(site.path("louver.toml"), settings(&list)).unwrap();
    site.run(&["serve"]).must(1, &[gone, "from a backup"]);
    assert!(!site.path("d/holders").exists(), "nobody names himself where the list was");
    // Where the ledger was moved away too, the originals that are sealed say that there was one.
    std::fs::rename(site.path("d/ledger"), site.path("moved")).unwrap();
    site.run(&["serve"])
        .must(1, &["originals were sealed here, but the list of holders is gone", "from a backup"]);
    assert!(!site.path("d/holders").exists());
}
