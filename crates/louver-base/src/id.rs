//! Names of cameras and events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The id names folders and addresses, so only safe characters may stand in it.
    #[error(
        "\"{0}\" is not a camera id: use 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit, for example \"front-door\""
    )]
    Camera(String),
    /// Event ids are 32 lower-case hexadecimal digits.
    #[error("\"{0}\" is not an event id: 32 hexadecimal digits are expected")]
    Event(String),
}

/// A camera's short name: 1 to 32 of `a-z 0-9 -`, starting with a letter or digit.
///
/// It is safe as a folder name and as a part of a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CameraId(String);

impl CameraId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CameraId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(IdError::Camera(text.chars().take(64).collect())) }
    }
}

impl TryFrom<String> for CameraId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<CameraId> for String {
    fn from(id: CameraId) -> Self {
        id.0
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event's id: 128 random bits, so that it says nothing about when, where or whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(u128);

impl EventId {
    /// From 128 bits that the caller drew at random.
    pub const fn from_random(bits: u128) -> Self {
        Self(bits)
    }
}

impl FromStr for EventId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let lower_hex = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(bits) if lower_hex => Ok(Self(bits)),
            _ => Err(IdError::Event(text.chars().take(64).collect())),
        }
    }
}

impl TryFrom<String> for EventId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_that_could_leave_its_folder_is_refused() {
        for bad in ["", "..", "a/b", "A", "-a", "a b", "ä", "a\0", &"a".repeat(33)] {
            assert!(bad.parse::<CameraId>().is_err(), "{bad:?}");
        }
        assert!("front-door-2".parse::<CameraId>().is_ok());
    }

    proptest! {
        #[test]
        fn an_event_id_reads_back_as_it_was_written(bits: u128) {
            let id = EventId::from_random(bits);
            prop_assert_eq!(id.to_string().parse::<EventId>(), Ok(id));
        }
    }
}
