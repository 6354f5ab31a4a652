//! Whatever a manifest says, it reads back the same; whatever is no manifest is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;

use louver_base::CameraId;
use louver_export::{Base64, Draft, DraftSegment, Fragment, Manifest, Segment, check, manifest_box};
use louver_ledger::leaf::Digest;
use proptest::collection::vec;
use proptest::prelude::*;

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

fn fragment() -> impl Strategy<Value = Fragment> {
    (any::<u32>(), vec(any::<u8>(), 0..60), vec(any::<u8>(), 0..40), any::<u64>(), any::<u64>()).prop_map(
        |(n, list, blind, at, size)| Fragment { n, list: Base64(list), blind: Base64(blind), at, size },
    )
}

fn segment() -> impl Strategy<Value = Segment> {
    (digest(), vec(any::<u8>(), 0..200), "\\PC{0,40}", vec(fragment(), 0..4)).prop_map(
        |(header, heads, proof, fragments)| Segment { header, heads: Base64(heads), proof, fragments },
    )
}

fn manifest() -> impl Strategy<Value = Manifest> {
    let head = (
        "[0-9a-f]{32}",
        "[a-z0-9][a-z0-9-]{0,31}",
        any::<(i64, i64)>(),
        any::<i64>(),
        any::<u64>(),
        digest(),
    );
    let texts = ("\\PC{0,40}", "\\PC{0,40}", "[ -~\n]{0,40}");
    let more = proptest::option::of((digest(), vec("\\PC{0,40}", 0..3), vec(segment(), 0..4)));
    (head, texts, more).prop_map(|((site, camera, span, made, bytes, sha256), (ledger, key, proof), more)| {
        let camera: CameraId = camera.parse().unwrap();
        let masked = Manifest::masked(site, camera, span, made, (bytes, sha256), ledger, key, proof);
        match more {
            Some((request, released, segments)) => masked.original(request, released, segments),
            None => masked,
        }
    })
}

proptest! {
    #[test]
    fn a_manifest_reads_back_as_it_was_written_and_in_no_other_way(manifest in manifest(), at: prop::sample::Index) {
        let text = manifest.to_text().unwrap();
        prop_assert_eq!(&Manifest::parse(&text).unwrap(), &manifest);
        let spaced = text.replacen(':', ": ", 1);
        prop_assert!(Manifest::parse(&spaced).is_err());
        let at = at.index(text.len());
        if text.is_char_boundary(at) {
            prop_assert!(Manifest::parse(&text[..at]).is_err());
        }
        // Whatever is changed about it is another manifest, or none.
        let mut bytes = text.into_bytes();
        bytes[at] ^= 1;
        if let Ok(other) = String::from_utf8(bytes).map_err(drop).and_then(|t| Manifest::parse(&t).map_err(drop)) {
            prop_assert_ne!(other, manifest);
        }
    }

    #[test]
    fn a_draft_reads_back_as_it_was_written(
        camera in "[a-z0-9][a-z0-9-]{0,31}", bytes: u64, sha256 in digest(),
        segments in vec(("\\PC{0,20}", vec(fragment(), 0..3)), 0..3),
    ) {
        let segments = segments.into_iter().map(|(id, fragments)| DraftSegment { id, fragments }).collect();
        let draft = Draft::new(camera.parse().unwrap(), bytes, sha256, segments);
        prop_assert_eq!(Draft::parse(&draft.to_text().unwrap()).unwrap(), draft);
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..300), note in "\\PC{0,200}") {
        let text = String::from_utf8_lossy(&bytes);
        let _ = (Manifest::parse(&text), Draft::parse(&text));
        prop_assert!(check(&mut Cursor::new(&bytes), None).is_err());
        let boxed = [&[0, 0, 0, 8, b'f', b'r', b'e', b'e'][..], &manifest_box(&note).unwrap()].concat();
        prop_assert!(check(&mut Cursor::new(&boxed), None).is_err());
    }
}
