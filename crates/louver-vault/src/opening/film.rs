//! Opened fragments, in order, become pieces of one video file; each is ready when the next tells how long its last picture is shown.
//!
//! The same fragments always give the same bytes: whoever checks an export makes it anew from what was sealed and compares.

use bytes::Bytes;
use louver_base::{MediaSpan, MediaTime};
use louver_media::{Gop, SoundParams, VideoParams, fmp4};

use super::Gap;
use super::clock::{Clock, Step};
use crate::VaultError;

/// Beyond this many bytes two fragments are no longer joined because of reordered pictures.
const JOIN_LIMIT: usize = 64 << 20;

/// A part of the file, to be written behind those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<T> {
    /// Its bytes.
    pub bytes: Bytes,
    /// Whose pictures are in it, in order: none in the first piece, the file's start.
    pub pictures: Vec<Placed<T>>,
}

/// A fragment's pictures in a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// What the fragment was pushed with.
    pub of: T,
    /// Where they start in the piece.
    pub at: u64,
    /// Their bytes.
    pub size: u64,
}

/// Fragments to pieces.
pub struct Film<T> {
    params: Option<(VideoParams, Option<SoundParams>)>,
    clock: Clock,
    held: Option<Held<T>>,
    sequence: u32,
    /// When the last sound written was heard.
    heard: i64,
    gaps: Vec<Gap>,
}

struct Held<T> {
    /// More than one where reordered pictures lie across them.
    gops: Vec<Gop>,
    origin: MediaTime,
    from: Vec<(T, u64)>,
}

impl<T> Held<T> {
    fn bytes(&self) -> usize {
        self.gops.iter().map(Gop::bytes).sum()
    }
}

impl<T> Default for Film<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for Film<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Film {{ {} pieces }}", self.sequence)
    }
}

impl<T> Film<T> {
    /// One without pictures.
    pub fn new() -> Self {
        Self { params: None, clock: Clock::default(), held: None, sequence: 0, heard: 0, gaps: Vec::new() }
    }

    /// Takes the next fragment's pictures; gives the pieces that are ready by then. A fragment without pictures gives none.
    ///
    /// # Errors
    /// [`VaultError::PictureChanged`]: it (or the sound) goes on in another file. [`VaultError::Mp4`].
    pub fn push(&mut self, params: VideoParams, gop: Gop, of: T) -> Result<Vec<Piece<T>>, VaultError> {
        let Some(at) = gop.packets.iter().map(|p| p.wall).min() else { return Ok(Vec::new()) };
        let mut pieces = Vec::new();
        let sound = gop.sound.as_ref().map(|sound| sound.params.clone());
        let params = (params, sound);
        match &self.params {
            Some(before) if *before != params => return Err(VaultError::PictureChanged { at }),
            Some(_) => {}
            None => {
                pieces.push(Piece {
                    bytes: fmp4::init_segment_with_sound(&params.0, params.1.as_ref())?,
                    pictures: Vec::new(),
                });
                self.params = Some(params);
            }
        }
        let Step { origin, shown_before, gap, reordered } = self.clock.step(&gop);
        self.gaps.extend(gap);
        let size = gop.bytes() as u64;
        match &mut self.held {
            // Its pictures belong between those held: one fragment, so that decoding times never run backwards.
            Some(held) if reordered && held.bytes() < JOIN_LIMIT => {
                held.gops.push(gop);
                held.from.push((of, size));
            }
            _ => {
                pieces.extend(self.release(shown_before));
                self.held = Some(Held { gops: vec![gop], origin, from: vec![(of, size)] });
            }
        }
        Ok(pieces)
    }

    /// The last piece, if there is one.
    pub fn finish(&mut self) -> Option<Piece<T>> {
        self.release(self.clock.usual())
    }

    /// Holes in the recording so far, in order.
    pub fn into_gaps(self) -> Vec<Gap> {
        self.gaps
    }

    fn release(&mut self, last: MediaSpan) -> Option<Piece<T>> {
        let held = self.held.take()?;
        let sealed = held.bytes();
        let Held { gops, origin, from } = held;
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = fmp4::fragment_of_groups(self.sequence, origin, &gops, last, &mut self.heard);
        // Pictures and sound are the last thing in a fragment.
        let mut at = (bytes.len() - sealed) as u64;
        let placed = from.into_iter().map(|(of, size)| {
            let placed = Placed { of, at, size };
            at += size;
            placed
        });
        Some(Piece { pictures: placed.collect(), bytes })
    }
}
