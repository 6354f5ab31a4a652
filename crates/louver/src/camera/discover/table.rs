//! What was found, for people and for programs. Addresses print without passwords.

use louver_onvif::{Stream, Streams};
use serde_json::{Value, json};

use super::Answered;
use super::propose::Proposal;
use crate::camera::list::table;
use crate::terminal::plain;

/// Prints a table of what can be recorded, and a line for each camera that does not say.
pub(super) fn print(answered: &[Answered], proposals: &[Proposal<'_>]) {
    if !proposals.is_empty() {
        let mut rows = vec![["ID", "ADDRESS", "CAMERA", "MAIN", "SUB", "CLOCK", ""].map(str::to_owned)];
        rows.extend(proposals.iter().map(row));
        print!("{}", table(&rows));
    }
    for camera in answered {
        if let Err(why) = &camera.look {
            let name = plain(&camera.name);
            let named = if name.is_empty() { String::new() } else { format!(" ({name})") };
            println!("{}{named}: {}", camera.address, plain(&why.to_string()));
        }
    }
}

fn row(p: &Proposal<'_>) -> [String; 7] {
    let look = p.camera.look.as_ref().ok();
    let made = look.map(|l| format!("{} {}", plain(&l.device.manufacturer), plain(&l.device.model)));
    let clock = look.and_then(|l| l.clock).map_or_else(|| "-".to_owned(), |offset| ahead(offset.seconds()));
    let note = p.registered.as_ref().map(|id| format!("is in the register: {id}"));
    [
        p.id.clone(),
        p.camera.address.host().to_owned(),
        made.map_or_else(|| "-".to_owned(), |m| m.trim().to_owned()),
        stream(&p.streams.main),
        p.streams.sub.as_ref().map_or_else(|| "-".to_owned(), stream),
        clock,
        note.unwrap_or_default(),
    ]
}

fn stream(s: &Stream) -> String {
    let rate = s.pictures_per_second.map(|fps| format!(" {fps:.0}/s")).unwrap_or_default();
    format!("{} {}x{}{rate}", s.encoding, s.width, s.height)
}

/// How far a clock is ahead, in the largest unit that says it; a second is what can be told at best.
fn ahead(seconds: f64) -> String {
    let sign = if seconds < 0.0 { '-' } else { '+' };
    match seconds.abs() {
        s if s < 1.5 => "right".to_owned(),
        s if s < 120.0 => format!("{sign}{s:.0} s"),
        s if s < 7200.0 => format!("{sign}{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{sign}{:.1} h", s / 3600.0),
        s => format!("{sign}{:.0} days", s / 86_400.0),
    }
}

/// All that was found, as an array of cameras.
pub(super) fn json(answered: &[Answered], proposals: &[Proposal<'_>]) -> String {
    let cameras: Vec<Value> = answered
        .iter()
        .map(|camera| {
            let look = camera.look.as_ref();
            let device = look.ok().map(|l| &l.device);
            let of_camera = proposals.iter().filter(|p| std::ptr::eq(p.camera, camera));
            json!({
                "address": camera.address.to_string(),
                "name": camera.name,
                "manufacturer": device.map(|d| &d.manufacturer),
                "model": device.map(|d| &d.model),
                "firmware": device.map(|d| &d.firmware),
                "clock_ahead_seconds": look.ok().and_then(|l| l.clock).map(|offset| offset.seconds()),
                "problem": look.err().map(ToString::to_string),
                "sources": of_camera.map(|p| source(p, p.streams)).collect::<Vec<_>>(),
            })
        })
        .collect();
    format!("{:#}", Value::Array(cameras))
}

fn source(p: &Proposal<'_>, streams: &Streams) -> Value {
    json!({
        "id": p.id,
        "name": p.name,
        "registered": p.registered.as_ref().map(ToString::to_string),
        "main": described(&streams.main),
        "sub": streams.sub.as_ref().map(described),
    })
}

fn described(s: &Stream) -> Value {
    json!({
        "address": s.address.to_string(),
        "encoding": s.encoding.to_string(),
        "width": s.width,
        "height": s.height,
        "pictures_per_second": s.pictures_per_second,
        "key_interval": s.key_interval,
        "kbit_per_second": s.kbit_per_second,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_in_a_unit_that_says_it() {
        for (seconds, text) in
            [(0.7, "right"), (-3.0, "-3 s"), (3600.0, "+60 min"), (-9000.0, "-2.5 h"), (9e8, "+10417 days")]
        {
            assert_eq!(ahead(seconds), text);
        }
    }
}
