//! The processes that decode what cameras send: this program once more, without any right.

use std::process::ExitCode;

use louver_codec::{Decoders, Files, Program, StartError};

use crate::error::Error;
use crate::memory;

const EXAMPLES: &str = "\
Examples:
  louver decode-child      started by `louver serve`, which talks to it; by hand it says so and ends";

/// Arguments of `louver decode-child`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// What can be done where no process can be shut in.
pub(crate) const MEND: &str = "originals are recorded and sealed all the same; Louver needs a kernel with seccomp filters \
     (CONFIG_SECCOMP_FILTER), memfd and room for processes: in a container, allow the system calls `seccomp` and `memfd_create`";
/// What can be done where landlock is missing or old.
pub(crate) const NEWER_KERNEL: &str = "nothing has to be done; Linux 6.12 with landlock switched on (`lsm=` on its command line) keeps a second lock on it";

/// How well decoding is shut in.
#[derive(Debug)]
pub(crate) enum ShutIn {
    /// By the filter of system calls and by landlock.
    Whole,
    /// By the filter of system calls; this is why there is less of landlock.
    Less(&'static str),
    /// Not at all, so nothing is decoded.
    Not(StartError),
}

impl ShutIn {
    /// What the owner should know, for the terminal and the page; `None` when all is well.
    pub(crate) fn notice(&self) -> Option<String> {
        match self {
            Self::Whole | Self::Less(_) => None,
            Self::Not(e) => Some(format!("Nothing can be shown: {e}; {MEND}.")),
        }
    }
}

/// Nothing is started yet.
pub(crate) fn decoders() -> Result<Decoders, Error> {
    Decoders::new(Program::this(["decode-child"]), None)
        .map_err(|e| Error::because("the system gives no thread for decoding", e))
}

/// Starts one process and says how well it is shut in; the log is told too.
pub(crate) fn try_out(decoders: &Decoders) -> ShutIn {
    let shut_in = match decoders.try_out() {
        Ok(Files::Landlock) => ShutIn::Whole,
        Ok(Files::OlderLandlock) => {
            ShutIn::Less("this kernel's landlock knows files, but not ports or signals")
        }
        Ok(Files::CallsAlone) => ShutIn::Less("this kernel has no landlock, or it is switched off"),
        Err(e) => ShutIn::Not(e),
    };
    match &shut_in {
        ShutIn::Whole => tracing::info!("decoding is shut in by seccomp and landlock"),
        ShutIn::Less(why) => tracing::warn!(why, "decoding is shut in by seccomp alone"),
        ShutIn::Not(e) => {
            tracing::error!(
                error = e as &dyn std::error::Error,
                "decoding cannot be shut in: nothing is decoded"
            );
        }
    }
    shut_in
}

/// The process itself: decodes until its parent is gone.
pub(crate) fn child() -> ExitCode {
    // Frames in it are originals: they reach no disk either.
    let _ = memory::protect();
    match louver_codec::decode_for_parent() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // By hand there is somebody to read it; as a child its parent was told, and nobody listens here.
            let mut cause: Option<&dyn std::error::Error> = Some(&e);
            while let Some(e) = cause {
                eprintln!("{e}");
                cause = e.source();
            }
            ExitCode::FAILURE
        }
    }
}
