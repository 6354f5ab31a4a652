//! Bytes as a list of changes to something real: far more of what a fuzzer makes gets past the first field that way.

/// Makes the changes, five bytes each: what, where (2), and two numbers. 64 of them at most; what comes out has 64 KiB at most.
pub(crate) fn change(bytes: &mut Vec<u8>, changes: &[u8]) {
    for one in changes.as_chunks::<5>().0.iter().take(64) {
        let [what, high, low, one, two] = *one;
        let at = usize::from(u16::from_be_bytes([high, low])).min(bytes.len());
        let end = (at + usize::from(one)).min(bytes.len());
        match what % 6 {
            0 => bytes[at..end.min(at + 1)].fill(two),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.splice(at..at, vec![two; one.into()]).for_each(drop),
            4 => {
                let copy = bytes[at..end].to_vec();
                let to = (at + usize::from(two)).min(bytes.len());
                bytes.splice(to..to, copy).for_each(drop);
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << (two % 8),
            _ => {}
        }
        bytes.truncate(1 << 16);
    }
}
