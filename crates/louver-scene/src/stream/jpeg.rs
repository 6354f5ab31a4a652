//! A JPEG file in two: what all tiles share, and what is each tile's own (ITU-T T.81 annex B).

/// Start of image.
const SOI: u8 = 0xd8;
/// Baseline frame header.
const SOF0: u8 = 0xc0;
const DHT: u8 = 0xc4;
const SOS: u8 = 0xda;
const DQT: u8 = 0xdb;
const APP0: u8 = 0xe0;

/// Shared tables (start of image, JFIF mark, quantisation and Huffman tables) and the rest. `None` for what is no baseline
/// JPEG.
pub(super) fn split(jpeg: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut tables, mut own) = (vec![0xff, SOI], Vec::new());
    let mut rest = jpeg.strip_prefix(&[0xff, SOI])?;
    loop {
        let [0xff, marker, high, low, ..] = *rest else { return None };
        let (segment, after) = rest.split_at_checked(2 + usize::from(u16::from_be_bytes([high, low])))?;
        match marker {
            APP0 | DQT | DHT => tables.extend_from_slice(segment),
            SOF0 => own.extend_from_slice(segment),
            SOS => {
                own.extend_from_slice(rest);
                return Some((tables, own));
            }
            // Another kind of frame, or something a plain encoder does not write.
            _ => return None,
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_go_to_the_front_wherever_they_stood() {
        let jpeg = b"\xff\xd8\xff\xe0\0\x03J\xff\xc0\0\x03F\xff\xdb\0\x03Q\xff\xc4\0\x03H\xff\xda\0\x03Sscan\xff\xd9";
        let (tables, own) = split(jpeg).unwrap();
        assert_eq!(tables, b"\xff\xd8\xff\xe0\0\x03J\xff\xdb\0\x03Q\xff\xc4\0\x03H");
        assert_eq!(own, b"\xff\xc0\0\x03F\xff\xda\0\x03Sscan\xff\xd9");
        let progressive = b"\xff\xd8\xff\xc2\0\x03F\xff\xda\0\x03S";
        assert_eq!(split(progressive), None);
        for cut in 0..jpeg.len() - 9 {
            assert_eq!(split(&jpeg[..cut]), None, "{cut}");
        }
    }
}
