//! What a slice says of the picture it belongs to (ITU-T H.264 section 7.3.3), as far as `frame_num` and the field.

use std::collections::BTreeMap;

use h264_reader::nal::sps::{FrameMbsFlags, SeqParameterSet};
use h264_reader::rbsp::{BitRead, BitReader, decode_nal};

use super::read_sps;

/// `nal_unit_type` (table 7-1) of a slice of a picture that is not IDR.
const SLICE: u8 = 1;
/// The first part of a slice that is sent in parts: it holds the header.
const SLICE_PART_A: u8 = 2;
/// A slice of an IDR picture.
pub(super) const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
/// The header's first fields take 14 bytes at the very most, half as many again if they are escaped all over.
const HEADER_BYTES: usize = 32;

/// Which lines of the picture are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    All,
    Top,
    Bottom,
}

/// Of which picture a slice is a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The picture's first macroblock is in it.
    pub(crate) first: bool,
    pub(crate) of: Coded,
}

/// One coded picture: a frame or a field. All its slices say the same of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coded {
    pub(crate) idr: bool,
    /// Other pictures may be predicted from it.
    pub(crate) reference: bool,
    pub(crate) frame_num: u32,
    /// `MaxFrameNum`: numbers begin again there.
    pub(crate) numbers: u32,
    /// That many numbers in a row may be left out without anything being lost; see [`leaves_out`].
    pub(crate) leaves_out: u32,
    pub(crate) lines: Lines,
}

/// A NAL unit, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Slice(Slice),
    /// A slice whose header, or whose parameter sets, cannot be read.
    Unreadable,
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Sequence {
    /// `log2_max_frame_num`, 4 to 16.
    number_bits: u32,
    leaves_out: u32,
    fields: bool,
    separate_colours: bool,
}

/// The parameter sets of a stream: 32 and 256 at most, as their numbers go.
#[derive(Clone, Debug, Default)]
pub(crate) struct ParameterSets {
    sequence: BTreeMap<u8, Sequence>,
    /// The sequence parameter set of each picture parameter set.
    picture: BTreeMap<u8, u8>,
}

impl ParameterSets {
    /// Reads a NAL unit; parameter sets are remembered.
    pub(crate) fn read(&mut self, nal: &[u8]) -> Unit {
        match nal.first().map(|header| header & 0x1f) {
            Some(SLICE | SLICE_PART_A | IDR) => self.slice(nal).map_or(Unit::Unreadable, Unit::Slice),
            Some(SPS) => {
                self.sequence_set(nal);
                Unit::Other
            }
            Some(PPS) => {
                self.picture_set(nal);
                Unit::Other
            }
            _ => Unit::Other,
        }
    }

    /// A damaged set is as good as none: what needs it is unreadable, or the one before it still holds.
    fn sequence_set(&mut self, nal: &[u8]) {
        let Ok(sps) = read_sps(nal) else { return };
        let number_bits = u32::from(sps.log2_max_frame_num()).clamp(4, 16);
        let set = Sequence {
            number_bits,
            leaves_out: leaves_out(&sps, number_bits),
            fields: !matches!(sps.frame_mbs_flags, FrameMbsFlags::Frames),
            separate_colours: sps.chroma_info.separate_colour_plane_flag,
        };
        self.sequence.insert(sps.id().id(), set);
    }

    fn picture_set(&mut self, nal: &[u8]) -> Option<()> {
        let rbsp = decode_nal(start(nal)).ok()?;
        let mut bits = BitReader::new(&*rbsp);
        let id = u8::try_from(bits.read_ue("pic_parameter_set_id").ok()?).ok()?;
        let sequence = u8::try_from(bits.read_ue("seq_parameter_set_id").ok()?).ok().filter(|n| *n < 32)?;
        self.picture.insert(id, sequence);
        Some(())
    }

    fn slice(&self, nal: &[u8]) -> Option<Slice> {
        let header = *nal.first()?;
        let rbsp = decode_nal(start(nal)).ok()?;
        let mut bits = BitReader::new(&*rbsp);
        let first = bits.read_ue("first_mb_in_slice").ok()? == 0;
        bits.read_ue("slice_type").ok().filter(|kind| *kind < 10)?;
        let set = u8::try_from(bits.read_ue("pic_parameter_set_id").ok()?).ok()?;
        let sequence = self.sequence.get(self.picture.get(&set)?)?;
        if sequence.separate_colours {
            bits.skip(2, "colour_plane_id").ok()?;
        }
        let frame_num = bits.read(sequence.number_bits, "frame_num").ok()?;
        let mut lines = Lines::All;
        if sequence.fields && bits.read_bool("field_pic_flag").ok()? {
            lines = if bits.read_bool("bottom_field_flag").ok()? { Lines::Bottom } else { Lines::Top };
        }
        let of = Coded {
            idr: header & 0x1f == IDR,
            reference: header & 0x60 != 0,
            frame_num,
            numbers: 1 << sequence.number_bits,
            leaves_out: sequence.leaves_out,
            lines,
        };
        Some(Slice { first, of })
    }
}

/// How many numbers a stream may leave out. One that leaves out none says so. Another has layers that whoever sends it on
/// may drop (`gaps_in_frame_num_value_allowed_flag`): each number left out takes the place of a reference picture (section
/// 8.2.5.2), so one place at least must be left for a picture that did come.
fn leaves_out(sps: &SeqParameterSet, number_bits: u32) -> u32 {
    match sps.gaps_in_frame_num_value_allowed_flag {
        true => sps.max_num_ref_frames.saturating_sub(1).min(1 << (number_bits - 1)),
        false => 0,
    }
}

/// As much of a NAL unit as its first fields can take: the rest is not looked at.
fn start(nal: &[u8]) -> &[u8] {
    &nal[..nal.len().min(HEADER_BYTES)]
}
