//! Boxes inside boxes, without recursion: a hostile file may nest them a million deep.

use mp4_atom::Atom;

use super::Mp4Error;

/// The boxes that stand one after the other in these bytes; ends where one runs past the end.
#[derive(Clone, Copy)]
pub(super) struct Boxes<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    /// Kind and body.
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, _) = self.0.split_first_chunk::<8>()?;
        let kind = [head[4], head[5], head[6], head[7]];
        let (from, size) = match number(&head[..4]) {
            0 => (8, self.0.len()),
            1 => (16, usize::try_from(number(self.0.get(8..16)?)).ok()?),
            size => (8, size as usize),
        };
        let body = self.0.get(from..size)?;
        self.0 = &self.0[size..];
        Some((kind, body))
    }
}

/// Body of the first box at the end of this path of kinds.
pub(super) fn child<'a>(mut body: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    for kind in path {
        body = Boxes(body).find(|(k, _)| k == *kind)?.1;
    }
    Some(body)
}

/// A big-endian number of up to 8 bytes.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// A table without boxes inside, read by mp4-atom; `None` when it is not there.
pub(super) fn leaf<T: Atom>(
    parent: &[u8],
    kind: &[u8; 4],
    name: &'static str,
) -> Result<Option<T>, Mp4Error> {
    let read = |body: &[u8]| T::decode_body(&mut &body[..]).map_err(|_| Mp4Error::Damaged(name));
    child(parent, &[kind]).map(read).transpose()
}
