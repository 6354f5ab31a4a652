//! H.264 parameter sets (ITU-T H.264 section 7.3.2): what a camera says about its pictures before it sends any.

pub(crate) mod slice;

use bytes::Bytes;
use h264_reader::nal::sps::{SeqParameterSet, SpsError};
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError, Numeric, Primitive, decode_nal};
use mp4_atom::{Atom, Avcc, AvccExt};

use crate::{Codec, PictureSize, VideoParams};

use slice::IDR;

/// The most macroblocks across or down that [`PictureSize::LARGEST`] leaves room for, with room for cropping.
const MACROBLOCKS_MAX: u32 = PictureSize::LARGEST / 16 + 1;

/// Why a stream's parameter sets are of no use. The stream cannot be decoded: ask the camera for it anew.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterSetError {
    /// The decoder configuration record is damaged.
    #[error("the stream's decoder configuration is damaged")]
    Config(#[source] mp4_atom::Error),
    /// A parameter set is empty, missing or longer than 65,535 bytes.
    #[error("the stream lacks a usable sequence or picture parameter set")]
    Missing,
    /// The sequence parameter set cannot be read; says what is wrong with it.
    #[error("the stream's sequence parameter set is damaged: {0}")]
    Sps(String),
    /// The picture is too small or too large.
    #[error(
        "the stream's pictures are {width}x{height} pixels: sizes from 2x2 to {largest}x{largest} are taken; choose another size in the camera's settings",
        largest = PictureSize::LARGEST
    )]
    Size {
        /// Pixels across, as the camera claims.
        width: u64,
        /// Pixels down, as the camera claims.
        height: u64,
    },
}

impl VideoParams {
    /// H.264, from one sequence and one picture parameter set (NAL units without start code or length).
    ///
    /// # Errors
    /// When the SPS is damaged or claims a size out of range, or a set is empty or too long to be stored.
    pub fn from_parameter_sets(sps: &[u8], pps: &[u8]) -> Result<Self, ParameterSetError> {
        if pps.is_empty() {
            return Err(ParameterSetError::Missing);
        }
        let read = read_sps(sps)?;
        let mut avcc = Avcc::new(sps, pps).map_err(|_| ParameterSetError::Missing)?;
        // Profiles other than these three end the record here (ISO/IEC 14496-15 section 5.3.3.1.2).
        if !matches!(avcc.avc_profile_indication, 66 | 77 | 88) {
            let chroma = &read.chroma_info;
            avcc.ext = Some(AvccExt {
                chroma_format: chroma_format(chroma.chroma_format),
                bit_depth_luma: 8 + chroma.bit_depth_luma_minus8.min(7),
                bit_depth_chroma: 8 + chroma.bit_depth_chroma_minus8.min(7),
                sequence_parameter_sets_ext: Vec::new(),
            });
        }
        Self::assemble(&avcc, size(&read)?)
    }

    /// H.264, from an `AVCDecoderConfigurationRecord` (`avcC`) as files hold it; gives also how many bytes long the lengths
    /// of that file's NAL units are (1 to 4). The result's own configuration says 4, as [`Packet`](crate::Packet)s have.
    ///
    /// # Errors
    /// When the record or its first SPS is damaged, or it holds no SPS or PPS.
    pub fn from_config(config: &[u8]) -> Result<(Self, u8), ParameterSetError> {
        let mut avcc = Avcc::decode_body(&mut &config[..]).map_err(ParameterSetError::Config)?;
        let length = std::mem::replace(&mut avcc.length_size, 4);
        let sps = avcc.sequence_parameter_sets.first().ok_or(ParameterSetError::Missing)?;
        if avcc.picture_parameter_sets.is_empty() {
            return Err(ParameterSetError::Missing);
        }
        let size = size(&read_sps(sps)?)?;
        Ok((Self::assemble(&avcc, size)?, length))
    }

    fn assemble(avcc: &Avcc, size: PictureSize) -> Result<Self, ParameterSetError> {
        let sets = avcc.sequence_parameter_sets.iter().chain(&avcc.picture_parameter_sets);
        if sets.clone().any(|set| set.len() > u16::MAX.into()) {
            return Err(ParameterSetError::Missing);
        }
        let mut config = Vec::with_capacity(64);
        avcc.encode_body(&mut config).map_err(ParameterSetError::Config)?;
        Ok(Self { codec: Codec::H264, size, config: config.into() })
    }

    /// The parameter sets of the configuration, those first that others build on; none if it is damaged, or of MJPEG.
    pub fn parameter_sets(&self) -> Vec<Bytes> {
        match self.codec {
            Codec::H264 => {}
            Codec::H265 => return crate::h265::parameter_sets(&self.config),
            Codec::Mjpeg => return Vec::new(),
        }
        let Ok(avcc) = Avcc::decode_body(&mut &self.config[..]) else { return Vec::new() };
        avcc.sequence_parameter_sets.into_iter().chain(avcc.picture_parameter_sets).map(Bytes::from).collect()
    }
}

/// Whether an access unit holds a slice of an IDR picture, where decoding can start.
pub fn has_idr<'a>(nals: impl IntoIterator<Item = &'a [u8]>) -> bool {
    nals.into_iter().any(|nal| nal.first().is_some_and(|header| header & 0x1f == IDR))
}

fn read_sps(nal: &[u8]) -> Result<SeqParameterSet, ParameterSetError> {
    if nal.len() < 4 || nal[0] & 0x1f != 7 {
        return Err(ParameterSetError::Missing);
    }
    let bad = |e: &dyn std::fmt::Debug| ParameterSetError::Sps(format!("{e:?}").chars().take(200).collect());
    let rbsp = decode_nal(nal).map_err(|e| bad(&e))?;
    SeqParameterSet::from_bits(TailTolerant(BitReader::new(&*rbsp))).map_err(|e: SpsError| bad(&e))
}

fn size(sps: &SeqParameterSet) -> Result<PictureSize, ParameterSetError> {
    let (across, down) = (sps.pic_width_in_mbs_minus1, sps.pic_height_in_map_units_minus1);
    let claimed =
        ParameterSetError::Size { width: (u64::from(across) + 1) * 16, height: (u64::from(down) + 1) * 16 };
    // Before the library multiplies: its sums are not made for hostile numbers.
    if across >= MACROBLOCKS_MAX || down >= MACROBLOCKS_MAX {
        return Err(claimed);
    }
    let (width, height) = sps.pixel_dimensions().map_err(|_| claimed)?;
    PictureSize::new(width, height)
        .ok_or(ParameterSetError::Size { width: width.into(), height: height.into() })
}

fn chroma_format(format: h264_reader::nal::sps::ChromaFormat) -> u8 {
    use h264_reader::nal::sps::ChromaFormat as C;
    match format {
        C::Monochrome => 0,
        C::YUV420 => 1,
        C::YUV422 => 2,
        C::YUV444 | C::Invalid(_) => 3,
    }
}

/// Takes sets with bytes behind their end: Reolink's doorbells send such (retina issue 102).
struct TailTolerant<R>(R);

impl<R: BitRead> BitRead for TailTolerant<R> {
    fn read_ue(&mut self, name: &'static str) -> Result<u32, BitReaderError> {
        self.0.read_ue(name)
    }
    fn read_se(&mut self, name: &'static str) -> Result<i32, BitReaderError> {
        self.0.read_se(name)
    }
    fn read_bool(&mut self, name: &'static str) -> Result<bool, BitReaderError> {
        self.0.read_bool(name)
    }
    fn read<U: Numeric>(&mut self, bit_count: u32, name: &'static str) -> Result<U, BitReaderError> {
        self.0.read(bit_count, name)
    }
    fn read_to<V: Primitive>(&mut self, name: &'static str) -> Result<V, BitReaderError> {
        self.0.read_to(name)
    }
    fn skip(&mut self, bit_count: u32, name: &'static str) -> Result<(), BitReaderError> {
        self.0.skip(bit_count, name)
    }
    fn has_more_rbsp_data(&mut self, name: &'static str) -> Result<bool, BitReaderError> {
        self.0.has_more_rbsp_data(name)
    }
    fn finish_rbsp(self) -> Result<(), BitReaderError> {
        match self.0.finish_rbsp() {
            Ok(()) | Err(BitReaderError::RemainingData) => Ok(()),
            Err(e) => Err(e),
        }
    }
    fn finish_sei_payload(self) -> Result<(), BitReaderError> {
        self.0.finish_sei_payload()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// x264, 320x240, High profile; and its picture parameter set.
    pub(crate) const SPS: [u8; 25] = [
        0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
        0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60,
    ];
    const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

    #[test]
    fn parameter_sets_give_size_and_codec_and_read_back() {
        let params = VideoParams::from_parameter_sets(&SPS, &PPS).unwrap();
        assert_eq!((params.size.to_string(), params.rfc6381()), ("320x240".into(), "avc1.64000d".into()));
        assert_eq!(params.parameter_sets(), [Bytes::copy_from_slice(&SPS), Bytes::copy_from_slice(&PPS)]);
        assert_eq!(VideoParams::from_config(&params.config).unwrap(), (params, 4));
    }

    #[test]
    fn bytes_behind_the_end_of_a_parameter_set_are_ignored() {
        let sps = [&SPS[..], &[0x80, 0x17]].concat();
        assert_eq!(VideoParams::from_parameter_sets(&sps, &PPS).unwrap().size.to_string(), "320x240");
    }

    #[test]
    fn an_impossible_size_is_refused_in_words() {
        // Baseline, width and height of 65,535 macroblocks.
        let sps = [0x67, 0x42, 0xc0, 0x1e, 0xf9, 0x00, 0x00, 0x40, 0x00, 0x00, 0x04, 0x00, 0x0c, 0x80];
        let error = VideoParams::from_parameter_sets(&sps, &PPS).unwrap_err().to_string();
        assert!(error.contains("pixels") || error.contains("damaged"), "{error}");
        assert!(VideoParams::from_parameter_sets(&[], &PPS).is_err());
        assert!(VideoParams::from_parameter_sets(&SPS, &[]).is_err());
        assert!(VideoParams::from_parameter_sets(&SPS, &vec![0x68; 70_000]).is_err());
    }

    proptest! {
        /// Whatever a camera sends, reading it ends with an answer, and a size within bounds if there is one.
        #[test]
        fn foreign_parameter_sets_never_panic(mut sps in proptest::collection::vec(any::<u8>(), 0..64), pps: Vec<u8>, config: Vec<u8>) {
            if let Some(first) = sps.first_mut() {
                *first = 0x67;
            }
            if let Ok(params) = VideoParams::from_parameter_sets(&sps, &pps) {
                prop_assert!(params.size.width() <= 8192 && params.size.height() <= 8192);
                prop_assert!(VideoParams::from_config(&params.config).is_ok());
            }
            let _ = VideoParams::from_config(&config);
        }
    }
}
