//! Masked pictures into an MP4 file that has its name only when it is whole.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::Receiver;

use louver_base::{MediaSpan, MediaTime};
use louver_codec::{EncoderSettings, H264Encoder};
use louver_media::{Packet, Picture};
use louver_scene::{Masked, MaskedMuxer};

use crate::FileError;

/// Pictures of one fragment: a key frame every two seconds or so lets players seek.
const FRAGMENT: MediaSpan = MediaSpan::from_millis(2000);

/// Writes masked pictures to a temporary file beside `out`, which takes its name when everything is in it.
pub(crate) struct Writer {
    out: std::path::PathBuf,
    temporary: tempfile::NamedTempFile,
    encoder: H264Encoder,
    muxer: Option<MaskedMuxer>,
    open: Vec<Masked<Packet>>,
}

/// A file in the folder of `out` that is gone if nobody gives it a name.
fn temporary_beside(out: &Path) -> Result<tempfile::NamedTempFile, FileError> {
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".louver-redact-")
        .suffix(".mp4")
        .tempfile_in(folder)
        .map_err(|source| FileError::Write { path: out.into(), source })
}

impl Writer {
    pub(crate) fn new(out: &Path, settings: EncoderSettings) -> Result<Self, FileError> {
        Ok(Self {
            out: out.into(),
            temporary: temporary_beside(out)?,
            encoder: H264Encoder::new(settings)?,
            muxer: None,
            open: Vec::new(),
        })
    }

    /// Codes and writes what comes until nothing more will.
    ///
    /// # Errors
    /// When a picture cannot be coded or written; no more is taken then.
    pub(crate) fn take(
        mut self,
        pictures: &Receiver<(Masked<Picture>, MediaTime)>,
    ) -> Result<Self, FileError> {
        for (picture, at) in pictures {
            self.push(&picture, at)?;
        }
        Ok(self)
    }

    fn push(&mut self, picture: &Masked<Picture>, at: MediaTime) -> Result<(), FileError> {
        let key = self.open.first().is_none_or(|first| at - first.get().media >= FRAGMENT);
        let (packet, params) = picture.encode(&mut self.encoder, at, key)?.split();
        if packet.get().key {
            self.flush(at)?;
        }
        if self.muxer.is_none()
            && let Some(params) = params
        {
            let muxer = MaskedMuxer::new(params, at);
            let init = muxer.init().map_err(FileError::Mux)?;
            self.write(init.get())?;
            self.muxer = Some(muxer);
        }
        self.open.push(packet);
        Ok(())
    }

    /// Writes the open fragment; `until` is when its last picture ends.
    fn flush(&mut self, until: MediaTime) -> Result<(), FileError> {
        let (Some(last), Some(muxer)) = (self.open.last(), &mut self.muxer) else { return Ok(()) };
        let fragment = muxer.fragment(&self.open, until - last.get().media);
        self.open.clear();
        self.write(fragment.get())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.temporary.write_all(bytes).map_err(|source| FileError::Write { path: self.out.clone(), source })
    }

    /// Ends the file, adds the sound of another if asked, and gives it its name; returns the seconds of video in it.
    pub(crate) fn finish(mut self, last: MediaSpan, sound: Option<&Path>) -> Result<f64, FileError> {
        let end = self.open.last().map_or(MediaTime::ZERO, |p| p.get().media + last);
        self.flush(end)?;
        if let Some(sound) = sound {
            self.temporary.flush().map_err(|source| FileError::Write { path: self.out.clone(), source })?;
            let with_sound = temporary_beside(&self.out)?;
            louver_codec::add_sound(self.temporary.path(), sound, with_sound.path())?;
            self.temporary = with_sound;
        }
        let fail = |source| FileError::Write { path: self.out.clone(), source };
        self.temporary.as_file().sync_all().map_err(fail)?;
        self.temporary.persist_noclobber(&self.out).map_err(|e| match e.error.kind() {
            std::io::ErrorKind::AlreadyExists => FileError::Exists(self.out.clone()),
            _ => fail(e.error),
        })?;
        Ok((end - MediaTime::ZERO).seconds())
    }
}
