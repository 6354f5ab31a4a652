//! Answers to a search that are not what they should be, by multicast on the loopback network.
#![allow(clippy::unwrap_used)] // A responder that cannot be set up fails its test.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use louver_onvif::search;
use socket2::{Domain, Protocol, Socket, Type};

/// Hears every search on the loopback network, and answers from `from` with whatever `answer` makes of a question's id.
fn responder(from: Ipv4Addr, answer: impl Fn(&str) -> Vec<Vec<u8>> + Send + 'static) {
    let hears = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    hears.set_reuse_address(true).unwrap();
    hears.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 3702)).into()).unwrap();
    hears.join_multicast_v4(&Ipv4Addr::new(239, 255, 255, 250), &Ipv4Addr::LOCALHOST).unwrap();
    let hears: UdpSocket = hears.into();
    let says = UdpSocket::bind(SocketAddrV4::new(from, 0)).unwrap();
    // Ends with the test's process.
    std::thread::spawn(move || {
        let mut bytes = vec![0; 65536];
        while let Ok((length, asker)) = hears.recv_from(&mut bytes) {
            let asked = String::from_utf8_lossy(&bytes[..length]);
            let Some(id) = asked.split("MessageID>").nth(1).and_then(|rest| rest.split('<').next()) else {
                continue;
            };
            for answer in answer(id) {
                let _ = says.send_to(&answer, asker);
            }
        }
    });
}

fn matched(relates: &str, endpoint: &str, addresses: &str) -> Vec<u8> {
    format!(
        "<E xmlns:a='a'><Header><a:RelatesTo>{relates}</a:RelatesTo></Header><Body><ProbeMatches><ProbeMatch>\
         <EndpointReference><Address>{endpoint}</Address></EndpointReference><Types>dn:NetworkVideoTransmitter</Types>\
         <Scopes>onvif://www.onvif.org/name/{endpoint}</Scopes><XAddrs>{addresses}</XAddrs></ProbeMatch></ProbeMatches></Body></E>"
    )
    .into_bytes()
}

async fn found_at(from: Ipv4Addr) -> Vec<String> {
    let searched = search(&[Ipv4Addr::LOCALHOST], Duration::from_secs(2)).await.unwrap();
    let of = searched.found.iter().filter(|f| f.address.host() == from.to_string());
    of.map(|f| format!("{} {}", f.name, f.address)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_leads_nowhere_but_to_its_sender_and_counts_once() {
    let from = Ipv4Addr::new(127, 0, 0, 61);
    responder(from, |id| {
        vec![
            matched("urn:uuid:somebody-elses", "forged", "http://127.0.0.61/forged"),
            matched(id, "camera", "http://198.51.100.7:81/onvif/x http://127.0.0.61:8000/onvif/y"),
            matched(id, "camera", "http://127.0.0.61:9000/again"),
            matched(id, "elsewhere", "http://198.51.100.7:82/onvif/z"),
            b"<E><Header/>".to_vec(),
            vec![b'x'; 60_000],
            b"<!DOCTYPE E [<!ENTITY a 'x'>]><E>&a;</E>".to_vec(),
            Vec::new(),
        ]
    });
    assert_eq!(
        found_at(from).await,
        ["elsewhere http://127.0.0.61:82/onvif/z", "camera http://127.0.0.61:8000/onvif/y"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_answers_neither_fills_the_list_nor_lengthens_the_search() {
    let from = Ipv4Addr::new(127, 0, 0, 62);
    responder(from, |id| {
        (0..3000)
            .map(|n| matched(id, &format!("n{n}"), &format!("http://127.0.0.62:{}/", 1000 + n)))
            .collect()
    });
    let began = Instant::now();
    let found = found_at(from).await;
    assert!(!found.is_empty() && found.len() <= 32, "{}", found.len());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_network_that_is_none_of_this_machines_is_told() {
    let error = search(&[Ipv4Addr::new(203, 0, 113, 9)], Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.to_string(), "no network can be asked");
}
