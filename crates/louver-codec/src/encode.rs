//! Masked pictures to H.264.

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Packet, Picture, PictureSize, VideoParams};
use louver_scene::{Encoded, PictureEncoder};
use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange,
    RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;

use crate::CodecError;

/// How masked video is coded.
#[derive(Clone, Copy, Debug)]
pub struct EncoderSettings {
    /// Size of every picture.
    pub size: PictureSize,
    /// Pictures a second, for rate control.
    pub fps: f32,
    /// Bits a second at most; a scene without movement needs far fewer.
    pub bits_per_second: u32,
}

impl EncoderSettings {
    /// About 0.1 bit a pixel at 10 pictures a second: flat boxes over a still place stay sharp.
    pub fn for_size(size: PictureSize, fps: f32) -> Self {
        let bits = size.area() as f32 * fps.clamp(1.0, 60.0) * 0.12;
        Self { size, fps, bits_per_second: (bits as u32).clamp(150_000, 20_000_000) }
    }
}

/// An H.264 encoder (constrained baseline, one thread).
pub struct H264Encoder {
    encoder: Encoder,
    settings: EncoderSettings,
}

impl std::fmt::Debug for H264Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "H264Encoder {{ {:?} }}", self.settings)
    }
}

impl H264Encoder {
    /// Sets an encoder up.
    ///
    /// # Errors
    /// When OpenH264 refuses the settings (larger than 3840x2160).
    pub fn new(settings: EncoderSettings) -> Result<Self, CodecError> {
        let config = EncoderConfig::new()
            .usage_type(UsageType::CameraVideoRealTime)
            // A fixed quantiser: what is shown hardly changes, so there is no rate to control, and no pumping.
            .rate_control_mode(RateControlMode::Off)
            .bitrate(BitRate::from_bps(settings.bits_per_second))
            .max_frame_rate(FrameRate::from_hz(settings.fps))
            .complexity(Complexity::Low)
            .qp(QpRange::new(18, 38))
            // Every picture counts: a dropped one would show an older moment.
            .skip_frames(false)
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .intra_frame_period(IntraFramePeriod::auto())
            .vui(VuiConfig::bt709())
            .num_threads(1);
        let encoder =
            Encoder::with_api_config(OpenH264API::from_source(), config).map_err(CodecError::Encode)?;
        Ok(Self { encoder, settings })
    }
}

impl PictureEncoder for H264Encoder {
    type Output = Encoded;
    type Error = CodecError;

    fn encode(&mut self, picture: &Picture, at: MediaTime, key: bool) -> Result<Encoded, CodecError> {
        let (w, h) = (picture.size.width(), picture.size.height());
        if key {
            self.encoder.force_intra_frame();
        }
        let source = YUVSlices::new((&picture.y, &picture.u, &picture.v), (w, h), (w, w / 2, w / 2));
        let millis = u64::try_from(at.ticks() / 90).unwrap_or(0);
        let stream = self
            .encoder
            .encode_at(&source, openh264::Timestamp::from_millis(millis))
            .map_err(CodecError::Encode)?;
        let key = matches!(stream.frame_type(), FrameType::IDR);
        let mut data = Vec::new();
        let (mut sps, mut pps) = (Bytes::new(), Bytes::new());
        for layer in (0..stream.num_layers()).filter_map(|n| stream.layer(n)) {
            for nal in (0..layer.nal_count()).filter_map(|n| layer.nal_unit(n)) {
                let nal = without_start_code(nal);
                match nal.first().map(|b| b & 31) {
                    Some(7) => sps = Bytes::copy_from_slice(nal),
                    Some(8) => pps = Bytes::copy_from_slice(nal),
                    Some(_) => {
                        data.extend_from_slice(&(nal.len() as u32).to_be_bytes());
                        data.extend_from_slice(nal);
                    }
                    None => {}
                }
            }
        }
        let params = (key && !sps.is_empty() && !pps.is_empty()).then(|| VideoParams {
            codec: Codec::H264,
            size: picture.size,
            config: configuration(&sps, &pps),
        });
        let packet = Packet { media: at, wall: WallTime::from_micros(0), key, data: data.into() };
        Ok(Encoded { packet, params })
    }
}

fn without_start_code(nal: &[u8]) -> &[u8] {
    nal.strip_prefix(&[0, 0, 0, 1]).or_else(|| nal.strip_prefix(&[0, 0, 1])).unwrap_or(nal)
}

/// `AVCDecoderConfigurationRecord` of one SPS and one PPS (ISO/IEC 14496-15 section 5.3.3.1; baseline profiles have no
/// extension fields).
fn configuration(sps: &[u8], pps: &[u8]) -> Bytes {
    let mut out = vec![1, sps.get(1).copied().unwrap_or(66), sps.get(2).copied().unwrap_or(0)];
    out.extend([sps.get(3).copied().unwrap_or(31), 0xff, 0xe1]);
    out.extend((sps.len() as u16).to_be_bytes());
    out.extend_from_slice(sps);
    out.push(1);
    out.extend((pps.len() as u16).to_be_bytes());
    out.extend_from_slice(pps);
    out.into()
}
