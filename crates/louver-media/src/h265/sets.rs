//! Sequence and picture parameter sets (sections 7.3.2.2, 7.3.2.3), as far as a slice's header and the size need them.

use std::io::Read;
use std::num::NonZeroUsize;

use h264_reader::rbsp::{BitRead, BitReader, BitReaderError, ByteReader};

use super::refs::{self, RefSet};

/// Bytes of a parameter set looked at; real ones have a hundred, with scaling lists a thousand.
const SET_BYTES: u64 = 16 << 10;

/// Why a set cannot be read, in words.
pub(super) type Bad = &'static str;

/// A NAL unit's payload without its header and without emulation prevention (section 7.3.1.1).
pub(super) fn payload(nal: &[u8], most: u64) -> Result<Vec<u8>, Bad> {
    const HEADER: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");
    let mut out = Vec::with_capacity(nal.len().min(most as usize));
    let reader = ByteReader::skipping_bytes(nal, HEADER);
    reader.take(most).read_to_end(&mut out).map_err(|_| "its bytes break the rules of NAL units")?;
    Ok(out)
}

/// Bits that know how to say that there are none.
pub(super) struct Bits<'a>(BitReader<&'a [u8]>);

impl<'a> Bits<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self(BitReader::new(payload))
    }

    pub(super) fn ue(&mut self, most: u32) -> Result<u32, Bad> {
        let n = self.0.read_ue("").map_err(short)?;
        if n <= most { Ok(n) } else { Err("a number is out of range") }
    }

    pub(super) fn se(&mut self) -> Result<i32, Bad> {
        self.0.read_se("").map_err(short)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Bad> {
        self.0.read_bool("").map_err(short)
    }

    /// Up to 32.
    pub(super) fn bits(&mut self, count: u32) -> Result<u32, Bad> {
        if count == 0 { Ok(0) } else { self.0.read(count, "").map_err(short) }
    }

    fn skip(&mut self, count: u32) -> Result<(), Bad> {
        self.0.skip(count, "").map_err(short)
    }
}

fn short(_: BitReaderError) -> Bad {
    "it is cut off or makes no sense"
}

/// A sequence parameter set.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) id: u8,
    /// Pixels, after cropping.
    pub(crate) size: (u32, u32),
    pub(super) separate_colours: bool,
    /// `log2_max_pic_order_cnt_lsb`, 4 to 16.
    pub(super) order_bits: u32,
    /// The sets of pictures that slices may name by number; 64 at most.
    pub(super) ref_sets: Vec<RefSet>,
    /// Long-term reference pictures that slices may name: order count and whether the picture itself needs them; `None`
    /// where the stream has none at all.
    pub(super) long_term: Option<Vec<(u32, bool)>>,
}

impl Sequence {
    /// From a whole NAL unit.
    pub(crate) fn read(nal: &[u8]) -> Result<Self, Bad> {
        if super::kind(nal) != Some(super::SPS) {
            return Err("it is no sequence parameter set of the first layer");
        }
        let payload = payload(nal, SET_BYTES)?;
        let mut b = Bits::new(&payload);
        b.skip(4)?;
        let sub_layers = b.bits(3)?.min(6);
        b.skip(1)?;
        profile_tier_level(&mut b, sub_layers)?;
        let id = b.ue(15)? as u8;
        let chroma = b.ue(3)?;
        let separate_colours = chroma == 3 && b.flag()?;
        let (width, height) = (b.ue(1 << 16)?, b.ue(1 << 16)?);
        let size = cropped(&mut b, (width, height), chroma)?;
        b.ue(8)?;
        b.ue(8)?;
        let order_bits = b.ue(12)? + 4;
        let first = if b.flag()? { 0 } else { sub_layers };
        for _ in first..=sub_layers {
            for most in [16, 16, u32::MAX - 1] {
                b.ue(most)?;
            }
        }
        for _ in 0..6 {
            b.ue(16)?; // sizes of blocks and depths of their trees
        }
        if b.flag()? && b.flag()? {
            scaling_lists(&mut b)?;
        }
        b.skip(2)?; // amp, sao
        if b.flag()? {
            b.skip(8)?; // pcm
            b.ue(8)?;
            b.ue(8)?;
            b.skip(1)?;
        }
        let ref_sets = refs::read_all(&mut b)?;
        let long_term = if b.flag()? { Some(long_term(&mut b, order_bits)?) } else { None };
        Ok(Self { id, size, separate_colours, order_bits, ref_sets, long_term })
    }
}

fn profile_tier_level(b: &mut Bits<'_>, sub_layers: u32) -> Result<(), Bad> {
    b.skip(88 + 8)?;
    let mut present = [(false, false); 8];
    for layer in &mut present[..sub_layers as usize] {
        *layer = (b.flag()?, b.flag()?);
    }
    if sub_layers > 0 {
        b.skip(2 * (8 - sub_layers))?;
    }
    for (profile, level) in &present[..sub_layers as usize] {
        b.skip(if *profile { 88 } else { 0 } + if *level { 8 } else { 0 })?;
    }
    Ok(())
}

/// The conformance window (section 7.4.3.2.1).
fn cropped(b: &mut Bits<'_>, (width, height): (u32, u32), chroma: u32) -> Result<(u32, u32), Bad> {
    if !b.flag()? {
        return Ok((width, height));
    }
    let across = if matches!(chroma, 1 | 2) { 2 } else { 1 };
    let down = if chroma == 1 { 2 } else { 1 };
    let mut edge = |unit: u32| b.ue(1 << 16).map(|n| n * unit);
    let (left, right, top, bottom) = (edge(across)?, edge(across)?, edge(down)?, edge(down)?);
    let width = width.checked_sub(left + right).ok_or("it crops away more than there is")?;
    let height = height.checked_sub(top + bottom).ok_or("it crops away more than there is")?;
    Ok((width, height))
}

/// Section 7.3.4.
fn scaling_lists(b: &mut Bits<'_>) -> Result<(), Bad> {
    for size in 0..4_u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !b.flag()? {
                b.ue(5)?;
                continue;
            }
            if size > 1 {
                b.se()?;
            }
            for _ in 0..(1_u32 << (4 + (size << 1))).min(64) {
                b.se()?;
            }
        }
    }
    Ok(())
}

fn long_term(b: &mut Bits<'_>, order_bits: u32) -> Result<Vec<(u32, bool)>, Bad> {
    (0..b.ue(32)?).map(|_| Ok((b.bits(order_bits)?, b.flag()?))).collect()
}

/// A picture parameter set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PictureSet {
    pub(super) id: u8,
    pub(super) sequence: u8,
    pub(super) output_flag: bool,
    pub(super) extra_bits: u32,
}

impl PictureSet {
    pub(super) fn read(nal: &[u8]) -> Result<Self, Bad> {
        let payload = payload(nal, 64)?;
        let mut b = Bits::new(&payload);
        let (id, sequence) = (b.ue(63)? as u8, b.ue(15)? as u8);
        b.flag()?; // dependent slice segments: of no matter in a picture's first slice
        Ok(Self { id, sequence, output_flag: b.flag()?, extra_bits: b.bits(3)? })
    }
}
