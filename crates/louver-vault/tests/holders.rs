//! k of n: whose shares open what, and what is said where they do not.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::io::Cursor;

use louver_base::WallTime;
use louver_media::Gop;
use louver_vault::{
    Hour, HourSecret, Identity, OpenedFragment, OpeningKeys, SegmentDigest, SegmentReader, Share, VaultError,
};
use proptest::prelude::*;
use support::*;

fn open(file: &[u8], keys: &OpeningKeys) -> Result<Vec<Gop>, VaultError> {
    let mut reader = SegmentReader::open(Cursor::new(file), keys)?;
    reader.fragments().map(|opened| opened.map(|(_, gop)| gop)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_k_of_n_holders_open_a_segment_and_fewer_do_not(
        count in 1_usize..7, needed: prop::sample::Index, mut order in Just([0_usize, 1, 2, 3, 4, 5]).prop_shuffle(),
        later in 0_usize..4,
    ) {
        let needed = needed.index(count) + 1;
        let vault = Vault::of(needed, count);
        let sealed = gops(2, 0, noon(0));
        let mut epoch = vault.epoch(noon(0));
        (0..later).for_each(|_| drop(epoch.segment(noon(0), &params(64)).unwrap()));
        let file = seal_in(&mut epoch, &sealed, &params(64)).file();
        let order = { order.sort_by_key(|n| *n >= count); &order[..needed] };
        prop_assert_eq!(open(&file, &vault.keys_of(order, &file)).unwrap(), sealed);
        let too_few = open(&file, &vault.keys_of(&order[1..], &file)).unwrap_err();
        prop_assert!(matches!(too_few, VaultError::TooFewShares { found, .. } if found == needed - 1), "{}", too_few);
        let head = head(&file);
        prop_assert_eq!(usize::from(head.keys().needed()), needed);
        prop_assert_eq!(usize::from(head.keys().count()), count);
    }
}

#[test]
fn the_most_holders_that_there_can_be_open_it_together_and_their_header_fits() {
    let vault = Vault::of(32, 32);
    let file = vault.seal(&gops(1, 0, noon(0)), &params(64)).file();
    assert_eq!(open(&file, &vault.keys(&file)).unwrap().len(), 1);
    assert!(head(&file).bytes() < 65_536);
}

#[test]
fn one_epochs_shares_open_all_its_segments_and_none_of_another_epoch_in_the_same_hour() {
    let vault = Vault::of(2, 3);
    let mut epoch = vault.epoch(noon(0));
    let one = seal_in(&mut epoch, &gops(1, 0, noon(0)), &params(64)).file();
    let two = seal_in(&mut epoch, &gops(1, 0, noon(60_000)), &params(64)).file();
    let restarted = vault.seal(&gops(1, 0, noon(120_000)), &params(64)).file();
    let keys = vault.keys(&two);
    assert!(open(&one, &keys).is_ok() && open(&two, &keys).is_ok());
    assert_eq!((head(&one).keys().link(), head(&two).keys().link()), (0, 1));
    let refused = open(&restarted, &keys).unwrap_err().to_string();
    assert!(refused.contains("2 holders are needed and 0 are here"), "{refused}");
}

#[test]
fn a_segments_fragments_and_headers_cannot_be_swapped_between_links_or_epochs() {
    let vault = Vault::of(2, 3);
    let mut epoch = vault.epoch(noon(0));
    let one = seal_in(&mut epoch, &gops(1, 0, noon(0)), &params(64));
    let two = seal_in(&mut epoch, &gops(1, 0, noon(0)), &params(64));
    let other = vault.seal(&gops(1, 0, noon(0)), &params(64));
    for foreign in [&two, &other] {
        let file = [one.header.clone(), foreign.fragments[0].clone()].concat();
        let refused = open(&file, &vault.keys(&file)).unwrap_err();
        assert!(matches!(refused, VaultError::Damaged { fragment: 0, .. }), "{refused}");
    }
}

#[test]
fn without_the_hours_secret_or_with_another_all_holders_together_open_nothing() {
    let vault = Vault::of(2, 3);
    let file = vault.seal(&gops(1, 0, noon(0)), &params(64)).file();
    let head = head(&file);
    let mut keys = OpeningKeys::new();
    vault.identities.iter().for_each(|i| keys.add_share_of(&head, i).unwrap());
    let missing = open(&file, &keys).unwrap_err().to_string();
    assert!(
        missing.contains("there is no secret for camera gate") && missing.contains("2026-03-01T12"),
        "{missing}"
    );
    keys.add_hour_secret(camera(), Hour::of(noon(3_600_000)), Vault::hour_secret(head.hour()));
    assert!(matches!(keys.opens(&head), Err(VaultError::NoHourSecret { .. })), "another hour's place");
    keys.add_hour_secret(camera(), head.hour(), HourSecret::generate().unwrap());
    assert!(matches!(keys.opens(&head), Err(VaultError::Commitment)), "another secret");
    keys.add_hour_secret(camera(), head.hour(), Vault::hour_secret(head.hour()));
    assert!(keys.opens(&head).is_ok());
}

/// A share with its value changed, as a holder's broken or hostile program might give it.
fn forged(share: &Share, at_from_end: usize) -> Share {
    let mut bytes = share.to_bytes().to_vec();
    let at = bytes.len() - at_from_end;
    bytes[at] ^= 1;
    Share::parse(&bytes).unwrap()
}

#[test]
fn a_share_that_the_recorder_did_not_give_out_is_named_by_its_holder_and_does_no_harm_among_enough() {
    let vault = Vault::of(2, 3);
    let file = vault.seal(&gops(1, 0, noon(0)), &params(64)).file();
    let head = head(&file);
    let good = head.share_of(&vault.identities[0]).unwrap();
    let bad = forged(&head.share_of(&vault.identities[1]).unwrap(), 1);
    let mut keys = vault.keys_of(&[0], &file);
    keys.add_share(bad);
    let refused = keys.opens(&head).unwrap_err();
    let named = matches!(&refused, VaultError::BadShare { holder } if *holder == vault.identities[1].id());
    assert!(named, "{refused}");
    // The third holder's is good: two of two.
    keys.add_share(head.share_of(&vault.identities[2]).unwrap());
    assert!(keys.opens(&head).is_ok());
    // The same share twice is one.
    let mut twice = vault.keys_of(&[0], &file);
    twice.add_share(good);
    assert!(matches!(twice.opens(&head), Err(VaultError::TooFewShares { found: 1, .. })));
}

#[test]
fn a_stranger_is_told_whose_it_is() {
    let vault = Vault::of(1, 2);
    let file = vault.seal(&gops(1, 0, noon(0)), &params(64)).file();
    let stranger = Identity::generate().unwrap();
    let refused = head(&file).share_of(&stranger).unwrap_err().to_string();
    for id in [vault.identities[0].id(), vault.identities[1].id(), stranger.id()] {
        assert!(refused.contains(&id.to_string()), "{refused}");
    }
}

#[test]
fn a_share_says_which_camera_and_hour_it_opens() {
    let vault = Vault::of(2, 3);
    let file = vault.seal(&gops(1, 0, noon(0)), &params(64)).file();
    let share = head(&file).share_of(&vault.identities[2]).unwrap();
    assert_eq!((share.camera(), share.hour(), share.site()), (&camera(), Hour::of(noon(0)), site()));
    assert_eq!((share.needed(), share.count(), share.number()), (2, 3, 3));
    assert_eq!(share.epoch(), head(&file).keys().epoch());
}

#[test]
fn list_blind_and_pictures_prove_a_fragment_and_the_heads_prove_the_segment() {
    let vault = Vault::new();
    let sealed = gops(3, 0, noon(0));
    let file = vault.seal(&sealed, &params(64)).file();
    let mut reader = SegmentReader::open(Cursor::new(&file), &vault.keys(&file)).unwrap();
    let info = reader.info().clone();
    assert_eq!(info.heads.len(), 4 * 68, "three fragments and the end marker");
    assert_eq!(SegmentDigest::of(info.head.hash(), &info.heads), info.digest());
    for (n, gop) in sealed.iter().enumerate() {
        let opened = reader.opened(n as u32).unwrap();
        let pictures: Vec<u8> = gop.packets.iter().flat_map(|p| p.data.to_vec()).collect();
        let in_head = &info.heads[n * 68 + 36..n * 68 + 68];
        assert_eq!(OpenedFragment::commitment(&opened.list, &opened.blind, &pictures), in_head);
        let mut changed = pictures.clone();
        changed[7] ^= 1;
        assert_ne!(OpenedFragment::commitment(&opened.list, &opened.blind, &changed), in_head);
        assert_ne!(OpenedFragment::commitment(&opened.list[1..], &opened.blind, &pictures), in_head);
    }
    let cut_off = &file[..file.len() - 1];
    let cut = louver_vault::SegmentInfo::inspect(&mut Cursor::new(cut_off)).unwrap();
    assert_eq!(cut.digest(), SegmentDigest::of(info.head.hash(), &info.heads[..3 * 68]));
}

/// The promise about a seized recorder: from what it holds, nothing before follows.
#[test]
fn a_sealer_does_not_outlive_its_hour() {
    let vault = Vault::new();
    let mut epoch = vault.epoch(noon(0));
    let end_of_hour: WallTime = noon(3_600_000);
    assert!(matches!(epoch.segment(end_of_hour, &params(64)), Err(VaultError::AnotherHour { .. })));
}
