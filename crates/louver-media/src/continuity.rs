//! Whether every picture came that the next one is predicted from. Decoders give a picture all the same, smeared, and a
//! smeared picture must not be taken for what the camera saw.
//!
//! Pictures that others are predicted from are numbered (`frame_num`, ITU-T H.264 section 7.4.3), so a missing one leaves a
//! hole; those that no other depends on may be missing without harm. Three things leave no hole: the loss of exactly as many
//! pictures as there are numbers (16 at least); the loss of a key frame, where the numbers that begin anew with it happen to
//! go on as before; and in streams whose layers may be dropped, the loss of fewer than they keep. Who knows of a loss by
//! other means (RTP counts its packets) says so with [`Continuity::restart`].

//!
//! H.265 has no such numbers: each picture names those it is predicted from, so what is missing is told exactly (`h265/slice.rs`). A
//! JPEG depends on nothing.

use crate::h264::slice::{Coded, Lines, ParameterSets, Unit};
use crate::{Codec, Packet, VideoParams, h265};

/// Why a picture must not be trusted, nor any up to the next key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// A picture that this one is predicted from, or may be, did not come.
    #[error("pictures before this one are missing")]
    Missing,
    /// Its beginning did not come, or it was cut off.
    #[error("a part of the picture is missing")]
    Torn,
    /// Its headers make no sense, or name parameters that were never sent.
    #[error("the picture's headers cannot be read")]
    Unreadable,
    /// It is whole, but follows one that is not.
    #[error("the picture follows one that is missing or damaged")]
    Waiting,
}

/// Follows one stream's packets, in the order of decoding.
#[derive(Clone, Debug)]
pub struct Continuity(Of);

#[derive(Clone, Debug)]
enum Of {
    H264(Numbers),
    H265(h265::Pictures),
    Mjpeg {
        /// Something was lost; the next picture is whole again.
        waits: bool,
    },
}

#[derive(Clone, Debug)]
struct Numbers {
    sets: ParameterSets,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    WaitingForKey,
    Following(Followed),
}

/// The pictures up to here.
#[derive(Clone, Copy, Debug)]
struct Followed {
    /// Number of the last picture that others are predicted from.
    reference: u32,
    /// A field whose other field may follow.
    field: Option<Coded>,
}

impl Continuity {
    /// A stream with these parameters, before its first key frame.
    pub fn new(params: &VideoParams) -> Self {
        let sets = params.parameter_sets();
        Self(match params.codec {
            Codec::H264 => Of::H264(Numbers::new(&sets)),
            Codec::H265 => {
                let mut pictures = h265::Pictures::default();
                sets.iter().for_each(|set| pictures.learn(set));
                Of::H265(pictures)
            }
            Codec::Mjpeg => Of::Mjpeg { waits: true },
        })
    }

    /// Takes the next packet: whether its pictures can be trusted, if the decoder was given all since the last key frame.
    ///
    /// # Errors
    /// Why it cannot. Each packet after it is [`Broken::Waiting`], until a key frame comes whole; but for leading pictures of
    /// H.265 that belong to what came before its first key frame: they are [`Broken::Waiting`] by themselves.
    pub fn follow(&mut self, packet: &Packet) -> Result<(), Broken> {
        match &mut self.0 {
            Of::H264(numbers) => numbers.follow(packet),
            Of::H265(pictures) => pictures.follow(packet),
            Of::Mjpeg { waits } => {
                let whole = jpeg(&packet.data);
                *waits = whole.is_err();
                whole
            }
        }
    }

    /// Whether nothing can be trusted until the next key frame.
    pub fn waits_for_key(&self) -> bool {
        match &self.0 {
            Of::H264(numbers) => matches!(numbers.state, State::WaitingForKey),
            Of::H265(pictures) => pictures.waits_for_key(),
            Of::Mjpeg { waits } => *waits,
        }
    }

    /// Something was lost, or a picture was left out that is needed: nothing is trusted until the next key frame.
    pub fn restart(&mut self) {
        match &mut self.0 {
            Of::H264(numbers) => numbers.state = State::WaitingForKey,
            Of::H265(pictures) => pictures.restart(),
            Of::Mjpeg { waits } => *waits = true,
        }
    }
}

/// Whether a JPEG is there from its first marker to its last (ITU-T T.81 table B.1): libav gives one that was cut off all the same,
/// grey from there on. Some cameras pad behind the end.
fn jpeg(data: &[u8]) -> Result<(), Broken> {
    const PADDING: usize = 64;
    let end = &data[data.len().saturating_sub(PADDING)..];
    match (data.starts_with(&[0xff, 0xd8, 0xff]), end.windows(2).any(|w| w == [0xff, 0xd9])) {
        (true, true) => Ok(()),
        (true, false) => Err(Broken::Torn),
        (false, _) => Err(Broken::Unreadable),
    }
}

impl Numbers {
    fn new(known: &[bytes::Bytes]) -> Self {
        let mut sets = ParameterSets::default();
        for set in known {
            sets.read(set);
        }
        Self { sets, state: State::WaitingForKey }
    }

    fn follow(&mut self, packet: &Packet) -> Result<(), Broken> {
        let followed = self.read(packet);
        self.state = followed.map_or(State::WaitingForKey, State::Following);
        followed.map(|_| ())
    }

    fn read(&mut self, packet: &Packet) -> Result<Followed, Broken> {
        let mut followed = match self.state {
            State::WaitingForKey => None,
            State::Following(followed) => Some(followed),
        };
        // The picture whose slices are being read, and whether the first one was among them.
        let mut current: Option<(Coded, bool)> = None;
        let mut bytes = 0;
        for nal in packet.nals() {
            bytes += 4 + nal.len();
            let slice = match self.sets.read(nal) {
                Unit::Slice(slice) => slice,
                Unit::Unreadable if followed.is_none() && !packet.key => return Err(Broken::Waiting),
                Unit::Unreadable => return Err(Broken::Unreadable),
                Unit::Other => continue,
            };
            match &mut current {
                Some((coded, first)) if *coded == slice.of => *first |= slice.first,
                Some((_, false)) => return Err(Broken::Torn),
                Some(_) | None => {
                    followed = Some(Followed::after(followed, slice.of)?);
                    current = Some((slice.of, slice.first));
                }
            }
        }
        if bytes != packet.data.len() || current.is_some_and(|(_, first)| !first) {
            return Err(Broken::Torn);
        }
        followed.ok_or(Broken::Waiting)
    }
}

impl Followed {
    /// What is known after one more picture.
    fn after(before: Option<Self>, picture: Coded) -> Result<Self, Broken> {
        let field = (picture.lines != Lines::All).then_some(picture);
        if picture.idr {
            return Ok(Self { reference: picture.frame_num, field });
        }
        let before = before.ok_or(Broken::Waiting)?;
        let pairs = before.field.is_some_and(|first| {
            first.frame_num == picture.frame_num && field.is_some() && first.lines != picture.lines
        });
        if pairs {
            let reference = if picture.reference { picture.frame_num } else { before.reference };
            return Ok(Self { reference, field: None });
        }
        let less_one = |n: u32| n.wrapping_sub(1) % picture.numbers;
        let missing = less_one(picture.frame_num.wrapping_sub(before.reference));
        match picture.reference {
            true if missing <= picture.leaves_out => Ok(Self { reference: picture.frame_num, field }),
            // It has the number of the picture to come; those left out before it count as there.
            false if missing <= picture.leaves_out => {
                Ok(Self { reference: less_one(picture.frame_num), field })
            }
            // Some cameras give the last number again to pictures that no other depends on.
            false if missing == picture.numbers - 1 => Ok(Self { reference: before.reference, field }),
            true | false => Err(Broken::Missing),
        }
    }
}

#[cfg(test)]
mod tests;
