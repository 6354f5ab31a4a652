//! What a fuzzer found worth keeping (fuzz/corpus), and what it begins with, without the fuzzer.
//!
//! `LOUVER_WRITE_SEEDS=1 cargo test -p louver-onvif --test corpus` writes what it begins with anew.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

#[path = "../../../fuzz/checks/onvif_message.rs"]
mod onvif_message;

use onvif_message::ASKED;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/onvif_message")
}

#[test]
fn what_holds_of_any_message_holds_of_the_corpus() {
    let files: Vec<_> = std::fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        onvif_message::any_bytes(&std::fs::read(file).unwrap());
    }
}

fn answer(body: &str) -> String {
    format!("<s:Envelope xmlns:s=\"s\" xmlns:t=\"t\"><s:Header/><s:Body>{body}</s:Body></s:Envelope>")
}

#[test]
fn the_seeds_are_answers_to_each_question() {
    let other = "http://198.51.100.1:81/onvif/media";
    let size = |w: u32, h: u32| {
        format!("<t:Resolution><t:Width>{w}</t:Width><t:Height>{h}</t:Height></t:Resolution>")
    };
    let old = |token: &str, w, h| {
        format!(
            "<t:Profiles token=\"{token}\"><t:VideoEncoderConfiguration><t:Encoding>H264</t:Encoding>{}<t:RateControl>\
             <t:FrameRateLimit>25</t:FrameRateLimit></t:RateControl></t:VideoEncoderConfiguration></t:Profiles>",
            size(w, h)
        )
    };
    let event = |topic: &str, name: &str| {
        format!(
            "<NotificationMessage><Topic>{topic}</Topic><Message><t:Message UtcTime=\"2026-05-04T10:20:30Z\"><t:Data>\
             <t:SimpleItem Name=\"{name}\" Value=\"true\"/></t:Data></t:Message></Message></NotificationMessage>"
        )
    };
    let seeds = [
        (
            "found",
            format!(
                "<E><Header><RelatesTo>{ASKED}</RelatesTo></Header><Body><ProbeMatches><ProbeMatch><EndpointReference><Address>u</Address>\
                 </EndpointReference><Types>dn:NetworkVideoTransmitter</Types><Scopes>onvif://www.onvif.org/name/A%20B</Scopes>\
                 <XAddrs>{other} http://192.0.2.10/x</XAddrs></ProbeMatch></ProbeMatches></Body></E>"
            ),
        ),
        (
            "services",
            answer(&format!(
                "<GetServicesResponse><Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>{other}</XAddr></Service>\
                 </GetServicesResponse>"
            )),
        ),
        (
            "capabilities",
            answer(&format!(
                "<GetCapabilitiesResponse><Capabilities><Media><XAddr>{other}</XAddr></Media></Capabilities></GetCapabilitiesResponse>"
            )),
        ),
        (
            "profiles",
            answer(&format!(
                "<GetProfilesResponse>{}{}</GetProfilesResponse>",
                old("a", 1920, 1080),
                old("b", 640, 360)
            )),
        ),
        (
            "profiles_2",
            answer(&format!(
                "<GetProfilesResponse><Profiles token=\"a\"><Configurations><VideoEncoder GovLength=\"50\"><Encoding>H265</Encoding>{}\
                 </VideoEncoder></Configurations></Profiles></GetProfilesResponse>",
                size(3840, 2160)
            )),
        ),
        (
            "stream",
            answer(
                "<GetStreamUriResponse><MediaUri><Uri>rtsp://a:b@198.51.100.1:554/live?c=1&amp;d=2</Uri></MediaUri></GetStreamUriResponse>",
            ),
        ),
        (
            "events",
            answer(&format!(
                "<PullMessagesResponse>{}{}{}</PullMessagesResponse>",
                event("tns1:VideoSource/MotionAlarm", "State"),
                event("tns1:RuleEngine/Recognition/Face", "State"),
                event("tns1:Monitoring/OperatingTime/LastReboot", "Status")
            )),
        ),
        ("topic", "tns1:RuleEngine/TamperDetector/Tamper".into()),
        (
            "refusal",
            answer(
                "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>no &#65;</s:Text></s:Reason></s:Fault>",
            ),
        ),
        ("entities", "<!DOCTYPE E [<!ENTITY a 'b'>]><E>&a;</E>".into()),
        ("deep", "<a>".repeat(40)),
    ];
    for (name, seed) in seeds {
        let file = corpus().join(name);
        if std::env::var_os("LOUVER_WRITE_SEEDS").is_some() {
            std::fs::write(&file, &seed).unwrap();
        }
        let there = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(there, seed, "{name}: not what it is called; LOUVER_WRITE_SEEDS=1 writes it anew");
    }
}
