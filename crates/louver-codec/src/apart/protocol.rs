//! What parent and child say to each other. Every message has 40 bytes, integers little-endian:
//!
//! | bytes | request | answer |
//! |---|---|---|
//! | 0 | 1 open, 2 unit, 3 next, 4 newest, 5 close | 1 done, 2 picture, 3 fault |
//! | 1 | open: coding (1 H.264) | fault: 1 no decoder, 2 set-up, 3 damaged, 4 size |
//! | 2 | unit: 1 anew; 2 all, 4 alone, 6 newest wanted | picture: 1 it has a time |
//! | 4–7 | decoder | the request's |
//! | 8–11 | number of the request | the request's |
//! | 12–15 | unit: bytes at [`UNIT_AT`] | done: pictures there were; picture: how many follow it |
//! | 16–23 | unit: time | picture: time |
//! | 24–27, 28–31 | open: width, height | picture, fault of size: width, height |
//! | 32–35 | – | fault: libav's number, below zero |
//!
//! Everything else is zero. A picture stands at [`PICTURE_AT`]: luma, then both chroma planes, without padding. After one that
//! others follow, `next` asks for the next one. Anything that is not in this table is a lie when it comes from the child.

use louver_jail::{MESSAGE_BYTES, Message};
use louver_media::{Codec, PictureSize};

use crate::decode::Want;

/// Where a unit stands in the shared memory.
pub(crate) const UNIT_AT: usize = 0;
/// Bytes that a unit may have: as many as a packet of the largest kind that is taken from a file.
pub(crate) const UNIT_BYTES: usize = 16 << 20;
/// Where a picture stands in the shared memory.
pub(crate) const PICTURE_AT: usize = UNIT_AT + UNIT_BYTES;
/// Bytes that a picture may have: what is seen is 800 wide at most.
pub(crate) const PICTURE_BYTES: usize = 16 << 20;
/// Bytes of the shared memory; pages that nobody used take none.
pub(crate) const MEMORY: usize = PICTURE_AT + PICTURE_BYTES;

/// A message to the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Which of the child's decoders is meant.
    pub(crate) decoder: u32,
    /// Counts requests; the answer gives it back.
    pub(crate) number: u32,
    pub(crate) ask: Ask,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Make a decoder whose pictures are scaled to this size.
    Open { codec: Codec, size: PictureSize },
    /// Decode this.
    Unit { len: u32, pts: i64, anew: bool, want: Want },
    /// Give the next picture of the last unit.
    Next,
    /// Give the newest picture that nobody wanted.
    Newest,
    /// The decoder is not needed any more.
    Close,
}

/// The child's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) decoder: u32,
    pub(crate) number: u32,
    pub(crate) say: Say,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    /// Done; there were so many pictures, none of which is given.
    Done { pictures: u32 },
    /// A picture stands in the shared memory.
    Picture { left: u32, pts: Option<i64>, size: PictureSize },
    /// The unit cannot be decoded.
    Fault(Fault),
}

/// What an error of libav comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NoDecoder,
    Setup { code: i32 },
    Damaged { code: i32 },
    Size { width: u32, height: u32 },
}

/// A coding's number; whoever adds one adds it here and in `codec_of`.
fn number_of(codec: Codec) -> u8 {
    match codec {
        Codec::H264 => 1,
        Codec::H265 => 2,
        Codec::Mjpeg => 3,
        // A child has no decoder for it either.
        _ => 0,
    }
}

fn codec_of(number: u8) -> Option<Codec> {
    match number {
        1 => Some(Codec::H264),
        2 => Some(Codec::H265),
        3 => Some(Codec::Mjpeg),
        _ => None,
    }
}

/// Puts fields where they belong.
struct Fields(Message);

impl Fields {
    fn new(kind: u8, decoder: u32, number: u32) -> Self {
        let mut fields = Self([0; MESSAGE_BYTES]);
        fields.0[0] = kind;
        fields.u32(4, decoder).u32(8, number);
        fields
    }

    fn u8(&mut self, at: usize, value: u8) -> &mut Self {
        self.0[at] = value;
        self
    }

    fn u32(&mut self, at: usize, value: u32) -> &mut Self {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
        self
    }

    fn i64(&mut self, at: usize, value: i64) -> &mut Self {
        self.0[at..at + 8].copy_from_slice(&value.to_le_bytes());
        self
    }

    fn size(&mut self, size: PictureSize) -> &mut Self {
        self.u32(24, size.width() as u32).u32(28, size.height() as u32)
    }
}

fn u32_at(message: &Message, at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&message[at..at + 4]);
    u32::from_le_bytes(bytes)
}

fn i64_at(message: &Message, at: usize) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&message[at..at + 8]);
    i64::from_le_bytes(bytes)
}

/// A size that is one, to the pixel: `PictureSize` makes odd ones even.
fn size_at(message: &Message) -> Option<PictureSize> {
    let (width, height) = (u32_at(message, 24), u32_at(message, 28));
    let size = PictureSize::new(width, height)?;
    ((width as usize, height as usize) == (size.width(), size.height())).then_some(size)
}

const ANEW: u8 = 1;

impl Request {
    pub(crate) fn write(&self) -> Message {
        let kind = match self.ask {
            Ask::Open { .. } => 1,
            Ask::Unit { .. } => 2,
            Ask::Next => 3,
            Ask::Newest => 4,
            Ask::Close => 5,
        };
        let mut fields = Fields::new(kind, self.decoder, self.number);
        match self.ask {
            Ask::Open { codec, size } => {
                fields.u8(1, number_of(codec)).size(size);
            }
            Ask::Unit { len, pts, anew, want } => {
                let want = match want {
                    Want::All => 2,
                    Want::Alone => 4,
                    Want::Newest => 6,
                };
                fields.u8(2, want | if anew { ANEW } else { 0 }).u32(12, len).i64(16, pts);
            }
            Ask::Next | Ask::Newest | Ask::Close => {}
        }
        fields.0
    }

    /// `None` for anything that `write` does not write.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        let ask = match message[0] {
            1 => Ask::Open { codec: codec_of(message[1])?, size: size_at(message)? },
            2 => Ask::Unit {
                len: Some(u32_at(message, 12)).filter(|len| *len as usize <= UNIT_BYTES)?,
                pts: i64_at(message, 16),
                anew: message[2] & ANEW != 0,
                want: match message[2] & !ANEW {
                    2 => Want::All,
                    4 => Want::Alone,
                    6 => Want::Newest,
                    _ => return None,
                },
            },
            3 => Ask::Next,
            4 => Ask::Newest,
            5 => Ask::Close,
            _ => return None,
        };
        let request = Self { decoder: u32_at(message, 4), number: u32_at(message, 8), ask };
        // Nothing else may stand in it.
        (request.write() == *message).then_some(request)
    }
}

impl Answer {
    pub(crate) fn write(&self) -> Message {
        let kind = match self.say {
            Say::Done { .. } => 1,
            Say::Picture { .. } => 2,
            Say::Fault(_) => 3,
        };
        let mut fields = Fields::new(kind, self.decoder, self.number);
        match self.say {
            Say::Done { pictures } => {
                fields.u32(12, pictures);
            }
            Say::Picture { left, pts, size } => {
                fields.u8(2, u8::from(pts.is_some())).u32(12, left).i64(16, pts.unwrap_or(0)).size(size);
            }
            Say::Fault(Fault::NoDecoder) => {
                fields.u8(1, 1);
            }
            Say::Fault(Fault::Setup { code }) => {
                fields.u8(1, 2).u32(32, code.cast_unsigned());
            }
            Say::Fault(Fault::Damaged { code }) => {
                fields.u8(1, 3).u32(32, code.cast_unsigned());
            }
            Say::Fault(Fault::Size { width, height }) => {
                fields.u8(1, 4).u32(24, width).u32(28, height);
            }
        }
        fields.0
    }

    /// `None` for anything that `write` does not write, or that no decoder says.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        // Of libav's numbers only those are errors, and none is as far below zero as has no positive counterpart.
        let code = || Some(u32_at(message, 32).cast_signed()).filter(|code| (-i32::MAX..0).contains(code));
        let say = match (message[0], message[1]) {
            (1, _) => Say::Done { pictures: u32_at(message, 12) },
            (2, _) => Say::Picture {
                left: u32_at(message, 12),
                pts: (message[2] == 1).then(|| i64_at(message, 16)),
                size: size_at(message).filter(|size| bytes_of(*size) <= PICTURE_BYTES)?,
            },
            (3, 1) => Say::Fault(Fault::NoDecoder),
            (3, 2) => Say::Fault(Fault::Setup { code: code()? }),
            (3, 3) => Say::Fault(Fault::Damaged { code: code()? }),
            (3, 4) => Say::Fault(Fault::Size { width: u32_at(message, 24), height: u32_at(message, 28) }),
            _ => return None,
        };
        let answer = Self { decoder: u32_at(message, 4), number: u32_at(message, 8), say };
        (answer.write() == *message).then_some(answer)
    }
}

/// Bytes of a picture of this size.
pub(crate) fn bytes_of(size: PictureSize) -> usize {
    size.area() + size.area() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size() -> PictureSize {
        PictureSize::new(640, 360).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let wants = [Want::All, Want::Alone, Want::Newest];
        let units = wants
            .into_iter()
            .flat_map(|want| [false, true].map(|anew| Ask::Unit { len: 77, pts: -9000, anew, want }));
        let others = [
            Ask::Open { codec: Codec::H264, size: size() },
            Ask::Open { codec: Codec::H265, size: size() },
            Ask::Open { codec: Codec::Mjpeg, size: size() },
            Ask::Next,
            Ask::Newest,
            Ask::Close,
        ];
        for ask in units.chain(others) {
            let request = Request { decoder: 3, number: u32::MAX, ask };
            assert_eq!(Request::read(&request.write()), Some(request));
        }
        for say in [
            Say::Done { pictures: 2 },
            Say::Picture { left: 1, pts: Some(i64::MIN), size: size() },
            Say::Picture { left: 0, pts: None, size: size() },
            Say::Fault(Fault::NoDecoder),
            Say::Fault(Fault::Setup { code: -12 }),
            Say::Fault(Fault::Damaged { code: -1_094_995_529 }),
            Say::Fault(Fault::Size { width: 1, height: 9000 }),
        ] {
            let answer = Answer { decoder: 3, number: 9, say };
            assert_eq!(Answer::read(&answer.write()), Some(answer));
        }
    }

    #[test]
    fn sizes_that_are_none_or_do_not_fit_and_numbers_that_are_no_errors_are_lies() {
        let picture =
            Answer { decoder: 0, number: 0, say: Say::Picture { left: 0, pts: None, size: size() } };
        for (width, height) in
            [(0, 360), (641, 360), (640, 361), (8194, 2), (8192, 8192), (u32::MAX, u32::MAX)]
        {
            let mut message = picture.write();
            message[24..28].copy_from_slice(&u32::to_le_bytes(width));
            message[28..32].copy_from_slice(&u32::to_le_bytes(height));
            assert_eq!(Answer::read(&message), None, "{width}x{height}");
        }
        for code in [0, 1, i32::MAX, i32::MIN] {
            let fault = Answer { decoder: 0, number: 0, say: Say::Fault(Fault::Damaged { code }) };
            assert_eq!(Answer::read(&fault.write()), None, "{code}");
        }
    }

    /// Noise that looks like messages: most bytes are zero, kinds and sizes are often real ones.
    #[test]
    fn whatever_bytes_come_they_are_read_as_they_are_or_not_at_all() {
        let (mut noise, mut read) = (0x2545_f491_4f6c_dd1d_u64, 0);
        let mut next = || {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise
        };
        for _ in 0..300_000 {
            let mut message: Message = std::array::from_fn(|_| {
                let n = next();
                if n.is_multiple_of(16) { (n >> 8) as u8 } else { 0 }
            });
            message[0] = next() as u8 % 8;
            if next().is_multiple_of(2) {
                message[24..32].copy_from_slice(&[0x80, 2, 0, 0, 0x68, 1, 0, 0]);
            }
            if let Some(answer) = Answer::read(&message) {
                read += 1;
                assert_eq!(answer.write(), message);
                if let Say::Picture { size, .. } = answer.say {
                    assert!(bytes_of(size) <= PICTURE_BYTES);
                }
            }
            if let Some(request) = Request::read(&message) {
                read += 1;
                assert_eq!(request.write(), message);
            }
        }
        assert!(read > 1000, "{read}");
    }

    #[test]
    fn a_message_with_anything_else_in_it_is_none() {
        let done = Answer { decoder: 1, number: 1, say: Say::Done { pictures: 1 } }.write();
        let next = Request { decoder: 1, number: 1, ask: Ask::Next }.write();
        for at in [3, 36, 37, 38, 39] {
            for (message, is_answer) in [(done, true), (next, false)] {
                let mut message = message;
                message[at] = 1;
                match is_answer {
                    true => assert_eq!(Answer::read(&message), None, "byte {at}"),
                    false => assert_eq!(Request::read(&message), None, "byte {at}"),
                }
            }
        }
    }
}
