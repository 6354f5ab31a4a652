//! What a packet tells without being decoded.

use louver_base::MediaTime;

use crate::{Codec, Packet};

/// `nal_unit_type` of filler data (ITU-T H.264 table 7-1, H.265 table 7-1): padding of a constant bit rate.
const FILLER_H264: u8 = 12;
const FILLER_H265: u8 = 38;

/// What a NAL unit is, as far as sizes go.
enum Part {
    Slice { droppable: bool },
    Padding,
    Other,
}

/// The outside of one access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Presentation time.
    pub media: MediaTime,
    /// Whether decoding can start here.
    pub key: bool,
    /// Bytes of the slices alone: what changed in the picture, not parameter sets, not padding.
    pub slices: u32,
    /// Bytes of padding.
    pub padding: u32,
    /// Whether no other picture is predicted from this one (`nal_ref_idc` of 0, or a sub-layer non-reference type of
    /// H.265): B pictures, layers that may be dropped.
    pub droppable: bool,
}

impl Outside {
    /// Reads the headers of a packet's NAL units; a JPEG is one slice.
    pub fn of(packet: &Packet, codec: Codec) -> Self {
        let mut unit =
            Self { media: packet.media, key: packet.key, slices: 0, padding: 0, droppable: !packet.key };
        let bytes = |nal: &[u8]| u32::try_from(nal.len()).unwrap_or(u32::MAX);
        let read = match codec {
            Codec::H264 => h264,
            Codec::H265 => h265,
            Codec::Mjpeg => return Self { slices: bytes(&packet.data), droppable: false, ..unit },
        };
        for nal in packet.nals() {
            let Some(&header) = nal.first() else { continue };
            match read(header) {
                Part::Slice { droppable } => {
                    unit.slices = unit.slices.saturating_add(bytes(nal));
                    unit.droppable &= droppable;
                }
                Part::Padding => unit.padding = unit.padding.saturating_add(bytes(nal)),
                Part::Other => {}
            }
        }
        unit
    }
}

fn h264(header: u8) -> Part {
    match header & 0x1f {
        1..=5 => Part::Slice { droppable: header & 0x60 == 0 },
        FILLER_H264 => Part::Padding,
        _ => Part::Other,
    }
}

/// Below 16, types that are even are no reference within their layer, which is not the same as for all layers above: that
/// only costs the gate a chance.
fn h265(header: u8) -> Part {
    match header >> 1 & 0x3f {
        kind @ 0..=31 => Part::Slice { droppable: kind < 16 && kind & 1 == 0 },
        FILLER_H265 => Part::Padding,
        _ => Part::Other,
    }
}
