//! The type that only this crate can make.

use bytes::{Bytes, BytesMut};
use louver_base::{MediaTime, WallTime};
use louver_media::{Packet, Picture, PictureSize, VideoParams};

use crate::Rect;

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

impl Masked<Picture> {
    /// A part of the picture, as far as it lies within; its edges are moved outwards to even pixels. `None` if nothing is left.
    pub fn cut(&self, rect: Rect) -> Option<Self> {
        let from = &self.0;
        let clip = |n: i32, most: usize| (n.max(0) as usize).min(most);
        let (left, top) = (clip(rect.left, from.size.width()) & !1, clip(rect.top, from.size.height()) & !1);
        let right = clip(rect.right, from.size.width()).next_multiple_of(2);
        let bottom = clip(rect.bottom, from.size.height()).next_multiple_of(2);
        let side = |from: usize, to: usize| u32::try_from(to.saturating_sub(from)).ok();
        let size = PictureSize::new(side(left, right)?, side(top, bottom)?)?;
        let plane = |plane: &[u8], by: usize| -> Vec<u8> {
            let rows = plane.chunks_exact(from.size.width() / by).take(bottom / by).skip(top / by);
            rows.flat_map(|row| &row[left / by..right / by]).copied().collect()
        };
        Some(Self(Picture { size, y: plane(&from.y, 1), u: plane(&from.u, 2), v: plane(&from.v, 2) }))
    }
}

impl Masked<Bytes> {
    /// One after the other.
    pub fn joined<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = BytesMut::new();
        parts.into_iter().for_each(|part| all.extend_from_slice(&part.0));
        Self(all.freeze())
    }
}

impl Masked<Vec<u8>> {
    /// The same bytes, shared.
    pub fn into_bytes(self) -> Masked<Bytes> {
        Masked(self.0.into())
    }
}
