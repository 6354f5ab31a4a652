//! What can go wrong in a command, said once: a sentence, its causes, and what to do.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use louver_base::CameraId;

use crate::settings::{Problem, SettingsError};
use crate::terminal;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The settings file has mistakes.
    #[error("the settings cannot be used\n{0}")]
    Settings(SettingsError),
    /// No settings file anywhere.
    #[error("there is no settings file: neither ./louver.toml nor /etc/louver/louver.toml exists")]
    NoSettings,
    /// The settings file cannot be read.
    #[error("the settings file {} cannot be read", file.display())]
    ReadSettings {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The settings file cannot be written; it is as it was.
    #[error("the settings file {} cannot be written; it is as it was", file.display())]
    WriteSettings {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of `[metrics]` holds no token.
    #[error("[metrics] token_file: {} {why}", file.display())]
    TokenFile {
        /// The file.
        file: PathBuf,
        /// "cannot be read", or what is wrong with what stands in it.
        why: &'static str,
        /// What the system said.
        source: Option<io::Error>,
    },
    /// Nobody could open what would be recorded.
    #[error("{} names no holder who could open originals: no holder, no recording", file.display())]
    NoHolder {
        /// The settings file.
        file: PathBuf,
    },
    /// Not in the register.
    #[error("there is no camera \"{id}\" in the settings; {}", listed(there_are))]
    NoSuchCamera {
        /// As asked for.
        id: String,
        /// The register's ids.
        there_are: Vec<CameraId>,
    },
    /// `camera add` with an id that is taken.
    #[error("there is a camera \"{0}\" already: an id names one camera's recordings")]
    CameraExists(CameraId),
    /// `camera add` with an entry that the settings would refuse.
    #[error("the camera is not added: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    CameraRefused(Vec<Problem>),
    /// Not an address.
    #[error("{what}: {why}")]
    Address {
        /// `--main`, `--sub` or the argument.
        what: &'static str,
        /// Without the address, which may hold a password.
        why: louver_base::AddressError,
    },
    /// A file is there already and is never overwritten.
    #[error("{} exists already and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("{} cannot be {doing}", file.display())]
    File {
        /// "read" or "written".
        doing: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard input did not give what was asked for.
    #[error("{0}")]
    Input(&'static str),
    /// Another program listens there.
    #[error("{listen} is taken: another program, perhaps another Louver, listens there")]
    PortTaken {
        /// Address and port.
        listen: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("Louver cannot listen on {listen}")]
    Listen {
        /// Address and port.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Another server holds the data directory.
    #[error("{} is in use by another Louver server", .0.display())]
    DataInUse(PathBuf),
    /// A time that cannot be read.
    #[error("{0}")]
    When(#[from] crate::when::WhenError),
    /// Anything else that has a sentence and, often, an advice of its own.
    #[error("{what}")]
    Failed {
        /// The sentence.
        what: String,
        /// What to do; empty if the sentence says it.
        advice: String,
        /// The cause.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl Error {
    /// A failure with a cause whose own text says what to do.
    pub(crate) fn because(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Failed { what: what.into(), advice: String::new(), source: Some(source.into()) }
    }

    /// A failure without a cause.
    pub(crate) fn failed(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), advice: advice.into(), source: None }
    }

    /// What to do next; `None` where the sentence says it.
    pub(crate) fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Settings(e) => {
                format!("correct {} in an editor; docs/settings.md explains every key", e.file.display())
            }
            Self::NoSettings => {
                "`louver holder new -o holder.txt --add` writes a louver.toml here to begin with; another file is named with --settings FILE".into()
            }
            Self::ReadSettings { .. } => {
                "check the path, and that the user who runs louver may read the file".into()
            }
            Self::WriteSettings { .. } => "check that you may write in that folder and that its disk is not full".into(),
            Self::TokenFile { .. } => {
                "`openssl rand -hex 32 > FILE` makes one, which only Louver's user and the monitoring may read; or leave token_file out".into()
            }
            Self::NoHolder { file } => format!(
                "run `louver holder new -o holder.txt --add --settings {}`, then keep holder.txt away from this machine; or make the first holder on the page",
                file.display()
            ),
            Self::CameraExists(_) => "choose another --id, or edit the camera in the settings file".into(),
            Self::Exists(_) => "name another file with -o, or move this one away".into(),
            Self::File { doing: "read", .. } => "check the path, and that you may read the file".into(),
            Self::File { .. } => "check that you may write in that folder and that its disk is not full".into(),
            Self::PortTaken { listen } => format!(
                "stop the other program (`ss -ltnp 'sport = :{}'` names it), or set another `listen` in the settings",
                listen.port()
            ),
            Self::Listen { .. } => {
                "`listen` in the settings must be an address of this machine; ports below 1024 need a right of their own"
                    .into()
            }
            Self::DataInUse(_) => {
                "stop that server first, or give this one its own `data` folder in the settings".into()
            }
            Self::Failed { advice, .. } if !advice.is_empty() => advice.clone(),
            Self::NoSuchCamera { .. }
            | Self::CameraRefused(_)
            | Self::Address { .. }
            | Self::Input(_)
            | Self::When(_)
            | Self::Failed { .. } => return None,
        })
    }

    /// The exit code (`louver --help` lists them).
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::NoSettings
            | Self::ReadSettings { .. }
            | Self::TokenFile { .. }
            | Self::NoHolder { .. } => 3,
            Self::PortTaken { .. } | Self::DataInUse(_) => 4,
            _ => 1,
        }
    }

    /// Prints the whole chain to standard error, coloured on a terminal only.
    pub(crate) fn print(&self) {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        eprint!("{}", self.report(colour));
    }

    fn report(&self, colour: bool) -> String {
        let (red, bold, off) = if colour { ("\x1b[1;31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
        let mut text = format!("{red}error:{off} {self}\n");
        let mut cause = std::error::Error::source(self);
        let mut last = self.to_string();
        while let Some(e) = cause {
            let said = e.to_string();
            // Libraries often repeat their cause; a sentence once is enough.
            if !last.contains(&said) {
                // What a file or another machine wrote can stand in it.
                let _ = writeln!(text, "  {bold}because:{off} {}", terminal::plain(&said));
            }
            last = said;
            cause = e.source();
        }
        if let Some(advice) = self.advice() {
            let _ = writeln!(text, "  {bold}what to do:{off} {advice}");
        }
        text
    }
}

fn listed(ids: &[CameraId]) -> String {
    if ids.is_empty() {
        return "none is registered yet (`louver camera add --help`)".to_owned();
    }
    format!("registered are {}", ids.iter().map(CameraId::as_str).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_sentence_with_its_causes_and_what_to_do() {
        let denied = io::Error::new(io::ErrorKind::PermissionDenied, "permission denied");
        let error = Error::ReadSettings { file: "/etc/louver/louver.toml".into(), source: denied };
        assert_eq!(
            error.report(false),
            "error: the settings file /etc/louver/louver.toml cannot be read\n  because: permission denied\n  \
             what to do: check the path, and that the user who runs louver may read the file\n"
        );
        assert_eq!(error.exit_code(), 3);
    }

    #[test]
    fn what_a_hostile_file_makes_an_error_say_does_not_steer_the_terminal() {
        let hostile = io::Error::other("unknown field `\x1b[2J\u{9b}1A\nThe video holds.`");
        let said = Error::because("the video is refused", hostile).report(false);
        assert_eq!(said.lines().count(), 2, "{said:?}");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    }

    #[test]
    fn an_unknown_camera_is_answered_with_those_there_are() {
        let there_are = vec!["gate".parse().unwrap(), "yard".parse().unwrap()];
        let error = Error::NoSuchCamera { id: "gaet".into(), there_are };
        assert_eq!(
            error.to_string(),
            "there is no camera \"gaet\" in the settings; registered are gate, yard"
        );
    }
}
