//! Signed notes, verifier keys and cosignatures ([signed-note](https://c2sp.org/signed-note),
//! [tlog-cosignature](https://c2sp.org/tlog-cosignature)). Pure.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::sha256;

/// Longest note that is read, bytes: 16 signatures of the largest kind and room to spare.
pub const MAX_NOTE: usize = 256 * 1024;
/// Most signature lines that are read.
const MAX_SIGNATURES: usize = 64;

/// Why a note or a key is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Not text, an empty line, or a signature line that is none.
    #[error("it is not a signed note: {0}")]
    Malformed(&'static str),
    /// Nobody whose key is known has signed it.
    #[error("it is not signed by the key {0}")]
    NotSigned(String),
    /// Somebody says to be the key's owner and is not, or the text was changed.
    #[error("its signature by {0} is wrong: the text was changed after it was signed, or another key signed")]
    WrongSignature(String),
    /// A text that is no verifier key.
    #[error(
        "\"{0}\" is not a verifier key: NAME+8 HEX DIGITS+BASE64 is expected, as it stands in the ledger's file `vkey`"
    )]
    NotAKey(String),
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The note's text: a log's own signature.
    Log,
    /// The note's text with a time before it: a witness's cosignature.
    Witness,
}

impl KeyKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Witness => 4,
        }
    }
}

/// A public key with its owner's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    public: [u8; 32],
}

impl VerifierKey {
    /// From its parts. The name has neither spaces nor `+` in it.
    ///
    /// # Errors
    /// [`NoteError::NotAKey`] for a name that cannot stand in a note.
    pub fn new(name: &str, kind: KeyKind, public: [u8; 32]) -> Result<Self, NoteError> {
        if name_fits(name) {
            Ok(Self { name: name.to_owned(), kind, public })
        } else {
            Err(NoteError::NotAKey(shortened(name)))
        }
    }

    /// Whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// First four bytes of SHA-256(name ‖ newline ‖ kind ‖ public key).
    pub fn id(&self) -> [u8; 4] {
        let hash = sha256(&[self.name.as_bytes(), b"\n", &[self.kind.byte()], &self.public]);
        let [a, b, c, d, ..] = *hash.as_bytes();
        [a, b, c, d]
    }

    /// Whether `signature` is this key's Ed25519 signature over `message`.
    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public).verify(message, signature).is_ok()
    }
}

fn name_fits(name: &str) -> bool {
    (1..=255).contains(&name.len()) && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.byte()];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let parse = || {
            let mut parts = text.splitn(3, '+');
            let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
            if key.len() > 64 {
                return None;
            }
            let bytes = STANDARD.decode(key).ok()?;
            let (kind, public) = bytes.split_first()?;
            let kind = match kind {
                1 => KeyKind::Log,
                4 => KeyKind::Witness,
                _ => return None,
            };
            let key = Self::new(name, kind, public.try_into().ok()?).ok()?;
            (hex::encode(key.id()) == id).then_some(key)
        };
        parse().ok_or_else(|| NoteError::NotAKey(shortened(text)))
    }
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    /// Key id (4 bytes) and signature.
    bytes: Vec<u8>,
}

impl Signature {
    /// From its parts.
    pub(crate) fn new(key: &VerifierKey, signature: &[u8]) -> Self {
        Self { name: key.name.clone(), bytes: [&key.id()[..], signature].concat() }
    }

    /// A line without its newline.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Malformed("a line behind the last empty one is no signature");
        let parts = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
        let Some((name, signature)) = parts else { return Err(bad) };
        match STANDARD.decode(signature) {
            Ok(bytes) if bytes.len() > 4 && name_fits(name) => Ok(Self { name: name.to_owned(), bytes }),
            _ => Err(bad),
        }
    }

    /// Whether it says to be from this key.
    fn claims(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.bytes.starts_with(&key.id())
    }

    /// Whether it is this key's signature of the text.
    fn is_right(&self, key: &VerifierKey, text: &str) -> bool {
        let signature = &self.bytes[4..];
        match key.kind {
            KeyKind::Log => key.signed(text.as_bytes(), signature),
            KeyKind::Witness => signature.split_first_chunk::<8>().is_some_and(|(time, signature)| {
                key.signed(cosigned(u64::from_be_bytes(*time), text).as_bytes(), signature)
            }),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "— {} {}", self.name, STANDARD.encode(&self.bytes))
    }
}

/// What a witness signs, with its clock in seconds since 1970.
pub fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// A text and signatures behind it, none of them checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// A note that nobody has signed yet; the text ends with a newline.
    pub(crate) fn new(text: String) -> Self {
        Self { text, signatures: Vec::new() }
    }

    /// Reads a note; checks no signature.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        Self::parse_within(bytes, MAX_NOTE)
    }

    /// As [`parse`](Self::parse), of a note that may have so many bytes.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse_within(bytes: &[u8], most: usize) -> Result<Self, NoteError> {
        let malformed = |what| Err(NoteError::Malformed(what));
        if bytes.len() > most {
            return malformed("it is longer than any such note is");
        }
        let Ok(all) = std::str::from_utf8(bytes) else { return malformed("it is not UTF-8") };
        if all.chars().any(|c| c < ' ' && c != '\n') {
            return malformed("there is a control character in it");
        }
        let Some((text, lines)) = all.rsplit_once("\n\n") else {
            return malformed("no empty line ends its text");
        };
        let Some(lines) = lines.strip_suffix('\n') else { return malformed("no newline ends it") };
        if lines.split('\n').count() > MAX_SIGNATURES {
            return malformed("it has more than 64 signatures");
        }
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The signed text, with its last newline. To be believed only after [`Note::signed_by`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Checks that the key signed it.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`] where no line says to be from this key, [`NoteError::WrongSignature`] where one does and is not.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let mut signed = false;
        for signature in self.signatures.iter().filter(|s| s.claims(key)) {
            if !signature.is_right(key, &self.text) {
                return Err(NoteError::WrongSignature(key.name.clone()));
            }
            signed = true;
        }
        if signed { Ok(()) } else { Err(NoteError::NotSigned(key.to_string())) }
    }

    /// Whether somebody of this name signed, whatever the key.
    pub fn names(&self, name: &str) -> bool {
        self.signatures.iter().any(|s| s.name == name)
    }

    /// Adds a signature, in place of an earlier one of the same key.
    pub fn add(&mut self, signature: Signature) {
        self.signatures.retain(|s| s.name != signature.name || s.bytes[..4] != signature.bytes[..4]);
        self.signatures.push(signature);
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|s| s.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The published example of the signed-note module of Go's sumdb.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_that_others_signed_is_believed() {
        let (key, note) = (KEY.parse::<VerifierKey>().unwrap(), Note::parse(NOTE.as_bytes()).unwrap());
        assert_eq!(note.signed_by(&key), Ok(()));
        assert_eq!((key.to_string(), note.to_string()), (KEY.to_owned(), NOTE.to_owned()));
    }

    #[test]
    fn a_changed_text_a_changed_signature_and_another_key_are_told_apart() {
        let key: VerifierKey = KEY.parse().unwrap();
        let changed = Note::parse(NOTE.replace("problem is", "problem was").as_bytes()).unwrap();
        assert_eq!(changed.signed_by(&key), Err(NoteError::WrongSignature("PeterNeumann".into())));
        let changed = Note::parse(NOTE.replace("UG/Sff", "UG/Sfg").as_bytes()).unwrap();
        assert_eq!(changed.signed_by(&key), Err(NoteError::WrongSignature("PeterNeumann".into())));
        let other = VerifierKey::new("PeterNeumann", KeyKind::Log, [7; 32]).unwrap();
        let note = Note::parse(NOTE.as_bytes()).unwrap();
        assert_eq!(note.signed_by(&other), Err(NoteError::NotSigned(other.to_string())));
    }

    #[test]
    fn a_key_whose_id_is_not_its_own_is_refused() {
        for bad in [
            &KEY.replace("c74f", "c74e"),
            "a b+00000000+AAAA",
            "",
            "+",
            "a+b+c",
            &KEY.replace("ARpc", "ARpd"),
        ] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_as_a_note_is_written_back_the_same(text in "[ -~\n]{0,40}\n", lines in 1usize..4, junk in "\\PC{0,30}") {
            let tail = NOTE.lines().last().unwrap().to_owned() + "\n";
            let whole = format!("{text}\n{}{junk}", tail.repeat(lines));
            if let Ok(note) = Note::parse(whole.as_bytes()) {
                prop_assert_eq!(note.to_string(), whole);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Note::parse(&bytes);
            let _ = String::from_utf8_lossy(&bytes).parse::<VerifierKey>();
        }
    }
}
