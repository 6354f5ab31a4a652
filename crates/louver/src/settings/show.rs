//! What of a camera may be seen, and its zones.

use std::ops::Range;

use louver_base::Class;
use louver_scene::{PeopleAreNeverShown, Show, Zone, ZoneKind};
use toml::Spanned;

use super::problem::repeated;
use super::{Problem, file};

/// Problems with their places.
type Found = Vec<(Range<usize>, Problem)>;

/// The classes that may be seen; with at least one problem added where it cannot be read.
pub(super) fn shown(camera: &str, raw: Option<Spanned<Vec<Spanned<String>>>>, found: &mut Found) -> Show {
    let mut show = Show::NOTHING;
    for word in raw.map(Spanned::into_inner).unwrap_or_default() {
        let (place, camera) = (word.span(), camera.to_owned());
        match word.get_ref().parse::<Class>().map(|class| show.and(class)) {
            Ok(Ok(more)) => show = more,
            Ok(Err(why @ PeopleAreNeverShown)) => found.push((place, Problem::ShowPeople { camera, why })),
            Err(_) => {
                let value = repeated(word.get_ref());
                found.push((place, Problem::Show { camera, value }));
            }
        }
    }
    show
}

/// The zones of a camera that are in order; for each other one a problem is added.
pub(super) fn zones(
    camera: &str,
    place: &Range<usize>,
    raw: Vec<Spanned<file::Zone>>,
    found: &mut Found,
) -> Vec<Zone> {
    if raw.len() > Zone::MOST {
        let problem = Problem::TooManyZones { camera: camera.to_owned(), count: raw.len() };
        found.push((place.clone(), problem));
        return Vec::new();
    }
    let zone = |(n, table): (usize, Spanned<file::Zone>)| {
        let place = table.span();
        zone(camera, n + 1, table).map_err(|(at, problem)| found.push((at.unwrap_or(place), problem))).ok()
    };
    raw.into_iter().enumerate().filter_map(zone).collect()
}

fn zone(
    camera: &str,
    number: usize,
    table: Spanned<file::Zone>,
) -> Result<Zone, (Option<Range<usize>>, Problem)> {
    let camera = camera.to_owned();
    let raw = table.into_inner();
    let (name, kind, polygon) = match (raw.name, raw.kind, raw.polygon) {
        (Some(name), Some(kind), Some(polygon)) => (name, kind, polygon),
        (name, kind, polygon) => {
            let there = [("name", name.is_some()), ("kind", kind.is_some()), ("polygon", polygon.is_some())];
            let missing = there.into_iter().filter(|(_, there)| !there).map(|(key, _)| key).collect();
            return Err((None, Problem::ZoneIncomplete { camera, number, missing }));
        }
    };
    let kind = match kind.get_ref().as_str() {
        "exclude" => ZoneKind::Exclude,
        "mask" => ZoneKind::Mask,
        other => {
            let value = repeated(other);
            return Err((Some(kind.span()), Problem::ZoneKind { camera, value }));
        }
    };
    let place = polygon.span();
    let mut points = Vec::new();
    for (n, point) in polygon.get_ref().iter().enumerate() {
        let [x, y] = point[..] else {
            return Err((Some(place), Problem::ZonePoint { camera, number, point: n + 1 }));
        };
        points.push([x, y]);
    }
    Zone::new(name.get_ref(), kind, points)
        .map_err(|why| (Some(place), Problem::BadZone { camera, number, why }))
}
