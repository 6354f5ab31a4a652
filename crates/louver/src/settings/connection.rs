//! How a camera is connected to, and whether its sound is taken.

use std::ops::Range;

use louver_node::{Audio, Connection, Transport};
use toml::Spanned;

use super::Problem;
use super::problem::repeated;

/// As written.
pub(super) struct Raw {
    pub(super) transport: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) audio: Option<Spanned<String>>,
}

/// What is wrong is added to `found`; the default stands in its place, and nothing comes of it.
pub(super) fn checked(camera: &str, raw: Raw, found: &mut Vec<(Range<usize>, Problem)>) -> Connection {
    let mut wrong = |raw: &Spanned<String>, problem: fn(String, String) -> Problem| {
        let value = repeated(raw.get_ref());
        found.push((raw.span(), problem(camera.to_owned(), value)));
    };
    let mut connection = Connection::default();
    if let Some(raw) = raw.transport {
        match raw.get_ref().as_str() {
            "tcp" => connection.transport = Transport::Tcp,
            "udp" => connection.transport = Transport::Udp,
            _ => wrong(&raw, |camera, value| Problem::Transport { camera, value }),
        }
    }
    if let Some(raw) = raw.audio {
        match raw.get_ref().as_str() {
            "off" => connection.audio = Audio::Off,
            "sealed" => connection.audio = Audio::Sealed,
            _ => wrong(&raw, |camera, value| Problem::Audio { camera, value }),
        }
    }
    if let Some(raw) = raw.certificate {
        match raw.get_ref().trim().parse() {
            Ok(fingerprint) => connection.certificate = Some(fingerprint),
            Err(_) => wrong(&raw, |camera, _| Problem::Certificate { camera }),
        }
    }
    connection
}
