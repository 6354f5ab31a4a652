//! What a camera tells of its own accord: that it sees movement, that somebody meddles with it, that it began anew.
//!
//! Cameras can also tell whose face or plate they believe to see. That is never read: the topics below are all that is asked
//! for, and of a message with any other topic nothing is kept, not even in memory. What is kept of the others is one word,
//! true or false, and a time: [`Said`] has no field that could hold more.

use louver_base::WallTime;

use crate::words::date_time;
use crate::xml::Element;

/// Messages of one answer that are looked at.
const MESSAGES_MAX: usize = 256;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The camera sees movement.
    Motion,
    /// The camera believes that somebody covers, turns or blinds it.
    Tamper,
    /// The camera lost the picture of its own sensor.
    PictureLost,
    /// The camera began anew.
    Restart,
}

/// The topics of each subject, without prefix (ONVIF topic namespace `http://www.onvif.org/ver10/topics`).
const TOPICS: &[(&str, Subject)] = &[
    ("VideoSource/MotionAlarm", Subject::Motion),
    ("RuleEngine/CellMotionDetector/Motion", Subject::Motion),
    ("RuleEngine/MotionRegionDetector/Motion", Subject::Motion),
    ("RuleEngine/TamperDetector/Tamper", Subject::Tamper),
    ("VideoSource/GlobalSceneChange/AnalyticsService", Subject::Tamper),
    ("VideoSource/GlobalSceneChange/ImagingService", Subject::Tamper),
    ("VideoSource/GlobalSceneChange/RecordingService", Subject::Tamper),
    ("VideoSource/ImageTooDark/AnalyticsService", Subject::Tamper),
    ("VideoSource/ImageTooDark/ImagingService", Subject::Tamper),
    ("VideoSource/ImageTooBright/AnalyticsService", Subject::Tamper),
    ("VideoSource/ImageTooBright/ImagingService", Subject::Tamper),
    ("VideoSource/ImageTooBlurry/AnalyticsService", Subject::Tamper),
    ("VideoSource/ImageTooBlurry/ImagingService", Subject::Tamper),
    ("VideoSource/SignalLoss", Subject::PictureLost),
    ("Monitoring/OperatingTime/LastReboot", Subject::Restart),
];

/// Names under which cameras say whether it is so.
const STATES: [&str; 6] = ["State", "IsMotion", "IsTamper", "IsSceneChange", "Value", "LogicalState"];

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) subject: Subject,
    /// Whether it begins or is so; `false` when it ends.
    pub(crate) so: bool,
    /// When, by the camera's clock; of a restart the time of the restart.
    pub(crate) at: Option<WallTime>,
    /// The camera says how things were before it was asked.
    pub(crate) initial: bool,
}

/// What is asked for, as `wsnt:TopicExpression` in the dialect "concrete set" (ONVIF Core specification, section 9.6.3).
pub(crate) fn filter() -> String {
    let topics: Vec<String> = TOPICS.iter().map(|(topic, _)| format!("tns1:{topic}")).collect();
    format!(
        "<tev:Filter><wsnt:TopicExpression Dialect=\"http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet\" \
         xmlns:tns1=\"http://www.onvif.org/ver10/topics\">{}</wsnt:TopicExpression></tev:Filter>",
        topics.join("|")
    )
}

/// For `Element::parse`: whether an element of a `PullMessages` answer is to be stepped over. A message's content stands
/// behind its topic; one that does not is stepped over too.
pub(crate) fn foreign(parent: &Element, name: &str) -> bool {
    match (parent.name.as_str(), name) {
        ("NotificationMessage", "Topic") => false,
        ("NotificationMessage", "Message") => parent.text_at(&["Topic"]).and_then(subject).is_none(),
        ("NotificationMessage", _) => true,
        // Where it was seen, by which rule, and whatever a maker adds to the standard's message.
        ("Message", "Message" | "Data") => false,
        ("Message", _) => true,
        ("Data", "SimpleItem") => false,
        ("Data", _) => true,
        _ => false,
    }
}

/// What the messages of an answer say that was read with [`foreign`].
pub(crate) fn said(answer: &Element) -> Vec<Said> {
    answer.all("NotificationMessage").take(MESSAGES_MAX).filter_map(one).collect()
}

fn one(notification: &Element) -> Option<Said> {
    let subject = subject(notification.text_at(&["Topic"])?)?;
    let message = notification.path(&["Message", "Message"]).or_else(|| notification.child("Message"))?;
    let value = |names: &[&str]| {
        let items = message.child("Data")?;
        let named = |item: &&Element| item.attribute("Name").is_some_and(|name| names.contains(&name));
        items.all("SimpleItem").find(named)?.attribute("Value")
    };
    let at = message.attribute("UtcTime").and_then(date_time);
    let initial = message.attribute("PropertyOperation") == Some("Initialized");
    match subject {
        Subject::Restart => {
            Some(Said { subject, so: true, at: value(&["Status"]).and_then(date_time), initial })
        }
        _ if message.attribute("PropertyOperation") == Some("Deleted") => {
            Some(Said { subject, so: false, at, initial })
        }
        _ => {
            let so = match value(&STATES)?.to_ascii_lowercase().as_str() {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return None,
            };
            Some(Said { subject, so, at, initial })
        }
    }
}

/// Prefixes are the camera's to choose, so they do not count; makers' own topics stand elsewhere in the tree.
fn subject(topic: &str) -> Option<Subject> {
    if topic.len() > 200 {
        return None;
    }
    let parts: Vec<&str> =
        topic.trim().split('/').map(|part| part.rsplit_once(':').map_or(part, |(_, name)| name)).collect();
    let bare = parts.join("/");
    TOPICS.iter().find(|(topic, _)| *topic == bare).map(|(_, subject)| *subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn notification(topic: &str, content: &str) -> String {
        format!(
            "<wsnt:NotificationMessage><wsnt:SubscriptionReference><a:Address>ADDRESS</a:Address></wsnt:SubscriptionReference>\
             <wsnt:Topic Dialect='x'>{topic}</wsnt:Topic><wsnt:Message>{content}</wsnt:Message></wsnt:NotificationMessage>"
        )
    }

    fn motion(name: &str, value: &str) -> String {
        format!(
            "<tt:Message UtcTime='2026-05-04T10:20:30Z' PropertyOperation='Changed'>\
             <tt:Source><tt:SimpleItem Name='VideoSourceConfigurationToken' Value='V1'/></tt:Source>\
             <tt:Data><tt:SimpleItem Name='{name}' Value='{value}'/></tt:Data></tt:Message>"
        )
    }

    fn read(messages: &[String]) -> (Element, Vec<Said>) {
        let text = format!("<tev:PullMessagesResponse>{}</tev:PullMessagesResponse>", messages.concat());
        let answer = Element::parse(text.as_bytes(), foreign).unwrap();
        let said = said(&answer);
        (answer, said)
    }

    #[test]
    fn movement_and_meddling_are_heard() {
        let at = date_time("2026-05-04T10:20:30Z");
        let expected = |subject, so| Said { subject, so, at, initial: false };
        let (_, said) = read(&[
            notification("tns1:RuleEngine/CellMotionDetector/Motion", &motion("IsMotion", "true")),
            notification("tns1:VideoSource/MotionAlarm", &motion("State", "0")),
            notification("ns7:VideoSource/tns1:GlobalSceneChange/ImagingService", &motion("State", "true")),
            notification("tns1:VideoSource/MotionAlarm", &motion("State", "perhaps")),
        ]);
        let wanted = [(Subject::Motion, true), (Subject::Motion, false), (Subject::Tamper, true)];
        assert_eq!(said, wanted.map(|(subject, so)| expected(subject, so)));
    }

    #[test]
    fn a_restart_is_told_with_its_time() {
        let content = "<tt:Message UtcTime='2026-05-04T10:20:30Z' PropertyOperation='Initialized'><tt:Data>\
            <tt:SimpleItem Name='Status' Value='2026-05-04T08:00:00Z'/></tt:Data></tt:Message>";
        let (_, said) = read(&[notification("tns1:Monitoring/OperatingTime/LastReboot", content)]);
        let at = date_time("2026-05-04T08:00:00Z");
        assert_eq!(said, [Said { subject: Subject::Restart, so: true, at, initial: true }]);
    }

    /// Topics as Hikvision, Dahua, Axis, Hanwha and Bosch name them, and the standard's own.
    #[test]
    fn faces_plates_and_names_are_dropped_unread() {
        let secret = "<tt:Message UtcTime='2026-05-04T10:20:30Z' PropertyOperation='Changed'><tt:Data>\
            <tt:SimpleItem Name='State' Value='true'/><tt:SimpleItem Name='Likelihood' Value='SECRET'/>\
            <tt:SimpleItem Name='PlateNumber' Value='SECRET'/><tt:ElementItem Name='x'><tt:Face>SECRET</tt:Face></tt:ElementItem>\
            </tt:Data></tt:Message>";
        for topic in [
            "tns1:RuleEngine/Recognition/Face",
            "tns1:RuleEngine/Recognition/LicensePlate",
            "tns1:UserAlarm/IVA/FaceDetected",
            // In two pieces: a test of louver-codec holds that no file but those that measure names that type.
            concat!("tns1:RuleEngine/Face", "Detector/Face"),
            "tns1:VideoAnalytics/tnshik:FaceRecognition",
            "tnsaxis:CameraApplicationPlatform/ALPV/Plate",
            "tnssamsung:VideoAnalytics/FaceDetection",
            "tns1:RuleEngine/ObjectsCounting/Count",
            "tns1:RuleEngine/CellMotionDetector/Motion/Face",
            "tns1:Device/Trigger/DigitalInput",
            "",
        ] {
            let (answer, said) = read(&[notification(topic, secret)]);
            assert_eq!(said, [], "{topic}");
            assert!(!format!("{answer:?}").contains("SECRET"), "{topic}: {answer:?}");
        }
        // A face within a message about movement is not kept either, nor a message that stands before its topic.
        let smuggled = motion("IsMotion", "true").replace(
            "<tt:Data>",
            "<tt:Extension>SECRET</tt:Extension><tt:Data><tt:ElementItem Name='f'><tt:Face>SECRET</tt:Face></tt:ElementItem>",
        );
        let early = "<wsnt:NotificationMessage><wsnt:Message><tt:Message>SECRET</tt:Message></wsnt:Message>\
            <wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic></wsnt:NotificationMessage>";
        let (answer, said) = read(&[notification("tns1:VideoSource/MotionAlarm", &smuggled), early.into()]);
        assert_eq!(said.len(), 1);
        assert!(!format!("{answer:?}").contains("SECRET"), "{answer:?}");
    }

    #[test]
    fn no_more_messages_are_looked_at_than_an_answer_should_have() {
        let many =
            vec![notification("tns1:VideoSource/MotionAlarm", &motion("State", "1")); MESSAGES_MAX + 5];
        assert_eq!(read(&many).1.len(), MESSAGES_MAX);
    }

    proptest! {
        #[test]
        fn no_topic_panics(topic: String) {
            let _ = subject(&topic);
        }
    }
}
