//! Video files of any kind that libav reads, for `louver redact` and `louver eval`.

use std::path::{Path, PathBuf};

use ffmpeg_next as ffmpeg;
use louver_base::{MEDIA_TICKS_PER_SECOND, MediaTime};
use louver_media::{Picture, PictureSize};

use crate::libav::whole;
use crate::{CodecError, Scaler};

/// One picture of a file.
#[derive(Debug)]
pub struct FileFrame {
    /// The picture: an original.
    pub picture: Picture,
    /// Presentation time; the file's first picture is zero.
    pub at: MediaTime,
}

/// A video file, read picture by picture in the order of presentation.
pub struct VideoFile {
    path: PathBuf,
    input: ffmpeg::format::context::Input,
    stream: usize,
    time_base: ffmpeg::Rational,
    video: ffmpeg::decoder::Video,
    scaler: Scaler,
    size: PictureSize,
    fps: f64,
    declared: Option<u64>,
    first: Option<i64>,
    last: i64,
    frames: u64,
    drained: bool,
}

impl std::fmt::Debug for VideoFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VideoFile {{ {} {} }}", self.path.display(), self.size)
    }
}

/// More threads would decode faster than pictures are seen, and each holds pictures.
const MOST_THREADS: usize = 4;

impl VideoFile {
    /// Opens a file and finds its (best) video track.
    ///
    /// # Errors
    /// When the file is missing, empty, not video, or of a size that is not taken.
    pub fn open(path: &Path) -> Result<Self, CodecError> {
        ffmpeg::util::log::set_level(ffmpeg::util::log::Level::Fatal);
        let meta = std::fs::metadata(path)
            .and_then(|m| std::fs::File::open(path).map(|_| m))
            .map_err(|source| CodecError::ReadFile { path: path.into(), source })?;
        if meta.len() == 0 {
            return Err(CodecError::EmptyFile { path: path.into() });
        }
        let fail = |source| CodecError::OpenFile { path: path.into(), source };
        // A playlist or an MP4 reference in a hostile file must not make libav open other files or the network.
        let mut options = ffmpeg::Dictionary::new();
        options.set("protocol_whitelist", "file");
        let input = ffmpeg::format::input_with_dictionary(path, options).map_err(fail)?;
        let stream = input
            .streams()
            .best(ffmpeg::media::Type::Video)
            .ok_or_else(|| CodecError::NoVideo { path: path.into() })?;
        let mut context = ffmpeg::codec::Context::from_parameters(stream.parameters()).map_err(fail)?;
        // Frames are decoded ahead while earlier ones are seen, where there are cores for it.
        let count = std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_THREADS));
        context.set_threading(ffmpeg::threading::Config { count, ..Default::default() });
        let video = context.decoder().video().map_err(fail)?;
        let (width, height) = (video.width(), video.height());
        let size = PictureSize::new(width, height).ok_or(CodecError::Size { width, height })?;
        let rate = f64::from(stream.avg_frame_rate());
        let fps = if rate.is_finite() && rate > 0.0 { rate.clamp(0.1, 240.0) } else { 25.0 };
        let declared = u64::try_from(stream.frames()).ok().filter(|n| *n > 0);
        let (time_base, index) = (stream.time_base(), stream.index());
        Ok(Self {
            path: path.into(),
            stream: index,
            time_base,
            input,
            video,
            scaler: Scaler::default(),
            size,
            fps,
            declared,
            first: None,
            last: -1,
            frames: 0,
            drained: false,
        })
    }

    /// Size of its pictures.
    pub fn size(&self) -> PictureSize {
        self.size
    }

    /// Pictures a second on average, as the file says; 25 where it does not.
    pub fn fps(&self) -> f64 {
        self.fps
    }

    /// Pictures in the file, where its index says; else estimated from its duration.
    pub fn frames_expected(&self) -> Option<u64> {
        self.declared.or_else(|| {
            let seconds = self.input.duration() as f64 / f64::from(ffmpeg::ffi::AV_TIME_BASE);
            (seconds > 0.0).then_some((seconds * self.fps).round() as u64)
        })
    }

    /// The next picture, or `None` at the end.
    ///
    /// # Errors
    /// When the file is damaged or ends before its index says.
    pub fn next_frame(&mut self) -> Result<Option<FileFrame>, CodecError> {
        let mut frame = ffmpeg::frame::Video::empty();
        loop {
            match self.video.receive_frame(&mut frame) {
                Ok(()) => return self.take(&frame).map(Some),
                Err(ffmpeg::Error::Eof) => return self.end(),
                Err(ffmpeg::Error::Other { errno }) if errno == ffmpeg::error::EAGAIN => self.feed()?,
                Err(source) => return Err(self.damaged(Some(source))),
            }
        }
    }

    fn feed(&mut self) -> Result<(), CodecError> {
        if self.drained {
            return Err(self.damaged(None));
        }
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => {
                    return self.video.send_packet(&packet).map_err(|e| self.damaged(Some(e)));
                }
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => {
                    self.drained = true;
                    return self.video.send_eof().map_err(|e| self.damaged(Some(e)));
                }
                Err(source) => return Err(self.damaged(Some(source))),
            }
        }
    }

    fn take(&mut self, frame: &ffmpeg::frame::Video) -> Result<FileFrame, CodecError> {
        // A picture that libav patched up shows what no camera took, in places where nobody can be told from the ground.
        whole(frame).map_err(|_| self.damaged(Some(ffmpeg::Error::InvalidData)))?;
        let step = (MEDIA_TICKS_PER_SECOND as f64 / self.fps) as i64;
        let ticks = frame.timestamp().map(|t| {
            let (num, den) =
                (i128::from(self.time_base.numerator()), i128::from(self.time_base.denominator().max(1)));
            let (n, d) = (i128::from(t) * num * i128::from(MEDIA_TICKS_PER_SECOND), den);
            i64::try_from((n + d / 2).div_euclid(d)).unwrap_or(i64::MAX / 2)
        });
        let first = *self.first.get_or_insert(ticks.unwrap_or(0));
        // Times that stand still or run back would not survive in any container.
        let at = ticks.map_or(self.last + step, |t| t.saturating_sub(first)).max(self.last + 1);
        self.last = at;
        self.frames += 1;
        let picture = self.scaler.picture(frame, Some(self.size))?;
        Ok(FileFrame { picture, at: MediaTime::from_ticks(at) })
    }

    fn end(&mut self) -> Result<Option<FileFrame>, CodecError> {
        // The index of some containers counts a few pictures that no decoder gives (edit lists, dropped leading ones).
        match self.declared {
            Some(declared) if self.frames + 2 + declared / 200 < declared => Err(self.damaged(None)),
            _ if self.frames == 0 => Err(self.damaged(None)),
            _ => Ok(None),
        }
    }

    fn damaged(&self, source: Option<ffmpeg::Error>) -> CodecError {
        CodecError::Damaged { path: self.path.clone(), frames: self.frames, declared: self.declared, source }
    }
}
