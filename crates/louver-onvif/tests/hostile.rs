//! Cameras that do what they should not.
#![allow(clippy::unwrap_used)] // A camera that cannot be set up fails its test.

mod support;

use std::time::{Duration, Instant};

use louver_onvif::{Camera, OnvifError, XmlError};
use support::{Asked, Does, SECRET, Scripted, envelope, ordinary, profile};

const WITHIN: Duration = Duration::from_millis(1500);

async fn looked_at(does: impl Fn(&Asked) -> Does + Send + Sync + 'static) -> OnvifError {
    let camera = Scripted::new(does).await;
    let began = Instant::now();
    let address = camera.address(&format!("admin:{SECRET}@"));
    let error = Camera::new(address).within(WITHIN).look().await.unwrap_err();
    assert!(began.elapsed() < WITHIN * 4, "it took {:?}", began.elapsed());
    assert!(!error.to_string().contains(SECRET) && !format!("{error:?}").contains(SECRET));
    error
}

#[tokio::test]
async fn entities_that_grow_are_refused() {
    let bomb = "<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]>".to_owned()
        + &envelope("&b;");
    let error = looked_at(move |_| Does::Answer("200 OK", String::new(), bomb.clone())).await;
    assert!(matches!(error, OnvifError::Unreadable(XmlError::DocumentType)), "{error:?}");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let endless = |_: &Asked| {
        Does::Flood("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".into(), vec![b' '; 65536])
    };
    let error = looked_at(endless).await;
    assert!(matches!(error, OnvifError::Unreadable(XmlError::TooLong)), "{error:?}");
    let chunked = |_: &Asked| {
        Does::Flood(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
            format!("1000\r\n{}\r\n", "a".repeat(4096)).into_bytes(),
        )
    };
    let error = looked_at(chunked).await;
    assert!(matches!(error, OnvifError::Unreadable(XmlError::TooLong)), "{error:?}");
    let headers =
        |_: &Asked| Does::Flood("HTTP/1.1 200 OK\r\n".into(), b"X-Header: 0123456789\r\n".repeat(512));
    let error = looked_at(headers).await;
    assert!(matches!(error, OnvifError::NotHttp), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_comes_byte_by_byte_is_waited_for_only_so_long() {
    for head in ["HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Slow: "] {
        let error = looked_at(move |_| Does::Drip(head.into(), b"<a>")).await;
        assert!(matches!(error, OnvifError::NoAnswer(t) if t == WITHIN), "{error:?}");
    }
    let error = looked_at(|_| Does::Say(Vec::new())).await;
    assert!(matches!(error, OnvifError::NoAnswer(_)), "{error:?}");
}

#[tokio::test]
async fn a_redirection_is_not_followed_with_the_password_or_without() {
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let other = Scripted::new(|_| Does::HangUp).await;
        let to = format!("Location: http://{}/onvif/device_service\r\n", other.at);
        let error = looked_at(move |_| Does::Answer(status, to.clone(), String::new())).await;
        assert!(matches!(error, OnvifError::Elsewhere), "{error:?}");
        assert!(other.asked.lock().unwrap().is_empty());
    }
}

/// Another host's services: the question goes to the camera itself, never there.
#[tokio::test]
async fn services_and_streams_of_another_host_are_asked_for_on_the_cameras_own() {
    let other = Scripted::new(|_| Does::HangUp).await;
    let elsewhere = format!("localhost:{}", other.at.port());
    let camera = Scripted::but(move |asked, _| {
        if asked.is("GetServices") {
            return Some(Does::soap(&format!(
                "<GetServicesResponse><Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace>\
                 <XAddr>http://{elsewhere}/media</XAddr></Service></GetServicesResponse>"
            )));
        }
        asked.is("GetStreamUri").then(|| {
            Does::soap(&format!(
                "<GetStreamUriResponse><MediaUri><Uri>rtsp://who:what@{elsewhere}/other</Uri></MediaUri></GetStreamUriResponse>"
            ))
        })
    })
    .await;
    let look = Camera::new(camera.address(&format!("admin:{SECRET}@"))).look().await.unwrap();
    assert!(other.asked.lock().unwrap().is_empty(), "a digest of the password went to another host");
    assert_eq!(camera.questions("GetProfiles").len(), 1);
    let played = &look.sources[0].main.address;
    assert_eq!(played.rtsp_url().unwrap().host_str(), Some("127.0.0.1"));
    assert_eq!(played.credentials().unwrap().user, "admin");
}

#[tokio::test]
async fn what_is_no_camera_is_told_from_one() {
    let page = |_: &Asked| {
        Does::Answer("404 Not Found", String::new(), "<html><p>no <b>such</b> page<br></html>".into())
    };
    assert!(matches!(looked_at(page).await, OnvifError::NotOnvif(404)));
    let page = |_: &Asked| Does::Answer("200 OK", String::new(), "<!doctype html><html><br></html>".into());
    assert!(matches!(looked_at(page).await, OnvifError::NotOnvif(200)));
    assert!(matches!(looked_at(|_| Does::Say(b"SSH-2.0-x\r\n".to_vec())).await, OnvifError::NotHttp));
    let error = looked_at(|_| Does::HangUp).await;
    assert!(matches!(error, OnvifError::Unreachable(_)), "{error:?}");
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let error = looked_at(move |_| Does::soap(&deep)).await;
    assert!(matches!(error, OnvifError::Unreadable(XmlError::TooDeep)), "{error:?}");
}

#[tokio::test]
async fn no_question_is_signed_in_clear_text() {
    let basic = "WWW-Authenticate: Basic realm=\"x\"\r\n";
    let camera = Scripted::new(move |asked| match asked.is("GetSystemDateAndTime") {
        true => ordinary(asked, "127.0.0.1:1".parse().unwrap()),
        false => Does::Answer("401 Unauthorized", basic.into(), String::new()),
    })
    .await;
    let error = Camera::new(camera.address(&format!("admin:{SECRET}@"))).look().await.unwrap_err();
    assert!(matches!(error, OnvifError::ClearText), "{error:?}");
    for asked in camera.asked.lock().unwrap().iter() {
        assert!(!asked.head.contains("Basic") && !format!("{asked:?}").contains(SECRET), "{asked:?}");
    }
}

const DIGEST: &str = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5\r\n";

/// RFC 7616, as Axis, Hikvision and Dahua cameras ask for it.
#[tokio::test]
async fn http_digest_is_answered_and_remembered() {
    let camera = Scripted::but(move |asked, _| {
        let signed = asked.head.lines().any(|l| l.to_lowercase().starts_with("authorization: digest"));
        let free = signed || asked.is("GetSystemDateAndTime");
        (!free).then(|| Does::Answer("401 Unauthorized", DIGEST.into(), String::new()))
    })
    .await;
    let look = Camera::new(camera.address(&format!("admin:{SECRET}@"))).look().await.unwrap();
    assert_eq!((look.device.model.as_str(), look.sources.len()), ("X-1", 1));
    assert_eq!(camera.questions("GetDeviceInformation").len(), 2, "refused once, then signed");
    assert_eq!(camera.questions("GetServices").len(), 1, "signed at once");
    let wrong = looked_at(|asked| match asked.is("GetSystemDateAndTime") {
        true => ordinary(asked, "127.0.0.1:1".parse().unwrap()),
        false => Does::Answer("401 Unauthorized", DIGEST.into(), String::new()),
    });
    assert!(matches!(wrong.await, OnvifError::WrongPassword));
}

/// As recorders do of channels without a camera, and cameras of profiles that are switched off.
#[tokio::test]
async fn a_stream_whose_address_is_not_told_costs_that_stream_and_no_other() {
    let two_lenses = |fails: &'static str| {
        Scripted::but(move |asked, _| {
            if asked.is("GetProfiles") {
                let second = |token, width, height| {
                    profile(token, width, height).replace("<SourceToken>V<", "<SourceToken>W<")
                };
                return Some(Does::soap(&format!(
                    "<GetProfilesResponse>{}{}{}{}</GetProfilesResponse>",
                    profile("P1", 1920, 1080),
                    profile("P2", 640, 360),
                    second("P3", 1280, 720),
                    second("P4", 320, 180)
                )));
            }
            (asked.is("GetStreamUri") && asked.body.contains(fails)).then(|| Does::fault("ter:NoProfile"))
        })
    };
    let found = |sources: &[louver_onvif::Streams]| -> Vec<_> {
        let one =
            |s: &louver_onvif::Streams| (s.main.profile.clone(), s.sub.as_ref().map(|s| s.profile.clone()));
        sources.iter().map(one).collect()
    };
    let (p1, p2, p3, p4) = ("P1".to_owned(), "P2".to_owned(), "P3".to_owned(), "P4".to_owned());
    for (fails, wanted) in [
        (">P2<", vec![(p1.clone(), None), (p3.clone(), Some(p4.clone()))]),
        (">P3<", vec![(p1.clone(), Some(p2.clone()))]),
    ] {
        let scripted = two_lenses(fails).await;
        let mut camera = Camera::new(scripted.address(""));
        assert_eq!(found(&camera.streams().await.unwrap()), wanted, "{fails}");
    }
    // Of the first lens: a look shows the other, and who plays the first is told why there is none, and not given another.
    let scripted = two_lenses(">P1<").await;
    let mut camera = Camera::new(scripted.address(""));
    assert_eq!(found(&camera.look().await.unwrap().sources), [(p3, Some(p4))]);
    let error = camera.streams().await.unwrap_err();
    assert!(matches!(error, OnvifError::Fault(_)), "{error:?}");
}
