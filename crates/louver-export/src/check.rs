//! Checking an exported file. docs/format-export.md, "What checking does".

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

use aws_lc_rs::digest;
use louver_base::{CameraId, WallTime};
use louver_ledger::leaf::{Digest, Millis};
use louver_ledger::note::{Note, VerifierKey};
use louver_ledger::{ExportKey, Leaf, export_key_name, origin};
use louver_vault::opening::Gap;
use louver_vault::within;

use crate::boxes::{NoManifest, locate};
use crate::manifest::{Kind, MAX_MANIFEST, Manifest, ManifestError};
use crate::pictures::{self, Pictures};
use crate::problem::{Finding, Problem, Step};
use crate::proven;

/// Read at once while the file is hashed.
const CHUNK: usize = 1 << 16;

/// Why nothing of a file could be checked. But for [`Refusal::is_about_reading`] it is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No manifest is there.
    #[error(transparent)]
    None(#[from] NoManifest),
    /// What stands in its place is none.
    #[error("its manifest cannot be read: it was changed")]
    Manifest(#[from] ManifestError),
    /// It is not signed.
    #[error("its manifest cannot be read: it was changed")]
    Note(#[from] louver_ledger::note::NoteError),
    /// It has more than the site's signature.
    #[error("its manifest has something behind the site's signature: it was added later")]
    Added,
}

impl Refusal {
    /// Whether it says nothing about the file, since it could not be read.
    pub fn is_about_reading(&self) -> bool {
        matches!(self, Self::None(NoManifest::Read(_)))
    }
}

impl From<io::Error> for Refusal {
    fn from(e: io::Error) -> Self {
        Self::None(NoManifest::Read(e))
    }
}

/// What a manifest says. True as far as the steps without a finding show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Originals or masked pictures.
    pub kind: Kind,
    /// The site's id.
    pub site: String,
    /// The camera.
    pub camera: CameraId,
    /// Arrival of the first picture.
    pub from: WallTime,
    /// Arrival of the last.
    pub to: WallTime,
    /// When it was exported.
    pub made: WallTime,
    /// The opening request.
    pub request: Option<Digest>,
    /// Verifier key of the site's ledger.
    pub ledger: String,
    /// What the leaf `exported` names the manifest by.
    pub manifest: Digest,
    /// Bytes of the video.
    pub bytes: u64,
}

/// What checking found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What the manifest says.
    pub facts: Facts,
    /// Whether the ledger's key was given by who checks: else the site is only one that calls itself so.
    pub pinned: bool,
    /// What does not fit, in the order of the steps; nothing where all holds.
    pub findings: Vec<Finding>,
    /// Fragments in the file.
    pub fragments: usize,
    /// Holes in the recording within the file: nothing was recorded there, or whole segments were left out.
    pub gaps: Vec<Gap>,
    /// Segments whose digest the recorder read back from its disk, after a crash or while it still wrote them.
    pub recovered: usize,
    /// When the ledger was told of the last of its segments: minutes after its pictures, where nothing went wrong.
    pub told: Option<WallTime>,
}

impl Report {
    /// Whether everything that can be shown is shown.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether this step is shown. Steps 3 and 4 are about originals.
    pub fn shows(&self, step: Step) -> bool {
        self.findings.iter().all(|finding| finding.step != step)
    }
}

/// Checks a file. `site`: the verifier key of the site's ledger, kept from elsewhere.
///
/// Memory: the manifest, and two fragments.
///
/// # Errors
/// [`Refusal`]: there is nothing that could be checked.
pub fn check(source: &mut (impl Read + Seek), site: Option<&VerifierKey>) -> Result<Report, Refusal> {
    let (bytes, note) = locate(source)?;
    let note_bytes = note;
    let note = Note::parse_within(&note_bytes, MAX_MANIFEST)?;
    let text = note.text();
    let manifest = Manifest::parse(text)?;
    if note_bytes[text.len()..].iter().filter(|b| **b == b'\n').count() != 2 {
        return Err(Refusal::Added);
    }
    let mut findings = Vec::new();
    let mut find = |step, problem| findings.push(Finding { step, at: None, problem });
    match manifest.key.parse::<VerifierKey>() {
        Ok(key) => {
            if let Err(e) = note.signed_by(&key) {
                find(Step::Unchanged, Problem::Signature(e));
            }
        }
        Err(e) => find(Step::Unchanged, Problem::Key(e)),
    }
    if manifest.bytes != bytes {
        find(Step::Unchanged, Problem::Length { found: bytes, signed: manifest.bytes });
    } else if hash(source, bytes)? != manifest.sha256 {
        find(Step::Unchanged, Problem::Changed);
    }
    let ledger = manifest.ledger.parse::<VerifierKey>();
    match &ledger {
        Err(e) => find(Step::Site, Problem::Key(e.clone())),
        Ok(ledger) => {
            if let Err(problem) = is_the_sites(&manifest, ledger, site) {
                find(Step::Site, problem);
            }
        }
    }
    let mut found = Pictures::default();
    if let (Kind::Original, Ok(ledger)) = (manifest.kind, &ledger) {
        found = pictures::check(source, bytes, &manifest, ledger)?;
        findings.append(&mut found.findings);
        allowed(&manifest, ledger, &found, &mut findings);
    } else if manifest.kind == Kind::Original {
        let problem = Problem::NotChecked("it needs the ledger's key");
        let none = |step| Finding { step, at: None, problem: problem.clone() };
        findings.extend([Step::Sealed, Step::Allowed].map(none));
    } else if manifest.kind == Kind::Masked {
        let more =
            manifest.request.is_some() || !manifest.released.is_empty() || !manifest.segments.is_empty();
        if more {
            let problem = Problem::Contradiction("masked pictures have no request and no segments");
            findings.push(Finding { step: Step::Unchanged, at: None, problem });
        }
    }
    Ok(Report {
        facts: Facts {
            kind: manifest.kind,
            from: WallTime::from_millis(manifest.from),
            to: WallTime::from_millis(manifest.to),
            made: WallTime::from_millis(manifest.made),
            request: manifest.request,
            manifest: Manifest::digest_of(text),
            site: manifest.site,
            camera: manifest.camera,
            ledger: manifest.ledger,
            bytes,
        },
        pinned: site.is_some(),
        findings,
        fragments: found.used.len(),
        gaps: found.gaps,
        recovered: found.recovered,
        told: found.told,
    })
}

fn hash(source: &mut (impl Read + Seek), bytes: u64) -> io::Result<Digest> {
    source.seek(SeekFrom::Start(0))?;
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let some = left.min(CHUNK as u64) as usize;
        source.read_exact(&mut chunk[..some])?;
        hash.update(&chunk[..some]);
        left -= some as u64;
    }
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    Ok(Digest::from_bytes(out))
}

/// Step 2.
fn is_the_sites(
    manifest: &Manifest,
    ledger: &VerifierKey,
    site: Option<&VerifierKey>,
) -> Result<(), Problem> {
    if site.is_some_and(|site| site != ledger) {
        return Err(Problem::OtherSite(manifest.ledger.clone()));
    }
    let key: VerifierKey = manifest.key.parse().map_err(Problem::Key)?;
    let id: [u8; 16] = site_id(&manifest.site).ok_or(Problem::KeyName(manifest.site.clone()))?;
    if ledger.name() != origin(&id) || key.name() != export_key_name(&id) {
        return Err(Problem::KeyName(manifest.site.clone()));
    }
    let entry = proven::leaf(&manifest.key_proof, ledger)
        .map_err(|why| Problem::Proof { of: "that the key signs the site's exports", why })?;
    if entry.leaf != (Leaf::ExportKey { key: ExportKey::digest(&key) }) {
        return Err(Problem::Leaf("the key that signs exports"));
    }
    Ok(())
}

fn site_id(text: &str) -> Option<[u8; 16]> {
    let mut out = [0; 16];
    for (n, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(out)
}

/// Step 4: each fragment belongs to a time that some leaf released ([`within`]), for this request and camera, before the export.
fn allowed(manifest: &Manifest, ledger: &VerifierKey, pictures: &Pictures, findings: &mut Vec<Finding>) {
    let mut find = |at, problem| findings.push(Finding { step: Step::Allowed, at, problem });
    let mut granted: Vec<(Millis, Millis)> = Vec::new();
    for proof in &manifest.released {
        let entry = match proven::leaf(proof, ledger) {
            Ok(entry) => entry,
            Err(why) => return find(None, Problem::Proof { of: "that it was released", why }),
        };
        let Leaf::OpeningReleased { request, cameras, from, to, until, .. } = entry.leaf else {
            return find(None, Problem::Leaf("the release"));
        };
        if Some(request) != manifest.request
            || !pictures.camera.is_some_and(|camera| cameras.contains(&camera))
        {
            return find(None, Problem::Leaf("the release"));
        }
        if entry.at.millis() > manifest.made {
            return find(None, Problem::NotThen("before"));
        }
        if manifest.made >= until.0 {
            return find(None, Problem::NotThen("after the time for which"));
        }
        granted.push((from, to));
    }
    let released: Vec<HashSet<u32>> = pictures
        .arrived
        .iter()
        .map(|fragments| {
            let times =
                granted.iter().map(|(from, to)| (WallTime::from_millis(from.0), WallTime::from_millis(to.0)));
            times.flat_map(|(from, to)| within(fragments.iter().copied(), from, to)).collect()
        })
        .collect();
    for (at, _) in &pictures.used {
        if !released.get(at.segment).is_some_and(|released| released.contains(&at.fragment)) {
            return find(Some(*at), Problem::NotReleased);
        }
    }
    if granted.is_empty() {
        return find(None, Problem::NotReleased);
    }
    let named: usize = manifest.segments.iter().map(|segment| segment.fragments.len()).sum();
    if pictures.used.len() != named {
        find(None, Problem::NotChecked("not all of its pictures could be looked at"));
    }
}
