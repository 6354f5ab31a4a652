//! Holders: who can open what is sealed.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use aws_lc_rs::agreement;
use louver_base::WallTime;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::error::IdentityProblem;

/// Holders at most: the header stays small, and nobody gathers more people than that for an opening.
pub const MAX_HOLDERS: usize = 32;

/// An identity file of `age-keygen` has about 200 bytes.
const MAX_IDENTITY_FILE: u64 = 64 << 10;

/// A holder's public half, an age X25519 recipient (`age1…`). It stands in the settings and in every segment's header.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recipient(age::x25519::Recipient);

/// Why a text is no recipient. The text itself is not repeated: it may be a secret put in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientError {
    /// Not of the right form.
    #[error(
        "this is no recipient: expected are the 62 characters that `louver holder new` prints, starting with age1"
    )]
    Form,
    /// The secret half was given. It has stood where others could read it.
    #[error(
        "this is a secret identity (AGE-SECRET-KEY-1…), not a recipient: take it out, treat it as known to others and \
         make a new one with `louver holder new`"
    )]
    Secret,
    /// A key that shares no secret with anybody: what is sealed for it, everybody could open.
    #[error("this recipient is one of the few keys that protect nothing: make one with `louver holder new`")]
    Weak,
}

impl FromStr for Recipient {
    type Err = RecipientError;
    fn from_str(text: &str) -> Result<Self, RecipientError> {
        let text = text.trim();
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY") {
            return Err(RecipientError::Secret);
        }
        let key: age::x25519::Recipient = text.parse().map_err(|_| RecipientError::Form)?;
        let (_, bytes) = bech32::decode(text).map_err(|_| RecipientError::Form)?;
        if shares_a_secret(&bytes) { Ok(Self(key)) } else { Err(RecipientError::Weak) }
    }
}

/// False for points of low order, whose shared secret is always zero (RFC 7748 section 6.1); sealing to one would
/// panic inside age.
fn shares_a_secret(public: &[u8]) -> bool {
    let random = aws_lc_rs::rand::SystemRandom::new();
    agreement::EphemeralPrivateKey::generate(&agreement::X25519, &random).is_ok_and(|ours| {
        let theirs = agreement::UnparsedPublicKey::new(&agreement::X25519, public);
        agreement::agree_ephemeral(ours, theirs, (), |secret| {
            if secret.iter().all(|byte| *byte == 0) { Err(()) } else { Ok(()) }
        })
        .is_ok()
    })
}

impl TryFrom<String> for Recipient {
    type Error = RecipientError;
    fn try_from(text: String) -> Result<Self, RecipientError> {
        text.parse()
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.to_string()
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Recipient {
    /// For age.
    pub(crate) fn as_age(&self) -> &dyn age::Recipient {
        &self.0
    }
}

/// Everybody for whom a site seals: 1 to 32, each once. Without one there is no recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders(Vec<Recipient>);

impl Holders {
    /// Takes the recipients in the settings' order.
    ///
    /// # Errors
    /// [`VaultError::NoHolder`] when there is none; too many, or one twice.
    pub fn new(recipients: Vec<Recipient>) -> Result<Self, VaultError> {
        if recipients.is_empty() {
            return Err(VaultError::NoHolder);
        }
        if recipients.len() > MAX_HOLDERS {
            return Err(VaultError::TooManyHolders(recipients.len()));
        }
        let twice = recipients.iter().enumerate().find(|(n, r)| recipients[..*n].contains(r));
        match twice {
            Some((_, recipient)) => Err(VaultError::SameHolderTwice(recipient.clone())),
            None => Ok(Self(recipients)),
        }
    }

    /// The recipients, at least one.
    pub fn recipients(&self) -> &[Recipient] {
        &self.0
    }
}

/// A holder's secret half. Only the holder has it: it is made by `louver holder new`, kept away from the recorder, and
/// needed for opening alone.
#[derive(Clone)]
pub struct Identity(age::x25519::Identity);

impl fmt::Debug for Identity {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity of {}", self.recipient())
    }
}

impl Identity {
    /// A new one, from the system's random numbers.
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// The public half, for the settings.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// For age.
    pub(crate) fn as_age(&self) -> &dyn age::Identity {
        &self.0
    }

    /// From the text of an age identity file: comments, and one line `AGE-SECRET-KEY-1…`.
    ///
    /// # Errors
    /// Says what the text is instead.
    pub fn from_text(text: &str) -> Result<Self, IdentityProblem> {
        if text.starts_with("age-encryption.org/") || text.starts_with("-----BEGIN AGE ENCRYPTED FILE") {
            return Err(IdentityProblem::Encrypted);
        }
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
        let mut keys = lines.iter().filter(|l| l.starts_with("AGE-SECRET-KEY-1"));
        match (keys.next(), keys.next()) {
            (Some(line), None) => line.parse().map(Self).map_err(|_| IdentityProblem::BadKey),
            (Some(_), Some(_)) => Err(IdentityProblem::TwoKeys),
            (None, _) if lines.iter().any(|l| l.parse::<Recipient>().is_ok()) => {
                Err(IdentityProblem::OnlyRecipient)
            }
            (None, _) => Err(IdentityProblem::NoKey),
        }
    }

    /// The identity as age's own tools write it (`age-keygen`), with the public key in a comment.
    pub fn to_text(&self, created: WallTime) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(512));
        text.push_str(
            "# Louver holder. Whoever has this file can open what is sealed for it; without it nobody can.\n",
        );
        text.push_str("# Keep it, and a copy, away from the recorder.\n");
        text.push_str(&format!("# created: {created}\n# public key: {}\n", self.recipient()));
        text.push_str(self.0.to_string().expose_secret());
        text.push('\n');
        text
    }

    /// Reads an identity file.
    ///
    /// # Errors
    /// When it cannot be read, or is something else: the message says what.
    pub fn read_file(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::IdentityRead { path: path.to_owned(), source };
        // Room from the start: a growing buffer would leave copies of the secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_IDENTITY_FILE as usize + 1));
        File::open(path)
            .map_err(failed)?
            .take(MAX_IDENTITY_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let not = |why| VaultError::NotAnIdentity { path: path.to_owned(), why };
        if bytes.len() as u64 > MAX_IDENTITY_FILE {
            return Err(not(IdentityProblem::TooLong));
        }
        let starts_encrypted = bytes.starts_with(b"age-encryption.org/");
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| if starts_encrypted { IdentityProblem::Encrypted } else { IdentityProblem::NoKey });
        text.and_then(Self::from_text).map_err(not)
    }

    /// Writes a new identity file that only its owner can read (mode 0600), and makes sure that it is on the disk.
    ///
    /// # Errors
    /// [`VaultError::IdentityExists`] when there is a file of that name: it is never written over.
    pub fn write_file(&self, path: &Path, created: WallTime) -> Result<(), VaultError> {
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => file,
            Err(source) if source.kind() == ErrorKind::AlreadyExists => {
                return Err(VaultError::IdentityExists { path: path.to_owned() });
            }
            Err(source) => return Err(VaultError::IdentityWrite { path: path.to_owned(), source }),
        };
        let written = file.write_all(self.to_text(created).as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|source| {
            // Half an identity is worse than none. That it cannot be removed is seen by the next try: the file exists.
            let _ = std::fs::remove_file(path);
            VaultError::IdentityWrite { path: path.to_owned(), source }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_identity_file_is_its_owners_alone_reads_back_and_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("holder.txt");
        let identity = Identity::generate();
        identity.write_file(&path, WallTime::from_millis(0)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Identity::read_file(&path).unwrap().recipient(), identity.recipient());
        let before = std::fs::read(&path).unwrap();
        let refused = Identity::generate().write_file(&path, WallTime::from_millis(0)).unwrap_err();
        assert!(refused.to_string().contains("exists and is left as it is"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let text = String::from_utf8(before).unwrap();
        assert!(
            text.contains(&format!("# public key: {}\n", identity.recipient())),
            "as age-keygen writes it"
        );
    }

    #[test]
    fn a_file_that_is_no_identity_says_what_it_is_instead() {
        let (one, two) = (Identity::generate(), Identity::generate());
        let at = WallTime::from_millis(0);
        let cases = [
            ("hello".to_owned(), IdentityProblem::NoKey),
            (String::new(), IdentityProblem::NoKey),
            (format!("# mine\n{}\n", one.recipient()), IdentityProblem::OnlyRecipient),
            ("-----BEGIN AGE ENCRYPTED FILE-----\n".to_owned(), IdentityProblem::Encrypted),
            (one.to_text(at).replace("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-1QQ"), IdentityProblem::BadKey),
            (format!("{}{}", *one.to_text(at), *two.to_text(at)), IdentityProblem::TwoKeys),
        ];
        for (text, problem) in cases {
            assert_eq!(Identity::from_text(&text).unwrap_err(), problem);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        std::fs::write(&path, vec![b'a'; 100_000]).unwrap();
        assert!(Identity::read_file(&path).unwrap_err().to_string().contains("longer than 64 KiB"));
        let missing = Identity::read_file(&dir.path().join("none")).unwrap_err();
        assert!(matches!(missing, VaultError::IdentityRead { .. }));
    }

    #[test]
    fn without_a_holder_the_sentence_says_how_to_make_one() {
        let refused = Holders::new(vec![]).unwrap_err().to_string();
        assert!(
            refused.starts_with("no holder, no recording") && refused.contains("louver holder new"),
            "{refused}"
        );
    }

    #[test]
    fn a_holder_named_twice_is_refused_and_32_are_enough() {
        let one = Identity::generate().recipient();
        assert!(matches!(Holders::new(vec![one.clone(), one]), Err(VaultError::SameHolderTwice(_))));
        let many = |n| Holders::new((0..n).map(|_| Identity::generate().recipient()).collect());
        assert!(many(MAX_HOLDERS).is_ok());
        assert!(matches!(many(MAX_HOLDERS + 1), Err(VaultError::TooManyHolders(33))));
    }

    #[test]
    fn a_secret_in_the_place_of_a_recipient_is_refused_and_not_repeated() {
        let text = Identity::generate().0.to_string().expose_secret().to_owned();
        let refused = text.parse::<Recipient>().unwrap_err();
        assert_eq!(refused, RecipientError::Secret);
        assert!(!refused.to_string().contains(&text[17..]));
        assert_eq!(text.to_lowercase().parse::<Recipient>().unwrap_err(), RecipientError::Secret);
    }

    #[test]
    fn a_recipient_reads_back_and_one_that_protects_nothing_is_refused() {
        let recipient = Identity::generate().recipient();
        assert_eq!(recipient.to_string().parse(), Ok(recipient));
        assert_eq!("age1abc".parse::<Recipient>(), Err(RecipientError::Form));
        let hrp = bech32::Hrp::parse("age").unwrap();
        for first in [0, 1] {
            let mut low_order = [0; 32];
            low_order[0] = first;
            let text = bech32::encode::<bech32::Bech32>(hrp, &low_order).unwrap();
            assert_eq!(text.parse::<Recipient>(), Err(RecipientError::Weak));
        }
    }
}
