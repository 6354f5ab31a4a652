//! Against ipycam, a virtual camera from PyPI that speaks ONVIF's discovery, device and media services.
#![allow(clippy::unwrap_used)] // A camera that cannot be started fails its test.

mod support;

use std::net::Ipv4Addr;
use std::time::Duration;

use louver_onvif::{Camera, Encoding, OnvifAddress, OnvifError, Pace, What, follow, search};
use secrecy::ExposeSecret as _;
use support::{SECRET, VirtualCamera};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const HERE: [Ipv4Addr; 1] = [Ipv4Addr::LOCALHOST];

fn signed(url: &str, password: &str) -> OnvifAddress {
    url.replace("http://", &format!("http://admin:{password}@")).parse().unwrap()
}

#[tokio::test]
async fn it_is_found_by_multicast_and_described() {
    let camera =
        VirtualCamera::start(&["--name", "Gate of the test", "--stream-port", "8555", "--user", "admin"]);
    let searched = search(&HERE, Duration::from_secs(2)).await.unwrap();
    assert_eq!(searched.asked, HERE);
    let found = searched.found.iter().filter(|f| f.address.to_string() == camera.url).collect::<Vec<_>>();
    assert_eq!(found.len(), 1, "{searched:?}");

    let look = Camera::new(signed(&camera.url, SECRET)).look().await.unwrap();
    assert_eq!((look.device.manufacturer.as_str(), look.device.model.as_str()), ("ipycam", "VirtualCam-1"));
    assert!(look.clock.unwrap().seconds().abs() < 2.0, "{:?}", look.clock);
    let [streams] = &look.sources[..] else { panic!("{look:?}") };
    let (main, sub) = (&streams.main, streams.sub.as_ref().unwrap());
    assert_eq!((main.width, main.height, sub.width, sub.height), (1920, 1080, 640, 360));
    assert_eq!((&main.encoding, main.pictures_per_second), (&Encoding::H264, Some(30.0)));
    assert_eq!(main.address.to_string(), "rtsp://127.0.0.1:8555/video_main");
    assert_eq!(sub.address.rtsp_url().unwrap().path(), "/video_sub");
    assert_eq!(main.address.credentials().unwrap().password.expose_secret(), SECRET);
}

#[tokio::test]
async fn wrong_and_missing_passwords_are_told_apart() {
    let camera = VirtualCamera::start(&["--user", "admin"]);
    let look = |address: OnvifAddress| async { Camera::new(address).look().await.unwrap_err() };
    assert!(matches!(look(camera.url.parse().unwrap()).await, OnvifError::PasswordNeeded));
    assert!(matches!(look(signed(&camera.url, "wrong")).await, OnvifError::WrongPassword));
    let open = VirtualCamera::start(&[]);
    assert_eq!(Camera::new(open.url.parse().unwrap()).look().await.unwrap().sources.len(), 1);
}

#[tokio::test]
async fn other_streams_and_silence_are_noticed() {
    let camera = VirtualCamera::start(&[]);
    let (out, mut notices) = mpsc::channel(16);
    let stop = CancellationToken::new();
    let ms = Duration::from_millis;
    let pace = Pace { clock: ms(200), streams: ms(200), retry_first: ms(100), ..Pace::default() };
    let task = tokio::spawn(follow(camera.url.parse().unwrap(), pace, out, stop.clone()));
    let mut next =
        async || tokio::time::timeout(Duration::from_secs(30), notices.recv()).await.unwrap().unwrap();

    let first = next().await;
    assert!(matches!(first.what, What::Clock(offset) if offset.seconds().abs() < 2.0), "{first:?}");
    let first = next().await;
    let What::Streams { sources, changed: false } = first.what else { panic!("{first:?}") };
    assert_eq!(sources[0].main.width, 1920);
    camera.set(r#"{"main_width": 1280, "main_height": 720, "main_stream_name": "other"}"#).await;
    loop {
        match next().await.what {
            What::Clock(_) => {}
            What::Streams { sources, changed: true } => {
                assert_eq!(sources[0].main.width, 1280);
                assert_eq!(sources[0].main.address.rtsp_url().unwrap().path(), "/other");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    drop(camera);
    while !matches!(next().await.what, What::Silent { sign_in: false, .. }) {}
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
}
