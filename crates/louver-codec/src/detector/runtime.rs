//! ONNX Runtime: loaded once, silent, one thread a session.

use std::path::Path;
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::session::Session;

use super::DetectorError;
use super::error::first_line;

/// Read by ONNX Runtime when it is loaded.
const NO_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// Keeps ONNX Runtime from reporting to its maker: its published Linux builds (1.29 and later) write an identifier of the
/// machine and a report to the user's cache folder and send it, before their own switch (`DisableTelemetryEvents`) can be
/// reached. Under this variable they do nothing of the kind.
///
/// A program calls this before it starts its first thread; loading the library does it too if nobody has.
pub fn refuse_telemetry() {
    if std::env::var_os(NO_TELEMETRY).is_some_and(|v| v == "1") {
        return;
    }
    // SAFETY: asked for before there is a second thread. From `environment` there may be others: Rust's own reading of
    // variables takes a lock that this holds, and none of the C libraries in here reads them but while it starts.
    unsafe { std::env::set_var(NO_TELEMETRY, "1") };
}

/// Loads ONNX Runtime once for the process.
///
/// # Errors
/// When the file is missing or no ONNX Runtime. Later calls return the first call's result, whatever they name.
pub fn load_runtime(library: &Path) -> Result<(), DetectorError> {
    environment(library).map(drop)
}

fn environment(library: &Path) -> Result<Environment, DetectorError> {
    static LOADED: OnceLock<Result<Environment, String>> = OnceLock::new();
    if !library.exists() {
        return Err(DetectorError::NoLibrary(library.into()));
    }
    LOADED
        .get_or_init(|| {
            refuse_telemetry();
            let builder = ort::init_from(library).map_err(|e| first_line(&e))?;
            builder.with_telemetry(false).build().map_err(|e| first_line(&e))
        })
        .clone()
        .map_err(|reason| DetectorError::Library { path: library.into(), reason })
}

/// Loads a model file: one run at a time, one thread a run, so that cameras are the parallel work.
pub(super) fn open_model(library: &Path, model: &Path) -> Result<Session, DetectorError> {
    let environment = environment(library)?;
    let fail = |e: &dyn std::fmt::Display| DetectorError::Model { path: model.into(), reason: first_line(e) };
    Session::builder(&environment)
        .map_err(|e| fail(&e))?
        .with_intra_threads(1)
        .map_err(|e| fail(&e))?
        .with_inter_threads(1)
        .map_err(|e| fail(&e))?
        .commit_from_file(model)
        .map_err(|e| fail(&e))
}
