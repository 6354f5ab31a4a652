//! What was seen goes to the store: events, their boxes and stills.

use bytes::Bytes;
use louver_base::{EventId, MediaTime, WallTime};
use louver_codec::JpegEncoder;
use louver_scene::{Masked, Scene, Style};
use louver_see::{Act, Sighting};
use louver_store::{EventBox, EventChange, EventRecord};

use super::Sight;
use crate::keep::Keep;

impl Sight {
    /// Events and their stills go to the store.
    pub(super) fn tell(&mut self, acts: &[Act], shown: Option<&Scene>, now: WallTime) {
        for act in acts {
            match *act {
                Act::Enters(sighting, _) => {
                    let id = EventId::from_random(rand::random());
                    self.events.insert(sighting.track, id);
                    let boxes = shown.map(|s| event_box(&sighting, s, now)).into_iter().collect();
                    self.keeper.keep(Keep::Event(Box::new(EventRecord {
                        id,
                        camera: self.camera.clone(),
                        class: sighting.class,
                        start: now,
                        end: None,
                        stays: None,
                        leaves: None,
                        confidence: sighting.score,
                        still: false,
                        boxes,
                    })));
                }
                Act::Update(sighting, best) => {
                    let (Some(&id), Some(scene)) = (self.events.get(&sighting.track), shown) else {
                        continue;
                    };
                    let change = EventChange {
                        seen: Some(event_box(&sighting, scene, now)),
                        class: Some(sighting.class),
                        confidence: Some(sighting.score),
                        ..EventChange::default()
                    };
                    self.keeper.keep(Keep::Change(id, change));
                    if let Some(jpeg) = best.then(|| jpeg(scene)).flatten() {
                        self.keeper.keep(Keep::Still(id, jpeg));
                    }
                }
                Act::Stays(sighting) => {
                    if let Some(&id) = self.events.get(&sighting.track) {
                        let change = EventChange { stays: Some(now), ..EventChange::default() };
                        self.keeper.keep(Keep::Change(id, change));
                    }
                }
                Act::Leaves(track) => {
                    if let Some(id) = self.events.remove(&track) {
                        let change = EventChange { leaves: Some(now), ..EventChange::default() };
                        self.keeper.keep(Keep::Change(id, change));
                        self.keeper.keep(Keep::Finish(id, now));
                    }
                }
            }
        }
    }
}

pub(super) fn jpeg(scene: &Scene) -> Option<Masked<Bytes>> {
    let coded = scene.render(Style::Boxes).encode(&mut JpegEncoder::default(), MediaTime::ZERO, true);
    coded.inspect_err(|e| tracing::error!(error = %e, "no still")).ok().map(Masked::<Vec<u8>>::into_bytes)
}

fn event_box(sighting: &Sighting, scene: &Scene, wall: WallTime) -> EventBox {
    let size = scene.grid.picture;
    let part = |n: i32, of: usize| (i64::from(n.max(0)) * 10_000 / of as i64).min(10_000) as u16;
    EventBox {
        wall,
        left: part(sighting.rect.left, size.width()),
        top: part(sighting.rect.top, size.height()),
        right: part(sighting.rect.right, size.width()),
        bottom: part(sighting.rect.bottom, size.height()),
    }
}
