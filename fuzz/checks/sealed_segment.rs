//! The test vector's sealed segment (docs/format-sealed.md), changed in any way by somebody who knows the format but no key.

use std::io::Cursor;
use std::sync::LazyLock;

use louver_media::{Gop, VideoParams};
use louver_vault::{HourSecret, Identity, OpeningKeys, SegmentHead, SegmentInfo, SegmentReader, Tail};

const VECTOR: &[u8] = include_bytes!("../../crates/louver-vault/tests/vectors/one-of-one-0.sealed");
const FRAME: usize = 76;

/// Takes the bytes as a file, and as a list of changes to the vector.
pub(crate) fn any_bytes(bytes: &[u8]) {
    nothing_opens_that_was_not_sealed(bytes);
    nothing_opens_that_was_not_sealed(&changed(bytes));
}

struct Sealed {
    keys: OpeningKeys,
    fragments: Vec<(VideoParams, Gop)>,
}

/// The holder of 32 bytes 0x4c and the hour secret of 32 bytes 0x55: they protect nothing.
static SEALED: LazyLock<Sealed> = LazyLock::new(|| {
    let identity = Identity::from_recovery_secret([0x4c; 32].into()).expect("constant");
    let head = SegmentHead::read(&mut &VECTOR[..]).expect("the vector has a header");
    let mut keys = OpeningKeys::new();
    keys.add_share_of(&head, &identity).expect("the vector is for this holder");
    keys.add_hour_secret(head.camera().clone(), head.hour(), HourSecret::from_bytes(&[0x55; 32]));
    let mut reader = SegmentReader::open(Cursor::new(VECTOR), &keys).expect("the vector opens");
    let fragments = reader.fragments().collect::<Result<_, _>>().expect("the vector is whole");
    Sealed { keys, fragments }
});

fn nothing_opens_that_was_not_sealed(file: &[u8]) {
    let inspected = SegmentInfo::inspect(&mut Cursor::new(file));
    if let Ok(info) = &inspected {
        lies_within(info, file);
    }
    let opened = SegmentReader::open(Cursor::new(file), &SEALED.keys);
    let Ok(mut reader) = opened else { return };
    let info = inspected.expect("what opens can be inspected");
    assert_eq!(*reader.info(), info);
    let (mut given, mut damaged) = (0, false);
    for fragment in reader.fragments() {
        match fragment {
            Ok(fragment) => {
                assert_eq!(SEALED.fragments.get(given), Some(&fragment));
                given += 1;
            }
            Err(_) => damaged = true,
        }
    }
    if info.is_finished() && !damaged {
        assert_eq!(given, SEALED.fragments.len(), "an end stands only where all has been given");
    }
    for n in (0..info.fragments.len() as u32).rev() {
        if let Ok(fragment) = reader.fragment(n) {
            assert_eq!(SEALED.fragments.get(n as usize), Some(&fragment), "in any order");
        }
    }
    assert!(reader.fragment(info.fragments.len() as u32).is_err());
}

fn lies_within(info: &SegmentInfo, file: &[u8]) {
    assert_eq!(info.file_bytes, file.len() as u64);
    let mut at = info.head.bytes();
    for (n, fragment) in info.fragments.iter().enumerate() {
        assert_eq!((fragment.sequence, fragment.at), (n as u32, at));
        assert!(fragment.bytes > FRAME as u64 && fragment.packets > 0 && fragment.first <= fragment.last);
        at = fragment.end();
    }
    assert!(at <= info.file_bytes);
    let keep = info.bytes_to_keep();
    assert!(at <= keep && keep <= info.file_bytes);
    // What a start of the recorder cuts off takes no fragment with it, and need not be cut again.
    let kept = SegmentInfo::inspect(&mut Cursor::new(&file[..keep as usize])).expect("its header stands");
    assert_eq!(kept.fragments, info.fragments);
    assert!(!matches!(kept.tail, Tail::Torn { .. }));
}

/// Makes the changes, five bytes each: what, where (2), and two numbers.
fn changed(changes: &[u8]) -> Vec<u8> {
    let mut file = VECTOR.to_vec();
    for change in changes.chunks_exact(5).take(64) {
        let [what, high, low, one, two] = *change else { continue };
        let at = usize::from(u16::from_be_bytes([high, low])).min(file.len());
        let end = (at + usize::from(one)).min(file.len());
        match what % 9 {
            0 => file[at..end.min(at + 1)].fill(two),
            1 => file.truncate(at),
            2 => drop(file.drain(at..end)),
            3 => file.splice(at..at, vec![two; one.into()]).for_each(drop),
            4 => file[at..end].fill(0),
            5 => {
                // Fragments stand 90 to 140 bytes apart: long enough to double or move one.
                let copy = file[at..end].to_vec();
                let to = (at + usize::from(two)).min(file.len());
                file.splice(to..to, copy);
            }
            6 => right_header_hash(&mut file),
            7 => right_frame_check(&mut file, at),
            _ if at < file.len() => file[at] ^= 1 << (two % 8),
            _ => {}
        }
        file.truncate(1 << 16);
    }
    file
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &parts.concat()).as_ref().to_vec()
}

fn header_length(file: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(file.get(12..16)?.try_into().ok()?) as usize;
    (48..=file.len()).contains(&length).then_some(length)
}

fn right_header_hash(file: &mut [u8]) {
    let Some(length) = header_length(file) else { return };
    let hash = sha256(&[&file[..length - 32]]);
    file[length - 32..length].copy_from_slice(&hash);
}

/// Of the fragment whose head stands at `at`, or behind it.
fn right_frame_check(file: &mut [u8], at: usize) {
    let Some(length) = header_length(file) else { return };
    let found = file[at..].windows(4).position(|w| w == b"LVFR").map(|n| at + n);
    let Some(head) = found.and_then(|at| file.get(at..at + FRAME)) else { return };
    let check = sha256(&[b"louver frame", &file[length - 32..length], &head[..68]]);
    let at = found.unwrap_or(at);
    file[at + 68..at + FRAME].copy_from_slice(&check[..8]);
}
