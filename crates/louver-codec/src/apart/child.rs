//! The child's side: decoders, and answers to requests. Nothing here is to be trusted by the parent.

use std::collections::HashMap;

use ffmpeg_next::frame::Video as Frame;
use louver_jail::{EnterError, Inside};
use louver_media::{Codec, PictureSize};

use super::protocol::{Answer, Ask, Fault, PICTURE_AT, PICTURE_BYTES, Request, Say, UNIT_AT, bytes_of};
use crate::libav::{Libav, Unit};
use crate::{CodecError, Scaler};

/// Decodes for the parent that started this process, until it is gone. Its rights are given up first.
///
/// # Errors
/// When the process was not started by [`Decoders`](super::Decoders), or cannot give up its rights.
pub fn decode_for_parent() -> Result<(), EnterError> {
    let mut inside = Inside::enter(prepare)?;
    let mut bench = Bench::default();
    while let Some(message) = inside.message() {
        // A parent that says what it does not say is no parent.
        let Some(request) = Request::read(&message) else { break };
        let say = bench.say(&request, inside.memory()).unwrap_or_else(|e| Say::Fault(fault(&e)));
        inside.answer(&Answer { decoder: request.decoder, number: request.number, say }.write());
    }
    Ok(())
}

/// What libav and the C library look up at their first use (the processor's abilities, tables) they look up now.
fn prepare() {
    crate::give_way();
    for codec in [Codec::H264, Codec::H265, Codec::Mjpeg] {
        let _ = Libav::new(codec);
    }
    let size = |n| PictureSize::new(n, n);
    if let (Some(large), Some(small)) = (size(64), size(32)) {
        let _ = Scaler::default().scale(&louver_media::Picture::flat(large, 0, 128, 128), small);
    }
}

/// The decoders of this process.
#[derive(Default)]
struct Bench(HashMap<u32, Seated>);

struct Seated {
    libav: Libav,
    scaler: Scaler,
    size: PictureSize,
    /// Pictures of the last unit that were not given yet, the next one last.
    waiting: Vec<Frame>,
}

impl Bench {
    fn say(&mut self, request: &Request, memory: &mut [u8]) -> Result<Say, CodecError> {
        if let Ask::Open { codec, size } = request.ask {
            let (libav, scaler) = (Libav::new(codec)?, Scaler::default());
            self.0.insert(request.decoder, Seated { libav, scaler, size, waiting: Vec::new() });
            return Ok(Say::Done { pictures: 0 });
        }
        let Some(seated) = self.0.get_mut(&request.decoder) else {
            return Err(CodecError::Decode(ffmpeg_next::Error::Bug));
        };
        match request.ask {
            Ask::Open { .. } => {}
            Ask::Unit { len, pts, anew, want } => {
                let data = memory.get(UNIT_AT..UNIT_AT + len as usize).unwrap_or_default();
                let (mut frames, count) = seated.libav.decode(&Unit { data, pts, anew }, want)?;
                if frames.is_empty() {
                    return Ok(Say::Done { pictures: u32::try_from(count).unwrap_or(u32::MAX) });
                }
                frames.reverse();
                seated.waiting = frames;
                return seated.next(memory);
            }
            Ask::Next => return seated.next(memory),
            Ask::Newest => {
                seated.waiting.extend(seated.libav.newest());
                return seated.next(memory);
            }
            Ask::Close => {
                self.0.remove(&request.decoder);
            }
        }
        Ok(Say::Done { pictures: 0 })
    }
}

impl Seated {
    fn next(&mut self, memory: &mut [u8]) -> Result<Say, CodecError> {
        let Some(frame) = self.waiting.pop() else { return Ok(Say::Done { pictures: 0 }) };
        let area = memory.get_mut(PICTURE_AT..PICTURE_AT + PICTURE_BYTES.min(bytes_of(self.size)));
        self.scaler.picture_into(&frame, self.size, area.unwrap_or_default())?;
        let left = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        Ok(Say::Picture { left, pts: frame.timestamp(), size: self.size })
    }
}

fn fault(e: &CodecError) -> Fault {
    match e {
        CodecError::NoDecoder(_) => Fault::NoDecoder,
        CodecError::Setup { source, .. } => Fault::Setup { code: (*source).into() },
        CodecError::Decode(source) => Fault::Damaged { code: (*source).into() },
        CodecError::Size { width, height } => Fault::Size { width: *width, height: *height },
        // Nothing else comes out of a decoder.
        _ => Fault::Damaged { code: ffmpeg_next::Error::Bug.into() },
    }
}
