//! Any bytes as a scene stream: nothing panics, and nothing is counted that the bytes have no room for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use louver_scene::stream::check;

fuzz_target!(|bytes: &[u8]| {
    let report = check(bytes);
    let boxes = report.headers + report.fulls + report.deltas + report.skipped;
    assert!(boxes as usize * 8 <= bytes.len());
    assert!(report.tiles as usize * 5 + report.figures as usize * 18 <= bytes.len());
    // What stands behind a whole stream changes nothing of it.
    if !report.torn {
        let twice = check(&[bytes, b"\0\0\0\x08\0\0\0\0"].concat());
        assert_eq!((twice.fulls, twice.deltas), (report.fulls, report.deltas));
    }
});
