//! docs/opening.md as tests: who may say what, when something is released, and that nothing else releases it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use louver_base::{CameraId, WallTime};
use louver_opening::{
    End, Entry, Granted, Opening, Party, PartyId, Refused, Request, Role, Roll, Signed, State, agreed,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const SITE: &str = "0102030405060708090a0b0c0d0e0f10";
const NOW: i64 = 1_800_000_000_000;
/// A recipient whose identity nobody keeps.
const ONCE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const HOUR: i64 = 3_600_000;

/// The point zero, with which everybody shares a secret.
fn no_secret() -> String {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse("age").unwrap(), &[0; 32]).unwrap()
}

fn at(ms: i64) -> WallTime {
    WallTime::from_millis(ms)
}

/// Holders and observers by number; the same number, the same key.
struct Somebody {
    key: Ed25519KeyPair,
    id: PartyId,
}

fn somebody(n: u8) -> Somebody {
    let key = Ed25519KeyPair::from_seed_unchecked(&[n; 32]).unwrap();
    Somebody { key, id: format!("{n:016x}").parse().unwrap() }
}

fn party(n: u8, role: Role) -> Party {
    let Somebody { key, id } = somebody(n);
    Party { id, role, key: key.public_key().as_ref().try_into().unwrap() }
}

/// Holders 1 to `of`, observer 100.
fn roll(needed: u8, of: u8) -> Roll {
    let mut parties: Vec<Party> = (1..=of).map(|n| party(n, Role::Holder)).collect();
    parties.push(party(100, Role::Observer));
    Roll { needed, parties }
}

fn request_text(change: impl Fn(&mut Value)) -> String {
    let mut document = json!({
        "what": "louver opening request", "v": 1, "site": SITE, "at": NOW, "expires": NOW + 72 * HOUR,
        "cameras": ["gate", "yard"], "from": NOW - 10 * HOUR, "to": NOW - 2 * HOUR, "reason": "subject-access",
        "text": "somebody asks for the pictures of himself", "salt": "11".repeat(32), "recipient": ONCE, "hours": 24
    });
    change(&mut document);
    document.to_string()
}

fn request() -> Request {
    Request::read(&request_text(|_| ()), SITE).unwrap()
}

fn asked(needed: u8, of: u8) -> Opening {
    let entry = Opening::ask(&request(), "user-1", roll(needed, of), at(NOW)).unwrap();
    Opening::replay([entry], SITE).unwrap()
}

fn sign(n: u8, document: String, shares: &[u8]) -> Signed {
    let Somebody { key, id } = somebody(n);
    let message = [b"louver consent v1\n", document.as_bytes()].concat();
    Signed { document, holder: id, signature: key.sign(&message).as_ref().to_vec(), shares: shares.to_vec() }
}

fn approval(n: u8, to: &Request, change: impl Fn(&mut Value)) -> Signed {
    let shares = [n; 40];
    let mut document = json!({
        "what": "louver opening approval", "v": 1, "request": to.hash().to_string(), "holder": format!("{n:016x}"), "at": NOW,
        "cameras": ["gate", "yard"], "from": NOW - 10 * HOUR, "to": NOW - 2 * HOUR,
        "shares": hex::encode(digest(&SHA256, &shares))
    });
    change(&mut document);
    sign(n, document.to_string(), &shares)
}

fn refusal(n: u8, kind: &str, to: &Request) -> Signed {
    let document = json!({
        "what": format!("louver opening {kind}"), "v": 1, "request": to.hash().to_string(), "holder": format!("{n:016x}"),
        "at": NOW, "text": "not for this"
    });
    sign(n, document.to_string(), &[])
}

/// Hears, applies, and applies what follows; gives the entries.
fn say(opening: &mut Opening, signed: Signed, now: i64) -> Result<Vec<Entry>, Refused> {
    let mut entries = vec![opening.hear(signed, at(now))?];
    opening.apply(entries[0].clone()).unwrap();
    entries.extend(pass(opening, now));
    Ok(entries)
}

fn pass(opening: &mut Opening, now: i64) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some(entry) = opening.due(at(now)) {
        opening.apply(entry.clone()).unwrap();
        entries.push(entry);
    }
    entries
}

fn ended(opening: &Opening) -> Option<&End> {
    match opening.state() {
        State::Ended { how } => Some(how),
        _ => None,
    }
}

fn granted(camera: &str, from_ms: i64, to_ms: i64) -> Granted {
    Granted { camera: camera.parse().unwrap(), from_ms, to_ms }
}

#[test]
fn a_request_is_released_when_the_last_holder_needed_agrees_and_closes_in_its_time() {
    let mut opening = asked(2, 3);
    assert!(say(&mut opening, approval(1, &request(), |_| ()), NOW).unwrap().len() == 1);
    assert!(opening.granted(at(NOW)).is_empty(), "one of two");
    say(&mut opening, approval(3, &request(), |_| ()), NOW + 1).unwrap();
    let all =
        [granted("gate", NOW - 10 * HOUR, NOW - 2 * HOUR), granted("yard", NOW - 10 * HOUR, NOW - 2 * HOUR)];
    assert_eq!(opening.granted(at(NOW + 2)), all);
    assert_eq!(
        opening.granted(at(NOW + 1 + 24 * HOUR)),
        [],
        "its time is over, whether or not somebody looked"
    );
    assert!(pass(&mut opening, NOW + 24 * HOUR).is_empty());
    pass(&mut opening, NOW + 1 + 24 * HOUR);
    assert_eq!(ended(&opening), Some(&End::Closed));
}

#[test]
fn holders_narrow_what_is_released_and_only_where_k_of_them_agree() {
    let mut opening = asked(2, 3);
    let narrow = |camera: &'static str, from: i64, to: i64| {
        move |d: &mut Value| {
            d["cameras"] = json!([camera]);
            d["from"] = json!(NOW - from * HOUR);
            d["to"] = json!(NOW - to * HOUR);
        }
    };
    say(&mut opening, approval(1, &request(), narrow("gate", 10, 7)), NOW).unwrap();
    say(&mut opening, approval(2, &request(), narrow("yard", 10, 7)), NOW).unwrap();
    assert_eq!(opening.state(), &State::Asked, "nothing in common: both stand and wait");
    say(&mut opening, approval(3, &request(), narrow("gate", 8, 3)), NOW).unwrap();
    assert_eq!(opening.granted(at(NOW)), [granted("gate", NOW - 8 * HOUR, NOW - 7 * HOUR)]);
}

#[test]
fn a_request_is_denied_when_those_who_are_left_are_too_few() {
    let mut opening = asked(2, 3);
    say(&mut opening, refusal(1, "denial", &request()), NOW).unwrap();
    assert_eq!(opening.state(), &State::Asked);
    say(&mut opening, approval(2, &request(), |_| ()), NOW).unwrap();
    say(&mut opening, refusal(2, "denial", &request()), NOW).unwrap();
    assert_eq!(ended(&opening), Some(&End::Denied), "second thoughts count while nothing is released");
    assert!(matches!(opening.hear(approval(3, &request(), |_| ()), at(NOW)), Err(Refused::Over("denied"))));
}

#[test]
fn shares_of_a_holder_who_took_his_approval_back_are_not_handed_out() {
    let mut opening = asked(2, 4);
    say(&mut opening, approval(1, &request(), |_| ()), NOW).unwrap();
    say(&mut opening, refusal(1, "denial", &request()), NOW).unwrap();
    say(&mut opening, approval(2, &request(), |_| ()), NOW).unwrap();
    assert_eq!(opening.state(), &State::Asked, "one of two is left");
    say(&mut opening, approval(3, &request(), |_| ()), NOW).unwrap();
    let standing: Vec<PartyId> = opening.approvals().map(|s| s.by().clone()).collect();
    assert_eq!(standing, [somebody(2).id, somebody(3).id]);
}

#[test]
fn an_observer_stops_a_request_and_a_release() {
    let mut opening = asked(1, 1);
    say(&mut opening, refusal(100, "veto", &request()), NOW).unwrap();
    assert!(matches!(ended(&opening), Some(End::Vetoed(_))));
    let mut opening = asked(1, 1);
    say(&mut opening, approval(1, &request(), |_| ()), NOW).unwrap();
    assert!(!opening.granted(at(NOW)).is_empty());
    say(&mut opening, refusal(100, "veto", &request()), NOW).unwrap();
    assert!(opening.granted(at(NOW)).is_empty() && !opening.is_alive());
}

#[test]
fn a_request_expires_and_only_its_owner_takes_it_back() {
    let mut opening = asked(2, 3);
    assert!(pass(&mut opening, NOW + 72 * HOUR - 1).is_empty());
    assert!(matches!(opening.withdraw("user-2", at(NOW)), Err(Refused::NotYours)));
    let taken_back = opening.withdraw("user-1", at(NOW)).unwrap();
    let mut other = opening.clone();
    other.apply(taken_back).unwrap();
    assert_eq!(ended(&other), Some(&End::Withdrawn));
    pass(&mut opening, NOW + 72 * HOUR);
    assert_eq!(ended(&opening), Some(&End::Expired));
}

#[test]
fn what_somebody_else_signed_changed_or_sent_to_another_request_is_refused() {
    let opening = asked(2, 3);
    let other = Request::read(&request_text(|d| d["hours"] = json!(25)), SITE).unwrap();
    let good = || approval(1, &request(), |_| ());
    let refused = |signed: Signed| opening.hear(signed, at(NOW)).unwrap_err();
    assert!(matches!(refused(Signed { holder: somebody(2).id, ..good() }), Refused::Signature));
    assert!(matches!(refused(Signed { holder: somebody(9).id, ..good() }), Refused::Stranger(_)));
    let mut changed = good();
    changed.document = changed.document.replace("gate", "gaze");
    assert!(matches!(refused(changed), Refused::Signature));
    for n in 0..64 {
        let mut flipped = good();
        flipped.signature[n] ^= 1;
        assert!(matches!(refused(flipped), Refused::Signature));
    }
    assert!(matches!(
        refused(Signed { shares: vec![1; 40], ..approval(2, &request(), |_| ()) }),
        Refused::Shares
    ));
    assert!(matches!(refused(approval(1, &other, |_| ())), Refused::OtherRequest));
    assert!(matches!(
        refused(approval(1, &request(), |d| d["holder"] = json!("0000000000000002"))),
        Refused::Signature
    ));
    assert!(matches!(refused(approval(100, &request(), |_| ())), Refused::Role("a holder")));
    assert!(matches!(refused(refusal(1, "veto", &request())), Refused::Role("an observer")));
    assert!(matches!(refused(refusal(1, "whim", &request())), Refused::Kind(_)));
    assert!(matches!(refused(approval(1, &request(), |d| d["at"] = json!(NOW - HOUR))), Refused::Clock));
    for (field, value) in [
        ("from", json!(NOW - 11 * HOUR)),
        ("to", json!(NOW - HOUR)),
        ("cameras", json!(["door"])),
        ("cameras", json!([])),
    ] {
        assert!(
            matches!(refused(approval(1, &request(), |d| d[field] = value.clone())), Refused::Wider),
            "{field}"
        );
    }
    assert!(matches!(refused(approval(1, &request(), |d| d["extra"] = json!(1))), Refused::Form(_)));
}

#[test]
fn a_holder_speaks_once() {
    let mut opening = asked(3, 3);
    say(&mut opening, approval(1, &request(), |_| ()), NOW).unwrap();
    let again =
        opening.hear(approval(1, &request(), |d| d["to"] = json!(NOW - 3 * HOUR)), at(NOW)).unwrap_err();
    assert!(matches!(again, Refused::Again(_)), "{again}");
    let mut opening = asked(2, 3);
    say(&mut opening, refusal(1, "denial", &request()), NOW).unwrap();
    assert!(matches!(opening.hear(approval(1, &request(), |_| ()), at(NOW)), Err(Refused::Again(_))));
}

#[test]
fn a_request_outside_the_rules_is_refused_with_the_field() {
    let cases: [(&str, Value, &str); 15] = [
        ("cameras", json!([]), "cameras: 1 to 32"),
        ("cameras", json!(["gate", "gate"]), "each camera once"),
        ("from", json!(NOW), "before the end"),
        ("from", json!(NOW - 32 * 24 * HOUR), "31 days"),
        ("text", json!("because"), "10 to 2000"),
        ("text", json!("x".repeat(2001)), "10 to 2000"),
        ("expires", json!(NOW + HOUR - 1), "1 hour to 14 days"),
        ("expires", json!(NOW + 15 * 24 * HOUR), "1 hour to 14 days"),
        ("hours", json!(0), "1 to 168"),
        ("hours", json!(169), "1 to 168"),
        ("recipient", json!("holder1abc"), "age recipient"),
        ("recipient", json!(no_secret()), "age recipient"),
        ("site", json!("00".repeat(16)), "another site"),
        ("what", json!("louver hold"), "louver hold"),
        ("reason", json!("curiosity"), "unknown variant"),
    ];
    for (field, value, words) in cases {
        let refused =
            Request::read(&request_text(|d| d[field] = value.clone()), SITE).unwrap_err().to_string();
        assert!(refused.contains(words), "{field}: {refused}");
    }
    let future = Request::read(&request_text(|d| d["to"] = json!(NOW + HOUR)), SITE).unwrap();
    assert!(future.timely(at(NOW)).unwrap_err().to_string().contains("future"));
    assert!(matches!(request().timely(at(NOW + HOUR)), Err(Refused::Clock)));
    let edge = Request::read(
        &request_text(|d| {
            d["at"] = json!(i64::MIN);
            d["expires"] = json!(i64::MIN + HOUR);
        }),
        SITE,
    );
    assert!(
        matches!(edge.unwrap().timely(at(NOW)), Err(Refused::Clock)),
        "the end of all numbers is not now"
    );
    assert!(matches!(Request::read(&" ".repeat(70_000), SITE), Err(Refused::TooLong)));
}

#[test]
fn a_release_that_nobody_signed_for_does_not_come_out_of_the_files() {
    let begin = Opening::ask(&request(), "user-1", roll(2, 3), at(NOW)).unwrap();
    let forged = Entry::Released {
        at_ms: NOW,
        until_ms: NOW + 24 * HOUR,
        granted: vec![granted("gate", NOW - 10 * HOUR, NOW - 2 * HOUR)],
    };
    assert!(Opening::replay([begin.clone(), forged.clone()], SITE).is_none());
    let mut opening = Opening::replay([begin], SITE).unwrap();
    say(&mut opening, approval(1, &request(), |_| ()), NOW).unwrap();
    assert!(opening.apply(forged).is_none());
    assert!(opening.granted(at(NOW)).is_empty());
}

proptest! {
    /// Whatever is said in whatever order: what is granted was named by k holders who did not deny it, and nothing was vetoed.
    /// Read back from its entries, as they are on disk, it is the same.
    #[test]
    fn nothing_is_granted_but_by_k_holders(
        needed in 1u8..4, more in 0u8..3,
        acts in prop::collection::vec((1u8..8, 0u8..12, 0i64..8, 1i64..8), 0..14),
    ) {
        let of = needed + more;
        let request = request();
        let begin = Opening::ask(&request, "user-1", roll(needed, of), at(NOW)).unwrap();
        let mut entries = vec![begin];
        let mut opening = Opening::replay(entries.clone(), SITE).unwrap();
        let mut spoke: std::collections::BTreeMap<u8, Option<(i64, i64)>> = Default::default();
        let mut granted_once = Vec::new();
        for (who, what, from, length) in acts {
            let (from, to) = (NOW - 10 * HOUR + from * HOUR, (NOW - 10 * HOUR + (from + length) * HOUR).min(NOW - 2 * HOUR));
            let signed = match what {
                0 => refusal(100, "veto", &request),
                1 | 2 => refusal(who, "denial", &request),
                _ => approval(who, &request, |d| { d["from"] = json!(from); d["to"] = json!(to); }),
            };
            if let Ok(more) = say(&mut opening, signed, NOW) {
                if granted_once.is_empty() && what > 0 { spoke.insert(who, (what > 2).then_some((from, to))); }
                entries.extend(more);
            }
            if granted_once.is_empty() { granted_once = opening.granted(at(NOW)).to_vec(); }
        }
        for grant in &granted_once {
            for ms in [grant.from_ms, (grant.from_ms + grant.to_ms) / 2, grant.to_ms - 1] {
                let agree = spoke.values().flatten().filter(|(from, to)| (*from..*to).contains(&ms)).count();
                prop_assert!(agree >= usize::from(needed), "{agree} of {needed}");
            }
        }
        prop_assert!(spoke.keys().all(|who| *who <= of), "strangers are not heard");
        let written: Vec<String> = entries.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
        let read = written.iter().map(|line| serde_json::from_str(line).unwrap());
        let again = Opening::replay(read, SITE).unwrap();
        prop_assert_eq!(again.state(), opening.state());
        prop_assert_eq!(again.statements(), opening.statements());
    }

    /// Agreement is counted minute by minute.
    #[test]
    fn agreed_is_where_enough_spans_overlap(spans in prop::collection::vec((0i64..8, 1i64..6), 0..6), needed in 1u8..4) {
        let request = request();
        let roll = roll(1, 9);
        let statements: Vec<_> = spans.iter().enumerate().map(|(n, (from, length))| {
            let (from, to) = (NOW - 10 * HOUR + from * HOUR, (NOW - 10 * HOUR + (from + length) * HOUR).min(NOW - 2 * HOUR));
            let signed = approval(n as u8 + 1, &request, |d| { d["cameras"] = json!(["gate"]); d["from"] = json!(from); d["to"] = json!(to); });
            louver_opening::Statement::read(signed, &request, &roll).unwrap()
        }).collect();
        let granted = agreed(&statements, needed);
        let gate: CameraId = "gate".parse().unwrap();
        for half in 0..20 {
            let ms = NOW - 10 * HOUR + half * HOUR / 2;
            let count = spans.iter().filter(|(f, l)| {
                let (from, to) = (NOW - 10 * HOUR + f * HOUR, (NOW - 10 * HOUR + (f + l) * HOUR).min(NOW - 2 * HOUR));
                (from..to).contains(&ms)
            }).count();
            prop_assert_eq!(granted.iter().any(|g| g.holds(&gate, at(ms))), count >= usize::from(needed));
        }
        prop_assert!(granted.windows(2).all(|w| w[0].to_ms < w[1].from_ms), "joined where they touch");
    }
}
