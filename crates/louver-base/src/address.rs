//! A camera's address, taken apart at the edge so that its password cannot be printed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

/// Why a text is not a camera address. The text itself is never repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not a URL at all.
    #[error(
        "the camera address is not a URL: expected rtsp://[user:password@]host[:port]/path, the same with rtsps://, or file:///path/to/video.mp4"
    )]
    NotAUrl,
    /// A URL of a kind that Louver cannot record from.
    #[error("camera addresses start with rtsp://, rtsps:// or file://")]
    Scheme,
    /// No host stands in the address.
    #[error("the camera address names no host")]
    NoHost,
    /// A file address that is not an absolute path of this machine.
    #[error("a file address needs an absolute path: file:///path/to/video.mp4")]
    NotAPath,
}

/// User name and password of a camera.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password; prints as redacted.
    pub password: SecretString,
}

/// Where a camera's stream comes from. `Debug` and `Display` never show user name or password.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct CameraAddress(Kind);

#[derive(Clone)]
enum Kind {
    Rtsp { url: Url, credentials: Option<Credentials> },
    File(PathBuf),
    Told,
}

impl CameraAddress {
    /// No address of its own: the camera is asked for it (ONVIF) and followed when it tells another.
    pub const fn told() -> Self {
        Self(Kind::Told)
    }

    /// Whether the camera is asked for it.
    pub const fn is_told(&self) -> bool {
        matches!(self.0, Kind::Told)
    }

    /// The RTSP address without user name and password, or `None` for a file and for one that the camera tells.
    pub fn rtsp_url(&self) -> Option<&Url> {
        match &self.0 {
            Kind::Rtsp { url, .. } => Some(url),
            Kind::File(_) | Kind::Told => None,
        }
    }

    /// Whether the connection is encrypted (`rtsps://`).
    pub fn is_encrypted(&self) -> bool {
        self.rtsp_url().is_some_and(|url| url.scheme() == "rtsps")
    }

    /// The port of an RTSP address: 554, or 322 where it is encrypted, if it names none (RFC 7826 section 22.1).
    pub fn port(&self) -> Option<u16> {
        let usual = if self.is_encrypted() { 322 } else { 554 };
        self.rtsp_url().map(|url| url.port().unwrap_or(usual))
    }

    /// The user name and password that stood in the address.
    pub fn credentials(&self) -> Option<&Credentials> {
        match &self.0 {
            Kind::Rtsp { credentials, .. } => credentials.as_ref(),
            Kind::File(_) | Kind::Told => None,
        }
    }

    /// The video file to play, or `None` for a network camera.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Rtsp { .. } | Kind::Told => None,
            Kind::File(path) => Some(path),
        }
    }

    /// The address as it stood in the settings, password and all: for writing settings back, never for a log.
    pub fn reveal(&self) -> String {
        match &self.0 {
            Kind::Rtsp { url, credentials } => {
                let mut url = url.clone();
                if let Some(c) = credentials {
                    // A '%' stays as it is in a URL, so it would be read back as the start of a code.
                    let coded = |text: &str| text.replace('%', "%25");
                    // Cannot fail: such a URL with a host takes credentials.
                    let _ = url.set_username(&coded(&c.user));
                    let _ = url.set_password(Some(&coded(c.password.expose_secret())));
                }
                url.into()
            }
            Kind::File(path) => format!("file://{}", path.display()),
            Kind::Told => String::new(),
        }
    }
}

impl FromStr for CameraAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut url = Url::parse(text).map_err(|_| AddressError::NotAUrl)?;
        match url.scheme() {
            "rtsp" | "rtsps" => {
                if url.host_str().is_none_or(str::is_empty) {
                    return Err(AddressError::NoHost);
                }
                let credentials = (!url.username().is_empty()).then(|| Credentials {
                    user: percent_decoded(url.username()),
                    password: percent_decoded(url.password().unwrap_or("")).into(),
                });
                // Cannot fail: the URL has a host.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                Ok(Self(Kind::Rtsp { url, credentials }))
            }
            "file" => url.to_file_path().map(|p| Self(Kind::File(p))).map_err(|()| AddressError::NotAPath),
            // Not repeated: of "admin:secret@host" the user name parses as the scheme.
            _ => Err(AddressError::Scheme),
        }
    }
}

/// `%41` as `A`: people percent-encode what a URL cannot hold, cameras want it plain.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).and_then(|h| std::str::from_utf8(h).ok());
        match (bytes[at], code.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl TryFrom<String> for CameraAddress {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

/// Whether a part of an address may hold a password: that of the address itself, one that some makers have in the path
/// (`/user=admin_password=…_channel=1_stream=0.sdp`, XM and its like), or that of an address that was pasted twice.
fn tells_a_password(part: &str, credentials: Option<&Credentials>) -> bool {
    let part = part.to_ascii_lowercase();
    let own =
        credentials.map(|c| c.password.expose_secret().to_ascii_lowercase()).filter(|own| !own.is_empty());
    own.is_some_and(|own| part.contains(&own))
        || ["@", "=", "%40", "%3d"].iter().any(|sign| part.contains(sign))
}

impl fmt::Display for CameraAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // The query may hold a password too (`?user=admin&password=…`), so it is left out.
            Kind::Rtsp { url, credentials } => {
                let shown = |part: &str| !tells_a_password(part, credentials.as_ref());
                let host = url.host_str().filter(|host| shown(host)).unwrap_or("[…]");
                write!(f, "{}://{host}", url.scheme())?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(if shown(url.path()) { url.path() } else { "/[…]" })
            }
            Kind::File(path) => write!(f, "file://{}", path.display()),
            Kind::Told => f.write_str("(told by the camera)"),
        }
    }
}

impl fmt::Debug for CameraAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_address_never_shows_its_password() {
        let a: CameraAddress =
            "rtsp://admin:s3cret%40x@10.0.0.9:8554/main?user=admin&password=s3cret".parse().unwrap();
        for text in [format!("{a}"), format!("{a:?}"), format!("{:?}", a.credentials())] {
            assert!(!text.contains("s3cret"), "{text}");
        }
        assert_eq!(a.to_string(), "rtsp://10.0.0.9:8554/main");
        let c = a.credentials().unwrap();
        assert_eq!((c.user.as_str(), c.password.expose_secret()), ("admin", "s3cret@x"));
    }

    #[test]
    fn nor_one_in_its_path_as_some_makers_have_it_or_as_it_was_pasted_twice() {
        for (text, printed) in [
            ("rtsp://cam:554/user=admin_password=s3cret_channel=1_stream=0.sdp", "rtsp://cam:554/[…]"),
            ("rtsp://cam/user%3Dadmin%26password%3Ds3cret", "rtsp://cam/[…]"),
            ("rtsp://admin:s3cret@exam://admin:s3cret@192.0.2.10/", "rtsp://exam/[…]"),
            ("rtsp://admin:S3cret@cam/s3cret/main", "rtsp://cam/[…]"),
            ("rtsp://admin:s3cret@s3cret.example/main", "rtsp://[…]/main"),
            ("rtsp://admin:@cam/main", "rtsp://cam/main"),
        ] {
            let a: CameraAddress = text.parse().unwrap();
            assert_eq!((a.to_string().as_str(), format!("{a:?}").as_str()), (printed, printed));
        }
    }

    #[test]
    fn an_encrypted_camera_has_another_usual_port_and_keeps_its_scheme() {
        for (text, encrypted, port) in [
            ("rtsp://cam/x", false, 554),
            ("rtsps://cam/x", true, 322),
            ("rtsps://u:p@cam:7441/x", true, 7441),
        ] {
            let a: CameraAddress = text.parse().unwrap();
            assert_eq!((a.is_encrypted(), a.port(), a.reveal().as_str()), (encrypted, Some(port), text));
            assert!(a.to_string().starts_with(if encrypted { "rtsps://cam" } else { "rtsp://cam" }));
        }
    }

    #[test]
    fn any_password_survives_being_written_back() {
        for coded in ["pl%25ain", "a%2541b", "a%40b%3Ac%2Fd", "%C3%A4%20x"] {
            let a: CameraAddress = format!("rtsp://admin:{coded}@cam/main").parse().unwrap();
            let b: CameraAddress = a.reveal().parse().unwrap();
            let password = |a: &CameraAddress| a.credentials().unwrap().password.expose_secret().to_owned();
            assert_eq!(password(&a), password(&b), "{coded}");
        }
    }

    #[test]
    fn a_wrong_address_is_refused_without_repeating_it() {
        for (text, wanted) in [
            ("cam:s3 cret", "start with rtsp://, rtsps://"),
            ("s3cret@cam/x", "not a URL"),
            ("http://admin:s3cret@cam/x", "start with rtsp://"),
            ("rtsp:///x", "no host"),
        ] {
            let said = text.parse::<CameraAddress>().unwrap_err().to_string();
            assert!(said.contains(wanted) && !said.contains("s3cret"), "{text}: {said}");
        }
    }
}
