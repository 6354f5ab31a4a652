//! As whom cameras are asked: never on the command line, where others read along.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use louver_base::Credentials;
use louver_onvif::Found;

use crate::error::Error;
use crate::terminal;

const USER: &str = "LOUVER_CAMERA_USER";
const PASSWORD: &str = "LOUVER_CAMERA_PASSWORD";
/// Bytes of a file with a user name and a password.
const FILE_MAX: u64 = 4096;

/// From the file, else the environment, else whoever sits at the terminal; `None` where nobody says.
pub(super) fn credentials(file: Option<&Path>, found: &[Found]) -> Result<Option<Credentials>, Error> {
    if let Some(file) = file {
        return of_file(file).map(Some);
    }
    if let Some(credentials) = of_environment()? {
        return Ok(Some(credentials));
    }
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let hosts: Vec<String> = found.iter().map(|f| f.address.host().to_owned()).collect();
    eprintln!("{} answered: {}", if hosts.len() == 1 { "One camera" } else { "These" }, hosts.join(", "));
    let user = terminal::ask("User name for all of them (none: just Enter)")?;
    if user.is_empty() {
        return Ok(None);
    }
    let password = terminal::secret("Password")?;
    Ok(Some(Credentials { user, password: password.to_string().into() }))
}

fn of_environment() -> Result<Option<Credentials>, Error> {
    let read = |name| std::env::var(name).ok().filter(|v: &String| !v.is_empty());
    match (read(USER), read(PASSWORD)) {
        (Some(user), Some(password)) => Ok(Some(Credentials { user, password: password.into() })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(Error::Input("LOUVER_CAMERA_USER is set and LOUVER_CAMERA_PASSWORD is not: set both or none"))
        }
        (None, Some(_)) => {
            Err(Error::Input("LOUVER_CAMERA_PASSWORD is set and LOUVER_CAMERA_USER is not: set both or none"))
        }
    }
}

fn of_file(file: &Path) -> Result<Credentials, Error> {
    let failed = |source| Error::File { doing: "read", file: file.to_path_buf(), source };
    let mut text = String::new();
    std::fs::File::open(file).map_err(failed)?.take(FILE_MAX).read_to_string(&mut text).map_err(failed)?;
    let mut lines = text.lines();
    match (lines.next().map(str::trim), lines.next()) {
        (Some(user), Some(password)) if !user.is_empty() && !password.is_empty() => {
            Ok(Credentials { user: user.to_owned(), password: password.to_owned().into() })
        }
        _ => Err(Error::failed(
            format!(
                "{} does not hold a user name in its first line and a password in its second",
                file.display()
            ),
            "write it so, and `chmod 600` it",
        )),
    }
}
