//! A holder's secret half and the file that it is kept in.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::hkdf;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bip39::{Language, Mnemonic};
use louver_base::WallTime;
use zeroize::Zeroizing;

use super::{CONSENT, HolderId, HolderPublic, SIGN_IN, age_identity, raw};
use crate::error::IdentityProblem;
use crate::keys::{expand32, fill_random};
use crate::{SiteId, VaultError};

/// Words of a recovery secret.
pub const IDENTITY_WORDS: usize = 24;

/// A holder's file has about 500 bytes.
const MAX_IDENTITY_FILE: u64 = 64 << 10;
/// BIP-39's longest words have eight letters.
const MAX_WORDS_TEXT: usize = IDENTITY_WORDS * 9;

/// A holder's secret half: the recovery secret and what is derived from it. Only the holder has it: it is made by
/// `louver holder new` or in a browser, kept away from the recorder, and needed for agreeing to an opening alone.
pub struct Identity {
    recovery: Zeroizing<[u8; 32]>,
    sealing: age::x25519::Identity,
    signing: Ed25519KeyPair,
    public: HolderPublic,
}

impl fmt::Debug for Identity {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity of {}", self.id())
    }
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, VaultError> {
        let mut recovery = Zeroizing::new([0; 32]);
        fill_random(&mut *recovery)?;
        Self::from_recovery_secret(recovery)
    }

    /// From the 32 bytes that the words stand for.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn from_recovery_secret(recovery: Zeroizing<[u8; 32]>) -> Result<Self, VaultError> {
        let failed = VaultError::Crypto { doing: "deriving a holder's keys" };
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"louver holder v1").extract(&*recovery);
        let keys = expand32(&prk, &[b"age"]).zip(expand32(&prk, &[b"sign"]));
        let Some((sealing, seed)) = keys else { return Err(failed) };
        let sealing = age_identity(&sealing);
        let signing = Ed25519KeyPair::from_seed_unchecked(&*seed);
        let (Some(sealing), Ok(signing)) = (sealing, signing) else { return Err(failed) };
        let mut public = [0; 64];
        public[..32].copy_from_slice(&raw(&sealing.to_public()).unwrap_or_default());
        public[32..].copy_from_slice(signing.public_key().as_ref());
        let Ok(public) = HolderPublic::from_bytes(&public) else { return Err(failed) };
        Ok(Self { recovery, sealing, signing, public })
    }

    /// The public half, for the settings.
    pub fn public(&self) -> HolderPublic {
        self.public.clone()
    }

    /// The holder's id.
    pub fn id(&self) -> HolderId {
        self.public.id()
    }

    /// Signs a document: this holder's consent to exactly these bytes.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn consent(&self, document: &[u8]) -> Result<[u8; 64], VaultError> {
        self.sign(CONSENT, document)
    }

    /// Answers a sign-in's challenge.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn sign_in(&self, site: SiteId, challenge: &[u8; 32]) -> Result<[u8; 64], VaultError> {
        self.sign(SIGN_IN, &[&site.as_bytes()[..], challenge].concat())
    }

    fn sign(&self, what: &[u8], message: &[u8]) -> Result<[u8; 64], VaultError> {
        let failed = VaultError::Crypto { doing: "signing" };
        let signature = self.signing.try_sign(&[what, message].concat()).map_err(|_| ());
        signature.and_then(|s| s.as_ref().try_into().map_err(|_| ())).map_err(|()| failed)
    }

    /// For age.
    pub(crate) fn as_age(&self) -> &dyn age::Identity {
        &self.sealing
    }

    fn mnemonic(&self) -> Mnemonic {
        Mnemonic::from_entropy_in(Language::English, &*self.recovery).expect("32 bytes make 24 words")
    }

    /// The 24 words, with a space between two.
    pub fn words(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(MAX_WORDS_TEXT));
        for word in self.mnemonic().words() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }

    /// From the words as somebody typed them: capitals and additional space do not matter.
    ///
    /// # Errors
    /// Says which word is wrong, as far as that can be told.
    pub fn from_words(words: &str) -> Result<Self, IdentityProblem> {
        let mut text = Zeroizing::new(String::with_capacity(MAX_WORDS_TEXT));
        for word in words.split_whitespace() {
            if text.len() + 1 + word.len() > MAX_WORDS_TEXT {
                return Err(IdentityProblem::WordCount { found: words.split_whitespace().count() });
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        }
        let found = text.split_whitespace().count();
        if found != IDENTITY_WORDS {
            return Err(IdentityProblem::WordCount { found });
        }
        let mnemonic =
            Mnemonic::parse_in_normalized(Language::English, &text).map_err(|problem| match problem {
                bip39::Error::UnknownWord(n) => IdentityProblem::UnknownWord { number: n + 1 },
                _ => IdentityProblem::Checksum,
            })?;
        let (entropy, _) = mnemonic.to_entropy_array();
        let entropy = Zeroizing::new(entropy);
        let mut recovery = Zeroizing::new([0; 32]);
        recovery.copy_from_slice(&entropy[..32]);
        Self::from_recovery_secret(recovery).map_err(|_| IdentityProblem::Checksum)
    }

    /// From the text of a holder's file: comments, and the 24 words on one line or several.
    ///
    /// # Errors
    /// Says what the text is instead.
    pub fn from_text(text: &str) -> Result<Self, IdentityProblem> {
        if text.starts_with("age-encryption.org/") || text.starts_with("-----BEGIN AGE ENCRYPTED FILE") {
            return Err(IdentityProblem::Encrypted);
        }
        let lines = || text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        if lines().any(|l| l.starts_with("AGE-SECRET-KEY-1")) {
            return Err(IdentityProblem::AgeIdentity);
        }
        if lines().any(|l| l.starts_with("holder1")) {
            return Err(IdentityProblem::OnlyPublic);
        }
        let mut words = Zeroizing::new(String::with_capacity(text.len() + 1));
        for line in lines() {
            words.push_str(line);
            words.push(' ');
        }
        Self::from_words(&words).map_err(|problem| match problem {
            // Two words of text are a wrong file; twenty are a file with a slip.
            IdentityProblem::WordCount { found } if found < IDENTITY_WORDS / 2 => IdentityProblem::NoWords,
            other => other,
        })
    }

    /// The holder's file, with the public half in a comment.
    pub fn to_text(&self, created: WallTime) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(1024));
        text.push_str(
            "# Louver holder. These 24 words are the holder: whoever has them can agree to openings.\n",
        );
        text.push_str("# Keep this file, and the words on paper, away from the recorder.\n");
        text.push_str(&format!(
            "# created: {created}\n# id: {}\n# public half: {}\n",
            self.id(),
            self.public
        ));
        text.push_str(&self.words());
        text.push('\n');
        text
    }

    /// Reads a holder's file.
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
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            if starts_encrypted { IdentityProblem::Encrypted } else { IdentityProblem::NoWords }
        });
        text.and_then(Self::from_text).map_err(not)
    }

    /// Writes a new holder's file that only its owner can read (mode 0600), and makes sure that it is on the disk.
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
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt;

    fn of(bytes: [u8; 32]) -> Identity {
        Identity::from_recovery_secret(Zeroizing::new(bytes)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_same_words_are_the_same_holder(secret: [u8; 32]) {
            let one = of(secret);
            let words = one.words();
            prop_assert_eq!(words.split(' ').count(), IDENTITY_WORDS);
            let typed = words.to_uppercase().replace(' ', "  \n");
            prop_assert_eq!(Identity::from_words(&typed).unwrap().public(), one.public());
            prop_assert_eq!(Identity::from_text(&one.to_text(WallTime::from_millis(0))).unwrap().id(), one.id());
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text: String) {
            let _ = Identity::from_text(&text);
            let _ = Identity::from_words(&text);
            let _ = text.parse::<HolderPublic>();
        }
    }

    /// RFC 5869, RFC 8032 and RFC 7748 by the same library, but put together by hand: docs/keys.md, "Holder".
    #[test]
    fn keys_are_derived_as_the_page_says() {
        let hmac = |key: &[u8], data: &[u8]| {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
            aws_lc_rs::hmac::sign(&key, data).as_ref().to_vec()
        };
        let prk = hmac(b"louver holder v1", &[7; 32]);
        let sealing = hmac(&prk, b"age\x01");
        let seed = hmac(&prk, b"sign\x01");
        use aws_lc_rs::agreement::{PrivateKey, X25519};
        let sealing = PrivateKey::from_private_key(&X25519, &sealing).unwrap().compute_public_key().unwrap();
        let signing = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public = of([7; 32]).public().to_bytes();
        assert_eq!(public, *[sealing.as_ref(), signing.public_key().as_ref()].concat());
    }

    #[test]
    fn the_words_are_those_of_bip_39() {
        let words = of([0; 32]).words();
        assert_eq!(*words, format!("{}art", "abandon ".repeat(23)), "the list's own test vector");
        assert!(of([0xff; 32]).words().ends_with("zoo vote"));
    }

    #[test]
    fn a_holders_file_is_its_owners_alone_reads_back_and_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("holder.txt");
        let identity = Identity::generate().unwrap();
        identity.write_file(&path, WallTime::from_millis(0)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Identity::read_file(&path).unwrap().public(), identity.public());
        let before = std::fs::read(&path).unwrap();
        let refused = Identity::generate().unwrap().write_file(&path, WallTime::from_millis(0)).unwrap_err();
        assert!(refused.to_string().contains("exists and is left as it is"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let text = String::from_utf8(before).unwrap();
        assert!(text.contains(&format!("# public half: {}\n", identity.public())));
        assert!(!format!("{identity:?}").contains(identity.words().split(' ').next().unwrap()));
    }

    #[test]
    fn a_file_that_is_no_holder_says_what_it_is_instead() {
        let one = Identity::generate().unwrap();
        let words = one.words();
        let without_last = words.rsplit_once(' ').unwrap().0.to_owned();
        let cases = [
            ("hello".to_owned(), IdentityProblem::NoWords),
            (String::new(), IdentityProblem::NoWords),
            (format!("# mine\n{}\n", one.public()), IdentityProblem::OnlyPublic),
            ("AGE-SECRET-KEY-1QQQ\n".to_owned(), IdentityProblem::AgeIdentity),
            ("-----BEGIN AGE ENCRYPTED FILE-----\n".to_owned(), IdentityProblem::Encrypted),
            (without_last.clone(), IdentityProblem::WordCount { found: 23 }),
            (format!("{} {}", *words, "zoo"), IdentityProblem::WordCount { found: 25 }),
            (format!("{without_last} kamera"), IdentityProblem::UnknownWord { number: 24 }),
        ];
        for (text, problem) in cases {
            assert_eq!(Identity::from_text(&text).unwrap_err(), problem);
        }
        // The last word's checksum has eight bits: of 2048 words eight fit.
        let slips = ["abandon", "ability", "able", "about", "above", "absent", "absorb", "abstract"];
        let seen = slips.iter().filter(|last| {
            let slip = Identity::from_words(&format!("{without_last} {last}"));
            slip.is_err_and(|e| e == IdentityProblem::Checksum)
        });
        assert!(seen.count() >= 6, "a slip in a word is seen");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        std::fs::write(&path, vec![b'a'; 100_000]).unwrap();
        assert!(Identity::read_file(&path).unwrap_err().to_string().contains("longer than 64 KiB"));
        let missing = Identity::read_file(&dir.path().join("none")).unwrap_err();
        assert!(matches!(missing, VaultError::IdentityRead { .. }));
    }
}
