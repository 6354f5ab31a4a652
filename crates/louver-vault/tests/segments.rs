//! A sealed segment opens for its holders, as it was sealed or not at all.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::io::Cursor;

use louver_base::{MediaTime, WallTime};
use louver_media::{Gop, Packet};
use louver_vault::{Damage, Finished, OpeningKeys, SegmentInfo, SegmentReader, Tail, VaultError};
use proptest::prelude::*;
use support::*;

/// Everything that opens, and the error at which it ended.
fn open_all(file: &[u8], keys: &OpeningKeys) -> (Vec<Gop>, Option<VaultError>) {
    let mut reader = match SegmentReader::open(Cursor::new(file), keys) {
        Ok(reader) => reader,
        Err(e) => return (vec![], Some(e)),
    };
    let mut gops = vec![];
    for opened in reader.fragments() {
        match opened {
            Ok((_, gop)) => gops.push(gop),
            Err(e) => return (gops, Some(e)),
        }
    }
    (gops, None)
}

fn inspect(file: &[u8]) -> Result<SegmentInfo, VaultError> {
    SegmentInfo::inspect(&mut Cursor::new(file))
}

fn any_packet() -> impl Strategy<Value = Packet> {
    (any::<i64>(), any::<i64>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..300)).prop_map(
        |(media, wall, key, data)| Packet {
            media: MediaTime::from_ticks(media),
            wall: WallTime::from_micros(wall),
            key,
            data: data.into(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_sealed_opens_again_in_any_order_and_the_catalogue_knows_where(
        groups in proptest::collection::vec(proptest::collection::vec(any_packet(), 1..8), 0..6),
    ) {
        let vault = Vault::new();
        let gops: Vec<Gop> = groups.into_iter().map(Gop::silent).collect();
        let (mut sealer, header) =
            vault.begin(noon(0), &params(64));
        let mut file = header.as_bytes().to_vec();
        let mut told = vec![];
        for gop in &gops {
            let sealed = sealer.seal(gop).unwrap();
            told.extend(sealed.fragment().copied());
            file.extend_from_slice(sealed.as_bytes());
        }
        let Finished { end, digest, .. } = sealer.finish().unwrap();
        file.extend_from_slice(end.as_bytes());

        let info = inspect(&file).unwrap();
        prop_assert!(info.is_finished());
        let head = &info.head;
        prop_assert_eq!((head.camera(), head.site(), head.start()), (&camera(), site(), noon(0)));
        prop_assert_eq!(&info.fragments, &told);
        prop_assert_eq!(head.keys().shares()[0].holder, vault.identities[0].id());
        prop_assert_eq!(info.digest(), digest);
        let keys = vault.keys(&file);
        let mut reader = SegmentReader::open(Cursor::new(&file), &keys).unwrap();
        for (n, gop) in gops.iter().enumerate().rev() {
            let (opened, got) = reader.fragment(n as u32).unwrap();
            prop_assert_eq!((&opened, &got), (&params(64), gop));
        }
        let (all, error) = open_all(&file, &keys);
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(all, gops);
    }

    #[test]
    fn foreign_bytes_are_refused_without_panic(bytes: Vec<u8>, keep in 0_usize..400) {
        let vault = Vault::new();
        let _ = inspect(&bytes);
        let whole = vault.seal(&gops(1, 0, noon(0)), &params(64)).file();
        let keys = vault.keys(&whole);
        let mixed = [&whole[..keep.min(whole.len())], &bytes].concat();
        prop_assert!(open_all(&mixed, &keys).0.len() <= 1);
    }
}

#[test]
fn a_changed_bit_in_any_byte_is_refused() {
    let vault = Vault::new();
    let whole = vault.seal(&gops(2, 0, noon(0)), &params(64)).file();
    let keys = vault.keys(&whole);
    assert!(open_all(&whole, &keys).1.is_none());
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let (_, error) = open_all(&changed, &keys);
        assert!(error.is_some(), "byte {at} of {} was changed and nothing was said", whole.len());
    }
}

#[test]
fn a_damaged_fragment_is_named_with_its_place_and_those_before_it_open() {
    let vault = Vault::new();
    let pieces = vault.seal(&gops(4, 0, noon(0)), &params(64));
    let mut file = pieces.file();
    let keys = vault.keys(&file);
    let at = (pieces.header.len() + pieces.fragments[0].len() + pieces.fragments[1].len()) as u64;
    file[at as usize + 90] ^= 1;
    let (gops, error) = open_all(&file, &keys);
    assert_eq!(gops.len(), 2);
    assert_eq!(
        error.unwrap().to_string(),
        format!(
            "fragment 2 at byte {at}: its contents were changed or damaged, or come from another segment"
        )
    );
    // Random access past it still works: the damage costs one fragment.
    let mut reader = SegmentReader::open(Cursor::new(&file), &keys).unwrap();
    assert!(reader.fragment(3).is_ok());
}

#[test]
fn a_file_cut_off_anywhere_opens_up_to_its_last_whole_fragment_and_says_so() {
    let vault = Vault::new();
    let sealed = gops(3, 0, noon(0));
    let pieces = vault.seal(&sealed, &params(64));
    let whole = pieces.file();
    let keys = vault.keys(&whole);
    let mut ends = vec![pieces.header.len()];
    ends.extend(pieces.fragments.iter().scan(pieces.header.len(), |at, f| {
        *at += f.len();
        Some(*at)
    }));
    for cut in 0..whole.len() {
        let file = &whole[..cut];
        if cut < pieces.header.len() {
            let refused = inspect(file).unwrap_err();
            assert!(
                matches!(refused, VaultError::HeaderCutOff { bytes } if bytes == cut as u64),
                "{refused}"
            );
            continue;
        }
        let kept = ends.iter().filter(|end| **end <= cut).count() - 1;
        let info = inspect(file).unwrap();
        let neat = ends[kept] == cut;
        let tail = if neat { Tail::Open } else { Tail::Torn { keep: ends[kept] as u64 } };
        assert_eq!((info.fragments.len(), info.tail, info.bytes_to_keep()), (kept, tail, ends[kept] as u64));
        if neat || cut % 16 == 0 {
            let (opened, error) = open_all(file, &keys);
            assert!(error.is_none() && opened == sealed[..kept], "cut at {cut}: {error:?}");
        }
    }
}

#[test]
fn after_a_power_cut_zeros_at_the_end_count_as_torn_not_as_damage() {
    let vault = Vault::new();
    let pieces = vault.seal(&gops(3, 0, noon(0)), &params(64));
    let keys = vault.keys(&pieces.file());
    let two = [pieces.header.clone(), pieces.fragments[..2].concat()].concat();
    let mut preallocated = two.clone();
    preallocated.resize(two.len() + 4096, 0);
    assert_eq!(inspect(&preallocated).unwrap().tail, Tail::Torn { keep: two.len() as u64 });
    assert_eq!(open_all(&preallocated, &keys).0.len(), 2);

    let mut half_written = [two.clone(), pieces.fragments[2].clone()].concat();
    let length = half_written.len();
    half_written[length - 40..].fill(0);
    assert_eq!(inspect(&half_written).unwrap().tail, Tail::Torn { keep: two.len() as u64 });
    assert_eq!(open_all(&half_written, &keys).0.len(), 2);

    assert!(matches!(inspect(&[0; 4096]), Err(VaultError::HeaderCutOff { bytes: 0 })));
}

/// Each case: the pieces put together otherwise, the fragment that is named, and what is said.
#[test]
fn fragments_that_were_moved_doubled_dropped_or_spliced_are_refused_with_their_place() {
    let vault = Vault::new();
    let Pieces { header, fragments: f, end } = vault.seal(&gops(4, 0, noon(0)), &params(64));
    let other = vault.seal(&gops(4, 0, noon(0)), &params(64));
    let o = &other.fragments;
    let keys = vault.keys(&header);
    let cases: Vec<(&str, Vec<&Vec<u8>>, u32, Damage)> = vec![
        ("swapped", vec![&f[0], &f[2], &f[1], &f[3], &end], 1, Damage::OutOfOrder { found: 2 }),
        ("doubled", vec![&f[0], &f[1], &f[1], &f[2], &f[3], &end], 2, Damage::OutOfOrder { found: 1 }),
        ("dropped", vec![&f[0], &f[2], &f[3], &end], 1, Damage::OutOfOrder { found: 2 }),
        ("dropped at the end", vec![&f[0], &f[1], &f[2], &end], 3, Damage::OutOfOrder { found: 4 }),
        ("spliced", vec![&f[0], &o[1], &f[2], &f[3], &end], 1, Damage::Head),
        ("ended by another's marker", vec![&f[0], &f[1], &f[2], &f[3], &other.end], 4, Damage::Head),
        ("gone on after the end", vec![&f[0], &f[1], &f[2], &f[3], &end, &f[0]], 5, Damage::AfterEnd),
    ];
    for (name, pieces, fragment, what) in cases {
        let before: usize = pieces.iter().take(fragment as usize).map(|p| p.len()).sum();
        let file = [header.clone(), pieces.iter().flat_map(|p| p.iter().copied()).collect()].concat();
        let (opened, error) = open_all(&file, &keys);
        match error {
            Some(VaultError::Damaged { fragment: named, at, what: said }) => {
                assert_eq!((named, at, said), (fragment, (header.len() + before) as u64, what), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(opened.len(), (fragment as usize).min(4), "{name}");
        assert_eq!(
            inspect(&file).unwrap().bytes_to_keep(),
            file.len() as u64,
            "{name}: damage is never cut off"
        );
    }
}

#[test]
fn a_header_does_not_open_another_segments_fragments() {
    let vault = Vault::new();
    let one = vault.seal(&gops(1, 0, noon(0)), &params(64));
    let other = vault.seal(&gops(1, 0, noon(0)), &params(64));
    let keys = vault.keys(&one.header);
    let (opened, error) = open_all(&[one.header, other.fragments[0].clone()].concat(), &keys);
    assert!(opened.is_empty() && matches!(error, Some(VaultError::Damaged { fragment: 0, .. })), "{error:?}");
}

#[test]
fn nothing_of_a_picture_or_of_the_decoder_configuration_stands_in_the_file() {
    let vault = Vault::new();
    let sealed = gops(2, 0, noon(0));
    let file = vault.seal(&sealed, &params(64)).file();
    let config = params(64).config;
    for plain in sealed.iter().flat_map(|g| &g.packets).map(|p| &p.data).chain([&config]) {
        assert!(!file.windows(12).any(|w| plain.windows(12).any(|p| p == w)));
    }
}

#[test]
fn a_camera_may_change_its_picture_within_a_segment() {
    let vault = Vault::new();
    let sealed = gops(2, 0, noon(0));
    let (mut sealer, header) = vault.begin(noon(0), &params(64));
    let first = sealer.seal(&sealed[0]).unwrap();
    sealer.set_params(&params(128));
    let second = sealer.seal(&sealed[1]).unwrap();
    let file = [header.as_bytes(), first.as_bytes(), second.as_bytes()].concat();
    let keys = vault.keys(&file);
    let mut reader = SegmentReader::open(Cursor::new(file), &keys).unwrap();
    assert_eq!(reader.fragment(1).unwrap().0, params(128));
    assert_eq!(reader.fragment(0).unwrap().0, params(64));
}

#[test]
fn what_cannot_be_sealed_is_refused_and_the_segment_goes_on() {
    let vault = Vault::new();
    let (mut sealer, header) = vault.begin(noon(0), &params(64));
    assert!(matches!(sealer.seal(&Gop::silent(vec![])), Err(VaultError::EmptyGop)));
    let huge = packet(0, true, 0, noon(0), 1 << 20);
    let huge = Gop::silent(vec![huge; 64]);
    assert!(matches!(sealer.seal(&huge), Err(VaultError::GopTooLarge { .. })));
    let good = gops(1, 0, noon(0)).remove(0);
    let file = [header.as_bytes(), sealer.seal(&good).unwrap().as_bytes()].concat();
    assert_eq!(open_all(&file, &vault.keys(&file)).0, vec![good]);
}

#[test]
fn a_segment_ends_with_its_hour() {
    let vault = Vault::new();
    let (sealer, _) = vault.begin(noon(1000), &params(64));
    assert!(sealer.is_in_hour(noon(0)) && sealer.is_in_hour(noon(3_599_999)));
    assert!(!sealer.is_in_hour(noon(-1)) && !sealer.is_in_hour(noon(3_600_000)));
}

/// 25 pictures a second, groups of two seconds, 4 Mbit/s, a minute: as a store would write it.
#[test]
fn sealing_adds_less_than_two_thousandths() {
    let vault = Vault::new();
    let gop = |g: i64| Gop {
        sound: None,
        packets: (0..50)
            .map(|n| {
                let ms = g * 2000 + n * 40;
                // Arrival jitters, sizes differ.
                packet(
                    n as usize,
                    n == 0,
                    ms,
                    noon(ms + n * 7919 % 11),
                    if n == 0 { 210_000 } else { 16_100 },
                )
            })
            .collect(),
    };
    let sealed: Vec<Gop> = (0..30).map(gop).collect();
    let plain: usize = sealed.iter().map(Gop::bytes).sum();
    let file = vault.seal(&sealed, &params(1920)).file().len();
    let added = (file - plain) as f64 / plain as f64;
    println!("added: {} bytes to {plain}, {:.4} %", file - plain, added * 100.0);
    assert!(added < 0.002, "{added}");
}
