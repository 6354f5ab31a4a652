//! SOAP 1.2 messages as ONVIF uses them (ONVIF Core specification, chapter 5), with WS-Security's user name token.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use louver_base::{Credentials, WallTime};
use secrecy::ExposeSecret as _;

use crate::OnvifError;
use crate::words::plain;
use crate::xml::{Element, escaped};

/// Namespaces of what is asked.
pub(crate) mod ns {
    pub(crate) const DEVICE: &str = "http://www.onvif.org/ver10/device/wsdl";
    pub(crate) const MEDIA: &str = "http://www.onvif.org/ver10/media/wsdl";
    pub(crate) const MEDIA2: &str = "http://www.onvif.org/ver20/media/wsdl";
    pub(crate) const EVENTS: &str = "http://www.onvif.org/ver10/events/wsdl";
}

/// What signs a message: name, password and the time that the *camera* has.
pub(crate) struct Signature<'a> {
    pub(crate) credentials: &'a Credentials,
    pub(crate) created: WallTime,
    /// Fresh for each message.
    pub(crate) nonce: [u8; 16],
}

/// A whole message.
pub(crate) fn message(header: &str, body: &str, signature: Option<&Signature<'_>>) -> String {
    let security = signature.map(token).unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://www.w3.org/2005/08/addressing\" \
         xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\" xmlns:trt=\"http://www.onvif.org/ver10/media/wsdl\" \
         xmlns:tr2=\"http://www.onvif.org/ver20/media/wsdl\" xmlns:tev=\"http://www.onvif.org/ver10/events/wsdl\" \
         xmlns:tt=\"http://www.onvif.org/ver10/schema\" xmlns:wsnt=\"http://docs.oasis-open.org/wsn/b-2\">\
         <s:Header>{header}{security}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// WS-Security UsernameToken Profile 1.0: Base64(SHA-1(nonce + created + password)). SHA-1 is the standard's choice.
fn password_digest(nonce: &[u8], created: &str, password: &str) -> String {
    let mut digest = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    for part in [nonce, created.as_bytes(), password.as_bytes()] {
        digest.update(part);
    }
    BASE64.encode(digest.finish())
}

fn token(signature: &Signature<'_>) -> String {
    const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";
    let created = signature.created.to_string();
    let digest = password_digest(&signature.nonce, &created, signature.credentials.password.expose_secret());
    format!(
        "<wsse:Security s:mustUnderstand=\"true\" xmlns:wsse=\"{WSSE}wssecurity-secext-1.0.xsd\" \
         xmlns:wsu=\"{WSSE}wssecurity-utility-1.0.xsd\"><wsse:UsernameToken><wsse:Username>{user}</wsse:Username>\
         <wsse:Password Type=\"{WSSE}username-token-profile-1.0#PasswordDigest\">{digest}</wsse:Password>\
         <wsse:Nonce EncodingType=\"{WSSE}soap-message-security-1.0#Base64Binary\">{nonce}</wsse:Nonce>\
         <wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>",
        user = escaped(&signature.credentials.user),
        nonce = BASE64.encode(signature.nonce),
    )
}

/// What stands in an answer's body under `name`.
pub(crate) fn response(
    message: &[u8],
    name: &'static str,
    skip: impl Fn(&Element, &str) -> bool,
) -> Result<Element, OnvifError> {
    let mut envelope = Element::parse(message, skip)?;
    let body =
        envelope.children.iter_mut().find(|c| c.name == "Body").ok_or(OnvifError::Incomplete("a body"))?;
    if let Some(fault) = body.child("Fault") {
        return Err(refusal(fault));
    }
    let at = body.children.iter().position(|c| c.name == name);
    at.map(|at| body.children.swap_remove(at)).ok_or(OnvifError::Incomplete(name))
}

/// SOAP 1.2 faults, and those of 1.1 that some cameras send.
fn refusal(fault: &Element) -> OnvifError {
    let mut codes = vec![fault.text_at(&["faultcode"])];
    let mut code = fault.child("Code");
    for _ in 0..4 {
        codes.push(code.and_then(|c| c.text_at(&["Value"])));
        code = code.and_then(|c| c.child("Subcode"));
    }
    let reason =
        fault.text_at(&["Reason", "Text"]).or_else(|| fault.text_at(&["faultstring"])).unwrap_or_default();
    let says = |word: &str| {
        codes.iter().flatten().copied().chain([reason]).any(|text| {
            let text: String = text.chars().filter(char::is_ascii_alphabetic).collect();
            text.to_ascii_lowercase().contains(word)
        })
    };
    if says("notauthorized") || says("failedauthentication") || says("unauthorized") {
        return OnvifError::WrongPassword;
    }
    let words = plain(reason);
    OnvifError::Fault(if words.is_empty() { "it does not say why".into() } else { words })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::whole;

    /// The example of the ONVIF Application Programmer's Guide, section 6.1.1.3.
    #[test]
    fn a_password_is_signed_as_the_standard_has_it() {
        let nonce = BASE64.decode("LKqI6G/AikKCQrN0zqZFlg==").unwrap();
        let digest = password_digest(&nonce, "2010-09-16T07:50:45Z", "userpassword");
        assert_eq!(digest, "tuOSpGlFlIXsozq4HFNeeGeFLEI=");
    }

    #[test]
    fn a_message_is_signed_with_its_own_nonce_and_time_and_the_password_stays_out_of_it() {
        let signature = Signature {
            credentials: &Credentials { user: "a<b".into(), password: "userpassword".into() },
            created: WallTime::from_millis(1_284_623_445_000),
            nonce: [7; 16],
        };
        let message = message("", "<x/>", Some(&signature));
        let root = Element::parse(message.as_bytes(), whole).unwrap();
        let said =
            |name| root.path(&["Header", "Security", "UsernameToken"]).unwrap().text_at(&[name]).unwrap();
        assert_eq!((said("Username"), said("Created")), ("a<b", "2010-09-16T07:50:45.000Z"));
        let nonce = BASE64.decode(said("Nonce")).unwrap();
        assert_eq!(said("Password"), password_digest(&nonce, said("Created"), "userpassword"));
        assert!(!message.contains("userpassword"));
    }

    fn answered(body: &str) -> Result<Element, OnvifError> {
        let text = format!("<E xmlns='x'><Header/><Body>{body}</Body></E>");
        response(text.as_bytes(), "Wanted", whole)
    }

    #[test]
    fn a_refusal_is_told_from_an_answer() {
        assert_eq!(answered("<Wanted>1</Wanted>").unwrap().text, "1");
        assert!(matches!(answered("<Other/>"), Err(OnvifError::Incomplete("Wanted"))));
        let fault = |inner: &str| answered(&format!("<Fault>{inner}</Fault>")).unwrap_err();
        let coded = "<Code><Value>s:Sender</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code>";
        assert!(matches!(fault(coded), OnvifError::WrongPassword));
        let said = "<Code><Value>s:Sender</Value></Code><Reason><Text>Sender not authorized</Text></Reason>";
        assert!(matches!(fault(said), OnvifError::WrongPassword));
        let old = "<faultcode>s:Client</faultcode><faultstring>no \u{202e}such\nthing</faultstring>";
        assert_eq!(fault(old).to_string(), "the camera refuses: no such thing");
        assert_eq!(fault("").to_string(), "the camera refuses: it does not say why");
    }
}
