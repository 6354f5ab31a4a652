//! `louver hold`: a file travels from holder to holder, and with enough consents the recorder keeps what it names.

use crate::approving::Held;

#[test]
fn a_hold_takes_effect_when_enough_holders_signed_and_outlives_a_restart() {
    let Some(mut held) = Held::start() else { return };
    held.site.wait_for_sealed("gate");
    let make = [
        "--holder",
        "a.txt",
        "--camera",
        "gate",
        "--from",
        "-30m",
        "--to",
        "now",
        "--until",
        "+30d",
        "--reason",
        "the police asked for it",
        "-o",
        "hold.json",
    ];
    held.run(&["hold", "make"], &make).must(
        0,
        &[
            "Keep recordings beyond their retention",
            "Signed by you, and written to hold.json",
            "1 more of Holder a, Holder b, Holder c",
        ],
    );
    held.run(&["hold", "make"], &make).must(1, &["hold.json exists already"]);
    let post = ["hold.json", "--holder", "b.txt"];
    held.run(&["hold", "post"], &post)
        .must(1, &["the recorder says: 1 of the 2 holders needed agreed", "louver hold sign"]);
    // Who is no holder may sign; it counts for nothing.
    held.site
        .run(&["hold", "sign", "hold.json", "--holder", "o.txt", "--yes"])
        .must(0, &["Signed: the file has 2 consents"]);
    held.run(&["hold", "post"], &post).must(1, &["1 of the 2 holders needed agreed"]);
    held.site.run(&["hold", "sign", "hold.json", "--holder", "b.txt"]).must(1, &["say --yes to sign it"]);
    held.site
        .run(&["hold", "sign", "hold.json", "--holder", "b.txt", "--yes"])
        .must(0, &["cameras   gate", "reason    the police asked for it", "Signed: the file has 3 consents"]);
    held.site
        .run(&["hold", "sign", "hold.json", "--holder", "b.txt", "--yes"])
        .must(0, &["You have signed it already."]);
    held.run(&["hold", "post"], &post)
        .must(0, &["in force until", "agreed to by Holder a (", "hours are kept until"]);
    held.run(&["hold", "post"], &["hold.json", "--user", "--password-file", "pw"])
        .must(0, &["in force until"]);

    held.restart();
    let listed = held
        .run(&["hold", "list"], &["--holder", "c.txt"])
        .must(0, &["in force until", "the police asked for it"]);
    let id =
        listed.text.lines().find(|l| l.contains("in force")).unwrap().split(' ').next().unwrap().to_owned();
    let end = [id.as_str(), "--holder", "c.txt", "--reason", "the case is closed", "-o", "end.json"];
    held.run(&["hold", "end"], &end).must(0, &["End a hold before its date", "1 more of"]);
    held.site
        .run(&["hold", "sign", "end.json", "--holder", "a.txt", "--yes"])
        .must(0, &["the case is closed"]);
    held.run(&["hold", "post"], &["end.json", "--holder", "a.txt"])
        .must(0, &["It has ended: retention goes on"]);
    held.run(&["hold", "post"], &post).must(1, &["the recorder says: This hold has ended"]);
    held.run(&["hold", "end"], &end).must(1, &["no such hold is in force"]);
    let leaves = held.site.run(&["ledger", "show"]).must(0, &[]).text;
    let whats: Vec<_> = leaves
        .lines()
        .filter(|l| l.contains("\"what\":\"hold\"") || l.contains("\"what\":\"hold-"))
        .collect();
    assert!(whats.len() == 2 && whats[1].contains("hold-ended"), "{whats:?}");
}

#[test]
fn a_file_that_is_no_hold_is_not_signed() {
    let site = crate::site::Site::new();
    site.run(&["holder", "new", "-o", "a.txt"]).must(0, &[]);
    std::fs::write(site.path("x.json"), "{}").unwrap();
    let sign = ["hold", "sign", "x.json", "--holder", "a.txt", "--yes"];
    site.run(&sign).must(1, &["x.json is no file of a hold"]);
    let other =
        serde_json::json!({ "document": "{\"what\":\"louver holder set\",\"site\":\"\"}", "consents": [] });
    std::fs::write(site.path("x.json"), other.to_string()).unwrap();
    site.run(&sign).must(1, &["this cannot be agreed to", "neither a hold nor the end of one"]);
    assert_eq!(site.read("x.json"), other.to_string());
}
