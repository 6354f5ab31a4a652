//! Decoding in processes without rights (`louver-jail`), seen by the thread of one camera.
//!
//! RTSP, depacketising and [`Continuity`](louver_media::Continuity) are safe Rust and stay here. A packet goes over in Annex B form, a picture comes
//! back, and the thread waits meanwhile. Cameras share processes: while one is served the others of its process wait, also while
//! its decoder is made anew and given up to 500 packets again.
//!
//! **When a process ends**, over a packet or on its own, or gives no answer within half a second of computing or five seconds in all, or a wrong
//! one:
//!
//! - The camera whose packet it had shows nothing new until its next key frame, as after any damage.
//! - The others lose nothing. Each keeps the packets since its last key frame (`kept.rs`); its decoder is made anew in the
//!   next process and given them once more, and the pictures that come of that a second time are thrown away.
//! - A camera that this happens to twice in ten minutes is decoded in a process of its own, after a rest that grows
//!   (`conduct.rs`).
//!
//! **What a process says is not believed**: messages and sizes are checked, a picture's time must be that of a packet that was
//! sent, and its pixels are copied out before anybody looks at them. It can lie about what its cameras see, and no more.

mod child;
mod conduct;
mod decoders;
mod kept;
mod protocol;
mod seat;

use std::time::Instant;

use louver_jail::Ended;
use louver_media::{Codec, Packet, Picture, PictureSize};

use crate::CodecError;
use crate::decode::{Form, Given, Want};
use decoders::{NoProcess, Running};
use kept::Kept;
use protocol::{Ask, Fault, PICTURE_AT, PICTURE_BYTES, Say, UNIT_AT, UNIT_BYTES, bytes_of};

pub use child::decode_for_parent;
pub use decoders::Decoders;
pub use seat::Seat;

/// Pictures that one packet may complete: a decoder holds back sixteen (`max_dec_frame_buffering`, ITU-T H.264 annex E.2.1).
const PICTURES_MOST: u32 = 32;
/// Bytes that a coded picture may have.
pub(crate) const LARGEST: usize = UNIT_BYTES;
/// Processes that may have ended before they were asked, one after the other, before it is given up.
const TRIES: usize = 3;

/// One stream's decoder in another process.
pub(crate) struct Apart {
    seat: Seat,
    codec: Codec,
    size: PictureSize,
    /// Its number there, and the process that knows it.
    open: Option<Open>,
    kept: Kept,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Open {
    life: u64,
    decoder: u32,
}

/// What went wrong: the packet, or the process with it.
enum Wrong {
    Packet(CodecError),
    Process(Ended),
}

impl From<Ended> for Wrong {
    fn from(ended: Ended) -> Self {
        Self::Process(ended)
    }
}

impl Apart {
    pub(crate) fn new(seat: Seat, codec: Codec, size: PictureSize) -> Self {
        Self { seat, codec, size, open: None, kept: Kept::default() }
    }

    /// Decodes one packet: the pictures that are wanted, and how many there were.
    pub(crate) fn take(
        &mut self,
        form: &Form,
        packet: &Packet,
        anew: bool,
        want: Want,
    ) -> Result<(Vec<Given>, usize), CodecError> {
        if anew {
            self.kept.clear();
        }
        let taken =
            self.with(form, |apart, running, decoder| apart.unit(running, decoder, form, packet, anew, want));
        match &taken {
            Ok((_, pictures)) => self.kept.push(packet, *pictures),
            // What follows is anew.
            Err(_) => self.kept.clear(),
        }
        taken
    }

    /// The newest picture that was not wanted when it was decoded.
    pub(crate) fn newest(&mut self) -> Result<Option<Given>, CodecError> {
        // It was decoded a moment ago; a process that ended since would have to decode all of it again for one picture.
        let Some(open) = self.open else { return Ok(None) };
        let place = self.seat.place(Instant::now()).map_err(rests)?;
        let mut child = place.lock();
        let Some(running) = child.still(open.life) else {
            return Err(CodecError::Apart(Ended::Before));
        };
        let newest = running.ask(open.decoder, Ask::Newest).map_err(Wrong::from);
        match newest.and_then(|say| self.pictures(running, open.decoder, say, None)) {
            Ok((mut given, _)) => Ok(given.pop()),
            Err(Wrong::Packet(e)) => Err(e),
            Err(Wrong::Process(ended)) => {
                child.gone();
                self.seat.ended(&ended, Instant::now());
                Err(CodecError::Apart(ended))
            }
        }
    }

    /// Does something in the process of this camera, where its decoder stands as it did before.
    fn with<T>(
        &mut self,
        form: &Form,
        act: impl Fn(&Self, &mut Running, u32) -> Result<T, Wrong>,
    ) -> Result<T, CodecError> {
        let mut tried = 1;
        let decoders = self.seat.decoders().clone();
        loop {
            let place = self.seat.place(Instant::now()).map_err(rests)?;
            let mut child = place.lock();
            let starter = decoders.starter();
            let running = child.running(starter, Instant::now()).map_err(no_process)?;
            let done = self.opened(running, form).and_then(|decoder| act(self, running, decoder));
            match done {
                Ok(done) => return Ok(done),
                Err(Wrong::Packet(e)) => return Err(e),
                Err(Wrong::Process(Ended::Before)) if tried < TRIES => {
                    tracing::warn!("a decoding process had ended: the next one goes on where it was");
                    child.gone();
                    tried += 1;
                }
                Err(Wrong::Process(ended)) => {
                    child.gone();
                    self.seat.ended(&ended, Instant::now());
                    // At once, so that the others find it ready. Where that fails they will be told.
                    let _ = child.running(starter, Instant::now());
                    return Err(CodecError::Apart(ended));
                }
            }
        }
    }

    /// The number of this stream's decoder in the process, which is made and brought up to date where it is new there.
    fn opened(&mut self, running: &mut Running, form: &Form) -> Result<u32, Wrong> {
        let life = running.life;
        if let Some(open) = self.open.filter(|open| open.life == life) {
            return Ok(open.decoder);
        }
        if bytes_of(self.size) > PICTURE_BYTES {
            let (width, height) = (self.size.width() as u32, self.size.height() as u32);
            return Err(Wrong::Packet(CodecError::Size { width, height }));
        }
        let decoder = self.seat.decoders().next_decoder();
        match running.ask(decoder, Ask::Open { codec: self.codec, size: self.size })? {
            Say::Done { .. } => {}
            Say::Fault(fault) => return Err(Wrong::Packet(error(self.codec, fault))),
            Say::Picture { .. } => return Err(running.jailed.lied("a picture of nothing").into()),
        }
        self.open = Some(Open { life, decoder });
        let again = self.kept.again().ok_or(Wrong::Packet(CodecError::TooMuchToRepeat))?;
        for (n, packet) in again.enumerate() {
            self.unit(running, decoder, form, packet, n == 0, Want::Newest)?;
        }
        Ok(decoder)
    }

    fn unit(
        &self,
        running: &mut Running,
        decoder: u32,
        form: &Form,
        packet: &Packet,
        anew: bool,
        want: Want,
    ) -> Result<(Vec<Given>, usize), Wrong> {
        let data = form.unit(packet);
        let len = u32::try_from(data.len()).ok().filter(|len| *len as usize <= UNIT_BYTES);
        let len = len.ok_or(Wrong::Packet(CodecError::Large { bytes: data.len() }))?;
        running.jailed.put(UNIT_AT, &data).map_err(|e| Wrong::Process(Ended::Broken(e)))?;
        let unit = Ask::Unit { len, pts: packet.media.ticks(), anew, want };
        let say = running.ask(decoder, unit)?;
        match (&say, want) {
            (Say::Picture { .. }, Want::Newest) => {
                Err(running.jailed.lied("a picture that nobody wanted").into())
            }
            _ => self.pictures(running, decoder, say, Some(packet)),
        }
    }

    /// Takes the pictures that an answer begins with, and how many there were.
    fn pictures(
        &self,
        running: &mut Running,
        decoder: u32,
        mut say: Say,
        packet: Option<&Packet>,
    ) -> Result<(Vec<Given>, usize), Wrong> {
        let (mut given, mut expected) = (Vec::new(), None);
        loop {
            let (left, pts, size) = match say {
                Say::Picture { left, pts, size } => (left, pts, size),
                Say::Fault(fault) => return Err(Wrong::Packet(error(self.codec, fault))),
                Say::Done { pictures } if expected.is_none() && pictures <= PICTURES_MOST => {
                    return Ok((given, pictures as usize));
                }
                Say::Done { .. } => return Err(running.jailed.lied("pictures that are not there").into()),
            };
            let of_a_packet = |pts| packet.is_some_and(|p| p.media.ticks() == pts) || self.kept.has(pts);
            if size != self.size || left >= PICTURES_MOST || expected.is_some_and(|n| n != left) {
                return Err(running.jailed.lied("a picture that cannot be").into());
            }
            if !pts.is_none_or(of_a_packet) {
                return Err(running.jailed.lied("a picture of another time").into());
            }
            given.push((self.picture(running).map_err(Ended::Broken)?, pts));
            if left == 0 {
                let count = given.len();
                return Ok((given, count));
            }
            expected = Some(left - 1);
            say = running.ask(decoder, Ask::Next)?;
        }
    }

    /// A copy of the picture in the shared memory, which nobody else can change.
    fn picture(&self, running: &Running) -> std::io::Result<Picture> {
        let (luma, chroma) = (self.size.area(), self.size.area() / 4);
        let jailed = &running.jailed;
        Ok(Picture {
            size: self.size,
            y: jailed.take(PICTURE_AT, luma)?,
            u: jailed.take(PICTURE_AT + luma, chroma)?,
            v: jailed.take(PICTURE_AT + luma + chroma, chroma)?,
        })
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let (Some(open), Ok(place)) = (self.open, self.seat.place(Instant::now())) else { return };
        let mut child = place.lock();
        let closed =
            child.still(open.life).is_none_or(|running| running.ask(open.decoder, Ask::Close).is_ok());
        if !closed {
            child.gone();
        }
    }
}

fn rests(rests: seat::Rests) -> CodecError {
    CodecError::SetAside { times: rests.ends, left: rests.left }
}

fn no_process(why: NoProcess) -> CodecError {
    match why {
        NoProcess::Failed(e) => CodecError::NoProcess(Some(e)),
        NoProcess::Waits => CodecError::NoProcess(None),
    }
}

fn error(codec: Codec, fault: Fault) -> CodecError {
    match fault {
        Fault::NoDecoder => CodecError::NoDecoder(codec),
        Fault::Setup { code } => CodecError::Setup { what: "a decoder", source: code.into() },
        Fault::Damaged { code } => CodecError::Decode(code.into()),
        Fault::Size { width, height } => CodecError::Size { width, height },
    }
}
