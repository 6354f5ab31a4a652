//! A ledger in a folder: what is written is there, checked, proven, and found again.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use louver_ledger::leaf::{Digest, GapReason, Millis, Version};
use louver_ledger::proof::{Inclusion, InclusionError};
use louver_ledger::verify::{Demands, verify};
use louver_ledger::{DirSource, Leaf, Ledger, LedgerError, Options};

const SITE: [u8; 16] = [0x5a; 16];

fn open(dir: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(dir, &SITE, Options { publish_every: Duration::from_millis(20), ..Options::default() })
}

fn leaf(n: u64) -> Leaf {
    Leaf::Exported { request: None, manifest: Digest::of(&n.to_be_bytes()) }
}

#[test]
fn what_was_appended_is_durable_proven_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    assert!(ledger.opened().fresh && ledger.opened().clean);
    let many: Vec<_> = (0..700).map(leaf).collect();
    assert_eq!(ledger.append_all(&many).unwrap(), 0..700);
    let number = ledger.append_now(&leaf(700)).unwrap();
    assert_eq!(number, 700);
    let report = verify(&DirSource::new(dir.path()), &Demands::default(), |_, _| {}).unwrap();
    assert!(report.head.size >= 701 && !report.key_was_given && report.unknown == 0);
    assert_eq!(report.checkpoint, ledger.checkpoint());
    for index in [0, 255, 256, 511, 699, 700] {
        let bytes = ledger.leaf(index).unwrap();
        let proof = Inclusion::parse(&ledger.proof(index, Some(&bytes)).unwrap()).unwrap();
        assert_eq!((proof.index, proof.extra.as_deref()), (index, Some(&bytes[..])));
        assert!(proof.check(&bytes, ledger.verifier(), &[], 0).is_ok());
        let other = proof.check(b"another", ledger.verifier(), &[], 0);
        assert!(matches!(other, Err(InclusionError::NotIncluded { .. })), "{other:?}");
    }
    assert!(matches!(ledger.proof(9999, None), Err(LedgerError::NotPublished { index: 9999, .. })));
}

#[test]
fn a_ledger_goes_on_where_it_ended_and_knows_whether_it_ended_well() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    first.append_all(&(0..300).map(leaf).collect::<Vec<_>>()).unwrap();
    let pinned = {
        first.publish(300).unwrap();
        first.checkpoint()
    };
    first.append(&Leaf::Stop { version: Version(0, 1, 0), clean: true }).unwrap();
    drop(first);
    let second = open(dir.path()).unwrap();
    assert_eq!((second.opened().size, second.opened().clean, second.opened().fresh), (301, true, false));
    assert_eq!(second.append_now(&leaf(9)).unwrap(), 301);
    drop(second);
    let third = open(dir.path()).unwrap();
    assert_eq!((third.opened().size, third.opened().clean), (302, false));
    let demands = Demands {
        key: Some(third.verifier().clone()),
        since: Some(pinned.into_bytes()),
        ..Demands::default()
    };
    let mut read = 0;
    let report = verify(&DirSource::new(dir.path()), &demands, |_, _| read += 1).unwrap();
    assert_eq!((report.since, report.from, read), (Some(300), 256, 302 - 256));
}

#[test]
fn the_journal_is_begun_anew_behind_tiles_that_are_on_the_disk_and_the_ledger_starts_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    for part in 0..9u64 {
        ledger.append_all(&(0..4000).map(|n| leaf(part * 4000 + n)).collect::<Vec<_>>()).unwrap();
    }
    ledger.publish(36_000).unwrap();
    drop(ledger);
    let journal = std::fs::metadata(dir.path().join("journal")).unwrap().len();
    assert!(journal < 3_500_000, "{journal} bytes of journal stand in tiles too");
    let ledger = open(dir.path()).unwrap();
    assert_eq!(ledger.opened().size, 36_000);
    assert_eq!(ledger.append_now(&leaf(1)).unwrap(), 36_000);
    let report = verify(&DirSource::new(dir.path()), &Demands::default(), |_, _| {}).unwrap();
    assert_eq!(report.head.size, 36_001);
    assert!(ledger.proof(17, None).is_ok());
}

#[test]
fn tiles_that_a_power_cut_took_are_made_again_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    drop({
        let ledger = open(dir.path()).unwrap();
        ledger.append_all(&(0..600).map(leaf).collect::<Vec<_>>()).unwrap();
        ledger
    });
    let before = verify(&DirSource::new(dir.path()), &Demands::default(), |_, _| {}).unwrap();
    std::fs::remove_dir_all(dir.path().join("tile/0")).unwrap();
    std::fs::write(dir.path().join("tile/entries/000"), b"").unwrap();
    drop(open(dir.path()).unwrap());
    assert_eq!(verify(&DirSource::new(dir.path()), &Demands::default(), |_, _| {}).unwrap(), before);
}

#[test]
fn a_start_refuses_a_past_that_was_changed() {
    let refused = |spoil: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        drop({
            let ledger = open(dir.path()).unwrap();
            (0..5).for_each(|n| assert!(ledger.append(&leaf(n)).is_ok()));
            ledger
        });
        spoil(dir.path());
        open(dir.path()).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let cut = refused(&|dir| {
        let file = std::fs::OpenOptions::new().write(true).open(dir.join("journal")).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    });
    assert!(cut.contains("5 leaves were signed, 4 are here"), "{cut}");
    let missing = refused(&|dir| std::fs::remove_file(dir.join("journal")).unwrap());
    assert!(missing.contains("journal is missing, but a ledger is here"), "{missing}");
    let no_key = refused(&|dir| std::fs::remove_file(dir.join("site.key")).unwrap());
    assert!(no_key.contains("site.key is missing, but a ledger is here"), "{no_key}");
    let other_key = refused(&|dir| std::fs::write(dir.join("site.key"), [1; 32]).unwrap());
    assert!(other_key.contains("not the site's own"), "{other_key}");
    let foreign = refused(&|dir| {
        let note = std::fs::read_to_string(dir.join("checkpoint")).unwrap();
        std::fs::write(dir.join("checkpoint"), note.replacen('5', "4", 1)).unwrap();
    });
    assert!(foreign.contains("not the site's own"), "{foreign}");
}

#[test]
fn an_old_journal_put_back_under_a_newer_checkpoint_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    open(dir.path()).unwrap().append(&leaf(0)).unwrap();
    std::fs::copy(dir.path().join("journal"), &old).unwrap();
    open(dir.path()).unwrap().append(&leaf(1)).unwrap();
    std::fs::copy(&old, dir.path().join("journal")).unwrap();
    let refused = open(dir.path()).err().unwrap();
    assert!(matches!(refused, LedgerError::LeavesMissing { signed: 2, there: 1, .. }), "{refused}");
}

#[test]
fn leaves_of_many_threads_all_get_a_number_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    let threads: Vec<_> = (0..8u64)
        .map(|t| {
            let ledger = ledger.clone();
            std::thread::spawn(move || {
                (0..50).map(|n| ledger.append(&leaf(t * 100 + n)).unwrap()).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut numbers: Vec<u64> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..400).collect::<Vec<_>>());
}

#[test]
fn nothing_but_the_files_of_the_specification_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    let gap = Leaf::Gap {
        camera: ledger.salt().camera(&"gate".parse().unwrap()),
        from: Millis(1),
        to: Millis(2),
        reason: GapReason::Restart,
    };
    ledger.append_now(&gap).unwrap();
    for path in ["checkpoint", "vkey", "tile/0/000.p/1", "tile/entries/000.p/1"] {
        assert!(ledger.served(path).unwrap().is_some(), "{path}");
    }
    for path in ["site.key", "salt", "journal", "../journal", "tile/0/../../salt", ""] {
        assert!(ledger.served(path).unwrap().is_none(), "{path}");
    }
    ledger.close();
    assert!(matches!(ledger.append(&gap), Err(LedgerError::Closed)));
    assert!(matches!(ledger.offer(&gap), Err(LedgerError::Closed)));
}
