//! Any bytes as a share file and as a shares' file of an approval (docs/format-sealed.md, docs/opening.md): what the recorder did not
//! give out opens nothing.

use std::sync::LazyLock;

use louver_vault::{HourSecret, Identity, MAX_HOLDERS, OpeningKeys, SegmentHead, Share, VaultError};

#[path = "changes.rs"]
mod changes;

const VECTOR: &[u8] = include_bytes!("../../crates/louver-vault/tests/vectors/two-of-three-0.sealed");
/// More shares in one file take the time and tell nothing more.
const SHARES: usize = 16;

struct Real {
    head: SegmentHead,
    /// The three share files, in the order of their numbers.
    files: Vec<Vec<u8>>,
}

/// Three holders of 32 bytes 0x4c, 0x4d and 0x4e: they protect nothing.
static REAL: LazyLock<Real> = LazyLock::new(|| {
    let head = SegmentHead::read(&mut &VECTOR[..]).expect("the vector has a header");
    let share = |secret: u8| {
        let identity = Identity::from_recovery_secret([secret; 32].into()).expect("constant");
        head.share_of(&identity).expect("the vector is for this holder").to_bytes().to_vec()
    };
    let files = vec![share(0x4c), share(0x4d), share(0x4e)];
    Real { head, files }
});

/// A shares' file with all three in it, each behind its length: what the seeds change.
pub(crate) fn whole() -> Vec<u8> {
    REAL.files.iter().flat_map(|f| [&(f.len() as u16).to_be_bytes()[..], f].concat()).collect()
}

/// Takes the bytes as one share, as shares with their lengths, and as changes to the real ones.
pub(crate) fn any_bytes(bytes: &[u8]) {
    reads_back(bytes);
    only_what_was_given_out_opens(bytes);
    let mut changed = whole();
    changes::change(&mut changed, bytes);
    only_what_was_given_out_opens(&changed);
}

fn reads_back(bytes: &[u8]) -> Option<Share> {
    let share = Share::parse(bytes).ok()?;
    assert_eq!(*share.to_bytes(), bytes, "byte for byte");
    assert!((1..=share.count()).contains(&share.number()) && (1..=share.count()).contains(&share.needed()));
    assert!(usize::from(share.count()) <= MAX_HOLDERS && bytes.len() <= 117);
    let printed = format!("{share:?}");
    let value: String = bytes[bytes.len() - 32..].iter().map(|b| format!("{b}, ")).collect();
    assert!(!printed.contains(&value), "a share's value is never printed");
    Some(share)
}

/// Two of the three that are different open; nothing else does, and what is wrong is said.
fn only_what_was_given_out_opens(mut bytes: &[u8]) {
    let (mut keys, mut real, mut taken) = (OpeningKeys::new(), Vec::new(), 0);
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let Some((file, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))) else {
            break;
        };
        bytes = rest;
        let Some(share) = reads_back(file) else { continue };
        if let Some(n) = REAL.files.iter().position(|f| f == file) {
            assert_eq!(usize::from(share.number()), n + 1);
            real.push(n);
        }
        keys.add_share(share);
        taken += 1;
        if taken == SHARES {
            break;
        }
    }
    real.sort_unstable();
    real.dedup();
    let head = &REAL.head;
    if real.len() >= 2 {
        assert!(
            matches!(keys.opens(head), Err(VaultError::NoHourSecret { .. })),
            "the recorder's half is missing"
        );
    }
    keys.add_hour_secret(head.camera().clone(), head.hour(), HourSecret::from_bytes(&[0x55; 32]));
    match keys.opens(head) {
        Ok(()) => assert!(real.len() >= 2, "it opened with {} shares that were given out", real.len()),
        Err(VaultError::TooFewShares { found, .. }) => {
            assert_eq!((found, real.len() < 2), (real.len(), true))
        }
        Err(VaultError::BadShare { .. }) => {
            assert!(real.len() < 2, "a bad one does not stand in the way of good ones")
        }
        Err(other) => panic!("{other}"),
    }
}
