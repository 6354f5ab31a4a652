//! Why a camera cannot be asked, in words for the operator.

use std::io;
use std::time::Duration;

use crate::xml::XmlError;

/// Why a camera gave no answer that can be used. No sentence holds an address, a user name or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnvifError {
    /// The name in the address is unknown.
    #[error("the camera's host name cannot be found: check its spelling, or write its IP address instead")]
    NameNotFound(#[source] io::Error),
    /// The host answers, and nothing listens there.
    #[error(
        "nothing listens for ONVIF there: check the port (80, 8000, 8080 and 2020 are usual) and that ONVIF is switched on in the camera"
    )]
    ConnectionRefused,
    /// No way to the host.
    #[error(
        "the camera cannot be reached: check that it has power and network, and that its address is right ({0})"
    )]
    Unreachable(String),
    /// Nothing, or not all of it, came in time.
    #[error(
        "the camera does not answer within {} s: check that it has power and network, and that no firewall stands between",
        .0.as_secs_f64().ceil()
    )]
    NoAnswer(Duration),
    /// Something answers that is no ONVIF camera.
    #[error(
        "what answers there does not speak ONVIF (HTTP status {0}): check the port, and that ONVIF is switched on in the camera"
    )]
    NotOnvif(u16),
    /// It does not speak HTTP.
    #[error("what answers there does not speak HTTP: check the port")]
    NotHttp,
    /// It wants a password, and there is none.
    #[error(
        "the camera wants a user name and password: many cameras have ONVIF users of their own, which are made on the camera's page"
    )]
    PasswordNeeded,
    /// It refused the password.
    #[error(
        "the camera refuses the user name or password: many cameras have ONVIF users of their own, and refuse everybody whose clock is wrong"
    )]
    WrongPassword,
    /// It would take the password only in clear text.
    #[error("the camera wants the password in clear text (basic sign-in): set it to digest sign-in")]
    ClearText,
    /// It sends whoever asks to another place, which is never followed: it could be anybody's.
    #[error(
        "the camera sends its visitors to another address, which is not followed: name that address, or switch off HTTPS-only in the camera"
    )]
    Elsewhere,
    /// The answer cannot be read.
    #[error("the camera's answer cannot be read")]
    Unreadable(#[from] XmlError),
    /// The answer is XML and lacks something.
    #[error("the camera's answer lacks {0}")]
    Incomplete(&'static str),
    /// The camera says no, in its own words.
    #[error("the camera refuses: {0}")]
    Fault(String),
    /// It has none.
    #[error("the camera has no {0}")]
    NotThere(&'static str),
}

impl OnvifError {
    pub(crate) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            // The system's words, which name no address.
            _ => Self::Unreachable(
                error
                    .raw_os_error()
                    .map_or_else(|| "no route".into(), |code| io::Error::from_raw_os_error(code).to_string()),
            ),
        }
    }

    /// Whether another name or password could help.
    pub fn is_sign_in(&self) -> bool {
        matches!(self, Self::PasswordNeeded | Self::WrongPassword | Self::ClearText)
    }
}
