//! Why a server cannot start or go on.

use std::io;
use std::net::SocketAddr;

use louver_store::StoreError;

/// What can go wrong outside a request; faults of requests are answered, not returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Another program listens there. Stop it, or listen elsewhere.
    #[error(
        "port {port} is taken by another program (perhaps another Louver): stop that one, or set `listen` in louver.toml to another port, for example \"{host}:{other}\"",
        port = .0.port(), host = .0.ip(), other = .0.port().checked_add(1).unwrap_or(8470)
    )]
    PortTaken(SocketAddr),
    /// The system does not let this user listen there.
    #[error(
        "this user may not listen on {0}: ports below 1024 need rights of their own, so set `listen` in louver.toml to a port from 1024 on, for example 8470"
    )]
    NotAllowed(SocketAddr),
    /// The address is none of this machine's.
    #[error("this machine has no address {ip}: set `listen` in louver.toml to 127.0.0.1 or 0.0.0.0", ip = .0.ip())]
    NoSuchAddress(SocketAddr),
    /// Listening failed otherwise.
    #[error("listening on {address} failed: look at this machine's network settings")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The catalogue could not keep or find what signing in needs.
    #[error("{doing} failed: look at the disk that holds the data directory")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// What the store said.
        source: StoreError,
    },
    /// The system gave no random numbers.
    #[error("this machine gave no random numbers: start it anew")]
    Random(rand::rand_core::OsError),
}

impl ServerError {
    pub(crate) fn listen(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortTaken(address),
            io::ErrorKind::PermissionDenied => Self::NotAllowed(address),
            io::ErrorKind::AddrNotAvailable => Self::NoSuchAddress(address),
            _ => Self::Listen { address, source },
        }
    }

    pub(crate) fn store(doing: &'static str) -> impl FnOnce(StoreError) -> Self {
        move |source| Self::Store { doing, source }
    }
}
