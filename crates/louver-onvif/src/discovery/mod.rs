//! Finding the cameras of the networks that this machine is in.
//!
//! Each network is asked by multicast (239.255.255.250, port 3702), twice, for what ONVIF calls video transmitters and for
//! devices, because each alone leaves some out; whoever answers within the time is listed. Answers are anybody's, so they
//! have bounds, and nobody is believed to be elsewhere than where the answer came from. Networks that multicast does not
//! reach, such as another VLAN, are asked camera by camera. IPv4 only: cameras that have an IPv6 address alone are not found.

mod message;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

pub use message::Found;
pub(crate) use message::answers;
use message::{ANSWER_MAX, probe};

const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 255, 255, 250), 3702);
/// What is asked for. Some answer only to the one, some only to the other.
const TYPES: [&str; 2] = ["dn:NetworkVideoTransmitter", "tds:Device"];
/// From the first time that is asked to the second: datagrams are lost.
const AGAIN: Duration = Duration::from_millis(500);
/// Networks that are asked.
const NETWORKS_MAX: usize = 16;
/// Answers that are read in each network.
const ANSWERS_MAX: usize = 4096;
/// Cameras that are listed.
pub const FOUND_MAX: usize = 256;
/// Cameras that one host can be: a machine that serves several.
const FOUND_PER_HOST_MAX: usize = 32;

/// Why nobody could be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// This machine's networks cannot be listed.
    #[error("this machine's networks cannot be listed")]
    Networks(#[source] io::Error),
    /// There is none but the machine itself.
    #[error("this machine has no network but itself")]
    NoNetwork,
    /// None of the networks can be asked.
    #[error("no network can be asked")]
    Socket(#[source] io::Error),
}

/// Who answered, and where was asked.
#[derive(Debug)]
pub struct Search {
    /// Cameras in the order of their addresses; at most [`FOUND_MAX`].
    pub found: Vec<Found>,
    /// This machine's addresses in the networks that were asked.
    pub asked: Vec<Ipv4Addr>,
}

/// Asks for cameras and waits `wait` for answers. `only`: this machine's addresses in the networks to ask; all if empty.
///
/// # Errors
///
/// [`SearchError`] when nobody could be asked at all; a network that cannot be asked is left out where another can.
pub async fn search(only: &[Ipv4Addr], wait: Duration) -> Result<Search, SearchError> {
    let networks = if only.is_empty() { networks()? } else { only.to_vec() };
    let ids: Vec<String> =
        TYPES.iter().map(|_| message_id()).collect::<Result<_, _>>().map_err(SearchError::Socket)?;
    let (tell, mut told) = mpsc::channel(64);
    let deadline = Instant::now() + wait;
    let (mut asked, mut failed) = (Vec::new(), None);
    let mut tasks = tokio::task::JoinSet::new();
    for network in networks.into_iter().take(NETWORKS_MAX) {
        match open(network) {
            Ok(socket) => {
                asked.push(network);
                tasks.spawn(ask(socket, ids.clone(), deadline, tell.clone()));
            }
            Err(e) => {
                tracing::debug!(error = %e, "a network cannot be asked");
                failed = Some(e);
            }
        }
    }
    drop(tell);
    if let (true, Some(e)) = (asked.is_empty(), failed) {
        return Err(SearchError::Socket(e));
    }
    let mut list = List::default();
    while let Some(found) = told.recv().await {
        list.add(found);
    }
    while tasks.join_next().await.is_some() {}
    Ok(Search { found: list.in_order(), asked })
}

/// Those who answered, once each.
#[derive(Default)]
struct List {
    found: Vec<Found>,
    of_host: HashMap<String, usize>,
}

impl List {
    fn add(&mut self, new: Found) {
        let of_host = self.of_host.entry(new.address.host().to_owned()).or_default();
        let known = self.found.iter().any(|old| {
            old.address.url() == new.address.url()
                || (!new.endpoint.is_empty() && old.endpoint == new.endpoint)
        });
        if known || *of_host >= FOUND_PER_HOST_MAX || self.found.len() >= FOUND_MAX {
            return;
        }
        *of_host += 1;
        self.found.push(new);
    }

    fn in_order(mut self) -> Vec<Found> {
        self.found.sort_by_key(|f| (f.address.host().parse::<IpAddr>().ok(), f.address.port()));
        self.found
    }
}

fn networks() -> Result<Vec<Ipv4Addr>, SearchError> {
    let all = if_addrs::get_if_addrs().map_err(SearchError::Networks)?;
    let mut found: Vec<Ipv4Addr> = all
        .iter()
        .filter(|i| !i.is_loopback())
        .filter_map(|i| match i.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        })
        .collect();
    found.sort();
    found.dedup();
    if found.is_empty() { Err(SearchError::NoNetwork) } else { Ok(found) }
}

fn open(network: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_multicast_if_v4(&network)?;
    // The next router is the end.
    socket.set_multicast_ttl_v4(1)?;
    socket.bind(&SocketAddr::from((network, 0)).into())?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

async fn ask(socket: UdpSocket, ids: Vec<String>, deadline: Instant, tell: mpsc::Sender<Found>) {
    let asking = async {
        for pause in [AGAIN, Duration::ZERO] {
            for (id, types) in ids.iter().zip(TYPES) {
                if let Err(e) = socket.send_to(probe(id, types).as_bytes(), GROUP).await {
                    tracing::debug!(error = %e, "a network takes no question");
                }
            }
            sleep(pause).await;
        }
    };
    let hearing = async {
        let mut datagram = vec![0; ANSWER_MAX + 1];
        for _ in 0..ANSWERS_MAX {
            let Ok(heard) = timeout_at(deadline, socket.recv_from(&mut datagram)).await else { return };
            // An error of the socket is about something sent; whatever comes still comes.
            let Ok((length, from)) = heard else { continue };
            for found in answers(datagram.get(..length).unwrap_or_default(), from.ip(), &ids) {
                if tell.send(found).await.is_err() {
                    return;
                }
            }
        }
    };
    tokio::join!(asking, hearing);
}

/// `urn:uuid:` and a random UUID (RFC 9562, section 5.4).
fn message_id() -> io::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let n = u128::from_be_bytes(bytes) & !(0xf << 76) | 4 << 76;
    let n = n & !(0b11 << 62) | 0b10 << 62;
    let hex = format!("{n:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    Ok(format!("urn:uuid:{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(host: &str, port: u16, endpoint: &str) -> Found {
        let address = format!("http://{host}:{port}/").parse().unwrap();
        Found { address, name: String::new(), hardware: String::new(), endpoint: endpoint.into() }
    }

    #[test]
    fn who_answers_twice_stands_once_in_the_list() {
        let mut list = List::default();
        for one in [
            found("192.0.2.20", 80, "b"),
            found("192.0.2.3", 80, "a"),
            found("192.0.2.3", 80, "other"),
            found("198.51.100.1", 80, "a"),
            found("192.0.2.3", 8000, ""),
        ] {
            list.add(one);
        }
        let order: Vec<String> = list.in_order().iter().map(|f| f.address.to_string()).collect();
        let path = "/onvif/device_service";
        assert_eq!(
            order,
            [
                format!("http://192.0.2.3{path}"),
                format!("http://192.0.2.3:8000{path}"),
                format!("http://192.0.2.20{path}")
            ]
        );
    }

    #[test]
    fn one_host_cannot_fill_the_list() {
        let mut list = List::default();
        for n in 0..5000 {
            list.add(found("192.0.2.3", n + 1, &n.to_string()));
        }
        list.add(found("192.0.2.4", 80, "x"));
        assert_eq!(list.in_order().len(), FOUND_PER_HOST_MAX + 1);
    }

    #[test]
    fn an_id_is_a_random_uuid() {
        let (a, b) = (message_id().unwrap(), message_id().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), "urn:uuid:".len() + 36);
        assert_eq!(a.as_bytes()[9 + 14], b'4');
        assert!(b"89ab".contains(&a.as_bytes()[9 + 19]));
    }
}
