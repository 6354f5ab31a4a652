//! What retina does not tell of a stream's description (RFC 8866): its format parameters.

/// The format parameters (`a=fmtp`) of the stream of this kind whose first payload type is this; `None` where there are none.
/// The description comes from a camera: it may hold anything.
pub(crate) fn format_parameters(sdp: &[u8], media: &str, payload_type: u8) -> Option<String> {
    let text = String::from_utf8_lossy(sdp);
    let number = payload_type.to_string();
    let mut inside = false;
    let mut found = None;
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("m=") {
            if found.is_some() {
                break;
            }
            let mut fields = described.split(' ');
            inside = fields.next() == Some(media) && fields.nth(2) == Some(&number);
        } else if inside
            && let Some((of, value)) = line.strip_prefix("a=fmtp:").and_then(|v| v.split_once(' '))
            && of == number
        {
            found = Some(value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &[u8] = b"v=0\r\nm=audio 0 RTP/AVP 0\r\na=fmtp:96 not=mine\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
        a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0=,aM4= \r\nm=video 0 RTP/AVP 97\r\na=fmtp:97\r\n";

    #[test]
    fn the_parameters_of_the_right_stream_are_found() {
        let of = |media, number| format_parameters(SDP, media, number);
        assert_eq!(of("video", 96).as_deref(), Some("packetization-mode=1;sprop-parameter-sets=Z0=,aM4="));
        // As Ubiquiti's cameras send it: the number and nothing behind it.
        assert_eq!(of("video", 97), None);
        assert_eq!((of("audio", 96), of("audio", 0), of("image", 1)), (None, None, None));
        assert_eq!(format_parameters(&[0xff, b'\n', b'm', b'='], "video", 96), None);
    }
}
