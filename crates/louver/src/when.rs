//! Times as people type them: `now`, `-10m`, `2026-11-23 14:00`, RFC 3339.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use louver_base::WallTime;

/// Why a text is not a time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum WhenError {
    /// None of the forms.
    #[error(
        "\"{0}\" is not a time: use 2026-11-23T14:00:00Z, \"2026-11-23 14:00\" (this machine's time zone), -10m, -2h, -1d or now"
    )]
    Unreadable(String),
    /// Clocks were set forward or back then.
    #[error(
        "\"{0}\" does not name one moment, because the clocks change then: write it with its distance from UTC, such as 2026-10-25T02:30:00+01:00"
    )]
    Ambiguous(String),
    /// The range is empty.
    #[error("--to must be later than --from")]
    Empty,
}

/// Reads a time; `now` and the time zone are given.
pub(crate) fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<WallTime, WhenError> {
    let trimmed = text.trim();
    let unreadable = || WhenError::Unreadable(text.chars().take(64).collect());
    let moment = if trimmed.eq_ignore_ascii_case("now") {
        now
    } else if let Some(ago) = trimmed.strip_prefix('-') {
        let ago = span(ago).ok_or_else(unreadable)?;
        now.checked_sub(ago).map_err(|_| unreadable())?
    } else if let Ok(moment) = trimmed.parse::<Timestamp>() {
        moment
    } else {
        let civil: DateTime = trimmed.parse().map_err(|_| unreadable())?;
        let one = zone.to_ambiguous_zoned(civil).unambiguous();
        one.map_err(|_| WhenError::Ambiguous(trimmed.to_owned()))?.timestamp()
    };
    Ok(WallTime::from_micros(moment.as_microsecond()))
}

/// Reads a time.
pub(crate) fn one(text: &str) -> Result<WallTime, WhenError> {
    parse(text, Timestamp::now(), &TimeZone::system())
}

/// Reads a time to come: `+30d` and the like too.
pub(crate) fn to_come(text: &str) -> Result<WallTime, WhenError> {
    let Some(ahead) = text.trim().strip_prefix('+') else { return one(text) };
    let moment = span(ahead).and_then(|ahead| Timestamp::now().checked_add(ahead).ok());
    let moment = moment.ok_or_else(|| WhenError::Unreadable(text.chars().take(64).collect()))?;
    Ok(WallTime::from_micros(moment.as_microsecond()))
}

/// Reads both ends of a range.
pub(crate) fn range(from: &str, to: &str) -> Result<(WallTime, WallTime), WhenError> {
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let (from, to) = (parse(from, now, &zone)?, parse(to, now, &zone)?);
    if from >= to {
        return Err(WhenError::Empty);
    }
    Ok((from, to))
}

/// `90s`, `10m`, `2h`, `1d`.
fn span(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n >= 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(number.checked_mul(seconds)?))
}

/// A time for people: this machine's time zone, to the second.
pub(crate) fn show(at: WallTime) -> String {
    match Timestamp::from_microsecond(at.micros()) {
        Ok(t) => t.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        Err(_) => format!("{} ms after 1970", at.millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T18:00:00Z";

    fn read(text: &str) -> Result<String, WhenError> {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = parse(text, NOW.parse().unwrap(), &zone)?;
        Ok(Timestamp::from_microsecond(at.micros()).unwrap().to_string())
    }

    #[test]
    fn each_form_names_its_moment() {
        for (text, moment) in [
            ("now", NOW),
            ("-10m", "2026-11-23T17:50:00Z"),
            ("-90s", "2026-11-23T17:58:30Z"),
            ("-1d", "2026-11-22T18:00:00Z"),
            ("2026-11-23T14:00:00Z", "2026-11-23T14:00:00Z"),
            ("2026-11-23T14:00:00.5+02:00", "2026-11-23T12:00:00.5Z"),
            ("2026-11-23 14:00", "2026-11-23T13:00:00Z"),
            ("2026-07-01 14:00:10", "2026-07-01T12:00:10Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(moment), "{text}");
        }
    }

    #[test]
    fn a_local_time_that_is_twice_or_never_is_asked_for_more_exactly() {
        for text in ["2026-10-25 02:30", "2026-03-29 02:30"] {
            assert_eq!(read(text), Err(WhenError::Ambiguous(text.to_owned())));
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_forms_there_are() {
        for text in
            ["", "yesterday", "-10", "-m", "--5m", "-9223372036854775807d", "25:00", "2026-13-01 10:00"]
        {
            assert!(matches!(read(text), Err(WhenError::Unreadable(_))), "{text}");
        }
    }
}
