//! Sound beside masked video, where somebody asked for it.

use std::path::Path;

use ffmpeg::media::Type;
use ffmpeg_next as ffmpeg;

use crate::CodecError;

/// Writes the video of `video` and the sound of `sound`, both as they are, into the MP4 file `out`. A file without sound
/// gives video alone.
///
/// # Errors
/// When a file cannot be read, or its kind of sound does not fit into MP4.
pub fn add_sound(video: &Path, sound: &Path, out: &Path) -> Result<(), CodecError> {
    ffmpeg::util::log::set_level(ffmpeg::util::log::Level::Fatal);
    let open = |path: &Path| {
        let mut options = ffmpeg::Dictionary::new();
        options.set("protocol_whitelist", "file");
        ffmpeg::format::input_with_dictionary(path, options)
            .map_err(|source| CodecError::OpenFile { path: path.into(), source })
    };
    let fail = |source| CodecError::Sound { path: sound.into(), source };
    let (mut pictures, mut noises) = (open(video)?, open(sound)?);
    let mut output = ffmpeg::format::output_as(out, "mp4").map_err(fail)?;
    let mut tracks = Vec::new();
    for (input, kind) in [(&pictures, Type::Video), (&noises, Type::Audio)] {
        let Some(stream) = input.streams().best(kind) else {
            tracks.push(None);
            continue;
        };
        let mut track = output.add_stream(ffmpeg::encoder::find(ffmpeg::codec::Id::None)).map_err(fail)?;
        track.set_parameters(stream.parameters());
        // SAFETY: the track was just made by libavformat and lives as long as `output`; a tag of another container
        // would be refused by MP4, and zero lets the muxer choose its own.
        unsafe { (*(*track.as_mut_ptr()).codecpar).codec_tag = 0 };
        tracks.push(Some((stream.index(), stream.time_base(), track.index())));
    }
    output.write_header().map_err(fail)?;
    // The muxer interleaves by time.
    for (input, track) in [(&mut pictures, &tracks[0]), (&mut noises, &tracks[1])] {
        let Some((from, base, to)) = *track else { continue };
        let target = output.stream(to).map_or(base, |s| s.time_base());
        let mut packet = ffmpeg::Packet::empty();
        loop {
            match packet.read(input) {
                Ok(()) if packet.stream() == from => {
                    packet.rescale_ts(base, target);
                    packet.set_position(-1);
                    packet.set_stream(to);
                    packet.write_interleaved(&mut output).map_err(fail)?;
                }
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => break,
                Err(source) => return Err(fail(source)),
            }
        }
    }
    output.write_trailer().map_err(fail)
}
