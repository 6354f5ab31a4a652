//! What a fuzzer found worth keeping (fuzz/corpus), and what it begins with, without the fuzzer.
//!
//! `LOUVER_WRITE_SEEDS=1 cargo test -p louver-server --test corpus` writes what it begins with anew.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../fuzz/checks/api_bodies.rs"]
mod api_bodies;
mod site;

use std::path::PathBuf;

use serde_json::{Value, json};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/api_bodies")
}

#[test]
fn what_holds_of_any_request_holds_of_the_corpus() {
    let files: Vec<_> = std::fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        api_bodies::any_bytes(&std::fs::read(file).unwrap());
    }
    api_bodies::end();
}

#[test]
fn the_seeds_are_requests_to_each_address() {
    // Numbers that only a running server knows are no JSON before they are filled in.
    let document = |document: Value| {
        let mut text = document.to_string();
        for number in ["now", "later", "from", "to"] {
            text = text.replace(&format!("\"{{{number}}}\""), &format!("{{{number}}}"));
        }
        text
    };
    let opening = json!({
        "what": "louver opening request", "v": 1, "site": "{site}", "at": "{now}", "expires": "{later}", "cameras": ["gate"],
        "from": "{from}", "to": "{to}", "reason": "theft", "text": "t", "salt": "11".repeat(32),
        "recipient": "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", "hours": 24
    });
    let statement = |kind: &str| {
        document(json!({
            "what": format!("louver opening {kind}"), "v": 1, "request": "{request}", "holder": "{holder}", "at": "{now}", "text": "no"
        }))
    };
    let approval = document(json!({
        "what": "louver opening approval", "v": 1, "request": "{request}", "holder": "{holder}", "at": "{now}", "cameras": ["gate"],
        "from": "{from}", "to": "{to}", "shares": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    }));
    let set = document(json!({
        "what": "louver holder set", "v": 1, "site": "{site}", "number": 2, "before": "{before}", "at": "{now}", "needed": 1,
        "holders": [{ "name": "A", "public": "{public}" }], "observers": []
    }));
    let hold = document(json!({
        "what": "louver hold", "v": 1, "site": "{site}", "at": "{now}", "cameras": ["gate"], "from": "{from}", "to": "{to}",
        "reason": "r", "until": "{later}", "salt": "22".repeat(32)
    }));
    let draft = document(json!({
        "what": "louver export draft", "v": 1, "camera": "gate", "bytes": 10, "sha256": "00".repeat(32), "segments": []
    }));
    let seeds = [
        ("password", "a--\n{\"password\":\"not the right one\"}".to_owned()),
        ("link", format!("b--\n{{\"token\":\"{}\"}}", "A".repeat(43))),
        ("new_password", "c--\n{\"password\":\"a long enough one\",\"current_password\":null}".into()),
        ("challenge", "d--\n{}".into()),
        (
            "holder",
            format!(
                "e--\n{{\"public\":\"{{public}}\",\"challenge\":\"{0}\",\"signature\":\"{0}\"}}",
                "AAAA".repeat(11)
            ),
        ),
        ("opening", format!("fo-\n{}", document(opening))),
        ("opening_as_json", "foj\n{\"document\":\"{\\\"v\\\":1}\"}".into()),
        ("approval", format!("gh-{{opening}}\n{approval}")),
        ("denial", format!("gh-{{opening}}\n{}", statement("denial"))),
        ("set", format!("ho-\n{set}")),
        ("proposal", format!("io-\n{set}")),
        ("hold", format!("jo-\n{hold}")),
        ("first_holder", "ko-\n{\"name\":\"Ada\",\"public\":\"{public}\"}".into()),
        ("export", format!("lo-{{opening}}\n{draft}")),
        ("timeline", "mo-gate?from_ms={from}&to_ms={to}".into()),
        ("archive", "no-gate?from_ms=0&to_ms=1000".into()),
        ("archive_file", "oo-1772000000000.mp4?from_ms=1772000000000".into()),
        ("scenes", "po-gate?from_ms={from}&to_ms={to}".into()),
        ("masked", "qo-?from_ms={from}&to_ms={to}".into()),
        ("events", "ro-?camera=gate&class=person&from_ms=1&to_ms=2&limit=3&before=x".into()),
        ("asked", "so-{opening}".into()),
        ("epochs", "th-{opening}?holder={holder}".into()),
        ("release", "uo-{opening}".into()),
        ("segments", "vo-{opening}".into()),
        ("fragments", "wo-{opening}".into()),
        ("withdrawn", "xo-{opening}".into()),
        ("ledger", "y--checkpoint".into()),
        ("page", "z--index.html".into()),
        ("camera", "0o-gate".into()),
        ("signed_out", "m--gate?from_ms=0&to_ms=1".into()),
    ];
    for (name, seed) in seeds {
        let file = corpus().join(name);
        if std::env::var_os("LOUVER_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(corpus()).unwrap();
            std::fs::write(&file, &seed).unwrap();
        }
        let there = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(there, seed, "{name}: not what it is called; LOUVER_WRITE_SEEDS=1 writes it anew");
    }
}
