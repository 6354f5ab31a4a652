//! Where a camera answers questions, taken apart at the edge so that its password cannot be printed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use louver_base::{CameraAddress, Credentials};
use secrecy::ExposeSecret as _;
use url::{Host, Url};

/// Where ONVIF's device service stands unless a camera says otherwise (ONVIF Core specification, section 5.1.2).
const DEVICE_SERVICE: &str = "/onvif/device_service";

/// Why a text is not the address of a camera's ONVIF service. The text itself is never repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnvifAddressError {
    /// Not a URL and not a host.
    #[error(
        "that is neither a host nor a URL: expected for instance 192.0.2.10, 192.0.2.10:8000 or http://192.0.2.10/onvif/device_service"
    )]
    NotAUrl,
    /// Encrypted.
    #[error(
        "https:// is not spoken yet: write http://; with questions only a digest of the password is sent"
    )]
    Https,
    /// Another kind of URL.
    #[error("addresses of ONVIF cameras start with http://")]
    Scheme,
}

/// The address of a camera's ONVIF device service. `Debug` and `Display` never show user name or password.
#[derive(Clone)]
pub struct OnvifAddress {
    url: Url,
    credentials: Option<Credentials>,
}

impl OnvifAddress {
    /// The same camera, asked as this user.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<Credentials>) -> Self {
        self.credentials = credentials;
        self
    }

    /// User name and password, if there are any.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The address without user name and password.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host as it stands in the address; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port().unwrap_or(80)
    }

    /// What a camera that was found says of itself, on the host that said it: whoever answers can be asked questions, and
    /// cannot have them put to others. `None` for what is no HTTP address.
    pub(crate) fn on_host(said: &str, host: IpAddr) -> Option<Self> {
        let mut url = Url::parse(said).ok().filter(|url| url.scheme() == "http")?;
        url.set_ip_host(host).ok()?;
        Some(Self::from_url(url))
    }

    /// An address that the camera names for one of its services, on the camera's own host whatever it says: cameras name
    /// addresses that they have long lost, and hostile ones name somebody else's. The port is the named one where the host
    /// is right, else the camera's own.
    pub(crate) fn service(&self, said: &str) -> Option<Url> {
        let mut url = Url::parse(said).ok().filter(|url| url.scheme() == "http")?;
        if url.host() != self.url.host() {
            url.set_host(self.url.host_str()).ok()?;
            url.set_port(self.url.port()).ok()?;
        }
        clear(&mut url);
        Some(url)
    }

    /// A stream's address that the camera names, on the camera's own host as well: what is recorded is this camera, and its
    /// password goes to nobody else. `None` for what is no RTSP address.
    pub(crate) fn stream(&self, said: &str) -> Option<CameraAddress> {
        let mut url = Url::parse(said).ok().filter(|url| url.scheme() == "rtsp" && url.has_host())?;
        url.set_host(self.url.host_str()).ok()?;
        clear(&mut url);
        if let Some(Credentials { user, password }) = &self.credentials {
            // A '%' stays as it is in a URL, so it would be read back as the start of a code.
            url.set_username(&user.replace('%', "%25")).ok()?;
            url.set_password(Some(&password.expose_secret().replace('%', "%25"))).ok()?;
        }
        url.as_str().parse().ok()
    }

    fn from_url(mut url: Url) -> Self {
        if matches!(url.path(), "" | "/") {
            url.set_path(DEVICE_SERVICE);
        }
        url.set_fragment(None);
        clear(&mut url);
        Self { url, credentials: None }
    }
}

fn clear(url: &mut Url) {
    // Cannot fail: the URL has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

impl FromStr for OnvifAddress {
    type Err = OnvifAddressError;

    /// A URL, or a host with or without a port.
    fn from_str(text: &str) -> Result<Self, OnvifAddressError> {
        let text = text.trim();
        let url = match text.contains("://") {
            true => Url::parse(text),
            // "::1" is a host too.
            false => match text.parse::<IpAddr>() {
                Ok(IpAddr::V6(ip)) => Url::parse(&format!("http://[{ip}]/")),
                _ => Url::parse(&format!("http://{text}")),
            },
        };
        let url = url.map_err(|_| OnvifAddressError::NotAUrl)?;
        match url.scheme() {
            "http" => {}
            "https" => return Err(OnvifAddressError::Https),
            _ => return Err(OnvifAddressError::Scheme),
        }
        if !matches!(url.host(), Some(Host::Domain(d)) if !d.is_empty())
            && !matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
        {
            return Err(OnvifAddressError::NotAUrl);
        }
        // The one place that knows how user names and passwords stand in addresses reads them.
        let signed = (!url.username().is_empty())
            .then(|| format!("rtsp://{}:{}@x/", url.username(), url.password().unwrap_or_default()));
        let credentials = match signed.map(|text| text.parse::<CameraAddress>()) {
            Some(Ok(address)) => address.credentials().cloned(),
            Some(Err(_)) => return Err(OnvifAddressError::NotAUrl),
            None => None,
        };
        Ok(Self::from_url(url).with_credentials(credentials))
    }
}

impl fmt::Display for OnvifAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query may hold a password too.
        let mut url = self.url.clone();
        if url.query().is_some() {
            url.set_query(Some("[…]"));
        }
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for OnvifAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[…]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> OnvifAddress {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_alone_is_enough() {
        for (text, url) in [
            ("192.0.2.10", "http://192.0.2.10/onvif/device_service"),
            ("192.0.2.10:8000", "http://192.0.2.10:8000/onvif/device_service"),
            ("camera.example", "http://camera.example/onvif/device_service"),
            ("2001:db8::7", "http://[2001:db8::7]/onvif/device_service"),
            ("http://192.0.2.10/other", "http://192.0.2.10/other"),
        ] {
            assert_eq!(address(text).to_string(), url);
        }
        assert_eq!(address("2001:db8::7").host(), "2001:db8::7");
        for (text, why) in [
            ("", OnvifAddressError::NotAUrl),
            ("http://", OnvifAddressError::NotAUrl),
            ("https://192.0.2.10/", OnvifAddressError::Https),
            ("rtsp://192.0.2.10/", OnvifAddressError::Scheme),
        ] {
            assert_eq!(text.parse::<OnvifAddress>().unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn neither_name_nor_password_is_printed() {
        let address = address("http://admin:p%40ss@192.0.2.10/?pwd=p@ss");
        assert_eq!(address.credentials().unwrap().password.expose_secret(), "p@ss");
        let printed = format!("{address} {address:?} {}", address.url());
        assert!(!printed.contains("admin") && !format!("{address}").contains("ss@"), "{printed}");
        assert!(!format!("{address}").contains("p@ss"));
    }

    #[test]
    fn whatever_a_camera_names_stays_on_its_own_host() {
        let camera = address("http://admin:secret@192.0.2.10:8000/");
        let service = |said| camera.service(said).map(|url| url.to_string());
        for (said, asked) in [
            ("http://192.0.2.10:8000/onvif/media", "http://192.0.2.10:8000/onvif/media"),
            ("http://192.0.2.10:9000/events?id=1", "http://192.0.2.10:9000/events?id=1"),
            ("http://198.51.100.9:81/onvif/media", "http://192.0.2.10:8000/onvif/media"),
            ("http://x:y@evil.example/", "http://192.0.2.10:8000/"),
        ] {
            assert_eq!(service(said).as_deref(), Some(asked));
        }
        assert_eq!(service("ftp://192.0.2.10/"), None);
        assert_eq!(service("no address"), None);

        let stream = camera.stream("rtsp://who:what@198.51.100.9:554/live?channel=1").unwrap();
        assert_eq!(stream.rtsp_url().unwrap().as_str(), "rtsp://192.0.2.10:554/live?channel=1");
        assert_eq!(stream.credentials().unwrap().password.expose_secret(), "secret");
        assert!(camera.stream("http://192.0.2.10/live").is_none() && camera.stream("rtsp:///x").is_none());
    }

    #[test]
    fn any_password_reaches_the_stream_as_it_was_typed() {
        for password in ["simple", "p@ss:w/rd?#", "100%41", "ä b\"'\\"] {
            let credentials = Credentials { user: "lo%uver".into(), password: password.into() };
            let camera = address("192.0.2.10").with_credentials(Some(credentials));
            let read = camera.stream("rtsp://192.0.2.10/a").unwrap();
            assert_eq!(read.credentials().unwrap().password.expose_secret(), password);
            assert_eq!(read.credentials().unwrap().user, "lo%uver");
        }
    }

    #[test]
    fn who_answers_a_search_can_only_speak_for_himself() {
        let found =
            OnvifAddress::on_host("http://198.51.100.9:8000/onvif/x", "192.0.2.10".parse().unwrap()).unwrap();
        assert_eq!(found.to_string(), "http://192.0.2.10:8000/onvif/x");
        assert!(OnvifAddress::on_host("https://192.0.2.10/", "192.0.2.10".parse().unwrap()).is_none());
    }
}
