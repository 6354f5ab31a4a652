//! Threads with names, for work that never waits for the runtime.

use std::io;

use tokio_util::task::TaskTracker;

/// Starts a thread of analysis that `tasks` waits for. Where the processor is not enough for all, whoever records comes first.
///
/// Not one of the runtime's blocking threads: there are 512 of them, and a site with as many cameras would leave none for the disk.
///
/// `name`: what `top -H` shows, of which the system keeps 15 bytes.
///
/// # Errors
/// What the system says when it gives no further thread.
pub(crate) fn start(
    name: String,
    tasks: &TaskTracker,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let token = tasks.token();
    std::thread::Builder::new().name(name).spawn(move || {
        // Also when `run` panics.
        let _token = token;
        louver_codec::give_way();
        run();
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_has_its_name_and_is_waited_for_even_if_it_panics() {
        let tasks = TaskTracker::new();
        let (sender, name) = std::sync::mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        start("sight-gate".to_owned(), &tasks, move || {
            let _ = sender.send(std::thread::current().name().map(str::to_owned));
            let _ = wait.recv();
            panic!("on purpose");
        })
        .unwrap();
        tasks.close();
        assert_eq!(name.recv().unwrap().as_deref(), Some("sight-gate"));
        assert!(!tasks.is_empty());
        go.send(()).unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(10), tasks.wait()).await.unwrap();
    }
}
