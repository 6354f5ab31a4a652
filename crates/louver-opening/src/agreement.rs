//! What enough holders agree to.

use std::collections::BTreeMap;

use louver_base::{CameraId, WallTime};
use serde::{Deserialize, Serialize};

use crate::{Said, Statement};

/// A camera and a time that enough holders agreed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// Whose pictures.
    pub camera: CameraId,
    /// From here, ms since 1970 ...
    pub from_ms: i64,
    /// ... to before here.
    pub to_ms: i64,
}

impl Granted {
    /// Whether a picture of `camera` that arrived at `wall` lies in it.
    pub fn holds(&self, camera: &CameraId, wall: WallTime) -> bool {
        self.camera == *camera && (self.from_ms..self.to_ms).contains(&wall.millis())
    }
}

/// Every camera and time that at least `needed` approvals name, in order, joined where they touch. One who named less than the others takes
/// that away only where he was needed.
pub fn agreed<'a>(statements: impl IntoIterator<Item = &'a Statement>, needed: u8) -> Vec<Granted> {
    let mut edges: BTreeMap<&CameraId, Vec<(i64, i32)>> = BTreeMap::new();
    for statement in statements {
        if let Said::Approval { cameras, from, to } = statement.said() {
            let mut once: Vec<&CameraId> = cameras.iter().collect();
            once.sort_unstable();
            once.dedup();
            for camera in once {
                edges.entry(camera).or_default().extend([(from.millis(), 1), (to.millis(), -1)]);
            }
        }
    }
    let mut out: Vec<Granted> = Vec::new();
    for (camera, mut edges) in edges {
        // Where one ends and another begins at the same time, the sum is looked at after both.
        edges.sort_unstable();
        let (mut count, mut since) = (0, None);
        for (n, (at, step)) in edges.iter().enumerate() {
            count += step;
            if edges.get(n + 1).is_some_and(|(next, _)| next == at) {
                continue;
            }
            match (since, count >= i32::from(needed)) {
                (None, true) => since = Some(*at),
                (Some(from_ms), false) => {
                    out.push(Granted { camera: camera.clone(), from_ms, to_ms: *at });
                    since = None;
                }
                _ => {}
            }
        }
    }
    out
}
