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
