//! WS-Discovery's question and its answers (WS-Discovery, April 2005, sections 5.2 and 5.3), as ONVIF uses them (ONVIF Core
//! specification, chapter 7). Takes bytes and says what stands in them; has no socket.

use std::net::IpAddr;

use crate::OnvifAddress;
use crate::words::plain;
use crate::xml::{Element, whole};

/// Bytes of an answer: one datagram, and those of real cameras have two or three thousand.
pub(crate) const ANSWER_MAX: usize = 16 << 10;
/// Matches in one answer: a device answers for itself.
const MATCHES_MAX: usize = 8;

/// Somebody who answered.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it is asked for more: always on the host that answered.
    pub address: OnvifAddress,
    /// The name that somebody gave it or its maker did, at most 64 letters; empty if it does not say.
    pub name: String,
    /// Its model, at most 64 letters; empty if it does not say.
    pub hardware: String,
    /// What it calls itself to be told from others.
    pub(crate) endpoint: String,
}

impl Found {
    /// A camera whose address is known already.
    pub fn named(address: OnvifAddress) -> Self {
        Self { address, name: String::new(), hardware: String::new(), endpoint: String::new() }
    }
}

/// Who asks for what. `id` is a UUID that answers relate to.
pub(crate) fn probe(id: &str, types: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" \
         xmlns:dn=\"http://www.onvif.org/ver10/network/wsdl\" xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\">\
         <s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>\
         <a:MessageID>{id}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>\
         <s:Body><d:Probe><d:Types>{types}</d:Types></d:Probe></s:Body></s:Envelope>"
    )
}

/// Who answers one of these questions. Whatever is not such an answer is nobody's.
pub(crate) fn answers(datagram: &[u8], from: IpAddr, asked: &[String]) -> Vec<Found> {
    if datagram.len() > ANSWER_MAX {
        return Vec::new();
    }
    let Ok(envelope) = Element::parse(datagram, whole) else { return Vec::new() };
    let relates = envelope.text_at(&["Header", "RelatesTo"]);
    let ours = relates.is_some_and(|id| asked.iter().any(|asked| asked.eq_ignore_ascii_case(id)));
    let Some(body) = envelope.child("Body").filter(|_| ours) else { return Vec::new() };
    // Some leave out the list around it.
    let listed = body.all("ProbeMatches").flat_map(|m| m.all("ProbeMatch"));
    listed.chain(body.all("ProbeMatch")).take(MATCHES_MAX).filter_map(|m| found(m, from)).collect()
}

fn found(matched: &Element, from: IpAddr) -> Option<Found> {
    let words = |name| matched.text_at(&[name]).unwrap_or_default().split_ascii_whitespace().take(64);
    let scope = |kind: &str| {
        let value = words("Scopes")
            .find_map(|scope| scope.strip_prefix("onvif://www.onvif.org/")?.strip_prefix(kind));
        value.map(|value| plain(&decoded(value))).unwrap_or_default()
    };
    let camera = words("Types").any(|t| t.ends_with("NetworkVideoTransmitter"))
        || words("Scopes").any(|s| s.starts_with("onvif://www.onvif.org/"));
    let here = format!("://{from}");
    let bracketed = format!("://[{from}]");
    // A device with several networks names an address in each: the one that it answered from comes first.
    let mut said: Vec<&str> = words("XAddrs").collect();
    said.sort_by_key(|said| !(said.contains(&here) || said.contains(&bracketed)));
    let address = said.iter().find_map(|said| OnvifAddress::on_host(said, from)).filter(|_| camera)?;
    let endpoint = matched.text_at(&["EndpointReference", "Address"]).unwrap_or_default();
    let endpoint = endpoint.chars().take(128).collect();
    Some(Found { address, name: scope("name/"), hardware: scope("hardware/"), endpoint })
}

/// `%41` and `+`-less percent codes as what they stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 10));
    const ID: &str = "urn:uuid:1";

    fn matched(types: &str, scopes: &str, addresses: &str) -> String {
        format!(
            "<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:c</a:Address></a:EndpointReference>\
             <d:Types>{types}</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{addresses}</d:XAddrs></d:ProbeMatch>"
        )
    }

    fn answer(id: &str, body: &str) -> String {
        format!(
            "<E xmlns:d='d' xmlns:a='a'><Header><a:RelatesTo>{id}</a:RelatesTo></Header><Body>{body}</Body></E>"
        )
    }

    fn read(id: &str, body: &str) -> Vec<Found> {
        answers(answer(id, body).as_bytes(), FROM, &[ID.to_owned()])
    }

    const TYPES: &str = "dn:NetworkVideoTransmitter tds:Device";

    #[test]
    fn a_camera_is_read_with_its_name() {
        let scopes = "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Front%20door \
            onvif://www.onvif.org/hardware/X-100";
        let one = matched(TYPES, scopes, "http://192.0.2.10:8000/onvif/device_service");
        for body in [format!("<d:ProbeMatches>{one}</d:ProbeMatches>"), one] {
            let found = read(ID, &body);
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].name.as_str(), found[0].hardware.as_str()), ("Front door", "X-100"));
            assert_eq!(found[0].address.to_string(), "http://192.0.2.10:8000/onvif/device_service");
        }
    }

    #[test]
    fn whoever_answers_is_asked_on_the_host_that_answered() {
        let found =
            |addresses| read(ID, &matched(TYPES, "", addresses)).first().map(|f| f.address.to_string());
        let elsewhere = "http://198.51.100.1:8080/x http://[2001:db8::1]/y http://192.0.2.10:8000/z";
        assert_eq!(found(elsewhere).as_deref(), Some("http://192.0.2.10:8000/z"));
        assert_eq!(found("http://169.254.169.254/latest/").as_deref(), Some("http://192.0.2.10/latest/"));
        assert_eq!(found("https://192.0.2.10/ file:///etc/passwd nonsense"), None);
    }

    #[test]
    fn only_answers_to_this_question_count_and_only_cameras() {
        let one = matched(TYPES, "", "http://192.0.2.10/");
        assert_eq!(read("urn:uuid:other", &one).len(), 0);
        assert_eq!(read("", &one).len(), 0);
        assert_eq!(read(ID, &matched("wsdp:Device pub:Computer", "", "http://192.0.2.10/")).len(), 0);
        assert_eq!(read(ID, &one.repeat(20)).len(), MATCHES_MAX);
        assert_eq!(answers(&vec![b' '; ANSWER_MAX + 1], FROM, &[ID.to_owned()]).len(), 0);
    }

    proptest! {
        #[test]
        fn no_answer_panics_or_leads_to_another_host(types in ".{0,30}", scopes in ".{0,60}", address in "(http|https|://|@|\\[|\\]|:|/|1|a|%|\\.){0,30}") {
            let (types, scopes, address) = [types, scopes, address].map(|t| crate::xml::escaped(&t)).into();
            for found in read(ID, &matched(&format!("{types} dn:NetworkVideoTransmitter"), &scopes, &address)) {
                prop_assert_eq!(found.address.host(), "192.0.2.10");
            }
        }
    }
}
