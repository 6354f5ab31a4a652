//! Finding cameras and asking them about themselves (ONVIF).
//!
//! [`search`] finds the cameras of a network; [`Camera`] asks one for its clock, make and streams; [`follow`] stays in touch
//! and tells what happens in [`Notice`]s: the clock was set, the streams are others, the camera began anew, sees movement or
//! is meddled with. Recording needs none of it.
//!
//! **Privacy.** Cameras can tell whose face or plate they believe to see. Nothing here can hold that: only the topics of
//! `events.rs` are asked for and read, and a message of any other topic is stepped over while it is parsed.
//!
//! **Cameras are treated as attackers.** Messages have bounds (size, depth, elements; `xml.rs`), entities are never made, each
//! exchange has one deadline, redirections are not followed, and every address that a camera names, of a service or of a
//! stream, is put on the camera's own host (`address.rs`): a password's digest goes to the host that was named and to no other,
//! and no camera can have another one recorded in its place.
//!
//! **Signing in.** With WS-Security's password digest, by the camera's own clock, because it refuses what is signed with
//! another time; with HTTP digest where the camera asks for it; questions are never signed in clear text. Both digests can be tried out
//! by who receives them, so a camera's password should be its own. Streams are another matter: whoever plays one where the camera
//! says that it is signs in by RTSP as the camera asks there, which may be in clear text (basic sign-in).
//!
//! Own code and no library, because the one that there is (oxvif 0.17) reads answers of any size and depth, follows
//! redirections with the signed message, takes the camera's word for where its services are, and keeps the whole content of
//! every event; what was left of it after taking that over would have been the wording of eight questions.

mod address;
mod camera;
mod discovery;
mod error;
mod events;
mod follow;
mod http;
mod media;
mod pull;
mod soap;
mod subjects;
mod watch;
mod words;
mod xml;

pub use address::{OnvifAddress, OnvifAddressError};
pub use camera::{Camera, Device, Look};
pub use discovery::{FOUND_MAX, Found, Search, SearchError, search};
pub use error::OnvifError;
pub use follow::{Pace, follow};
pub use media::{Encoding, Stream, Streams};
pub use watch::{Notice, What};
pub use xml::XmlError;

/// For the fuzzer: everything that is made of a camera's bytes.
#[doc(hidden)]
pub mod fuzzing {
    use std::net::IpAddr;

    use crate::camera::Services;
    use crate::{OnvifAddress, discovery, events, media, soap, xml};

    /// What a message led to, read as an answer to every question.
    #[derive(Debug, Default)]
    pub struct Led {
        /// Hosts that would be asked for more, or played.
        pub hosts: Vec<String>,
        /// Pixels of what would be recorded, and of what would be seen.
        pub sizes: Vec<(u64, Option<u64>)>,
        /// Messages that were heard of.
        pub said: usize,
        /// All that is kept of the messages, as text.
        pub kept: String,
    }

    /// Reads the bytes as a camera's at this host.
    pub fn read(bytes: &[u8], camera: IpAddr, asked: &str) -> Led {
        let mut led = Led::default();
        let found = discovery::answers(bytes, camera, &[asked.to_owned()]);
        led.hosts.extend(found.iter().map(|f| f.address.host().to_owned()));
        let Some(at) = OnvifAddress::on_host("http://camera/", camera) else { return led };
        for name in ["GetServicesResponse", "GetCapabilitiesResponse"] {
            let Ok(answer) = soap::response(bytes, name, xml::whole) else { continue };
            for of in [Services::listed(&at, &answer), Services::capable(&at, &answer)] {
                let urls = [of.media, of.media2, of.events].into_iter().flatten();
                led.hosts.extend(urls.filter_map(|url| url.host_str().map(str::to_owned)));
            }
        }
        if let Ok(answer) = soap::response(bytes, "GetStreamUriResponse", xml::whole) {
            let said = answer.text_at(&["MediaUri", "Uri"]).or_else(|| answer.text_at(&["Uri"]));
            let played = said.and_then(|said| at.stream(said)).and_then(|a| a.rtsp_url().cloned());
            led.hosts.extend(played.and_then(|url| url.host_str().map(str::to_owned)));
        }
        if let Ok(answer) = soap::response(bytes, "GetProfilesResponse", xml::whole) {
            led.sizes = media::sizes(&answer);
        }
        if let Ok(answer) = soap::response(bytes, "PullMessagesResponse", events::foreign) {
            led.said = events::said(&answer).len();
            led.kept =
                answer.children.iter().map(|message| format!("{:?}", message.child("Message"))).collect();
        }
        led
    }
}
