//! What a camera tells of its own accord. ipycam tells nothing, so these cameras are scripted after the ONVIF Core
//! specification, chapter 9, with what real ones do besides (Axis' reference parameters, filters that are not understood).
#![allow(clippy::unwrap_used)] // A camera that cannot be set up fails its test.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use louver_base::WallSpan;
use louver_onvif::{Notice, Pace, What, follow};
use support::{Asked, Does, SECRET, Scripted, time};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A camera with events. `pulls` gives the messages of the n-th question, from 0; `None` is a refusal.
struct Telling {
    camera: Scripted,
    ahead: Arc<AtomicI64>,
}

impl Telling {
    async fn new(filters: bool, pulls: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> Self {
        let (count, ahead) = (AtomicUsize::new(0), Arc::new(AtomicI64::new(0)));
        let clock = ahead.clone();
        let camera = Scripted::but(move |asked, at| {
            if asked.is("GetSystemDateAndTime") {
                return Some(Does::soap(&time(clock.load(Ordering::Relaxed))));
            }
            if asked.is("CreatePullPointSubscription") {
                return Some(match asked.body.contains("TopicExpression") && !filters {
                    true => Does::fault("wsnt:InvalidFilterFault"),
                    false => Does::soap(&format!(
                        "<CreatePullPointSubscriptionResponse><SubscriptionReference><Address>http://{at}/pull</Address>\
                         <ReferenceParameters><x:SubscriptionId xmlns:x='http://maker.example/event'>40</x:SubscriptionId>\
                         </ReferenceParameters></SubscriptionReference></CreatePullPointSubscriptionResponse>"
                    )),
                });
            }
            asked.is("PullMessages").then(|| match pulls(count.fetch_add(1, Ordering::Relaxed)) {
                Some(messages) => Does::soap(&format!("<PullMessagesResponse>{messages}</PullMessagesResponse>")),
                None => Does::fault("wsrf-rw:ResourceUnknownFault"),
            })
        })
        .await;
        Self { camera, ahead }
    }

    /// Follows it until `enough` says so of what was noticed.
    async fn noticed(&self, enough: impl Fn(&[Notice]) -> bool) -> Vec<Notice> {
        let ms = Duration::from_millis;
        let pace =
            Pace { clock: ms(100), streams: ms(60_000), wait: ms(0), retry_first: ms(50), ..Pace::default() };
        let (out, mut told) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let task =
            tokio::spawn(follow(self.camera.address(&format!("admin:{SECRET}@")), pace, out, stop.clone()));
        let mut notices = Vec::new();
        while !enough(&notices) {
            let next = tokio::time::timeout(Duration::from_secs(20), told.recv()).await;
            notices.push(next.unwrap_or_else(|_| panic!("only {notices:?}")).unwrap());
        }
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
        notices
    }
}

impl Telling {
    /// The same, where it may tell nothing for a while.
    async fn quietly_noticed(&self, enough: impl Fn(&[Notice]) -> bool) -> Vec<Notice> {
        let pace = Pace { wait: Duration::ZERO, ..Pace::default() };
        let (out, mut told) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let task =
            tokio::spawn(follow(self.camera.address(&format!("admin:{SECRET}@")), pace, out, stop.clone()));
        let mut notices = Vec::new();
        let began = std::time::Instant::now();
        while !enough(&notices) {
            assert!(began.elapsed() < Duration::from_secs(20), "only {notices:?}");
            if let Ok(next) = tokio::time::timeout(Duration::from_millis(50), told.recv()).await {
                notices.push(next.unwrap());
            }
        }
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
        notices
    }
}

fn message(topic: &str, name: &str, value: &str) -> String {
    format!(
        "<NotificationMessage><Topic>{topic}</Topic><Message><tt:Message UtcTime='2026-05-04T10:20:30Z' PropertyOperation='Changed'>\
         <tt:Data><tt:SimpleItem Name='{name}' Value='{value}'/></tt:Data></tt:Message></Message></NotificationMessage>"
    )
}

#[tokio::test]
async fn movement_and_meddling_are_told_with_both_clocks() {
    let telling = Telling::new(true, |n| {
        Some(match n {
            0 => message("tns1:RuleEngine/CellMotionDetector/Motion", "IsMotion", "true"),
            1 => message("tns1:RuleEngine/TamperDetector/Tamper", "IsTamper", "true"),
            _ => String::new(),
        })
    })
    .await;
    let notices = telling.noticed(|n| n.iter().any(|n| matches!(n.what, What::Tamper(true)))).await;
    let motion = notices.iter().find(|n| matches!(n.what, What::Motion(true))).unwrap();
    assert_eq!(motion.camera_time.unwrap().to_string(), "2026-05-04T10:20:30.000Z");
    let since = louver_base::WallTime::now() - motion.heard;
    assert!(since.seconds() < 60.0 && since.seconds() >= 0.0);

    let asked = telling.camera.questions("CreatePullPointSubscription");
    assert!(
        asked[0].body.contains("tns1:VideoSource/MotionAlarm")
            && !asked[0].body.to_lowercase().contains("face")
    );
    for asked in
        telling.camera.questions("PullMessages").iter().chain(&telling.camera.questions("Unsubscribe"))
    {
        assert!(
            asked.body.contains("xmlns:r=\"http://maker.example/event\" a:IsReferenceParameter=\"true\">40<"),
            "{asked:?}"
        );
        assert!(asked.head.starts_with("POST /pull "), "{asked:?}");
    }
    assert_eq!(telling.camera.questions("Unsubscribe").len(), 1);
}

#[tokio::test]
async fn whose_face_or_plate_a_camera_tells_of_is_dropped_unread() {
    let telling = Telling::new(false, |n| {
        Some(match n {
            0 => {
                message("tns1:RuleEngine/Recognition/LicensePlate", "PlateNumber", "AB-C 123")
                    + &message("tns1:VideoAnalytics/tnsmaker:FaceRecognition", "State", "true")
                    + &message("tns1:VideoSource/MotionAlarm", "State", "true").replace(
                        "</tt:Data>",
                        "<tt:ElementItem Name='n'><Face>AB-C 123</Face></tt:ElementItem></tt:Data>",
                    )
            }
            1 => message("tns1:VideoSource/MotionAlarm", "State", "false"),
            _ => String::new(),
        })
    })
    .await;
    let notices = telling.noticed(|n| n.iter().any(|n| matches!(n.what, What::Motion(false)))).await;
    let told = notices.iter().filter(|n| !matches!(n.what, What::Clock(_) | What::Streams { .. })).count();
    assert_eq!(told, 2, "{notices:?}");
    assert!(!format!("{notices:?}").contains("AB-C"));
}

#[tokio::test]
async fn a_subscription_that_the_camera_forgot_is_made_anew() {
    let telling = Telling::new(true, |n| match n {
        0 | 1 => None,
        _ => Some(message("tns1:VideoSource/MotionAlarm", "State", "true")),
    })
    .await;
    let notices = telling.noticed(|n| n.iter().any(|n| matches!(n.what, What::Motion(true)))).await;
    assert!(telling.camera.questions("CreatePullPointSubscription").len() >= 3);
    assert!(
        !notices.iter().any(|n| matches!(n.what, What::Answers | What::Silent { .. })),
        "that is no silence: {notices:?}"
    );
}

#[tokio::test]
async fn a_clock_that_is_set_and_a_restart_are_told() {
    let telling = Telling::new(true, |n| {
        let at = if n < 3 { "2026-05-04T08:00:00Z" } else { "2026-05-04T10:00:00Z" };
        Some(
            message("tns1:Monitoring/OperatingTime/LastReboot", "Status", at)
                .replace("Changed", "Initialized"),
        )
    })
    .await;
    telling.ahead.store(100, Ordering::Relaxed);
    let ahead = telling.ahead.clone();
    let notices = telling
        .noticed(move |n| {
            if n.iter().any(|n| matches!(n.what, What::Restarted)) {
                ahead.store(7300, Ordering::Relaxed);
            }
            n.iter().any(|n| matches!(n.what, What::ClockJumped(_)))
        })
        .await;
    let near = |offset: WallSpan, seconds: f64| (offset.seconds() - seconds).abs() < 2.5;
    assert!(
        notices.iter().any(|n| matches!(n.what, What::Clock(offset) if near(offset, 100.0))),
        "{notices:?}"
    );
    assert!(
        notices.iter().any(|n| matches!(n.what, What::ClockJumped(by) if near(by, 7200.0))),
        "{notices:?}"
    );
    let restarts: Vec<_> = notices.iter().filter(|n| matches!(n.what, What::Restarted)).collect();
    assert_eq!(restarts.len(), 1, "{notices:?}");
    assert_eq!(restarts[0].camera_time.unwrap().to_string(), "2026-05-04T10:00:00.000Z");
}

/// Cameras refuse what is signed with a time that is not their own.
#[tokio::test]
async fn messages_are_signed_with_the_cameras_own_time() {
    let telling =
        Telling::new(true, |_| Some(message("tns1:VideoSource/MotionAlarm", "State", "true"))).await;
    telling.ahead.store(86_400, Ordering::Relaxed);
    telling.noticed(|n| n.iter().any(|n| matches!(n.what, What::Motion(true)))).await;
    let asked = &telling.camera.questions("PullMessages")[0];
    let created = |a: &Asked| a.body.split("Created>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let tomorrow = louver_base::WallTime::now() + WallSpan::from_hours(24);
    assert_eq!(created(asked)[..13], tomorrow.to_string()[..13]);
    assert!(
        !telling.camera.questions("GetSystemDateAndTime")[0].body.contains("Security"),
        "the time is asked for unsigned"
    );
}

/// Cameras lock an account after five wrong passwords in half an hour, and whoever asks signs in twice at each attempt.
#[tokio::test]
async fn a_refused_password_is_not_tried_again_for_a_quarter_of_an_hour() {
    let camera = Scripted::but(|asked, _| {
        let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5\r\n";
        (!asked.is("GetSystemDateAndTime"))
            .then(|| Does::Answer("401 Unauthorized", challenge.into(), String::new()))
    })
    .await;
    let ms = Duration::from_millis;
    let pace = Pace { clock: ms(50), retry_first: ms(20), retry_longest: ms(50), ..Pace::default() };
    let (out, mut told) = mpsc::channel(4);
    let stop = CancellationToken::new();
    let task = tokio::spawn(follow(camera.address(&format!("admin:{SECRET}@")), pace, out, stop.clone()));
    while !matches!(told.recv().await.unwrap().what, What::Silent { sign_in: true, .. }) {}
    // As long as forty attempts would take.
    assert!(tokio::time::timeout(ms(2000), told.recv()).await.is_err());
    let tries = camera.questions("GetServices").len();
    stop.cancel();
    task.await.unwrap();
    assert_eq!(tries, 2, "one attempt: signed in the message, then by HTTP digest as well");
}

/// Whoever listens writes a line for each notice, and stops what it plays where streams are others.
#[tokio::test]
async fn a_camera_that_says_the_same_changes_its_mind_and_begins_anew_for_ever_fills_no_log() {
    let telling = Telling::new(true, |n| {
        let tamper = |so| message("tns1:RuleEngine/TamperDetector/Tamper", "IsTamper", so);
        let restart = |second: usize| {
            let at = format!("2026-05-04T08:{:02}:{:02}Z", second / 60 % 60, second % 60);
            message("tns1:Monitoring/OperatingTime/LastReboot", "Status", &at)
        };
        let flood =
            (0..50).map(|m| tamper("true") + &tamper("true") + &tamper("false") + &restart(n * 50 + m));
        Some(flood.collect::<String>())
    })
    .await;
    let pulls = |telling: &Telling| telling.camera.questions("PullMessages").len();
    let enough = |_: &[Notice]| pulls(&telling) >= 6;
    let notices = telling.quietly_noticed(enough).await;
    let count = |what: fn(&What) -> bool| notices.iter().filter(|n| what(&n.what)).count();
    let tampers = count(|what| matches!(what, What::Tamper(_)));
    let restarts = count(|what| matches!(what, What::Restarted));
    assert!((2..=7).contains(&tampers), "{tampers} of 900 messages");
    assert!((1..=7).contains(&restarts), "{restarts} of 300 restarts");
    let looks = telling.camera.questions("GetProfiles").len();
    assert!((1..=2).contains(&looks), "{looks} looks at the streams");
}
