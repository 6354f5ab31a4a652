//! docs/keys.md, "Legal hold": hours are kept when k holders of the set in force ask for it, and no longer than they asked.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::WallTime;
use louver_opening::{
    Consent, Hold, HoldAsked, HoldDocument, HoldEnd, HoldEntry, HoldFile, HoldRefused, HolderSets, LegalHold,
    Named, PartyId,
};
use louver_vault::Identity;
use zeroize::Zeroizing;

const SITE: &str = "0102030405060708090a0b0c0d0e0f10";
const NOW_MS: i64 = 1_800_000_000_000;
const DAY_MS: i64 = 86_400_000;

fn holder(n: u8) -> Identity {
    Identity::from_recovery_secret(Zeroizing::new([n; 32])).unwrap()
}

fn named(n: u8) -> Named {
    Named { name: format!("Holder {n}"), public: holder(n).public() }
}

fn now() -> WallTime {
    at(0)
}

fn at(days: i64) -> WallTime {
    WallTime::from_millis(NOW_MS + days * DAY_MS)
}

fn consent(n: u8, document: &str) -> Consent {
    let holder = holder(n);
    Consent {
        holder: PartyId::of(&holder.public()),
        signature: BASE64.encode(holder.consent(document.as_bytes()).unwrap()),
    }
}

/// 2 of 3.
fn sets() -> HolderSets {
    let mut sets = HolderSets::read(&[], SITE).unwrap();
    let file = sets.first(2, vec![named(1), named(2), named(3)], vec![named(9)], now());
    sets.take(&file).unwrap();
    sets
}

fn asked() -> HoldAsked {
    HoldAsked {
        cameras: vec!["gate".parse().unwrap()],
        from: WallTime::from_millis(NOW_MS - 3_600_000),
        to: now(),
        reason: "the police asked to keep it".to_owned(),
        until: at(30),
    }
}

fn text() -> String {
    Hold::document(asked(), SITE, now(), [5; 32])
}

fn signed(document: &str, by: &[u8]) -> HoldFile {
    HoldFile { document: document.to_owned(), consents: by.iter().map(|n| consent(*n, document)).collect() }
}

fn hold(document: &str) -> Hold {
    match HoldDocument::read(document, SITE).unwrap() {
        HoldDocument::Hold(hold) => hold,
        HoldDocument::End(_) => panic!("an end"),
    }
}

fn end(document: &str) -> HoldEnd {
    match HoldDocument::read(document, SITE).unwrap() {
        HoldDocument::End(end) => end,
        HoldDocument::Hold(_) => panic!("a hold"),
    }
}

fn take(by: &[u8], when: WallTime) -> Result<HoldEntry, HoldRefused> {
    LegalHold::take(signed(&text(), by), &hold(&text()), &sets(), when)
}

#[test]
fn a_hold_needs_k_different_holders_of_the_set_in_force() {
    assert!(take(&[1, 3], now()).is_ok());
    for too_few in [&[][..], &[1], &[1, 1], &[1, 9], &[1, 7]] {
        let refused = take(too_few, now()).unwrap_err();
        let have = usize::from(too_few.contains(&1));
        assert!(
            matches!(refused, HoldRefused::TooFew { have: h, needed: 2 } if h == have),
            "{too_few:?}: {refused}"
        );
    }
    let mut other = signed(&text(), &[1, 2]);
    other.document = other.document.replace("police", "neighbour");
    assert!(matches!(
        LegalHold::take(other.clone(), &hold(&other.document), &sets(), now()),
        Err(HoldRefused::TooFew { have: 0, .. })
    ));
    // Who was on the list before counts no more.
    let mut later = sets();
    let next = later.document(2, vec![named(1), named(4), named(5)], vec![], now());
    let file = HolderSets::file(next.clone(), vec![consent(1, &next), consent(2, &next)]);
    later.take(&file).unwrap();
    assert!(LegalHold::take(signed(&text(), &[1, 2]), &hold(&text()), &later, now()).is_err());
    let none = HolderSets::read(&[], SITE).unwrap();
    let nobody = LegalHold::take(signed(&text(), &[1, 2]), &hold(&text()), &none, now());
    assert!(matches!(nobody, Err(HoldRefused::NoHolders)));
}

#[test]
fn a_hold_ends_at_its_date_and_reads_back_the_same() {
    let taken = take(&[1, 2], now()).unwrap();
    let mut held = LegalHold::replay([taken.clone()], &sets(), SITE).unwrap();
    assert!(held.is_in_force() && held.due(at(29)).is_none());
    assert_eq!(held.by().len(), 2);
    let over = held.due(at(30)).unwrap();
    held.apply(&over, &sets(), SITE).unwrap();
    assert!(!held.is_in_force() && held.due(at(31)).is_none());
    let again = LegalHold::replay([taken.clone(), over.clone()], &sets(), SITE).unwrap();
    assert_eq!(again.over_ms(), Some(at(30).millis()));
    // What somebody else wrote between is not believed.
    let early = HoldEntry::Over { at_ms: at(29).millis(), how: louver_opening::HoldOver::Date };
    assert!(LegalHold::replay([taken.clone(), early], &sets(), SITE).is_none());
    assert!(LegalHold::replay([taken.clone(), over.clone(), over.clone()], &sets(), SITE).is_none());
    assert!(LegalHold::replay([over], &sets(), SITE).is_none());
    let alone = HoldEntry::Taken { at_ms: 0, set: 1, file: signed(&text(), &[1]) };
    assert!(LegalHold::replay([alone], &sets(), SITE).is_none());
}

#[test]
fn holders_of_today_end_a_hold_that_those_of_then_asked_for() {
    let taken = take(&[1, 2], now()).unwrap();
    let held = LegalHold::replay([taken.clone()], &sets(), SITE).unwrap();
    let mut later = sets();
    let next = later.document(1, vec![named(4)], vec![], now());
    later.take(&HolderSets::file(next.clone(), vec![consent(1, &next), consent(2, &next)])).unwrap();
    let text = HoldEnd::document(held.hold().hash(), "the case is closed".into(), SITE, at(1), [6; 32]);
    let before = held.end(signed(&text, &[1, 2]), &end(&text), &later, at(1));
    assert!(matches!(before, Err(HoldRefused::TooFew { have: 0, needed: 1 })));
    let over = held.end(signed(&text, &[4]), &end(&text), &later, at(1)).unwrap();
    let again = LegalHold::replay([taken, over], &later, SITE).unwrap();
    assert!(!again.is_in_force());
    assert!(matches!(again.end(signed(&text, &[4]), &end(&text), &later, at(1)), Err(HoldRefused::Over)));
    let other = HoldEnd::document(
        louver_opening::RequestHash::of("x"),
        "the case is closed".into(),
        SITE,
        at(1),
        [6; 32],
    );
    assert!(matches!(
        held.end(signed(&other, &[4]), &end(&other), &later, at(1)),
        Err(HoldRefused::OtherHold)
    ));
}

#[test]
fn what_is_not_in_order_is_refused_with_a_sentence() {
    let with = |change: &dyn Fn(&mut HoldAsked)| {
        let mut asked = asked();
        change(&mut asked);
        let text = Hold::document(asked, SITE, now(), [5; 32]);
        HoldDocument::read(&text, SITE).unwrap_err().to_string()
    };
    assert!(with(&|a| a.cameras.clear()).starts_with("cameras: "));
    assert!(with(&|a| a.cameras.push("gate".parse().unwrap())).starts_with("cameras: each"));
    assert!(with(&|a| a.to = a.from).starts_with("from: "));
    assert!(with(&|a| a.to = at(1)).contains("future"));
    assert!(with(&|a| a.from = at(-40)).contains("31 days"));
    assert!(with(&|a| a.until = now()).starts_with("until: "));
    assert!(with(&|a| a.until = at(3654)).contains("ten years"));
    assert!(with(&|a| a.reason = "short".into()).starts_with("reason: "));
    assert!(matches!(HoldDocument::read(&text(), &"00".repeat(16)), Err(HoldRefused::Site)));
    assert!(matches!(HoldDocument::read(&"x".repeat(70_000), SITE), Err(HoldRefused::TooLong)));
    let other = text().replace("louver hold", "louver opening request");
    assert!(matches!(HoldDocument::read(&other, SITE), Err(HoldRefused::Kind(_))));
    assert!(matches!(take(&[1, 2], at(-1)), Err(HoldRefused::Clock)));
    assert!(matches!(take(&[1, 2], at(30)), Err(HoldRefused::Past)));
    let mut many = signed(&text(), &[1, 2]);
    many.consents = vec![many.consents[0].clone(); 65];
    assert!(matches!(LegalHold::take(many, &hold(&text()), &sets(), now()), Err(HoldRefused::TooLong)));
}
