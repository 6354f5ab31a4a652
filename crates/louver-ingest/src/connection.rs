//! How a camera is connected to, and what is asked of it besides pictures.

use std::fmt;
use std::str::FromStr;

/// How pictures travel. Requests always go over TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Within the connection of the requests (RFC 2326 section 10.12): nothing is lost, and a slow reader holds the camera
    /// back. The default.
    #[default]
    Tcp,
    /// Packets of their own (RFC 3550): for cameras whose TCP stalls. What is lost is counted and written down as a gap.
    Udp,
}

/// Whether sound is taken from a camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audio {
    /// It is not even asked for; the default.
    #[default]
    Off,
    /// It is sealed beside the pictures, because the camera's entry in the register says so.
    Sealed,
}

/// SHA-256 of a certificate as it is sent (DER).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a certificate's fingerprint is sha256: and 64 hexadecimal digits, with or without colons between them"
)]
pub struct FingerprintError;

impl Fingerprint {
    pub(crate) fn of(certificate: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
        let mut out = [0; 32];
        out.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(out)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits = text.strip_prefix("sha256:").ok_or(FingerprintError)?;
        let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b':').collect();
        let mut out = [0; 32];
        if digits.len() != 64 {
            return Err(FingerprintError);
        }
        for (to, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            if !pair.iter().all(u8::is_ascii_hexdigit) {
                return Err(FingerprintError);
            }
            let pair = std::str::from_utf8(pair).map_err(|_| FingerprintError)?;
            *to = u8::from_str_radix(pair, 16).map_err(|_| FingerprintError)?;
        }
        Ok(Self(out))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How one camera is connected to. The default is TCP, certificates that the system trusts, and no sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// How pictures travel.
    pub transport: Transport,
    /// The one certificate that an encrypted camera may show; `None`: any that the system's authorities vouch for. There is no
    /// way to take any.
    pub certificate: Option<Fingerprint>,
    /// Whether its sound is taken.
    pub audio: Audio,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_printed_and_as_other_programs_print_it() {
        let of = Fingerprint::of(b"certificate");
        assert_eq!(of.to_string().parse(), Ok(of));
        let hex = of.to_string().split_off(7).to_uppercase();
        let pairs: Vec<&str> = (0..32).map(|n| &hex[2 * n..2 * n + 2]).collect();
        assert_eq!(format!("sha256:{}", pairs.join(":")).parse(), Ok(of));
        for wrong in
            [&hex[..], "sha256:", "sha256:+1", &format!("sha256:{}", "+1".repeat(32)), &format!("{of}0")]
        {
            // `+1` is a number to `from_str_radix`, and no digits.
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }
}
