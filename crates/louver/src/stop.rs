//! Ctrl-C in commands that write a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// A flag that Ctrl-C or SIGTERM sets. Without it the half-written video would stay.
pub(crate) fn on_signal() -> Result<Arc<AtomicBool>, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e| Error::because("signals cannot be watched", e);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let (mut int, mut term) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?)
    };
    // Not joined: it waits for a signal that usually never comes, and ends with the process.
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} }
        });
        flag.store(true, Ordering::Relaxed);
    });
    Ok(stop)
}
