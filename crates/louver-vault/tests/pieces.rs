//! Some fragments of a segment, as a recorder hands them out: opened where they stand, and nothing else passes for them.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::io::Cursor;
use std::ops::ControlFlow;

use louver_vault::opening::{Existing, Export, export_pieces};
use louver_vault::{Damage, SegmentInfo, SegmentReader, Tail, VaultError};
use support::*;

fn with(pieces: &Pieces, numbers: &[usize]) -> Vec<u8> {
    let fragments = numbers.iter().flat_map(|n| pieces.fragments[*n].clone());
    pieces.header.iter().copied().chain(fragments).collect()
}

#[test]
fn fragments_that_were_handed_out_open_under_their_numbers_and_those_between_are_not_there() {
    let vault = Vault::of(2, 3);
    let sealed = gops(8, 0, noon(0));
    let pieces = vault.seal(&sealed, &params(64));
    let file = with(&pieces, &[2, 3, 6]);
    let mut reader = SegmentReader::open_pieces(Cursor::new(&file), &vault.keys(&file)).unwrap();
    assert_eq!(reader.info().fragments.iter().map(|f| f.sequence).collect::<Vec<_>>(), [2, 3, 6]);
    assert_eq!(reader.info().tail, Tail::Open);
    for n in [6, 2, 3] {
        assert_eq!(reader.fragment(n).unwrap().1, sealed[n as usize]);
    }
    for n in [0, 1, 4, 7] {
        assert!(matches!(reader.fragment(n), Err(VaultError::NoSuchFragment { .. })), "{n}");
    }
    assert_eq!(
        reader.fragments().map(|f| f.unwrap().1).collect::<Vec<_>>(),
        [2, 3, 6].map(|n: usize| sealed[n].clone())
    );
    // As a whole segment it is refused: the first fragment is missing.
    let whole = SegmentInfo::inspect(&mut Cursor::new(&file)).unwrap();
    assert!(
        matches!(whole.tail, Tail::Damaged { what: Damage::OutOfOrder { found: 2 }, .. }),
        "{:?}",
        whole.tail
    );
}

#[test]
fn pieces_that_are_doubled_swapped_or_changed_are_refused() {
    let vault = Vault::of(1, 2);
    let pieces = vault.seal(&gops(5, 0, noon(0)), &params(64));
    for numbers in [&[2, 2][..], &[3, 1]] {
        let info = SegmentInfo::inspect_pieces(&mut Cursor::new(with(&pieces, numbers))).unwrap();
        assert!(matches!(info.tail, Tail::Damaged { what: Damage::OutOfOrder { .. }, .. }), "{numbers:?}");
    }
    let mut file = with(&pieces, &[1, 3]);
    *file.last_mut().unwrap() ^= 1;
    let mut reader = SegmentReader::open_pieces(Cursor::new(&file), &vault.keys(&file)).unwrap();
    assert!(reader.fragment(1).is_ok());
    assert!(matches!(reader.fragment(3), Err(VaultError::Damaged { what: Damage::Contents, .. })));
}

#[test]
fn a_video_is_made_of_pieces_of_several_segments_and_what_is_missing_between_is_a_gap() {
    let vault = Vault::of(2, 3);
    let (one, two) = (
        vault.seal(&gops(10, 0, noon(0)), &params(64)),
        vault.seal(&gops(10, 30_000, noon(30_000)), &params(64)),
    );
    let dir = tempfile::tempdir().unwrap();
    let files = [dir.path().join("1"), dir.path().join("2")];
    std::fs::write(&files[0], with(&one, &[7, 8, 9])).unwrap();
    std::fs::write(&files[1], with(&two, &[0, 1])).unwrap();
    let mut keys = vault.keys(&one.header);
    // The other epoch of the same hour.
    for identity in &vault.identities[..2] {
        keys.add_share_of(&head(&two.header), identity).unwrap();
    }
    let out = dir.path().join("out.mp4");
    let job = Export {
        keys: &keys,
        segments: &files,
        from: noon(7000),
        to: noon(32_000),
        out: &out,
        existing: Existing::Keep,
    };
    let told = export_pieces(&job, &mut |_| ControlFlow::Continue(()), &mut |_| Vec::new()).unwrap();
    assert_eq!((told.first, told.last, told.packets), (noon(7000), noon(31_800), 25));
    assert_eq!(told.gaps.len(), 1);
}
