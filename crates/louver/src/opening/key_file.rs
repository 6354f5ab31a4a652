//! The file that a request's one-time key is kept in until its pictures are opened: an age identity, with comments that say what for.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use louver_vault::OneTime;
use zeroize::Zeroizing;

use crate::error::Error;

/// A file has about 400 bytes.
const LONGEST: u64 = 64 << 10;
const RECORDER: &str = "# recorder: ";
const REQUEST: &str = "# request: ";

/// What such a file holds.
pub(crate) struct KeyFile {
    /// The recorder's address.
    pub(crate) recorder: String,
    /// The request's id.
    pub(crate) request: String,
    pub(crate) key: OneTime,
}

/// Where the key of a request is kept when nobody says otherwise.
pub(crate) fn usual_place(request: &str) -> Result<PathBuf, Error> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    let state = state.ok_or_else(|| {
        Error::failed(
            "there is no folder for the request's key: neither XDG_STATE_HOME nor HOME is set",
            "name a file with --key",
        )
    })?;
    Ok(state.join("louver/requests").join(format!("{request}.key")))
}

impl KeyFile {
    /// Writes a file that is its owner's alone and was not there; it is on the disk when this returns.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::File { doing: "written", file: path.to_owned(), source };
        let absolute = std::path::absolute(path).map_err(failed)?;
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let mut text = Zeroizing::new(String::with_capacity(1024));
        text.push_str("# Louver: the one-time key of a request for originals. Who has it and the recorder's release sees them: keep it\n");
        text.push_str("# until you have opened them, then delete it.\n");
        text.push_str(&format!("{RECORDER}{}\n{REQUEST}{}\n", self.recorder, self.request));
        text.push_str(&format!("# public key: {}\n", self.key.recipient()));
        text.push_str(&self.key.to_text());
        text.push('\n');
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&absolute) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(Error::Exists(path.to_owned())),
            file => file.map_err(failed)?,
        };
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        // The name too: what is asked for with this key can be opened with no other.
        let written = written.and_then(|()| File::open(folder)?.sync_all());
        written.map_err(|source| {
            let _ = fs::remove_file(&absolute);
            failed(source)
        })
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { doing: "read", file: path.to_owned(), source };
        // Room from the start: a growing buffer would leave copies of the secret behind.
        let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize + 1));
        File::open(path).and_then(|f| f.take(LONGEST + 1).read_to_string(&mut text)).map_err(failed)?;
        let after = |name: &str| {
            text.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim().to_owned()
        };
        let key = text.lines().find(|l| l.starts_with("AGE-SECRET-KEY-1")).and_then(OneTime::from_text);
        let key = key.ok_or_else(|| {
            Error::failed(
                format!("{} holds no request's key", path.display()),
                "name the file that `louver opening request` wrote",
            )
        })?;
        Ok(Self { recorder: after(RECORDER), request: after(REQUEST), key })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_its_owners_alone_reads_back_and_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/louver/a.key");
        let key = OneTime::generate();
        let recipient = key.recipient();
        let file = KeyFile { recorder: "https://cams.example".into(), request: "0f".repeat(16), key };
        file.write(&path).unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let again = KeyFile::read(&path).unwrap();
        assert_eq!((again.recorder, again.request), (file.recorder.clone(), file.request.clone()));
        assert_eq!(again.key.recipient(), recipient);
        assert!(matches!(file.write(&path), Err(Error::Exists(_))));
        fs::write(dir.path().join("other"), "hello").unwrap();
        let other = KeyFile::read(&dir.path().join("other")).err().unwrap();
        assert!(other.to_string().contains("holds no request's key"));
    }
}
