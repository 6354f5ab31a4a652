//! Under which ids cameras that were found would stand in the register.

use louver_base::CameraId;
use louver_onvif::Streams;

use super::Answered;
use crate::settings::Settings;
use crate::terminal::plain;

/// Letters of an id (louver-base).
const ID_MAX: usize = 32;

/// One picture source of a camera that was looked at.
pub(super) struct Proposal<'a> {
    /// Whose.
    pub(super) camera: &'a Answered,
    /// Its streams.
    pub(super) streams: &'a Streams,
    /// An id that nobody has yet.
    pub(super) id: String,
    /// Its name on the page.
    pub(super) name: String,
    /// The camera of the register that plays from the same address.
    pub(super) registered: Option<CameraId>,
}

/// One for each picture source, in the order of the cameras.
pub(super) fn all<'a>(answered: &'a [Answered], settings: Option<&Settings>) -> Vec<Proposal<'a>> {
    let mut taken: Vec<String> =
        settings.iter().flat_map(|s| &s.cameras).map(|c| c.id.as_str().to_owned()).collect();
    let mut proposals = Vec::new();
    for camera in answered {
        let Ok(look) = &camera.look else { continue };
        let name = [&camera.name, &look.device.model].into_iter().map(|n| plain(n)).find(|n| !n.is_empty());
        let name = name.unwrap_or_else(|| "Camera".to_owned());
        for (n, streams) in look.sources.iter().enumerate() {
            let name = if look.sources.len() == 1 { name.clone() } else { format!("{name} {}", n + 1) };
            let id = free(&slug(&name), &taken);
            taken.push(id.clone());
            let registered = settings.and_then(|s| registered(s, camera, streams));
            proposals.push(Proposal { camera, streams, id, name, registered });
        }
    }
    proposals
}

/// By the main stream's address, in which a recorder's channels differ; of a camera that is asked for it, by where it is asked.
fn registered(settings: &Settings, camera: &Answered, streams: &Streams) -> Option<CameraId> {
    let same = |c: &&louver_node::CameraSettings| match c.main.is_told() {
        true => c.onvif.as_ref().is_some_and(|onvif| onvif.url() == camera.address.url()),
        false => c.main.rtsp_url().is_some() && c.main.rtsp_url() == streams.main.address.rtsp_url(),
    };
    settings.cameras.iter().find(same).map(|c| c.id.clone())
}

/// What an id may be made of, of a name; "camera" where nothing is left.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => slug.push(c),
            'ä' | 'Ä' => slug.push_str("ae"),
            'ö' | 'Ö' => slug.push_str("oe"),
            'ü' | 'Ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(ID_MAX - 4);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "camera".to_owned() } else { slug.to_owned() }
}

fn free(slug: &str, taken: &[String]) -> String {
    let numbered = (2..).map(|n| format!("{slug}-{n}"));
    let mut ids = std::iter::once(slug.to_owned()).chain(numbered);
    ids.find(|id| !taken.contains(id)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_makes_an_id() {
        for (name, id) in [
            ("Front door", "front-door"),
            ("  Hof / Süd (2) ", "hof-sued-2"),
            ("玄関", "camera"),
            ("../../etc", "etc"),
            ("AXIS M3045-V", "axis-m3045-v"),
        ] {
            assert_eq!(slug(name), id);
            assert!(id.parse::<CameraId>().is_ok());
        }
        assert!(slug(&"x".repeat(500)).parse::<CameraId>().is_ok());
    }

    #[test]
    fn an_id_that_is_taken_gets_a_number() {
        let taken = ["gate", "gate-2"].map(str::to_owned);
        assert_eq!(free("gate", &taken), "gate-3");
        assert_eq!(free("yard", &taken), "yard");
        assert!(free(&slug(&"x".repeat(500)), &[slug(&"x".repeat(500))]).parse::<CameraId>().is_ok());
    }
}
