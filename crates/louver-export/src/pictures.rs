//! Whether the pictures are those that were sealed: each fragment is proven, then the whole file is made anew from them and compared.

use std::io::{self, Read, Seek, SeekFrom};

use louver_base::WallTime;
use louver_ledger::Leaf;
use louver_ledger::leaf::CameraTag;
use louver_ledger::note::VerifierKey;
use louver_vault::opening::{Film, Gap, Piece};
use louver_vault::{Arrived, SealedFragment, SealedHeads};

use crate::manifest::{Fragment, Manifest, Segment};
use crate::problem::{At, Finding, Problem, Step};
use crate::proven;

/// A fragment's pictures at most.
const MAX_PICTURES: u64 = 64 << 20;

/// What was found about the pictures.
#[derive(Default)]
pub(crate) struct Pictures {
    pub(crate) findings: Vec<Finding>,
    /// The camera, as the ledger names it.
    pub(crate) camera: Option<CameraTag>,
    /// What is in the file, in order, as far as it was looked at.
    pub(crate) used: Vec<(At, SealedFragment)>,
    /// All fragments of each segment that was looked at, also those that are not in the file.
    pub(crate) arrived: Vec<Vec<Arrived>>,
    /// Holes in the recording within it.
    pub(crate) gaps: Vec<Gap>,
    /// Segments whose digest the recorder read from the disk.
    pub(crate) recovered: usize,
    /// When the ledger was told of the last of the segments.
    pub(crate) told: Option<WallTime>,
}

impl Pictures {
    fn find(&mut self, at: Option<At>, problem: Problem) {
        self.findings.push(Finding { step: Step::Sealed, at, problem });
    }
}

/// Step 3. `bytes`: how long the video is in truth.
pub(crate) fn check(
    source: &mut (impl Read + Seek),
    bytes: u64,
    manifest: &Manifest,
    ledger: &VerifierKey,
) -> io::Result<Pictures> {
    let mut found = Pictures::default();
    let mut remake = Remake { source: &mut *source, film: Film::new(), at: 0, bytes };
    let mut before: Option<WallTime> = None;
    if manifest.segments.is_empty() {
        found.find(None, Problem::Contradiction("there are no pictures in it"));
    }
    for (place, segment) in manifest.segments.iter().enumerate() {
        let heads = match heads(&mut found, place, segment, ledger) {
            Ok(heads) => heads,
            Err(problem) => {
                found.find(None, problem);
                return Ok(found);
            }
        };
        let arrived = (0..heads.fragments()).filter_map(|n| heads.fragment(n)).map(Arrived::from);
        found.arrived.push(arrived.collect());
        let begins = heads.fragment(0).map(|first| first.first);
        // As late is no later: a segment that stands there twice, or in two parts the wrong way round.
        if before.is_some() && before >= begins {
            found.find(None, Problem::Contradiction("its segments are not in order"));
        }
        before = begins;
        order(&mut found, place, manifest, &heads);
        for (n, fragment) in segment.fragments.iter().enumerate() {
            let at = place_of(place, fragment, &heads);
            found.used.extend(heads.fragment(fragment.n).map(|sealed| (at, sealed)));
            if let Err(problem) = remake.take(&heads, fragment)? {
                found.find(Some(at), problem);
                // Nothing follows from others than what was sealed; which more of this segment are changed is told.
                for other in &segment.fragments[n + 1..] {
                    let at = place_of(place, other, &heads);
                    found.used.extend(heads.fragment(other.n).map(|sealed| (at, sealed)));
                    if let Err(problem) = proof(source, bytes, &heads, other)? {
                        found.find(Some(at), problem);
                    }
                }
                return Ok(found);
            }
        }
    }
    match remake.finish()? {
        Ok(gaps) => found.gaps = gaps,
        Err(problem) => found.find(None, problem),
    }
    times(&mut found, manifest);
    Ok(found)
}

fn place_of(segment: usize, fragment: &Fragment, heads: &SealedHeads) -> At {
    let time = heads.fragment(fragment.n).map(|sealed| sealed.first);
    At { segment, fragment: fragment.n, time, byte: fragment.at }
}

/// A segment's heads, which the ledger was told of.
fn heads(
    found: &mut Pictures,
    place: usize,
    segment: &Segment,
    ledger: &VerifierKey,
) -> Result<SealedHeads, Problem> {
    let heads = SealedHeads::parse(segment.header.as_bytes(), &segment.heads.0)
        .map_err(|why| Problem::Heads { segment: place, why })?;
    let entry = proven::leaf(&segment.proof, ledger)
        .map_err(|why| Problem::Proof { of: "that a segment was sealed", why })?;
    let Leaf::Sealed { camera, header, fragments, digest, recovered, .. } = entry.leaf else {
        return Err(Problem::Leaf("a segment"));
    };
    let same = (header, fragments) == (segment.header, heads.fragments());
    if !same || digest.as_bytes() != heads.digest().as_bytes() {
        return Err(Problem::Leaf("a segment"));
    }
    if *found.camera.get_or_insert(camera) != camera {
        return Err(Problem::Leaf("the camera"));
    }
    found.recovered += usize::from(recovered);
    found.told = found.told.max(Some(entry.at));
    Ok(heads)
}

/// Within a segment fragments follow each other; from one segment to the next nothing is missing at the end or the beginning.
fn order(found: &mut Pictures, place: usize, manifest: &Manifest, heads: &SealedHeads) {
    let Some(segment) = manifest.segments.get(place) else { return };
    let mut expected = (place > 0).then_some(0);
    for fragment in &segment.fragments {
        if let Some(expected) = expected.filter(|n| *n != fragment.n) {
            found.find(Some(place_of(place, fragment, heads)), Problem::Order { expected });
        }
        expected = fragment.n.checked_add(1);
    }
    let last = place + 1 == manifest.segments.len();
    if let (false, Some(fragment)) = (last, segment.fragments.last())
        && fragment.n.checked_add(1) != Some(heads.fragments())
    {
        found.find(Some(place_of(place, fragment, heads)), Problem::CutShort);
    }
    if segment.fragments.is_empty() {
        found.find(None, Problem::Contradiction("nothing of one of its segments is in the file"));
    }
}

fn times(found: &mut Pictures, manifest: &Manifest) {
    let ends = found.used.first().zip(found.used.last());
    let ends = ends.map(|((_, first), (_, last))| (first.first.millis(), last.last.millis()));
    if ends.is_some_and(|ends| ends != (manifest.from, manifest.to)) {
        found.find(None, Problem::Contradiction("its times are not those of its first and last picture"));
    }
}

/// A fragment's pictures, as they stand in the file.
fn pictures(
    source: &mut (impl Read + Seek),
    bytes: u64,
    of: &Fragment,
) -> io::Result<Result<Vec<u8>, Problem>> {
    let end = of.at.checked_add(of.size);
    if of.size > MAX_PICTURES || end.is_none_or(|end| end > bytes) {
        return Ok(Err(Problem::Contradiction("pictures stand outside of the file")));
    }
    let mut read = vec![0; of.size as usize];
    source.seek(SeekFrom::Start(of.at))?;
    source.read_exact(&mut read)?;
    Ok(Ok(read))
}

fn blind(of: &Fragment) -> Result<&[u8; 32], Problem> {
    of.blind.0.as_slice().try_into().map_err(|_| Problem::Contradiction("a blind is not 32 bytes long"))
}

fn proof(
    source: &mut (impl Read + Seek),
    bytes: u64,
    heads: &SealedHeads,
    of: &Fragment,
) -> io::Result<Result<(), Problem>> {
    let read = pictures(source, bytes, of)?;
    let proven = read.and_then(|read| {
        heads.prove(of.n, &of.list.0, blind(of)?, &read).map_err(Problem::Pictures).map(drop)
    });
    Ok(proven)
}

/// The file, made anew.
struct Remake<'a, R> {
    source: &'a mut R,
    film: Film<u64>,
    /// Bytes made and compared.
    at: u64,
    bytes: u64,
}

impl<R: Read + Seek> Remake<'_, R> {
    fn take(&mut self, heads: &SealedHeads, of: &Fragment) -> io::Result<Result<(), Problem>> {
        let read = pictures(self.source, self.bytes, of)?;
        let proven =
            read.and_then(|read| heads.prove(of.n, &of.list.0, blind(of)?, &read).map_err(Problem::Pictures));
        let (params, gop) = match proven {
            Ok(proven) => proven,
            Err(problem) => return Ok(Err(problem)),
        };
        let pieces = match self.film.push(params, gop, of.at) {
            Ok(pieces) => pieces,
            Err(e) => return Ok(Err(Problem::NoFilm(e.to_string()))),
        };
        for piece in pieces {
            if let Err(problem) = self.compare(&piece)? {
                return Ok(Err(problem));
            }
        }
        Ok(Ok(()))
    }

    fn compare(&mut self, piece: &Piece<u64>) -> io::Result<Result<(), Problem>> {
        let begin = self.at;
        let left = self.bytes.saturating_sub(begin).min(piece.bytes.len() as u64);
        let mut there = vec![0; left as usize];
        self.source.seek(SeekFrom::Start(begin))?;
        self.source.read_exact(&mut there)?;
        if there != piece.bytes {
            let same = there.iter().zip(&piece.bytes).take_while(|(a, b)| a == b).count();
            return Ok(Err(Problem::Remade(begin + same as u64)));
        }
        if piece.pictures.iter().any(|placed| placed.of != begin + placed.at) {
            return Ok(Err(Problem::Contradiction("pictures stand elsewhere than it says")));
        }
        self.at += piece.bytes.len() as u64;
        Ok(Ok(()))
    }

    fn finish(mut self) -> io::Result<Result<Vec<Gap>, Problem>> {
        if let Some(piece) = self.film.finish()
            && let Err(problem) = self.compare(&piece)?
        {
            return Ok(Err(problem));
        }
        if self.at != self.bytes {
            return Ok(Err(Problem::Remade(self.at)));
        }
        Ok(Ok(self.film.into_gaps()))
    }
}
