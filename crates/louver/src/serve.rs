//! `louver serve`: everything together.

use std::io::{self, IsTerminal as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use louver_ledger::Ledger;
use louver_server::{Server, ServerError, Site};
use louver_store::{DiskWatermark, Recovery, Store, StoreError, StoreOptions};
use louver_vault::HolderSet;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::ledger::{late, running};
use crate::memory::Memory;
use crate::recorder::Recorder;
use crate::settings::Settings;
use crate::{control, holders_in_force, memory, retention, systemd};

const EXAMPLES: &str = "\
Examples:
  louver serve
  louver serve --settings /etc/louver/louver.toml
  LOUVER_LOG=info,louver_ingest=debug louver serve

As long as no password is set, the server prints a one-time sign-in link at its start. Ctrl-C or SIGTERM end it: what
is in memory is written first. A second Ctrl-C ends it at once.";

/// Arguments of `louver serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// For whom a site without holders is sealed.
const NOBODY: &str = "nobody yet";

/// How long everything may take to end before the process leaves anyway.
const END_WITHIN: Duration = Duration::from_secs(15);

/// Records, masks and serves until told to stop.
pub(crate) fn run(_args: &Args, settings: &Settings) -> Result<(), Error> {
    // Before there is a thread, and before the first packet.
    let memory = memory::protect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Error::because("the server cannot start", e))?;
    let served = runtime.block_on(serve(settings, &memory));
    // Tasks were joined; what is left are reads of a disk or a camera that no longer answers.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn serve(settings: &Settings, memory: &Memory) -> Result<(), Error> {
    // What needs no recording is tried first: a start that fails leaves no gap, no file and no half-open camera.
    let metrics_token = settings.metrics_token()?;
    let mut recorder = Recorder::prepare(settings)?;
    if let Some(notice) = memory.notice() {
        tracing::warn!("{notice}");
        recorder.notices.push(notice);
    }
    try_port(settings.listen)?;
    let stop = CancellationToken::new();
    watch_signals(stop.clone())?;

    let (store, recovery) = Store::open_with(&settings.data, StoreOptions::default(), &settings.disks)
        .await
        .map_err(store_error)?;
    tell(&recovery);
    let served = match begin_ledger(settings, &store).await {
        Ok(ledger) => {
            let started = Started { recorder, metrics_token };
            let served = serve_with(settings, &store, &ledger, started, &stop).await;
            stop.cancel();
            end_ledger(ledger).await;
            served
        }
        Err(e) => Err(e),
    };
    stop.cancel();
    match tokio::time::timeout(END_WITHIN, store.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::error!(
            error = &e as &dyn std::error::Error,
            "the catalogue was not written at the end; the next start makes it from the files"
        ),
        Err(_) => {
            tracing::error!("the disk took too long at the end; the next start looks the files through")
        }
    }
    served
}

async fn begin_ledger(settings: &Settings, store: &Store) -> Result<Ledger, Error> {
    let (settings, site) = (settings.clone(), store.site_id());
    let begun = tokio::task::spawn_blocking(move || running::begin(&settings, site)).await;
    begun.map_err(|e| Error::because("the ledger cannot be opened", e))?
}

/// Segments of before the last stop that the ledger may not know. Recording does not depend on it.
async fn find_late(settings: &Settings, ledger: &Ledger) -> late::Late {
    let (data, ledger) = (settings.data.clone(), ledger.clone());
    let found = tokio::task::spawn_blocking(move || late::find(&ledger, &data)).await;
    match found {
        Ok(Ok(late)) => late,
        Ok(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "segments that the last stop cut off are not told to the ledger"
            );
            late::Late::default()
        }
        Err(e) => std::panic::resume_unwind(e.into_panic()),
    }
}

async fn end_ledger(ledger: Ledger) {
    let ended = tokio::task::spawn_blocking(move || running::end(&ledger));
    if tokio::time::timeout(END_WITHIN, ended).await.is_err() {
        tracing::error!(
            "the ledger's disk took too long at the end; the next start says that this one was not clean"
        );
    }
}

/// What was found and tried before anything began.
struct Started {
    recorder: Recorder,
    metrics_token: Option<SecretString>,
}

async fn serve_with(
    settings: &Settings,
    store: &Store,
    ledger: &Ledger,
    Started { recorder, metrics_token }: Started,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let door = control::listen(&settings.data).map_err(|source| Error::File {
        doing: "written",
        file: settings.data.join("control.sock"),
        source,
    })?;
    let notices = recorder.notices.clone();
    let sets = holders_in_force::begin(settings, store, ledger).await?;
    let late = find_late(settings, ledger).await;
    let (now, holders) = watch::channel(sets.latest().map(|latest| latest.set().clone()));
    let in_words = sets.latest().map_or_else(|| NOBODY.to_owned(), |latest| in_words(latest.set()));
    let node = recorder.start(holders, store, ledger, stop);
    let site = Site {
        name: settings.site_name.clone(),
        notices: notices.clone(),
        ledger: Some(ledger.clone()),
        metrics_token,
    };
    let bound = Server::bind(settings.listen, store.clone(), node.handles(), site).await;
    let server = match bound {
        Ok(server) => server,
        Err(e) => {
            stop.cancel();
            node.join().await;
            return Err(server_error(e));
        }
    };
    if let Err(e) = server.open_vault(sets, now).await {
        stop.cancel();
        node.join().await;
        return Err(server_error(e));
    }
    let tasks = TaskTracker::new();
    let address = server.address();
    tasks.spawn(control::answer(door, store.clone(), address, stop.clone()));
    let hours = retention::hours(&settings.data, &settings.cameras);
    let rules = retention::Rules {
        watermark: DiskWatermark::Percent(settings.min_free_percent),
        when_full: settings.when_full,
        move_after: settings.move_after,
        move_rate: settings.move_rate,
    };
    tasks.spawn(systemd::feed_watchdog(store.clone(), stop.clone()));
    let late_ledger = ledger.clone();
    tasks.spawn_blocking(move || late::tell(&late_ledger, &late));
    tasks.spawn(retention::run(store.clone(), ledger.clone(), hours, rules, stop.clone()));
    tasks.close();

    let link = server.first_sign_in_link().await.map_err(server_error);
    let greeted = link.map(|link| greet(settings, &in_words, address, link.as_deref(), &notices));
    if greeted.is_ok() {
        systemd::ready(&format!("records {} cameras, sealed for {in_words}", settings.cameras.len()));
        server.run(stop.clone()).await;
        systemd::stopping();
        tracing::info!("ending: what is in memory is written");
    }
    stop.cancel();
    let ended = async {
        node.join().await;
        tasks.wait().await;
    };
    if tokio::time::timeout(END_WITHIN, ended).await.is_err() {
        tracing::error!(
            "a camera or the disk does not end within {} s and is left behind",
            END_WITHIN.as_secs()
        );
    }
    greeted
}

/// Whether the port is free, before anything is started; `Server::bind` has the last word.
fn try_port(listen: SocketAddr) -> Result<(), Error> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => Err(Error::PortTaken { listen }),
        Err(source) => Err(Error::Listen { listen, source }),
    }
}

/// The first signal asks everything to end; the second ends the process.
fn watch_signals(stop: CancellationToken) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e| Error::because("signals cannot be watched", e);
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    // Not joined: it waits for a second signal that usually never comes, and ends with the runtime.
    tokio::spawn(async move {
        tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} }
        stop.cancel();
        tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} }
        tracing::error!("ended at once by a second signal");
        std::process::exit(130);
    });
    Ok(())
}

/// "2 of 3 holders", as people are told.
fn in_words(set: &HolderSet) -> String {
    match (set.needed(), set.holders().len()) {
        (_, 1) => "1 holder".to_owned(),
        (needed, count) => format!("{needed} of {count} holders"),
    }
}

/// What a person at the terminal wants to know, on standard output; logs go to standard error.
fn greet(settings: &Settings, holders: &str, address: SocketAddr, link: Option<&str>, notices: &[String]) {
    let (bold, off) = if io::stdout().is_terminal() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let count = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let cameras = count(settings.cameras.len(), "camera");
    println!("Louver {} runs: {cameras}, sealed for {holders}.", env!("CARGO_PKG_VERSION"));
    println!("  page     {bold}http://{address}{off}");
    match link {
        Some(link) => {
            println!("  sign in  {bold}{link}{off}\n           (once, within 24 hours; then set a password)")
        }
        None => println!("  sign in  with your password; forgotten? `louver link`"),
    }
    println!("  data     {}", settings.data.display());
    if settings.cameras.is_empty() {
        println!("  No camera is registered yet: `louver camera add --help`.");
    }
    if holders == NOBODY {
        println!(
            "  There is no holder yet, and without one nothing is recorded: make the first one on the page."
        );
    }
    for notice in notices {
        println!("  {bold}!{off} {notice}");
    }
    println!("Ctrl-C ends it.");
}

fn tell(recovery: &Recovery) {
    if let Some(path) = &recovery.corrupt_database {
        tracing::warn!(kept = %path.display(), "the catalogue was damaged");
    }
    if recovery.rebuilt {
        tracing::warn!(
            recordings = recovery.recordings,
            "the catalogue was made anew from the files; users must sign in by a new link"
        );
    }
    if recovery.torn + recovery.empty > 0 {
        tracing::warn!(
            torn = recovery.torn,
            empty = recovery.empty,
            "recordings that the last stop cut off were mended"
        );
    }
    if recovery.shredded > 0 {
        tracing::warn!(
            files = recovery.shredded,
            "originals whose secrets had been destroyed before the last stop were deleted"
        );
    }
    if recovery.without_secret > 0 {
        tracing::error!(
            files = recovery.without_secret,
            "originals have no secret in the key ring and cannot be opened: it seems to be an older copy; put the right one back"
        );
    }
    tracing::info!(recordings = recovery.recordings, events = recovery.events, "data directory opened");
}

/// A store that cannot be opened, with the exit code of its kind.
pub(crate) fn store_error(e: StoreError) -> Error {
    match e {
        StoreError::InUse(dir) => Error::DataInUse(dir),
        other => Error::because("the data directory cannot be used", other),
    }
}

fn server_error(e: ServerError) -> Error {
    match e {
        ServerError::PortTaken(listen) => Error::PortTaken { listen },
        other => Error::because("the page cannot be served", other),
    }
}
