//! Any bytes as a camera's answer: they lead to no other host than the camera's own, and nothing of an event is kept that is not about
//! movement, meddling or a restart.

use std::net::{IpAddr, Ipv4Addr};

use louver_onvif::fuzzing::read;

/// Where the camera is.
const CAMERA: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
/// The question that seeds answer.
pub(crate) const ASKED: &str = "urn:uuid:00000000-0000-4000-8000-000000000000";
/// What an event is about whose topic the bytes are.
const WHOSE: &str = "whose-face-or-plate";

/// Takes the bytes as a message, and as the topic of an event.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let led = read(bytes, CAMERA, ASKED);
    assert!(led.hosts.iter().all(|host| host == "192.0.2.10"), "{:?}", led.hosts);
    assert!(
        led.sizes.iter().all(|(main, sub)| *main > 0 && sub.is_none_or(|sub| sub > 0 && sub < *main)),
        "{:?}",
        led.sizes
    );
    assert!(led.said <= 256, "{}", led.said);

    let topic: String = String::from_utf8_lossy(bytes).chars().filter(|c| !"<>&\"'".contains(*c)).collect();
    let event = format!(
        "<E><Body><PullMessagesResponse><NotificationMessage><Topic>{topic}</Topic><Message><Message><Data>\
         <SimpleItem Name='State' Value='true'/><SimpleItem Name='Plate' Value='{WHOSE}'/><ElementItem>{WHOSE}</ElementItem>\
         </Data></Message></Message></NotificationMessage></PullMessagesResponse></Body></E>"
    );
    let led = read(event.as_bytes(), CAMERA, ASKED);
    assert!(led.said == 1 || !led.kept.contains(WHOSE), "{topic:?}: {}", led.kept);
}
