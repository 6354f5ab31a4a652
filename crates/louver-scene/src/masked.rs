//! The type that only this crate can make.

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Packet, Picture, VideoParams};

/// Something that shows no person: drawn from a [`Scene`](crate::Scene), or made from something that was.
///
/// There is no public constructor. Stores, live pictures, stills and the API take `Masked` values, so an original
/// picture or packet that strays towards them does not compile:
///
/// ```compile_fail
/// fn show(_: louver_scene::Masked<louver_media::Packet>) {}
/// fn leak(original: louver_media::Packet) { show(original) }
/// ```
///
/// ```compile_fail
/// fn leak(original: louver_media::Packet) -> louver_scene::Masked<louver_media::Packet> {
///     louver_scene::Masked(original)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked<T>(T);

impl<T> Masked<T> {
    /// For this crate alone: whoever calls it vouches that no person can be seen in `value`.
    pub(crate) const fn vouch(value: T) -> Self {
        Self(value)
    }

    /// The value, to look at.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The value itself, for the last step: the wire or the disk.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Turns pictures into bytes (H.264, JPEG) without adding anything that was not in the picture.
pub trait PictureEncoder {
    /// One coded picture.
    type Output;
    /// Why coding failed.
    type Error;

    /// Codes one picture. `key` asks for one that decodes by itself.
    fn encode(&mut self, picture: &Picture, at: MediaTime, key: bool) -> Result<Self::Output, Self::Error>;
}

impl Masked<Picture> {
    /// Codes the picture; the result is masked as the picture is.
    pub fn encode<E: PictureEncoder>(
        &self,
        encoder: &mut E,
        at: MediaTime,
        key: bool,
    ) -> Result<Masked<E::Output>, E::Error> {
        encoder.encode(&self.0, at, key).map(Masked)
    }
}

/// A coded picture, as video encoders give it.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The access unit; its wall time is for the caller to set.
    pub packet: Packet,
    /// Parameters, with every key frame.
    pub params: Option<VideoParams>,
}

impl Masked<Encoded> {
    /// The packet, and the parameters that came with it.
    pub fn split(self) -> (Masked<Packet>, Option<Masked<VideoParams>>) {
        (Masked(self.0.packet), self.0.params.map(Masked))
    }
}

impl Masked<Packet> {
    /// The packet with the wall time of the picture that it shows.
    #[must_use]
    pub fn at(mut self, wall: WallTime) -> Self {
        self.0.wall = wall;
        self
    }
}

impl Masked<Vec<u8>> {
    /// The same bytes, shared.
    pub fn into_bytes(self) -> Masked<Bytes> {
        Masked(self.0.into())
    }
}
