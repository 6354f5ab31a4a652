//! Whose packets a session over UDP takes. retina believes the host that a camera names in its answer to SETUP (RFC 2326 section
//! 12.39, `source=`): it connects its sockets there and sends two packets to open firewalls. Nothing is played before it is
//! known that the host is the camera's own.

use std::net::IpAddr;

use retina::client::Stream;

/// Whether all streams that are set up take packets from one of these hosts alone. retina tells the host in words; what cannot be
/// read is not believed.
pub(crate) fn are_from(streams: &[Stream], hosts: &[IpAddr]) -> bool {
    let mut contexts = streams.iter().filter_map(Stream::ctx);
    contexts.all(|context| peer(&context.to_string()).is_some_and(|peer| hosts.contains(&peer)))
}

/// The host in `192.0.2.1:5000-5001(me) -> 192.0.2.10:6970-6971`.
fn peer(context: &str) -> Option<IpAddr> {
    let (_, peer) = context.split_once("(me) -> ")?;
    let (host, _) = peer.rsplit_once(':')?;
    host.parse().ok().map(|host: IpAddr| host.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_is_read_from_what_retina_says_and_what_it_might_say_one_day_is_not_believed() {
        let of = |text| peer(text).map(|ip| ip.to_string());
        assert_eq!(of("192.0.2.1:5000-5001(me) -> 192.0.2.10:6970-6971").as_deref(), Some("192.0.2.10"));
        assert_eq!(of("2001:db8::1:5000-5001(me) -> 2001:db8::7:6970-6971").as_deref(), Some("2001:db8::7"));
        for other in ["TCP, interleaved channel ids 0-1", "dummy", "", "(me) -> cam:1-2"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
