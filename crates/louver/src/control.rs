//! A running server's back door for whoever may use its data directory: a socket there that gives sign-in links.
//!
//! The data directory belongs to one process, so `louver link` cannot write into its catalogue beside a server; it asks
//! the server instead. The socket is its owner's alone (mode 0600), and the asking process must be the same user or root.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as Client;
use std::path::{Path, PathBuf};
use std::time::Duration;

use louver_store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// Name of the socket in the data directory.
const NAME: &str = "control.sock";
/// The one question.
const QUESTION: &[u8; 5] = b"link\n";
/// Longest answer that is read.
const ANSWER_MAX: u64 = 4096;
/// A client that says nothing is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A folder's socket by a short path: the system takes at most 107 bytes, a data directory may be longer.
struct Door {
    folder: File,
}

impl Door {
    fn of(data: &Path) -> io::Result<Self> {
        Ok(Self { folder: File::open(data)? })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{NAME}", self.folder.as_raw_fd()))
    }
}

/// Opens the door. The caller holds the data directory, so a socket that lies there is a dead one.
pub(crate) fn listen(data: &Path) -> io::Result<UnixListener> {
    let door = Door::of(data)?;
    match fs::remove_file(door.path()) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(door.path())?;
    fs::set_permissions(door.path(), Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until told to stop, one at a time, then takes the socket away.
pub(crate) async fn answer(
    listener: UnixListener,
    store: Store,
    address: SocketAddr,
    stop: CancellationToken,
) {
    loop {
        let client = tokio::select! { biased;
            () = stop.cancelled() => break,
            client = listener.accept() => client,
        };
        let done = match client {
            Ok((client, _)) => tokio::time::timeout(PATIENCE, serve(client, &store, address)).await,
            Err(e) => {
                // Out of file handles and the like: not a reason to spin.
                tracing::warn!(error = %e, "control socket");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        match done {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::warn!(error = %e, "a sign-in link was asked for in vain"),
            Err(_) => tracing::warn!("a sign-in link was asked for, but nobody waited for it"),
        }
    }
    let _ = Door::of(store.dir()).and_then(|door| fs::remove_file(door.path()));
}

async fn serve(mut client: UnixStream, store: &Store, address: SocketAddr) -> io::Result<()> {
    let asks = client.peer_cred()?.uid();
    if asks != 0 && asks != rustix::process::geteuid().as_raw() {
        return client
            .write_all(b"error only the user who runs the server, and root, may ask for a link\n")
            .await;
    }
    let mut question = [0; QUESTION.len()];
    client.read_exact(&mut question).await?;
    if question != *QUESTION {
        return client.write_all(b"error this server does not know that question\n").await;
    }
    let answer = match louver_server::issue_sign_in_link(store, address).await {
        Ok(link) => {
            tracing::info!("a sign-in link was given to somebody with access to the data directory");
            format!("ok {link}\n")
        }
        Err(e) => format!("error {e}\n"),
    };
    client.write_all(answer.as_bytes()).await
}

/// Asks the server that holds this data directory for a link.
pub(crate) fn ask(data: &Path) -> Result<String, Error> {
    let answer = (|| {
        let door = Door::of(data)?;
        let mut server = Client::connect(door.path())?;
        server.set_read_timeout(Some(PATIENCE))?;
        server.set_write_timeout(Some(PATIENCE))?;
        server.write_all(QUESTION)?;
        let mut answer = String::new();
        server.take(ANSWER_MAX).read_to_string(&mut answer)?;
        Ok(answer)
    })()
    .map_err(|source: io::Error| Error::Failed {
        what: format!("a server holds {}, but it cannot be asked for a link", data.display()),
        advice: "run this as the user who runs the server, or stop the server and try again".into(),
        source: Some(Box::new(source)),
    })?;
    match answer.trim_end().split_once(' ') {
        Some(("ok", link)) => Ok(link.to_owned()),
        Some(("error", why)) => Err(Error::failed(format!("the server gave no link: {why}"), "")),
        _ => Err(Error::failed("the server gave no link", "stop the server and try again")),
    }
}
