//! The `Range` header (RFC 9110 section 14): one range of bytes; of several the whole is sent, as the RFC allows.

/// First and last byte, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    Part(Range),
    Outside,
}

impl Wanted {
    /// Of `length` bytes. A header that cannot be understood is not looked at.
    pub(crate) fn of(header: Option<&str>, length: usize) -> Self {
        let spec = header.and_then(|h| h.strip_prefix("bytes=")).and_then(|s| s.trim().split_once('-'));
        let Some((first, last)) = spec else { return Self::Whole };
        let part = match (first.parse::<usize>().ok(), last.parse::<usize>().ok()) {
            (Some(first), Some(last)) if first <= last => (first, last),
            (Some(first), None) if last.is_empty() => (first, usize::MAX),
            (None, Some(tail)) if first.is_empty() => (length.saturating_sub(tail), usize::MAX),
            _ => return Self::Whole,
        };
        let (first, last) = (part.0, part.1.min(length.saturating_sub(1)));
        let asks_for_nothing = spec == Some(("", "0"));
        if first < length && !asks_for_nothing { Self::Part(Range { first, last }) } else { Self::Outside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_the_rfc_says() {
        let part = |first, last| Wanted::Part(Range { first, last });
        for (header, wanted) in [
            ("bytes=0-0", part(0, 0)),
            ("bytes=2-", part(2, 9)),
            ("bytes=2-100", part(2, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-100", part(0, 9)),
            ("bytes=10-", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=99999999999999999999999-", Wanted::Whole),
            ("pictures=1-2", Wanted::Whole),
        ] {
            assert_eq!(Wanted::of(Some(header), 10), wanted, "{header}");
        }
        assert_eq!(Wanted::of(None, 10), Wanted::Whole);
        assert_eq!(Wanted::of(Some("bytes=0-"), 0), Wanted::Outside);
    }
}
