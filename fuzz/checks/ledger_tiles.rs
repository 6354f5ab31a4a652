//! Any bytes as a ledger's files (docs/format-ledger.md): tiles, bundles, leaves, paths; and as changes to a real log by somebody who
//! has its files but not its key, or who has both but not the checkpoint that somebody keeps elsewhere.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use louver_base::WallTime;
use louver_ledger::checkpoint::Checkpoint;
use louver_ledger::edge::Edge;
use louver_ledger::leaf::{CameraTag, Digest, GapReason, Millis};
use louver_ledger::note::KeyKind;
use louver_ledger::tile::{Kind, Served, TileId, WIDTH, entries, push_entry, tile_bytes, tile_hashes};
use louver_ledger::tree::Head;
use louver_ledger::verify::{Demands, Refusal, verify};
use louver_ledger::{Leaf, SiteKey, Source, SourceError};

#[path = "changes.rs"]
mod changes;

const ORIGIN: &str = "louver.invalid/site/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

#[derive(Clone)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Source for Files {
    fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        match self.0.get(path) {
            Some(bytes) if bytes.len() > limit => Err(SourceError::TooLarge { path: path.to_owned(), limit }),
            found => Ok(found.cloned()),
        }
    }
}

pub(crate) struct Real {
    key: SiteKey,
    leaves: Vec<Vec<u8>>,
    files: Files,
    head: Head,
    pinned: u64,
    pin: Vec<u8>,
}

fn real(size: u64, pinned: u64) -> Real {
    let key = SiteKey::from_seed(&[1; 32], ORIGIN, KeyKind::Log).expect("constant");
    let leaves: Vec<_> = (0..size).map(leaf).collect();
    let (then, _) = made(&leaves[..pinned as usize], &key);
    let (files, head) = made(&leaves, &key);
    let pin = then.0["checkpoint"].clone();
    Real { key, leaves, files, head, pinned, pin }
}

/// Quickly checked: one tile that is not full.
pub(crate) static SMALL: LazyLock<Real> = LazyLock::new(|| real(7, 5));
/// Several tiles and levels.
pub(crate) static LARGE: LazyLock<Real> = LazyLock::new(|| real(261, 258));

fn leaf(n: u64) -> Vec<u8> {
    let (camera, from) = (CameraTag::from_bytes((n % 7).to_be_bytes()), Millis(n as i64));
    let leaf = match n % 3 {
        0 => Leaf::Gap { camera, from, to: Millis(n as i64 + 5), reason: GapReason::NoVideo },
        1 => Leaf::Omitted { leaves: n },
        _ => Leaf::Exported { request: None, manifest: Digest::of(&n.to_be_bytes()) },
    };
    leaf.to_bytes(WallTime::from_millis(1_772_000_000_000 + n as i64)).expect("short")
}

/// All files of a log over these leaves, as the site makes them.
fn made(leaves: &[Vec<u8>], key: &SiteKey) -> (Files, Head) {
    let (mut files, mut edge) = (BTreeMap::new(), Edge::default());
    for leaf in leaves {
        let Ok(()) = edge.push(leaf, &mut |id, bytes: &[u8]| {
            files.insert(id.to_string(), bytes.to_vec());
            Ok::<_, Infallible>(())
        });
    }
    files.extend(edge.partials().into_iter().map(|(id, bytes)| (id.to_string(), bytes)));
    let head = Head { size: edge.size(), root: edge.root() };
    let note = key.sign(&Checkpoint { origin: ORIGIN.to_owned(), head });
    files.insert("checkpoint".into(), note.to_string().into_bytes());
    files.insert("vkey".into(), format!("{}\n", key.verifier()).into_bytes());
    (Files(files), head)
}

impl Real {
    /// Its files, in the order of their numbers in what a seed changes.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.files.0.keys().map(String::as_str).collect()
    }
}

/// The real log's verifier key.
#[allow(dead_code, reason = "for the seeds, which the fuzzer does not make")]
pub(crate) fn key() -> String {
    SMALL.key.verifier().to_string()
}

/// Takes the bytes as each kind of file, and as changes to the real log.
pub(crate) fn any_bytes(bytes: &[u8]) {
    reads_back(bytes);
    let Some((how, changes)) = bytes.split_first() else { return };
    let real: &Real = if *how < 224 { &SMALL } else { &LARGE };
    let mut files = real.files.clone();
    tamper(&mut files, &real.names(), changes);
    let site = || Some(real.key.verifier().clone());
    let demands = match how % 4 {
        0 => Demands { key: site(), ..Demands::default() },
        1 => Demands::default(),
        2 => Demands { key: site(), since: Some(real.pin.clone()), ..Demands::default() },
        _ => Demands { key: site(), since: Some(real.pin.clone()), everything: true, ..Demands::default() },
    };
    nothing_is_believed_that_was_not_signed(real, &files, &demands);
    if how % 4 >= 2 {
        a_past_signed_anew_is_refused(real, files, &demands);
    }
}

/// Files one after the other: which (1), how many bytes of changes (1), the changes. 250 and above: the file goes; below, every eighth
/// time, it takes the place of the next one.
fn tamper(files: &mut Files, names: &[&str], mut changes: &[u8]) {
    for _ in 0..8 {
        let Some(([which, length], rest)) = changes.split_first_chunk::<2>() else { return };
        let (these, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        changes = rest;
        let name = names[usize::from(*which) % names.len()];
        let Some(mut bytes) = files.0.remove(name) else { continue };
        if *length >= 250 {
            continue;
        }
        changes::change(&mut bytes, these);
        let to = if length % 8 == 7 { names[(usize::from(*which) + 1) % names.len()] } else { name };
        files.0.insert(to.to_owned(), bytes);
    }
}

/// Whoever has no key changes nothing: what is accepted is the very log that was signed.
fn nothing_is_believed_that_was_not_signed(real: &Real, files: &Files, demands: &Demands) {
    let mut read = Vec::new();
    let found = verify(files, demands, |n, leaf| read.push((n, leaf.to_vec())));
    match found {
        Ok(report) => {
            assert_eq!((report.head, report.key), (real.head, real.key.verifier().clone()));
            assert_eq!(report.head.size - report.from, read.len() as u64);
            for (n, leaf) in &read {
                assert_eq!(real.leaves.get(*n as usize), Some(leaf), "leaf {n}");
            }
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty() && !refusal.reason().is_empty()),
    }
}

/// Whoever has the key can sign any leaves; a checkpoint that was kept finds him out, unless all that it covers is as it was.
fn a_past_signed_anew_is_refused(real: &Real, files: Files, demands: &Demands) {
    let mut leaves = Vec::new();
    let size = real.head.size;
    for first in (0..size).step_by(WIDTH as usize) {
        let id = TileId::at(Kind::Entries, first, size).expect("within the log");
        let Some(bundle) = files.0.get(&id.to_string()) else { return };
        let Some(there) = entries(bundle, id.width) else { return };
        leaves.extend(there.iter().map(|leaf| leaf.to_vec()));
    }
    let (anew, _) = made(&leaves, &real.key);
    let then = real.pinned as usize;
    let same = leaves[..then] == real.leaves[..then];
    match verify(&anew, demands, |_, _| {}) {
        Ok(_) => assert!(same, "another past was believed"),
        Err(Refusal::Forked { pinned }) => assert!(!same && pinned == real.pinned),
        Err(other) => panic!("{other}"),
    }
}

fn reads_back(bytes: &[u8]) {
    if let Some(hashes) = tile_hashes(bytes, (bytes.len() / 32).min(256) as u16) {
        assert_eq!(tile_bytes(&hashes), bytes);
    }
    for width in [1, 2, 3, 256] {
        let Some(leaves) = entries(bytes, width) else { continue };
        let mut again = Vec::new();
        leaves.iter().for_each(|leaf| push_entry(&mut again, leaf));
        assert_eq!((leaves.len(), &again[..]), (usize::from(width), bytes));
    }
    if let Some(entry) = Leaf::parse(bytes) {
        assert_eq!(entry.leaf.to_bytes(entry.at).expect("it was read"), bytes);
    }
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    if let Ok(file) = path.parse::<Served>() {
        assert_eq!(file.to_string(), path);
        assert!(!path.starts_with('/') && !path.contains(".."));
        assert!(!["journal", "site.key", "salt", "register.json"].contains(&path), "it is not served");
    }
}
