//! docs/keys.md, "Site's holders": the list changes only with the consent of the holders before.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::WallTime;
use louver_opening::{Consent, HolderSets, Named, PartyId, SetError};
use louver_vault::Identity;
use zeroize::Zeroizing;

const SITE: &str = "0102030405060708090a0b0c0d0e0f10";

fn holder(n: u8) -> Identity {
    Identity::from_recovery_secret(Zeroizing::new([n; 32])).unwrap()
}

fn named(n: u8) -> Named {
    Named { name: format!("Holder {n}"), public: holder(n).public() }
}

fn now() -> WallTime {
    WallTime::from_millis(1_800_000_000_000)
}

fn consent(n: u8, document: &str) -> Consent {
    let holder = holder(n);
    Consent {
        holder: PartyId::of(&holder.public()),
        signature: BASE64.encode(holder.consent(document.as_bytes()).unwrap()),
    }
}

/// 2 of 3, and the files.
fn started() -> (HolderSets, Vec<String>) {
    let mut sets = HolderSets::read(&[], SITE).unwrap();
    let file = sets.first(2, vec![named(1), named(2), named(3)], vec![named(9)], now());
    sets.take(&file).unwrap();
    (sets, vec![file])
}

#[test]
fn k_of_the_holders_before_replace_one_of_them_and_the_chain_reads_back() {
    let (mut sets, mut files) = started();
    let document = sets.document(2, vec![named(1), named(2), named(4)], vec![], now());
    let file = HolderSets::file(document.clone(), vec![consent(1, &document), consent(3, &document)]);
    sets.take(&file).unwrap();
    files.push(file);
    let again = HolderSets::read(&files, SITE).unwrap();
    assert_eq!(again.latest().unwrap().number(), 2);
    assert_eq!(again.latest().unwrap().set(), sets.latest().unwrap().set());
    let old: Vec<_> = [1, 2, 3].map(|n| holder(n).id()).into();
    assert_eq!(
        again.that_sealed(2, &old).unwrap().number(),
        1,
        "what was sealed before opens with those of then"
    );
    assert!(again.that_sealed(1, &old).is_none());
}

#[test]
fn fewer_than_k_strangers_doubles_and_other_signatures_change_nothing() {
    let (sets, _) = started();
    let document = sets.document(1, vec![named(5)], vec![], now());
    let other = sets.document(1, vec![named(6)], vec![], now());
    let cases = [
        vec![],
        vec![consent(1, &document)],
        vec![consent(1, &document), consent(1, &document)],
        vec![consent(1, &document), consent(5, &document)],
        vec![consent(1, &document), consent(9, &document)],
        vec![consent(1, &document), consent(2, &other)],
        vec![
            consent(1, &document),
            Consent { holder: PartyId::of(&holder(2).public()), signature: "!".to_owned() },
        ],
    ];
    for (n, consents) in cases.into_iter().enumerate() {
        let refused = sets.checked(&HolderSets::file(document.clone(), consents)).unwrap_err();
        assert!(matches!(refused, SetError::TooFew { needed: 2, .. }), "case {n}: {refused}");
    }
}

#[test]
fn a_set_that_is_left_out_changed_or_of_another_site_breaks_the_chain() {
    let (mut sets, mut files) = started();
    for n in [4, 5] {
        let document = sets.document(1, vec![named(1), named(2), named(n)], vec![], now());
        let file = HolderSets::file(document.clone(), vec![consent(1, &document), consent(2, &document)]);
        sets.take(&file).unwrap();
        files.push(file);
    }
    assert!(HolderSets::read(&files, SITE).is_ok());
    let left_out = [files[0].clone(), files[2].clone()];
    assert!(matches!(HolderSets::read(&left_out, SITE), Err(SetError::NotNext(1))));
    assert!(matches!(HolderSets::read(&files[1..], SITE), Err(SetError::NotNext(0))));
    let changed = [files[0].replace("Holder 1", "Holder X"), files[1].clone()];
    assert!(
        matches!(HolderSets::read(&changed, SITE), Err(SetError::NotNext(1))),
        "the next names it by its hash"
    );
    assert!(matches!(HolderSets::read(&files, &"00".repeat(16)), Err(SetError::Foreign)));
}

#[test]
fn somebody_on_the_list_twice_or_without_a_name_is_refused() {
    let sets = HolderSets::read(&[], SITE).unwrap();
    let twice = sets.first(1, vec![named(1)], vec![named(1)], now());
    assert!(matches!(sets.checked(&twice), Err(SetError::Twice(_))));
    let nameless = Named { name: " ".to_owned(), ..named(1) };
    assert!(matches!(sets.checked(&sets.first(1, vec![nameless], vec![], now())), Err(SetError::Name)));
    assert!(matches!(sets.checked(&sets.first(1, vec![], vec![], now())), Err(SetError::Nobody)));
}

#[test]
fn a_set_that_would_lock_everybody_out_is_refused_whoever_agreed() {
    let (sets, _) = started();
    let refused = |needed, holders: Vec<Named>, observers: Vec<Named>| {
        let document = sets.document(needed, holders, observers, now());
        let all = [1, 2, 3].map(|n| consent(n, &document)).into();
        sets.checked(&HolderSets::file(document, all)).unwrap_err()
    };
    assert!(matches!(refused(1, vec![], vec![named(9)]), SetError::Nobody));
    assert!(matches!(refused(3, vec![named(1), named(2)], vec![]), SetError::Holders(_)));
    assert!(matches!(refused(0, vec![named(1), named(2)], vec![]), SetError::Holders(_)));
    assert!(matches!(refused(2, vec![named(1), named(1)], vec![]), SetError::Holders(_)));
    assert!(matches!(refused(1, vec![named(1)], vec![named(1)]), SetError::Twice(_)));
    let crowd = (10..43).map(named).collect();
    assert!(matches!(refused(1, vec![named(1)], crowd), SetError::TooManyObservers(33)));
    // One who signs under two keys for sealing is one person.
    let (one, two) = (holder(1).public().to_bytes(), holder(2).public().to_bytes());
    let mixed = [&two[..32], &one[32..]].concat().try_into().unwrap();
    let mixed =
        Named { name: "Mixed".to_owned(), public: louver_vault::HolderPublic::from_bytes(&mixed).unwrap() };
    assert!(matches!(refused(1, vec![named(1)], vec![mixed]), SetError::Twice(_)));
}

#[test]
fn a_proposal_counts_the_consents_that_fit_and_is_no_set_before_there_are_enough() {
    let (sets, _) = started();
    let document = sets.document(1, vec![named(4)], vec![], now());
    let consents =
        vec![consent(7, &document), consent(2, &document), consent(2, &document), consent(9, &document)];
    let file = louver_opening::HolderSetFile { document: document.clone(), consents };
    assert_eq!(sets.proposed(file.clone()).unwrap().consents(), [consent(2, &document)]);
    assert!(matches!(sets.agreed(file.clone()), Err(SetError::TooFew { have: 1, needed: 2 })));
    let consents = [file.consents, vec![consent(3, &document)]].concat();
    let set = sets.agreed(louver_opening::HolderSetFile { document, consents }).unwrap();
    assert_eq!((set.number(), set.consents().len()), (2, 2), "what does not count is not kept");
}
