//! Logs: `tracing` to standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::error::Error;

/// What a server logs when nobody asks for more or less: what an operator may act on.
const SERVER: &str = "info,retina=warn,sqlx=warn,hyper=warn,ort=warn";
/// Other commands say what they do themselves.
const COMMAND: &str = "error,retina=off,ort=off";

/// Starts logging for the process.
pub(crate) fn start(filter: Option<&str>, server: bool) -> Result<(), Error> {
    let text = filter.filter(|f| !f.trim().is_empty()).unwrap_or(if server { SERVER } else { COMMAND });
    let filter = EnvFilter::try_new(text).map_err(|e| Error::Failed {
        what: format!("\"{text}\" is not a log filter"),
        advice: "use off, error, warn, info, debug, trace, or for instance \"info,louver_ingest=debug\""
            .into(),
        source: Some(Box::new(e)),
    })?;
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour)
        // A line that cannot be written (the log lies on the full disk that it tells of) is left out. Telling of that on
        // standard error as well would panic, and end whatever task wrote the line.
        .log_internal_errors(false)
        .init();
    Ok(())
}
