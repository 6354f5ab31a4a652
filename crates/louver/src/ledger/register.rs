//! What changed in the register since the last start, as leaves.
//!
//! The entries themselves hold names and addresses; what is written of them is a hash under the ledger's salt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use louver_ledger::leaf::{CameraTag, Digest, Policy};
use louver_ledger::{Leaf, Salt};
use louver_node::{Audio, CameraSettings, Transport};
use serde::{Deserialize, Serialize};

use crate::settings_file;

/// File in the ledger's folder that remembers what was written last; not served. Without it every camera is written as registered anew.
const MEMORY: &str = "register.json";
/// Some hundred bytes a camera; more is not ours.
const MEMORY_MAX: usize = 16 << 20;

/// One camera as it was written last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    document: Digest,
    entry: Digest,
    policies: BTreeMap<Policy, Digest>,
}

/// The cameras that were written last.
pub(crate) type Register = BTreeMap<CameraTag, Known>;

/// What stands in the settings.
pub(crate) fn of(cameras: &[CameraSettings], salt: &Salt) -> Register {
    cameras.iter().map(|camera| (salt.camera(&camera.id), known(camera, salt))).collect()
}

fn known(c: &CameraSettings, salt: &Salt) -> Known {
    let hash = |value: serde_json::Value| salt.document(value.to_string().as_bytes());
    // Addresses print without their passwords.
    let entry = serde_json::json!({
        "id": c.id, "name": c.name, "purpose": c.purpose, "owner": c.owner.reveal(), "contact": c.contact.reveal(),
    });
    let mut streams =
        serde_json::json!({ "main": c.main.to_string(), "sub": c.sub.as_ref().map(ToString::to_string) });
    // Only where there is one: what is written down of cameras without it stays as it was.
    if let Some(onvif) = &c.onvif {
        streams["onvif"] = onvif.to_string().into();
    }
    // Said only where it is not as it always was, so that a register without it is no other register.
    if c.connection.transport != Transport::Tcp {
        streams["transport"] = serde_json::json!(format!("{:?}", c.connection.transport));
    }
    if let Some(certificate) = c.connection.certificate {
        streams["certificate"] = serde_json::json!(certificate.to_string());
    }
    let audio = serde_json::json!(format!("{:?}", c.connection.audio));
    let retention = serde_json::json!({ "hours": c.retention_hours, "reason": c.retention_reason });
    let analysis =
        serde_json::json!({ "analysis": format!("{:?}", c.analysis), "gate": format!("{:?}", c.gate) });
    let (show, zones) =
        (serde_json::json!(format!("{:?}", c.show)), serde_json::json!(format!("{:?}", c.zones)));
    let mut whole = vec![&entry, &streams, &retention, &analysis, &show, &zones];
    if c.connection.audio != Audio::Off {
        whole.push(&audio);
    }
    let whole = serde_json::json!(whole);
    let mut policies = vec![
        (Policy::Streams, streams),
        (Policy::Retention, retention),
        (Policy::Analysis, analysis),
        (Policy::Show, show),
        (Policy::Zones, zones),
    ];
    if c.connection.audio != Audio::Off {
        policies.push((Policy::Audio, audio));
    }
    Known {
        document: hash(whole),
        entry: hash(entry),
        policies: policies.into_iter().map(|(policy, value)| (policy, hash(value))).collect(),
    }
}

/// The leaves that lead from one register to the other.
pub(crate) fn changes(before: &Register, now: &Register) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (camera, known) in now {
        let (camera, document) = (*camera, known.document);
        let Some(was) = before.get(&camera) else {
            leaves.push(Leaf::CameraRegistered { camera, document });
            continue;
        };
        if was.entry != known.entry {
            leaves.push(Leaf::CameraChanged { camera, document });
        }
        let differs = |policy: &&Policy| was.policies.get(policy) != known.policies.get(policy);
        // Those that are gone too: sound that is no longer sealed.
        let all: BTreeSet<&Policy> = known.policies.keys().chain(was.policies.keys()).collect();
        let changed: Vec<Policy> = all.into_iter().filter(|p| differs(p)).copied().collect();
        if !changed.is_empty() {
            leaves.push(Leaf::PolicyChanged { camera, changed, document });
        }
    }
    let gone = before.iter().filter(|(camera, _)| !now.contains_key(camera));
    leaves.extend(gone.map(|(camera, was)| Leaf::CameraRemoved { camera: *camera, document: was.document }));
    leaves
}

/// What was written last.
pub(crate) fn recall(folder: &Path) -> Register {
    let file = folder.join(MEMORY);
    match std::fs::metadata(&file) {
        Ok(found) if found.len() <= MEMORY_MAX as u64 => {}
        _ => return Register::new(),
    }
    let read = std::fs::read(&file).map_err(|e| e.to_string());
    read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| e.to_string())).unwrap_or_else(|e| {
        tracing::warn!(error = %e, "what the ledger last said of the register cannot be read; every camera is written anew");
        Register::new()
    })
}

/// Remembers what was written, after it was.
pub(crate) fn remember(folder: &Path, register: &Register) {
    let text = serde_json::to_vec_pretty(register).unwrap_or_default();
    if let Err(e) = settings_file::replace(&folder.join(MEMORY), &text) {
        tracing::warn!(error = %e, "what the ledger says of the register cannot be remembered; the next start writes it anew");
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use louver_base::Pii;
    use louver_node::{Analysis, Connection, DEFAULT_RETENTION_HOURS, GateMode};
    use louver_scene::Show;

    use super::*;

    fn camera(id: &str) -> CameraSettings {
        CameraSettings {
            id: id.parse().unwrap(),
            name: "Gate".to_owned(),
            onvif: None,
            main: "rtsp://user:secret@cam/main".parse().unwrap(),
            sub: None,
            connection: Connection::default(),
            purpose: "break-ins".to_owned(),
            owner: Pii::new("Ada".to_owned()),
            contact: Pii::new("ada@example.org".to_owned()),
            retention_hours: DEFAULT_RETENTION_HOURS,
            retention_reason: None,
            analysis: Analysis::On,
            gate: GateMode::Auto,
            show: Show::NOTHING,
            zones: vec![],
        }
    }

    #[test]
    fn a_register_leads_to_leaves_for_what_is_new_changed_and_gone_and_for_nothing_else() {
        let salt = Salt::new(&[7; 32]);
        let before = of(&[camera("gate"), camera("yard"), camera("hall")], &salt);
        assert_eq!(changes(&Register::new(), &before).len(), 3);
        assert_eq!(changes(&before, &before), []);
        let (mut yard, mut hall) = (camera("yard"), camera("hall"));
        yard.owner = Pii::new("Grace".to_owned());
        hall.retention_hours = NonZeroU32::new(24).unwrap();
        hall.analysis = Analysis::Off;
        hall.connection.audio = Audio::Sealed;
        // A changed password is no change of the register.
        hall.main = "rtsp://user:other@cam/main".parse().unwrap();
        let after = of(&[yard, hall, camera("door")], &salt);
        let tag = |id: &str| salt.camera(&id.parse().unwrap());
        let found = changes(&before, &after);
        let document = |id: &str| after[&tag(id)].document;
        let expected = [
            Leaf::CameraRegistered { camera: tag("door"), document: document("door") },
            Leaf::CameraChanged { camera: tag("yard"), document: document("yard") },
            Leaf::PolicyChanged {
                camera: tag("hall"),
                changed: vec![Policy::Retention, Policy::Analysis, Policy::Audio],
                document: document("hall"),
            },
            Leaf::CameraRemoved { camera: tag("gate"), document: before[&tag("gate")].document },
        ];
        assert_eq!(found.len(), 4);
        // Sound that is no longer sealed is a change too.
        let (loud, quiet) = (of(&[camera("hall")], &salt), &mut camera("hall"));
        quiet.connection.audio = Audio::Sealed;
        for (from, to) in [
            (&loud, &of(std::slice::from_ref(quiet), &salt)),
            (&of(std::slice::from_ref(quiet), &salt), &loud),
        ] {
            let [Leaf::PolicyChanged { changed, .. }] = &changes(from, to)[..] else { panic!("one change") };
            assert_eq!(changed[..], [Policy::Audio]);
        }
        expected.iter().for_each(|leaf| assert!(found.contains(leaf), "{leaf:?} is not in {found:?}"));
    }
}
