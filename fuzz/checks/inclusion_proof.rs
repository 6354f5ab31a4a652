//! Any bytes as a tlog-proof, as changes to a real one, and as the hashes of inclusion and consistency proofs (docs/format-ledger.md):
//! what is proven is what is in the log.

use std::sync::LazyLock;

use louver_base::WallTime;
use louver_ledger::leaf::Millis;
use louver_ledger::note::KeyKind;
use louver_ledger::proof::Inclusion;
use louver_ledger::tree::{self, Head, Nodes, check_consistency, check_inclusion};
use louver_ledger::{Hash, Leaf, SiteKey, checkpoint::Checkpoint, leaf_hash, node_hash};

#[path = "changes.rs"]
mod changes;

const ORIGIN: &str = "louver.invalid/site/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const SIZE: u64 = 37;
const INDEX: u64 = 21;

/// The log's leaves' hashes, and every subtree's on demand.
struct Tree(Vec<Hash>);

impl Nodes for &Tree {
    type Error = std::convert::Infallible;
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        if level == 0 {
            return Ok(self.0[index as usize]);
        }
        Ok(node_hash(self.node(level - 1, 2 * index)?, self.node(level - 1, 2 * index + 1)?))
    }
}

struct Real {
    key: SiteKey,
    leaves: Vec<Vec<u8>>,
    tree: Tree,
    /// Hashes that proofs of this log are made of, and some that are none.
    pool: Vec<Hash>,
    text: String,
}

static REAL: LazyLock<Real> = LazyLock::new(|| {
    let key = SiteKey::from_seed(&[1; 32], ORIGIN, KeyKind::Log).expect("constant");
    let leaf =
        |n: u64| Leaf::Omitted { leaves: n }.to_bytes(WallTime::from_millis(Millis(9).0)).expect("short");
    let leaves: Vec<_> = (0..SIZE).map(leaf).collect();
    let tree = Tree(leaves.iter().map(|leaf| leaf_hash(leaf)).collect());
    let mut pool = tree.0.clone();
    let (path, Ok(root)) = (inclusion(&tree, INDEX, SIZE), tree::root(&mut &tree, SIZE));
    for older in 1..SIZE {
        pool.extend(consistency(&tree, older, SIZE));
        pool.push(head(&tree, older).root);
        pool.extend(inclusion(&tree, older, SIZE));
    }
    pool.push(root);
    pool.sort_unstable_by_key(|hash| *hash.as_bytes());
    pool.dedup();
    let note = key.sign(&Checkpoint { origin: ORIGIN.to_owned(), head: Head { size: SIZE, root } });
    let path: String = path.iter().map(|hash| format!("{hash}\n")).collect();
    let text = format!("c2sp.org/tlog-proof@v1\nextra aGVsbG8=\nindex {INDEX}\n{path}\n{note}");
    Real { key, leaves, tree, pool, text }
});

fn inclusion(mut tree: &Tree, index: u64, size: u64) -> Vec<Hash> {
    let Ok(path) = tree::inclusion(&mut tree, index, size);
    path
}

fn consistency(mut tree: &Tree, older: u64, size: u64) -> Vec<Hash> {
    let Ok(path) = tree::consistency(&mut tree, older, size);
    path
}

fn head(mut tree: &Tree, size: u64) -> Head {
    let Ok(root) = tree::root(&mut tree, size);
    Head { size, root }
}

/// The real one: what the seeds change.
#[allow(dead_code, reason = "for the seeds, which the fuzzer does not make")]
pub(crate) fn whole() -> &'static str {
    &REAL.text
}

/// The inclusion proof of a leaf, by its hashes' places among the real ones.
#[allow(dead_code, reason = "for the seeds, which the fuzzer does not make")]
pub(crate) fn path_by_number(index: u64) -> Vec<u8> {
    by_number(&inclusion(&REAL.tree, index, SIZE))
}

/// The proof that the log only grew since it had so many leaves, likewise.
#[allow(dead_code, reason = "for the seeds, which the fuzzer does not make")]
pub(crate) fn growth_by_number(older: u64) -> Vec<u8> {
    by_number(&consistency(&REAL.tree, older, SIZE))
}

fn by_number(hashes: &[Hash]) -> Vec<u8> {
    hashes
        .iter()
        .map(|hash| REAL.pool.iter().position(|h| h == hash).expect("it is in there") as u8)
        .collect()
}

/// Takes the bytes as a proof, as changes to the real one, and as the hashes of proofs.
pub(crate) fn any_bytes(bytes: &[u8]) {
    what_is_proven_is_in_the_log(bytes);
    let mut changed = REAL.text.clone().into_bytes();
    changes::change(&mut changed, bytes);
    what_is_proven_is_in_the_log(&changed);
    no_other_hashes_prove_it(bytes);
}

fn what_is_proven_is_in_the_log(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(proof) = Inclusion::parse(text) else { return };
    assert!(proof.path.len() * 44 <= text.len() && proof.checkpoint.len() <= text.len());
    // One of the log's leaves, and the right one where there is one: signatures take the time.
    let Some(leaf) = REAL.leaves.get((proof.index % SIZE) as usize) else { return };
    let Ok(checkpoint) = proof.check(leaf, REAL.key.verifier(), &[], 0) else { return };
    assert_eq!((proof.index < SIZE, checkpoint.head), (true, head(&REAL.tree, SIZE)));
    assert_eq!(proof.path, inclusion(&REAL.tree, proof.index, SIZE));
    let other = [&leaf[..], b" "].concat();
    assert!(proof.check(&other, REAL.key.verifier(), &[], 0).is_err(), "of a leaf that is not there");
    assert!(proof.check(leaf, REAL.key.verifier(), &[], 1).is_err(), "no witness has signed");
}

/// Two numbers, then hashes, each by its place among the real ones.
fn no_other_hashes_prove_it(bytes: &[u8]) {
    let Some(([one, two], rest)) = bytes.split_first_chunk::<2>() else { return };
    let (one, two) = (u64::from(*one), u64::from(*two));
    let pick = |n: &u8| REAL.pool.get(usize::from(*n)).copied().unwrap_or(Hash::EMPTY);
    let hashes: Vec<Hash> = rest.iter().take(70).map(pick).collect();
    let now = head(&REAL.tree, SIZE);
    if let Some(leaf) = REAL.tree.0.get(two as usize) {
        let proven = check_inclusion(&hashes, one, *leaf, SIZE, now.root).is_ok();
        assert_eq!(proven, one == two && hashes == inclusion(&REAL.tree, one, SIZE));
    }
    if (1..=SIZE).contains(&one) {
        let then = head(&REAL.tree, one);
        let proven = check_consistency(&hashes, then, now).is_ok();
        assert_eq!(proven, hashes == consistency(&REAL.tree, one, SIZE));
        let other = Head { root: pick(&(two as u8)), ..then };
        assert!(other == then || check_consistency(&hashes, other, now).is_err(), "another beginning");
    }
}
