//! Boxes, sections and numbers.

use bytes::{BufMut, Bytes, BytesMut};

use super::bounds;

/// A box: its type, and the whole of it.
#[derive(Clone, Debug)]
pub(super) struct Boxed {
    pub(super) kind: [u8; 4],
    pub(super) whole: Bytes,
}

impl Boxed {
    pub(super) fn body(&self) -> &[u8] {
        &self.whole[8..]
    }
}

/// The boxes in `bytes`; `None` in place of one whose size is damaged, and nothing after it.
pub(super) fn boxes(bytes: &Bytes) -> impl Iterator<Item = Option<Boxed>> {
    let mut rest = bytes.clone();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = rest.first_chunk().map(|size| u32::from_be_bytes(*size) as usize);
        let kind = rest.get(4..8).and_then(|kind| kind.try_into().ok());
        let fits = size.filter(|size| (8..=bounds::BOX).contains(size) && *size <= rest.len());
        let (Some(size), Some(kind)) = (fits, kind) else {
            rest.clear();
            return Some(None);
        };
        Some(Some(Boxed { kind, whole: rest.split_to(size) }))
    })
}

/// Puts a box around `body`.
pub(super) fn boxed(kind: [u8; 4], body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(8 + body.len());
    out.put_u32((8 + body.len()) as u32);
    out.put_slice(&kind);
    out.put_slice(body);
    out.freeze()
}

/// Appends a section.
pub(super) fn put_section(out: &mut BytesMut, kind: u8, body: &[u8]) {
    out.put_u32(u32::from(kind) << 24 | body.len() as u32);
    out.put_slice(body);
}

/// Appends an unsigned LEB128 number.
pub(super) fn put_leb(out: &mut BytesMut, mut n: u32) {
    while n >= 0x80 {
        out.put_u8(n as u8 | 0x80);
        n >>= 7;
    }
    out.put_u8(n as u8);
}

/// Bytes that are read from the front; `None` when there are too few.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[b]| b)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// At most four bytes, so 28 bits.
    pub(super) fn leb(&mut self) -> Option<u32> {
        let mut n = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            n |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
