//! What can go wrong with coded pictures.

use std::path::PathBuf;

/// Why something could not be decoded, encoded or detected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The system's libav has no decoder for it.
    #[error("this machine's libavcodec has no {0} decoder: install Debian's libavcodec59 or later")]
    NoDecoder(louver_media::Codec),
    /// libav refused to make a decoder or a scaler.
    #[error("cannot set up {what}")]
    Setup {
        /// What was being set up.
        what: &'static str,
        /// libav's reason.
        source: ffmpeg_next::Error,
    },
    /// One access unit could not be decoded; the next key frame may be.
    #[error("a picture could not be decoded")]
    Decode(#[source] ffmpeg_next::Error),
    /// Packets are missing: nothing is decoded until the next key frame.
    #[error("packets are lost on the way from the camera: nothing new is shown until its next key frame")]
    Broken(#[source] louver_media::Broken),
    /// The process that decoded this camera's stream ended over this packet, or was killed; a new one is there already.
    #[error("the process that decodes this camera ended: nothing new is shown until its next key frame")]
    Apart(#[source] louver_jail::Ended),
    /// As above, but long ago: what a new process would need is more than is kept.
    #[error(
        "the process that decodes this camera ended, and its key frames are too far apart to go on: nothing new is shown until the next one"
    )]
    TooMuchToRepeat,
    /// No process without rights can be started; decoding in this one is no way out.
    #[error("nothing is shown: decoding gets no process without rights (`louver doctor` says more)")]
    NoProcess(#[source] Option<louver_jail::StartError>),
    /// This camera's stream ended its process again and again.
    #[error("what this camera sends ended the process that decodes it {times} times: nothing new is shown, and it is tried again in {} s", left.as_secs() + 1)]
    SetAside {
        /// How often.
        times: u32,
        /// Until it is tried again.
        left: std::time::Duration,
    },
    /// A packet is larger than any that is taken.
    #[error("a picture of {bytes} bytes: up to {} are taken", crate::apart::LARGEST)]
    Large {
        /// Coded.
        bytes: usize,
    },
    /// A picture of a size that is not taken.
    #[error("a picture of {width}x{height} pixels: 2 to 8192 a side are taken")]
    Size {
        /// Pixels across, as claimed.
        width: u32,
        /// Pixels down, as claimed.
        height: u32,
    },
    /// The file cannot be opened or holds no video that libav can read.
    #[error("{path}: cannot be read as video")]
    OpenFile {
        /// The file.
        path: PathBuf,
        /// libav's reason.
        source: ffmpeg_next::Error,
    },
    /// The file does not exist or may not be read.
    #[error("{path}: cannot be opened")]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is empty.
    #[error("{path}: the file is empty")]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// The file is a media file without a video track.
    #[error("{path}: there is no video in this file")]
    NoVideo {
        /// The file.
        path: PathBuf,
    },
    /// The file is cut off or damaged.
    #[error("{path}: the video is damaged or cut off after {frames} pictures{}", declared.map(|n| format!(" of {n}")).unwrap_or_default())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Whole pictures before the damage.
        frames: u64,
        /// Pictures that the file's index promises, where it has one.
        declared: Option<u64>,
        /// libav's reason, where it gave one.
        source: Option<ffmpeg_next::Error>,
    },
    /// Sound could not be put beside the masked video.
    #[error("the sound of {path} cannot be kept (MP4 takes AAC, MP3, Opus and a few others): leave it out")]
    Sound {
        /// The file.
        path: PathBuf,
        /// libav's reason.
        source: ffmpeg_next::Error,
    },
    /// The H.264 encoder failed.
    #[error("a masked picture could not be encoded")]
    Encode(#[source] openh264::Error),
    /// The JPEG encoder failed.
    #[error("a masked still could not be encoded")]
    Jpeg(#[source] jpeg_encoder::EncodingError),
    /// A JPEG file is damaged, or not of the size that it should be.
    #[error("a tile of a recorded scene cannot be decoded: it is damaged and is not shown")]
    Tile(#[source] Option<zune_jpeg::errors::DecodeErrors>),
}
