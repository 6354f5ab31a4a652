//! Why no pictures come, in words for the operator.

use std::io;
use std::time::Duration;

use louver_base::CameraAddress;
use louver_media::ParameterSetError;
use louver_media::mp4::Mp4Error;
use secrecy::ExposeSecret;

use crate::Fingerprint;
use crate::backoff::Patience;

/// Why a source gives no pictures. No sentence holds an address, a user name or a password: the caller says which
/// camera it is about. All are tried again by [`run`](crate::run), sooner or later by their kind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The name in the address is unknown.
    #[error(
        "the camera's host name cannot be found: check the spelling of its address, or write its IP address instead"
    )]
    NameNotFound(#[source] io::Error),
    /// The host answers, and nothing listens there.
    #[error(
        "the camera's host refuses the connection: check the port in its address (554 is usual) and that RTSP is switched on in the camera"
    )]
    ConnectionRefused,
    /// No way to the host.
    #[error(
        "the camera cannot be reached: check that it has power and network, and that its address is right ({0})"
    )]
    Unreachable(String),
    /// Nothing came back in time.
    #[error(
        "the camera does not answer within {} s: check that it has power and network, that its address is right, and that no firewall stands between",
        .0.as_secs_f64().ceil()
    )]
    NoAnswer(Duration),
    /// Something else than RTSP answers.
    #[error(
        "what answers at the camera's address does not speak RTSP: check the port in the address (554 is usual)"
    )]
    NotRtsp,
    /// It wants a password, and the address holds none.
    #[error("the camera wants a user name and password: write its address as rtsp://USER:PASSWORD@HOST/PATH")]
    PasswordNeeded,
    /// It refused the password.
    #[error(
        "the camera refuses the user name or password: correct them in its address and restart; until then it is tried about every forty minutes, because cameras lock accounts"
    )]
    WrongPassword,
    /// The user may not see the stream.
    #[error(
        "the camera knows the user but forbids the stream: allow this user live view in the camera's settings"
    )]
    Forbidden,
    /// It has no stream of this name.
    #[error(
        "the camera has no stream at this path: check the path in its address against the camera's manual"
    )]
    NoSuchPath,
    /// It serves as many as it can.
    #[error(
        "the camera is busy (RTSP status {0}): it serves only so many viewers at once; close others, or use its sub stream elsewhere"
    )]
    Busy(u16),
    /// Any other refusal.
    #[error("the camera refuses the stream with RTSP status {0}: see what its manual or its own page says")]
    Refused(u16),
    /// No pictures on offer.
    #[error("the camera offers no video at this path, only other streams: choose its video stream's path")]
    NoVideo,
    /// Video coded as something that is not taken.
    #[error("this coding of video is not taken ({0}): set the camera's video to H.264, H.265 or MJPEG")]
    Codec(String),
    /// Sizes or parameter sets that cannot be used.
    #[error("the camera's video parameters cannot be used")]
    Parameters(#[from] ParameterSetError),
    /// What came is no proper RTP or video; the text is the library's, without bytes of pictures or secrets.
    #[error(
        "the camera sent something that cannot be read as video ({0}): connecting again; if this repeats, update its firmware"
    )]
    BadStream(String),
    /// A picture without end.
    #[error(
        "the camera sent one picture of more than {} MiB: connecting again; if this repeats, choose a lower bit rate in the camera's settings",
        crate::PICTURE_BYTES_MAX >> 20
    )]
    PictureTooLarge,
    /// Nobody vouches for its certificate, and none is pinned.
    #[error(
        "the camera's certificate is not one that this machine trusts: compare its fingerprint with the one on the camera's own page; if they agree, write certificate = \"{0}\" into its entry"
    )]
    UntrustedCertificate(Fingerprint),
    /// Another certificate than the pinned one.
    #[error(
        "the camera shows another certificate ({0}) than its entry names: if it was given a new one, compare it with the camera's own page and write it into the entry; if not, somebody stands between"
    )]
    OtherCertificate(Fingerprint),
    /// TLS failed otherwise; the text names no address.
    #[error(
        "no encrypted connection to the camera comes about ({0}): check the port in its address (322 is usual) and that RTSPS (RTSP over TLS) is switched on in the camera"
    )]
    Encryption(String),
    /// UDP beside encrypted requests.
    #[error(
        "pictures over UDP would travel in clear beside an rtsps:// address: take transport = \"udp\" out of its entry"
    )]
    UdpInClear,
    /// Over UDP, and the packets would come from another host.
    #[error(
        "the camera wants its pictures (UDP) taken from another host than its own, which could be anybody's: take transport = \"udp\" out of its entry, or write the address of the host that sends"
    )]
    OtherSender,
    /// Connected, and no picture came.
    #[error("the camera went silent: no picture for {} s, though the connection is open", .0.as_secs_f64().ceil())]
    Silent(Duration),
    /// The camera ended the connection.
    #[error("the camera closed the connection")]
    Closed,
    /// Pictures, but none to start from.
    #[error(
        "the camera sent no key frame within {} s: set its key frame (I-frame) interval to 1 to 4 s and switch off gradual refresh",
        .0.as_secs_f64().ceil()
    )]
    NoKeyFrame(Duration),
    /// The video file cannot be opened or read.
    #[error("the video file cannot be opened: check its path and that Louver may read it")]
    OpenFile(#[source] io::Error),
    /// The video file cannot be played.
    #[error("the video file cannot be played: {0}")]
    File(#[source] Mp4Error),
    /// It has no key frame, or no picture at all.
    #[error(
        "the video file holds no key frame to start from: `ffmpeg -i IN -c:v libx264 OUT.mp4` makes one that does"
    )]
    NoPictures,
    /// The camera was to tell the stream's address (ONVIF) and did not; in the words of whoever asked.
    #[error("the camera does not tell where its stream is: {0}")]
    NotTold(String),
    /// The camera tells another address than before.
    #[error("the camera's stream has another address now: connecting there")]
    Moved,
    /// A fault in the software.
    #[error(
        "reading the camera's data failed by a fault of Louver's: connecting again; please report it with the log"
    )]
    Crashed,
}

impl IngestError {
    pub(crate) fn patience(&self) -> Patience {
        match self {
            Self::WrongPassword => Patience::Password,
            Self::PasswordNeeded
            | Self::Forbidden
            | Self::Codec(_)
            | Self::NoVideo
            | Self::UntrustedCertificate(_)
            | Self::OtherCertificate(_)
            | Self::UdpInClear
            | Self::OtherSender => Patience::Settings,
            Self::ConnectionRefused | Self::Unreachable(_) | Self::NoAnswer(_) | Self::NameNotFound(_) => {
                Patience::Away
            }
            _ => Patience::Soon,
        }
    }

    /// What retina met, as one of ours. Its errors are opaque but for the status, so the start of its text tells.
    pub(crate) fn from_retina(error: &retina::Error, address: &CameraAddress) -> Self {
        if let Some(status) = error.status_code() {
            return Self::from_status(status, error, address);
        }
        let text = error.to_string();
        let starts = |with: &str| text.starts_with(with);
        if starts("Unable to connect") {
            Self::from_connect(&text)
        } else if starts("Error reading") || starts("Error writing") {
            Self::Closed
        } else if starts("RTSP framing error") {
            Self::NotRtsp
        } else {
            Self::BadStream(detail(&text, address))
        }
    }

    /// A library's words about a stream.
    pub(crate) fn bad_stream(text: &str, address: &CameraAddress) -> Self {
        Self::BadStream(detail(text, address))
    }

    fn from_status(status: u16, error: &retina::Error, address: &CameraAddress) -> Self {
        match status {
            401 if address.credentials().is_some() => Self::WrongPassword,
            401 => Self::PasswordNeeded,
            403 => Self::Forbidden,
            404 | 410 => Self::NoSuchPath,
            453 | 503 => Self::Busy(status),
            // Accepted, and then the answer itself made no sense.
            200..300 => Self::BadStream(detail(&error.to_string(), address)),
            _ => Self::Refused(status),
        }
    }

    fn from_connect(text: &str) -> Self {
        let code =
            text.rsplit_once("(os error ").and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok());
        match code.map(io::Error::from_raw_os_error) {
            Some(e) if e.kind() == io::ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            // The system's words, which name no address.
            Some(e) => Self::Unreachable(e.to_string()),
            None => Self::Unreachable("no route".into()),
        }
    }
}

/// The first line of a library's text, cut to 160 characters, without control characters, without addresses, and without the user
/// name and password in case the camera sent them back. The following lines hold addresses and bytes.
fn detail(text: &str, address: &CameraAddress) -> String {
    let line = text.lines().next().unwrap_or("").trim_end_matches(':');
    // First, so that nothing is put together by it afterwards.
    let mut line: String = line.chars().filter(|c| !c.is_control()).collect();
    let url = address.rtsp_url();
    let query = url.and_then(url::Url::query).map(str::to_owned);
    // A name without a dot may be a part of any word.
    let host = url.and_then(url::Url::host_str).filter(|host| host.contains(['.', ':'])).map(str::to_owned);
    let signed = address.credentials().map(|c| [c.user.clone(), c.password.expose_secret().to_owned()]);
    let secrets = signed.into_iter().flatten().chain(query).chain(host);
    let mut secrets: Vec<_> = secrets.filter(|s| !s.is_empty()).collect();
    // The longest first: it may hold the others.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        line = line.replace(&secret, "[…]");
    }
    // Nor any address, the camera's or one that it made up.
    let words = line.split(' ').map(|word| if word.contains("://") { "[…]" } else { word });
    words.collect::<Vec<&str>>().join(" ").chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_the_camera_sends_back_is_not_repeated() {
        let address: CameraAddress = "rtsp://admin:s3cret@cam/x?user=admin&password=other".parse().unwrap();
        let said = detail("bad user=admin&password=other s3cret \u{1b}[2J\nconn: 10.0.0.9", &address);
        assert_eq!(said, "bad […] […] [2J");
        let said = detail(
            "DESCRIBE response at rtsp://10.0.0.9/x?user=admin has unexpected content type a/b",
            &address,
        );
        assert_eq!(said, "DESCRIBE response at […] has unexpected content type a/b");
        let at: CameraAddress = "rtsp://10.0.0.9/x".parse().unwrap();
        assert_eq!(detail("Invalid version: 0 IN IP4 10.0.\u{0}0.9", &at), "Invalid version: 0 IN IP4 […]");
        assert!(detail(&"x".repeat(5000), &address).len() <= 160);
    }

    #[test]
    fn what_the_system_said_about_connecting_is_understood() {
        let of = |text| IngestError::from_connect(text).to_string();
        assert!(
            of("Unable to connect to RTSP server: Connection refused (os error 111)")
                .contains("refuses the connection")
        );
        assert!(
            of("Unable to connect to RTSP server: No route to host (os error 113)")
                .contains("No route to host")
        );
        assert!(of("Unable to connect to RTSP server: ?").contains("cannot be reached"));
    }
}
