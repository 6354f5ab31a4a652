//! Ten thousand logs that somebody tampered with: every one is refused, and for the right reason.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::convert::Infallible;

use louver_base::WallTime;
use louver_ledger::checkpoint::Checkpoint;
use louver_ledger::edge::Edge;
use louver_ledger::leaf::{CameraTag, Digest, GapReason, Millis};
use louver_ledger::note::{KeyKind, Note, VerifierKey};
use louver_ledger::tile::{Kind, TileId, entries, push_entry};
use louver_ledger::tree::Head;
use louver_ledger::verify::{Demands, Refusal, Report, verify};
use louver_ledger::{Leaf, SiteKey, Source, SourceError};

const ORIGIN: &str = "louver.invalid/site/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const LOGS: usize = 10_000;

/// A log's files, as they are served.
#[derive(Clone, Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Source for Files {
    fn get(&self, path: &str, _: usize) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.get(path).cloned())
    }
}

/// Dice that fall the same way each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

fn key(seed: u8, name: &str, kind: KeyKind) -> SiteKey {
    SiteKey::from_seed(&[seed; 32], name, kind).unwrap()
}

fn site() -> SiteKey {
    key(1, ORIGIN, KeyKind::Log)
}

fn leaf(n: u64, variant: u64) -> Vec<u8> {
    let camera = CameraTag::from_bytes((n % 7).to_be_bytes());
    let leaf = if n.is_multiple_of(3) {
        Leaf::Gap {
            camera,
            from: Millis(n as i64),
            to: Millis((n + variant) as i64),
            reason: GapReason::NoVideo,
        }
    } else {
        Leaf::Exported { request: None, manifest: Digest::of(&(n * 1000 + variant).to_be_bytes()) }
    };
    leaf.to_bytes(WallTime::from_millis(1_772_000_000_000 + n as i64)).unwrap()
}

fn leaves(size: u64) -> Vec<Vec<u8>> {
    (0..size).map(|n| leaf(n, 0)).collect()
}

/// Makes all files of a log over these leaves, as the site does.
fn made(leaves: &[Vec<u8>], key: &SiteKey) -> Files {
    let (mut files, mut edge) = (Files::default(), Edge::default());
    for leaf in leaves {
        let Ok(()) = edge.push(leaf, &mut |id, bytes: &[u8]| {
            files.0.insert(id.to_string(), bytes.to_vec());
            Ok::<_, Infallible>(())
        });
    }
    files.0.extend(edge.partials().into_iter().map(|(id, bytes)| (id.to_string(), bytes)));
    let head = Head { size: edge.size(), root: edge.root() };
    let note = key.sign(&Checkpoint { origin: key.verifier().name().to_owned(), head });
    files.0.insert("checkpoint".into(), note.to_string().into_bytes());
    files.0.insert("vkey".into(), format!("{}\n", key.verifier()).into_bytes());
    files
}

fn check(files: &Files, demands: &Demands) -> Result<Report, Refusal> {
    verify(files, demands, |_, _| {})
}

fn bundle(index: u64, size: u64) -> TileId {
    TileId::at(Kind::Entries, index, size).unwrap()
}

/// What was done, what must be asked of the checker, and the reasons that are right.
type Mutated = (Files, Demands, &'static [&'static str]);

struct Case {
    leaves: Vec<Vec<u8>>,
    files: Files,
    demands: Demands,
    dice: Dice,
}

impl Case {
    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn pick(&mut self) -> u64 {
        let size = self.leaves.len();
        self.dice.below(size) as u64
    }

    fn file(&mut self, of: impl Fn(&str) -> bool) -> String {
        let names: Vec<_> = self.files.0.keys().filter(|name| of(name)).cloned().collect();
        names[self.dice.below(names.len())].clone()
    }

    fn pinned(&self, files: &Files) -> Demands {
        Demands { since: Some(files.0["checkpoint"].clone()), ..self.demands.clone() }
    }

    /// Rewrites the bundle of leaf `index`.
    fn with_bundle(&self, index: u64, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Files {
        let id = bundle(index, self.size());
        let mut files = self.files.clone();
        let bytes = files.0.get_mut(&id.to_string()).unwrap();
        let mut all: Vec<_> = entries(bytes, id.width).unwrap().iter().map(|leaf| leaf.to_vec()).collect();
        change(&mut all);
        bytes.clear();
        all.iter().for_each(|leaf| push_entry(bytes, leaf));
        files
    }
}

/// A log made anew over changed leaves, whose checkpoint is the one that the site signed.
fn rehashed(case: &Case, leaves: &[Vec<u8>]) -> Files {
    let mut files = made(leaves, &site());
    files.0.insert("checkpoint".into(), case.files.0["checkpoint"].clone());
    files
}

fn mutate(kind: usize, case: &mut Case) -> Mutated {
    let (size, demands) = (case.size(), case.demands.clone());
    let at = case.pick();
    match kind {
        // Truncated: a file is gone.
        0 => {
            let name = case.file(|name| name.starts_with("tile/"));
            let mut files = case.files.clone();
            files.0.remove(&name);
            (files, demands, &["truncated"])
        }
        // Truncated: leaves are taken off the end, tiles made to fit, the signed checkpoint is kept.
        1 => (rehashed(case, &case.leaves[..at as usize]), demands, &["truncated"]),
        // Cut short: some bytes of a file.
        2 => {
            let name = case.file(|name| name.starts_with("tile/"));
            let mut files = case.files.clone();
            let bytes = files.0.get_mut(&name).unwrap();
            let keep = case.dice.below(bytes.len());
            bytes.truncate(keep);
            (files, demands, &["malformed"])
        }
        // Changed: a leaf, in its bundle only.
        3 => (case.with_bundle(at, |all| all[(at % 256) as usize] = leaf(at, 1)), demands, &["changed"]),
        // Changed: a leaf, and all tiles made to fit.
        4 => {
            let mut leaves = case.leaves.clone();
            leaves[at as usize] = leaf(at, 1);
            (rehashed(case, &leaves), demands, &["changed"])
        }
        // Re-sealed by somebody with another key, his key put in place of the site's.
        5 => {
            let mut leaves = case.leaves.clone();
            leaves[at as usize] = leaf(at, 1);
            (made(&leaves, &key(2, ORIGIN, KeyKind::Log)), demands, &["other-key"])
        }
        // Another site's log.
        6 => {
            (made(&case.leaves, &key(1, "louver.invalid/site/00", KeyKind::Log)), demands, &["other-origin"])
        }
        // Forked by the site itself: a leaf of the past is exchanged and everything signed anew, against a pinned checkpoint.
        7 => {
            let mut leaves = case.leaves.clone();
            leaves[at as usize] = leaf(at, 1);
            leaves.extend((0..case.dice.below(300) as u64).map(|n| leaf(size + n, 1)));
            (made(&leaves, &site()), case.pinned(&case.files), &["forked"])
        }
        // Split view: two people are shown different ends; one compares with what the other kept.
        8 => {
            let (mut one, mut other) =
                (case.leaves[..at as usize].to_vec(), case.leaves[..at as usize].to_vec());
            let (more, most) = (1 + case.dice.below(20) as u64, case.dice.below(20) as u64);
            one.extend((0..more).map(|n| leaf(at + n, 2)));
            other.extend((0..more + most).map(|n| leaf(at + n, 3)));
            (made(&other, &site()), case.pinned(&made(&one, &site())), &["forked"])
        }
        // Replayed: an old state, whole and rightly signed.
        9 => (made(&case.leaves[..at as usize], &site()), case.pinned(&case.files), &["replayed"]),
        // Reordered within a bundle, in the bundle only.
        10 | 11 => {
            let (first, width) = (at & !255, u64::from(bundle(at, size).width));
            if width < 2 {
                return mutate(3, case);
            }
            let other = first + (at - first + 1 + case.dice.below(width as usize - 1) as u64) % width;
            let (a, b) = ((at - first) as usize, (other - first) as usize);
            if kind == 10 {
                (case.with_bundle(at, |all| all.swap(a, b)), demands, &["reordered"])
            } else {
                let mut leaves = case.leaves.clone();
                leaves.swap(at as usize, other as usize);
                (rehashed(case, &leaves), demands, &["changed"])
            }
        }
        // Duplicated: a leaf in place of a later one of its bundle.
        12 => {
            let (from, to) = (at & !255, (at % 256) as usize);
            if to == 0 {
                return mutate(4, case);
            }
            let other = case.dice.below(to);
            let copy = case.leaves[(from as usize) + other].clone();
            (case.with_bundle(at, |all| all[to] = copy), demands, &["duplicated"])
        }
        // Duplicated: one leaf more, everything made to fit, the signed checkpoint is kept.
        13 => {
            let mut leaves = case.leaves.clone();
            leaves.insert(at as usize, leaves[at as usize].clone());
            // Where the log ended at a tile's edge the files of before are gone; else their last ones have other names.
            (rehashed(case, &leaves), demands, &["truncated", "changed"])
        }
        // A bit of a bundle: the leaf, or the length before it.
        14 => (flipped(case, |name| name.starts_with("tile/entries/")), demands, &["changed", "malformed"]),
        // A bit of a tile of hashes.
        15 => {
            let hashes = |name: &str| name.starts_with("tile/") && !name.starts_with("tile/entries");
            (flipped(case, hashes), demands, &["changed"])
        }
        // A bit of the checkpoint.
        16 => {
            let reasons: &[_] = &["malformed", "wrong-signature", "other-origin", "other-key"];
            (flipped(case, |name| name == "checkpoint"), demands, reasons)
        }
        // A bit of the key file, where that is all that is known.
        17 => (flipped(case, |name| name == "vkey"), Demands::default(), &["bad-key"]),
        // A bit of the pinned checkpoint.
        18 => {
            let pinned = flipped(case, |name| name == "checkpoint");
            (case.files.clone(), case.pinned(&pinned), &["bad-pin"])
        }
        // A tile or bundle of another log, or of another place, in its stead.
        19 => {
            let name = case.file(|name| name.starts_with("tile/"));
            let others = made(&(0..size).map(|n| leaf(n, 5)).collect::<Vec<_>>(), &site());
            let mut files = case.files.clone();
            files.0.insert(name.clone(), others.0[&name].clone());
            (files, demands, &["changed"])
        }
        // Narrow tiles swapped: an earlier, narrower one under the name of the one that is asked for.
        20 => {
            let name = case.file(|name| name.contains(".p/"));
            let id: TileId = name.parse().unwrap();
            let earlier = (0..size).rev().find_map(|then| {
                let first = if id.kind == Kind::Hashes(1) { id.index } else { id.index * 256 };
                TileId::at(id.kind, first, then).filter(|narrow| narrow.width < id.width)
            });
            let mut files = case.files.clone();
            let bytes = match earlier {
                Some(narrow) if id.kind != Kind::Entries => {
                    files.0[&name][..usize::from(narrow.width) * 32].to_vec()
                }
                _ => Vec::new(),
            };
            files.0.insert(name, bytes);
            (files, demands, &["malformed"])
        }
        // A bundle in a tile's place and the other way round.
        21 => {
            let (a, b) = (bundle(at, size), TileId { kind: Kind::Hashes(0), ..bundle(at, size) });
            let mut files = case.files.clone();
            let (x, y) = (files.0[&a.to_string()].clone(), files.0[&b.to_string()].clone());
            files.0.extend([(a.to_string(), y), (b.to_string(), x)]);
            (files, demands, &["malformed"])
        }
        // The witness did not sign, or his signature was changed or made with another key.
        22 | 23 => {
            let (witness, other) =
                (key(3, "witness.example", KeyKind::Witness), key(4, "witness.example", KeyKind::Witness));
            let demands = Demands { witnesses: vec![witness.verifier().clone()], quorum: 1, ..demands };
            let mut files = case.files.clone();
            let bytes = files.0.get_mut("checkpoint").unwrap();
            let mut note = Note::parse(bytes).unwrap();
            if kind == 22 {
                note.add(other.cosign(note.text(), 1_772_000_000));
                *bytes = note.to_string().into_bytes();
                return (files, demands, &["not-witnessed"]);
            }
            // Of another text.
            note.add(witness.cosign("another", 1_772_000_000));
            *bytes = note.to_string().into_bytes();
            (files, demands, &["wrong-witness"])
        }
        // The witness signed another history than this one.
        _ => {
            let witness = key(3, "witness.example", KeyKind::Witness);
            let demands = Demands { witnesses: vec![witness.verifier().clone()], quorum: 1, ..demands };
            let other = made(&(0..=at).map(|n| leaf(n, 5)).collect::<Vec<_>>(), &site());
            let mut note = Note::parse(&other.0["checkpoint"]).unwrap();
            note.add(witness.cosign(note.text(), 1_772_000_000));
            let mut files = case.files.clone();
            files.0.insert("witnessed".into(), note.to_string().into_bytes());
            (files, demands, &["forked"])
        }
    }
}

const KINDS: usize = 25;

fn flipped(case: &mut Case, of: impl Fn(&str) -> bool) -> Files {
    let name = case.file(of);
    let mut files = case.files.clone();
    let bytes = files.0.get_mut(&name).unwrap();
    let at = case.dice.below(bytes.len());
    bytes[at] ^= 1 << case.dice.below(8);
    files
}

#[test]
fn ten_thousand_tampered_logs_are_refused_for_the_right_reason() {
    let sizes = [1u64, 2, 3, 7, 100, 255, 256, 257, 300, 512, 515];
    let mut seen = BTreeMap::<(usize, &str), usize>::new();
    let logs: Vec<_> = sizes.iter().map(|size| (leaves(*size), made(&leaves(*size), &site()))).collect();
    for n in 0..LOGS {
        let mut dice = Dice(n as u64);
        let (leaves, files) = logs[dice.below(logs.len())].clone();
        let demands = Demands { key: Some(site().verifier().clone()), ..Demands::default() };
        let mut case = Case { leaves, files, demands, dice };
        let (files, demands, reasons) = mutate(n % KINDS, &mut case);
        match check(&files, &demands) {
            Ok(report) => {
                panic!("log {n} of kind {} with {} leaves was believed: {report:?}", n % KINDS, case.size())
            }
            Err(refusal) => {
                let reason = refusal.reason();
                assert!(reasons.contains(&reason), "log {n} of kind {}: {refusal} ({reason})", n % KINDS);
                *seen.entry((n % KINDS, reason)).or_default() += 1;
            }
        }
    }
    // Each reason was really met.
    assert_eq!(
        seen.keys().map(|(_, reason)| reason).collect::<std::collections::BTreeSet<_>>().len(),
        14,
        "{seen:?}"
    );
}

#[test]
fn an_untouched_log_of_every_size_is_believed_whole_and_since_every_pin() {
    for size in [0u64, 1, 2, 255, 256, 257, 511, 512, 515] {
        let files = made(&leaves(size), &site());
        let plain = Demands { key: Some(site().verifier().clone()), ..Demands::default() };
        assert_eq!(check(&files, &plain).unwrap().head.size, size);
        for pin in [0, 1, 100, 255, 256, 257, 400, 512].into_iter().filter(|pin| *pin <= size) {
            let since = Some(made(&leaves(pin), &site()).0["checkpoint"].clone());
            for everything in [false, true] {
                let demands = Demands { since: since.clone(), everything, ..plain.clone() };
                let report = check(&files, &demands).unwrap();
                assert_eq!((report.since, report.from), (Some(pin), if everything { 0 } else { pin & !255 }));
            }
        }
    }
}

/// The limit, said plainly: who holds the site's key can sign another past. Only what others kept tells.
#[test]
fn a_past_that_the_site_signed_anew_is_found_by_a_pin_or_a_witness_and_by_nothing_else() {
    let (size, witness) = (300, key(3, "witness.example", KeyKind::Witness));
    let honest = made(&leaves(size), &site());
    let mut forged: Vec<_> = leaves(size);
    forged[17] = leaf(17, 1);
    let forged = made(&forged, &site());
    let plain = Demands { key: Some(site().verifier().clone()), ..Demands::default() };
    assert!(check(&forged, &plain).is_ok());
    let pinned = Demands { since: Some(honest.0["checkpoint"].clone()), ..plain.clone() };
    assert!(matches!(check(&forged, &pinned), Err(Refusal::Forked { pinned: 300 })));
    let witnessed = Demands { witnesses: vec![witness.verifier().clone()], quorum: 1, ..plain };
    assert!(matches!(check(&forged, &witnessed), Err(Refusal::Quorum { have: 0, need: 1 })));
}

#[test]
fn a_checkpoint_that_the_witness_signed_a_little_earlier_counts_up_to_there() {
    let witness = key(3, "witness.example", KeyKind::Witness);
    let mut note = Note::parse(&made(&leaves(260), &site()).0["checkpoint"]).unwrap();
    note.add(witness.cosign(note.text(), 1_772_000_000));
    let mut files = made(&leaves(515), &site());
    files.0.insert("witnessed".into(), note.to_string().into_bytes());
    let witnesses: Vec<VerifierKey> = vec![witness.verifier().clone()];
    let demands =
        Demands { key: Some(site().verifier().clone()), witnesses, quorum: 1, ..Demands::default() };
    assert_eq!(check(&files, &demands).unwrap().witnessed, Some(260));
}

#[test]
fn a_refusal_names_the_leaf_and_the_file() {
    let demands = Demands { key: Some(site().verifier().clone()), ..Demands::default() };
    let dice = Dice(1);
    let case = Case { leaves: leaves(300), files: made(&leaves(300), &site()), demands, dice };
    let text = |files: &Files| check(files, &case.demands).unwrap_err().to_string();
    assert_eq!(
        text(&case.with_bundle(290, |all| all[34] = leaf(290, 1))),
        "changed: leaf 290 in tile/entries/001.p/44 is not the one whose hash is in tile/0/001.p/44"
    );
    assert_eq!(
        text(&case.with_bundle(9, |all| all.swap(9, 200))),
        "reordered: leaf 9 in tile/entries/000 is what was leaf 200 when it was hashed"
    );
    let mut files = case.files.clone();
    files.0.remove("tile/entries/001.p/44");
    assert_eq!(
        text(&files),
        "truncated: tile/entries/001.p/44 is missing, with leaf 256; the checkpoint is signed over 300 leaves"
    );
    let mut files = case.files.clone();
    files.0.get_mut("tile/1/000.p/1").unwrap()[3] ^= 1;
    assert_eq!(text(&files), "changed: hash 0 in tile/1/000.p/1 is not that of the leaves below it");
}
