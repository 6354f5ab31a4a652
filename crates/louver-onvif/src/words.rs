//! What cameras say about themselves, made harmless, and the times that they write.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use louver_base::WallTime;

use crate::xml::Element;

/// Letters of a name or model at most.
const WORDS_MAX: usize = 64;

/// A camera's own words for people: one line, cut, without what would act on a terminal or turn the line round.
pub(crate) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let words: String = text
        .chars()
        .filter(|c| !turns(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WORDS_MAX)
        .collect();
    words.trim().to_owned()
}

/// `xs:dateTime` (XML Schema part 2, section 3.2.7); without a zone it is read as UTC, as ONVIF means it.
pub(crate) fn date_time(text: &str) -> Option<WallTime> {
    // The longest has nine digits behind the second and a zone.
    if text.len() > 40 {
        return None;
    }
    let zoned = text.parse::<Timestamp>().ok();
    let stamp = zoned.or_else(|| utc(text.parse::<DateTime>().ok()?))?;
    Some(WallTime::from_micros(stamp.as_microsecond()))
}

/// `tt:DateTime` (onvif.xsd): hour, minute, second, year, month, day, each an element.
pub(crate) fn parts(date_time: &Element) -> Option<WallTime> {
    let number = |path: [&str; 2]| date_time.text_at(&path)?.parse::<i16>().ok();
    let small = |path| i8::try_from(number(path)?).ok();
    let (year, month, day) = (number(["Date", "Year"])?, small(["Date", "Month"])?, small(["Date", "Day"])?);
    let (hour, minute) = (small(["Time", "Hour"])?, small(["Time", "Minute"])?);
    // A leap second, and what some cameras say for one.
    let second = small(["Time", "Second"])?.min(59);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(WallTime::from_micros(utc(civil)?.as_microsecond()))
}

fn utc(civil: DateTime) -> Option<Timestamp> {
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::whole;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_as_cameras_write_them() {
        for (text, read) in [
            ("2026-05-04T10:20:30Z", "2026-05-04T10:20:30.000Z"),
            ("2026-05-04T10:20:30.125Z", "2026-05-04T10:20:30.125Z"),
            ("2026-05-04T12:20:30+02:00", "2026-05-04T10:20:30.000Z"),
            ("2026-05-04T10:20:30", "2026-05-04T10:20:30.000Z"),
        ] {
            assert_eq!(date_time(text).map(|t| t.to_string()).as_deref(), Some(read), "{text}");
        }
        for text in ["", "yesterday", "2026-13-40T99:99:99Z", &"1".repeat(5000)] {
            assert_eq!(date_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_that_is_none_is_no_time() {
        let of = |y: &str, h: &str| {
            let text = format!(
                "<U><Time><Hour>{h}</Hour><Minute>2</Minute><Second>60</Second></Time>\
                 <Date><Year>{y}</Year><Month>2</Month><Day>29</Day></Date></U>"
            );
            parts(&Element::parse(text.as_bytes(), whole).unwrap()).map(|t| t.to_string())
        };
        assert_eq!(of("2028", "1").as_deref(), Some("2028-02-29T01:02:59.000Z"));
        assert_eq!(of("2027", "1"), None);
        assert_eq!(of("2028", "25"), None);
        assert_eq!(of("99999999999", "1"), None);
    }

    #[test]
    fn a_name_cannot_act_on_a_terminal() {
        assert_eq!(plain(" Cam\u{1b}[2J\r\n\u{202e}era "), "Cam [2J  era");
        assert_eq!(plain(&"x".repeat(500)).len(), WORDS_MAX);
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = (plain(&text), date_time(&text));
        }
    }
}
