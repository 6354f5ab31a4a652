//! Where the manifest stands in an MP4.

use std::io::{self, Read, Seek, SeekFrom};

use crate::manifest::MAX_MANIFEST;

/// Names the manifest's box: "Louver manifest1".
pub const MANIFEST_UUID: [u8; 16] = *b"Louver manifest1";

/// Bytes of the box before the note.
const HEAD: usize = 8 + MANIFEST_UUID.len();
/// Boxes that are looked at: an hour of pictures has four thousand.
const MOST: u32 = 8_000_000;

/// Why there is no manifest to be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoManifest {
    /// The file cannot be read; this says nothing about it.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    /// The file is no MP4, or stops being one somewhere.
    #[error(
        "no box of an MP4 begins at byte {at}: the file was changed or cut off there, or is no video that Louver exported"
    )]
    NotMp4 {
        /// Where.
        at: u64,
    },
    /// An MP4 without one.
    #[error("it carries no manifest: it was not exported by Louver, or the manifest was cut off")]
    Missing,
    /// Something stands behind it.
    #[error("bytes stand behind its manifest, from byte {at} on: they were added later")]
    After {
        /// Where.
        at: u64,
    },
    /// Longer than any is.
    #[error("its manifest is larger than 32 MiB, which none is")]
    TooLarge,
}

/// The last box of an exported file, around the signed note. `None` for a note that is longer than any manifest.
pub fn manifest_box(note: &str) -> Option<Vec<u8>> {
    if note.len() > MAX_MANIFEST {
        return None;
    }
    let mut out = Vec::with_capacity(HEAD + note.len());
    out.extend_from_slice(&u32::try_from(HEAD + note.len()).ok()?.to_be_bytes());
    out.extend_from_slice(b"uuid");
    out.extend_from_slice(&MANIFEST_UUID);
    out.extend_from_slice(note.as_bytes());
    Some(out)
}

/// Where the manifest's box begins, and its note.
pub(crate) fn locate(source: &mut (impl Read + Seek)) -> Result<(u64, Vec<u8>), NoManifest> {
    let end = source.seek(SeekFrom::End(0))?;
    let mut at = 0;
    for _ in 0..MOST {
        if at == end {
            return Err(NoManifest::Missing);
        }
        let not_mp4 = NoManifest::NotMp4 { at };
        let left = end - at;
        let mut head = [0; HEAD];
        let there = left.min(HEAD as u64) as usize;
        source.seek(SeekFrom::Start(at))?;
        source.read_exact(&mut head[..there])?;
        let size = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        // What Louver writes has no box of 64-bit size, and none that ends with the file.
        if there < 8 || size < 8 || size > left {
            return Err(not_mp4);
        }
        if head[4..8] == *b"uuid" && head[8..] == MANIFEST_UUID && size >= HEAD as u64 {
            if size < left {
                return Err(NoManifest::After { at: at + size });
            }
            let note = size as usize - HEAD;
            if note > MAX_MANIFEST {
                return Err(NoManifest::TooLarge);
            }
            let mut bytes = vec![0; note];
            source.read_exact(&mut bytes)?;
            return Ok((at, bytes));
        }
        at += size;
    }
    Err(NoManifest::Missing)
}
