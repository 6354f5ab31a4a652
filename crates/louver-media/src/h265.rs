//! H.265 parameter sets (ITU-T H.265 section 7.3.2): what a camera says about its pictures before it sends any.

mod refs;
pub(crate) mod sets;
pub(crate) mod slice;

use bytes::Bytes;
use mp4_atom::{Atom, Hvcc};

use crate::{Codec, ParameterSetError, PictureSize, VideoParams};

pub(crate) use slice::Pictures;

/// `nal_unit_type` (table 7-1).
pub(crate) const VPS: u8 = 32;
pub(crate) const SPS: u8 = 33;
pub(crate) const PPS: u8 = 34;
/// Pictures that decoding can start with: BLA, IDR and CRA. 22 and 23 are reserved for more of them.
const STARTS: std::ops::RangeInclusive<u8> = 16..=21;

/// A NAL unit's type; `None` of one without a whole header (2 bytes) or of another layer than the first: cameras have one.
pub(crate) fn kind(nal: &[u8]) -> Option<u8> {
    let [first, second] = *nal.first_chunk::<2>()?;
    let layer = (first & 1) << 5 | second >> 3;
    (layer == 0).then_some(first >> 1 & 0x3f)
}

/// Whether a NAL unit is a slice of a picture that decoding can start with.
pub(crate) fn starts_decoding(nal: &[u8]) -> bool {
    kind(nal).is_some_and(|kind| STARTS.contains(&kind))
}

impl VideoParams {
    /// H.265, from a `HEVCDecoderConfigurationRecord` (`hvcC`) as files and retina hold it; gives also how many bytes long
    /// the lengths of that file's NAL units are (1 to 4). The result's own configuration says 4.
    ///
    /// # Errors
    /// When the record or its first SPS is damaged, or it lacks a VPS, SPS or PPS.
    pub fn from_h265_config(config: &[u8]) -> Result<(Self, u8), ParameterSetError> {
        let mut hvcc = Hvcc::decode_body(&mut &config[..]).map_err(ParameterSetError::Config)?;
        let length = std::mem::replace(&mut hvcc.length_size_minus_one, 3) + 1;
        let first =
            |kind| hvcc.arrays.iter().filter(|a| a.nal_unit_type == kind).find_map(|a| a.nalus.first());
        let (Some(_), Some(sps), Some(_)) = (first(VPS), first(SPS), first(PPS)) else {
            return Err(ParameterSetError::Missing);
        };
        Ok((Self::with_hvcc(size(sps)?, &hvcc)?, length))
    }

    /// H.265 of this size, from a configuration that somebody else has read: sets that cannot be read here are taken as they
    /// are, since recording needs nothing of them. What cannot be read is not decoded.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn h265(size: PictureSize, config: &[u8]) -> Result<Self, ParameterSetError> {
        let hvcc = Hvcc::decode_body(&mut &config[..]).map_err(ParameterSetError::Config)?;
        Self::with_hvcc(size, &hvcc)
    }

    /// The configuration is written anew: the same bytes come out of every reader and writer of it.
    fn with_hvcc(size: PictureSize, hvcc: &Hvcc) -> Result<Self, ParameterSetError> {
        let mut config = Vec::with_capacity(128);
        hvcc.encode_body(&mut config).map_err(ParameterSetError::Config)?;
        Ok(Self { codec: Codec::H265, size, config: config.into() })
    }
}

fn size(sps: &[u8]) -> Result<PictureSize, ParameterSetError> {
    let read = sets::Sequence::read(sps).map_err(|e| ParameterSetError::Sps(e.to_owned()))?;
    let (width, height) = read.size;
    PictureSize::new(width, height)
        .ok_or(ParameterSetError::Size { width: width.into(), height: height.into() })
}

/// The sets of a configuration, as they stand there; none if it is damaged.
pub(crate) fn parameter_sets(config: &[u8]) -> Vec<Bytes> {
    let Ok(hvcc) = Hvcc::decode_body(&mut &config[..]) else { return Vec::new() };
    hvcc.arrays.into_iter().flat_map(|array| array.nalus).map(Bytes::from).collect()
}

/// ISO/IEC 14496-15 annex E.3: profile, compatibility with its bits turned round, tier and level, constraints.
pub(crate) fn rfc6381(config: &[u8]) -> String {
    let Some(&[profile, c0, c1, c2, c3, ref constraints @ .., level]) = config.get(1..13) else {
        return "hvc1".to_owned();
    };
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let compatible = u32::from_be_bytes([c0, c1, c2, c3]).reverse_bits();
    let mut out = format!("hvc1.{space}{}.{compatible:X}.{tier}{level}", profile & 0x1f);
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        out.push_str(&format!(".{byte:X}"));
    }
    out
}

#[cfg(test)]
mod tests;
