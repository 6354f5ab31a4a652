//! What a packet tells without being decoded.

use louver_base::MediaTime;

use crate::Packet;

/// `nal_unit_type` of filler data (ITU-T H.264 table 7-1): padding of a constant bit rate.
const FILLER: u8 = 12;

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
    /// Whether no other picture is predicted from this one (`nal_ref_idc` of 0): B pictures, layers that may be dropped.
    pub droppable: bool,
}

impl Outside {
    /// Reads the headers of a packet's NAL units.
    pub fn of(packet: &Packet) -> Self {
        let mut unit =
            Self { media: packet.media, key: packet.key, slices: 0, padding: 0, droppable: !packet.key };
        for nal in packet.nals() {
            let Some(&header) = nal.first() else { continue };
            let bytes = u32::try_from(nal.len()).unwrap_or(u32::MAX);
            match header & 0x1f {
                1..=5 => {
                    unit.slices = unit.slices.saturating_add(bytes);
                    unit.droppable &= header & 0x60 == 0;
                }
                FILLER => unit.padding = unit.padding.saturating_add(bytes),
                _ => {}
            }
        }
        unit
    }
}
