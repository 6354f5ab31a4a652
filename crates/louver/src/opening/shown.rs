//! A request for originals as people read it: the text that its id is the hash of, and what was said to it.

use std::fmt::Write as _;

use louver_base::WallTime;
use louver_opening::{Request, RequestHash};

use crate::error::Error;
use crate::remote::views::{Kind, Opening, Role, Speaker, Statement};
use crate::terminal::plain;
use crate::when;

/// The request that a recorder shows, if its text is what its id says. The site is the text's own.
pub(crate) fn checked(opening: &Opening) -> Result<Request, Error> {
    let refused = |why: String| {
        let advice = "do not agree to it; ask who asked what the request's id is";
        Error::failed(format!("the recorder shows a request that is none: {why}"), advice)
    };
    let site = serde_json::from_str::<serde_json::Value>(&opening.request).ok();
    let site = site.as_ref().and_then(|d| d["site"].as_str()).unwrap_or_default();
    let request = Request::read(&opening.request, site).map_err(|e| refused(e.to_string()))?;
    if RequestHash::of(&opening.request).id() != opening.id {
        return Err(refused("its text has another hash than its id".to_owned()));
    }
    Ok(request)
}

/// A word of the documents, such as `subject-access`.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// One line of a list.
pub(crate) fn line(opening: &Opening) -> String {
    let what = checked(opening).map_or_else(
        |_| "cannot be read".to_owned(),
        |request| {
            let cameras: Vec<&str> = request.cameras().iter().map(louver_base::CameraId::as_str).collect();
            let reason = word(&request.reason());
            format!(
                "{}, {} to {}, {reason}",
                cameras.join(", "),
                when::show(request.from()),
                when::show(request.to())
            )
        },
    );
    format!("{}  {what}: {}", opening.id, opening.state.sentence())
}

/// All of it.
pub(crate) fn whole(opening: &Opening, request: &Request) -> String {
    let mut out = String::new();
    let cameras: Vec<&str> = request.cameras().iter().map(louver_base::CameraId::as_str).collect();
    let mut put = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:<9} {value}");
    };
    put("request", &opening.id);
    put("cameras", &cameras.join(", "));
    put("from", &when::show(request.from()));
    put("to", &when::show(request.to()));
    put("reason", &word(&request.reason()));
    put("for", &plain(request.words()));
    let hours = request.kept_until().millis().saturating_sub(request.expires().millis()) / 3_600_000;
    put("watching", &format!("{hours} hours after the release"));
    put("asked", &when::show(request.at()));
    put("open", &format!("until {}", when::show(request.expires())));
    put("hash", &request.hash().to_string());
    put("state", opening.state.sentence());
    if let Some(until) = opening.until_ms {
        put("closes", &when::show(WallTime::from_millis(until)));
    }
    for granted in &opening.granted {
        let (from, to) = (WallTime::from_millis(granted.from_ms), WallTime::from_millis(granted.to_ms));
        put("granted", &format!("{}, {} to {}", plain(&granted.camera), when::show(from), when::show(to)));
    }
    let holders = opening.roll.iter().filter(|s| s.role == Role::Holder).count();
    let _ = writeln!(out, "{} of {holders} holders are needed. As the recorder tells:", opening.needed);
    for speaker in &opening.roll {
        let said: Vec<&Statement> = opening.statements.iter().filter(|s| s.holder == speaker.id).collect();
        let _ = writeln!(out, "  {}", of_speaker(speaker, &said, request));
    }
    out
}

fn of_speaker(speaker: &Speaker, said: &[&Statement], request: &Request) -> String {
    let role = match speaker.role {
        Role::Holder => "holder",
        Role::Observer => "observer",
    };
    let who = format!("{} ({role} {})", plain(&speaker.name), plain(&speaker.id));
    let words: Vec<String> = said.iter().map(|statement| of_statement(statement, request)).collect();
    match words.as_slice() {
        [] => format!("{who}: nothing yet"),
        words => format!("{who}: {}", words.join("; then ")),
    }
}

fn of_statement(statement: &Statement, request: &Request) -> String {
    let at = when::show(WallTime::from_millis(statement.at_ms));
    match statement.kind {
        Kind::Approval => {
            let whole = statement.cameras.len() == request.cameras().len()
                && statement.from_ms == Some(request.from().millis())
                && statement.to_ms == Some(request.to().millis());
            if whole {
                return format!("agreed to all of it, {at}");
            }
            let time =
                |ms: Option<i64>| ms.map_or_else(String::new, |ms| when::show(WallTime::from_millis(ms)));
            let cameras = plain(&statement.cameras.join(", "));
            format!("agreed to {cameras}, {} to {}, {at}", time(statement.from_ms), time(statement.to_ms))
        }
        Kind::Denial => format!("said no, {at}: {}", plain(&statement.text)),
        Kind::Veto => format!("stopped it, {at}: {}", plain(&statement.text)),
    }
}
