//! What the ledger is told of each step.

use louver_base::{CameraId, WallTime};
use louver_ledger::leaf::{Digest, HolderTag, Millis, OpeningReason, Who};
use louver_ledger::{Leaf, Salt};
use louver_opening::{
    End, Entry, Granted, Hold, HoldEntry, HoldOver, Named, Opening, PartyId, Reason, Request, RequestHash,
    Said, SignedSet, Statement,
};

fn digest(bytes: &[u8; 32]) -> Digest {
    Digest::from_bytes(*bytes)
}

fn holder(id: &PartyId) -> HolderTag {
    let text = String::from(id.clone());
    text.parse().expect("a holder's id has 16 hex digits")
}

fn reason(reason: Reason) -> OpeningReason {
    match reason {
        Reason::Accident => OpeningReason::Accident,
        Reason::Theft => OpeningReason::Theft,
        Reason::Violence => OpeningReason::Violence,
        Reason::Damage => OpeningReason::Damage,
        Reason::Authority => OpeningReason::Authority,
        Reason::SubjectAccess => OpeningReason::SubjectAccess,
        Reason::MissingPerson => OpeningReason::MissingPerson,
        Reason::Technical => OpeningReason::Technical,
        Reason::Test => OpeningReason::Test,
        Reason::Other => OpeningReason::Other,
    }
}

fn millis(at: WallTime) -> Millis {
    Millis(at.millis())
}

/// A request that is about to be taken.
pub(super) fn asked(request: &Request, user: &str, salt: &Salt) -> Leaf {
    Leaf::OpeningRequested {
        request: digest(request.hash().as_bytes()),
        cameras: request.cameras().iter().map(|c| salt.camera(c)).collect(),
        from: millis(request.from()),
        to: millis(request.to()),
        reason: reason(request.reason()),
        text: digest(&request.text_commitment()),
        user: salt.user(user),
    }
}

/// An entry that is about to be applied; `None` for a statement that cannot be read, which `apply` would refuse.
pub(super) fn step(opening: &Opening, entry: &Entry, salt: &Salt) -> Option<Vec<Leaf>> {
    let request = digest(opening.request().hash().as_bytes());
    Some(match entry {
        Entry::Asked { .. } => vec![asked(opening.request(), opening.user(), salt)],
        Entry::Said { statement, .. } => {
            let statement = Statement::read(statement.clone(), opening.request(), opening.roll()).ok()?;
            let (by, document) = (holder(statement.by()), digest(statement.hash().as_bytes()));
            vec![match statement.said() {
                Said::Approval { cameras, from, to } => Leaf::OpeningApproved {
                    request,
                    holder: by,
                    document,
                    cameras: cameras.iter().map(|c| salt.camera(c)).collect(),
                    from: millis(*from),
                    to: millis(*to),
                },
                Said::Denial { .. } => Leaf::OpeningDenied { request, holder: by, document },
                Said::Veto { .. } => Leaf::OpeningVetoed { request, by: Who::Observer(by) },
            }]
        }
        Entry::Released { until_ms, granted, .. } => {
            let approvals: Vec<Digest> = opening.approvals().map(|s| digest(s.hash().as_bytes())).collect();
            granted.iter().map(|g| released(request, &approvals, g, *until_ms, salt)).collect()
        }
        Entry::Ended { how, .. } => match how {
            // The holders' and the observer's words stand there already.
            End::Denied | End::Vetoed(_) | End::Closed => vec![],
            End::Expired => vec![Leaf::OpeningExpired { request }],
            End::Withdrawn => {
                vec![Leaf::OpeningWithdrawn { request, by: Who::User(salt.user(opening.user())) }]
            }
        },
    })
}

/// One leaf for each camera and time: what is granted need not be the same everywhere.
fn released(request: Digest, approvals: &[Digest], granted: &Granted, until: i64, salt: &Salt) -> Leaf {
    Leaf::OpeningReleased {
        request,
        approvals: approvals.to_vec(),
        cameras: vec![salt.camera(&granted.camera)],
        from: Millis(granted.from_ms),
        to: Millis(granted.to_ms),
        until: Millis(until),
    }
}

/// Fragments that are about to be handed out.
pub(super) fn read(opening: &Opening, camera: &CameraId, from: WallTime, to: WallTime, salt: &Salt) -> Leaf {
    let request = digest(opening.request().hash().as_bytes());
    Leaf::OpeningRead { request, camera: salt.camera(camera), from: millis(from), to: millis(to) }
}

/// A holder set that is about to take effect.
pub fn holders(set: &SignedSet) -> Leaf {
    let tags =
        |named: &[Named]| named.iter().map(|n| HolderTag::from_bytes(*n.public.id().as_bytes())).collect();
    Leaf::Holders {
        number: set.number(),
        document: digest(set.hash().as_bytes()),
        needed: set.set().needed(),
        holders: tags(set.holders()),
        observers: tags(set.observers()),
    }
}

/// A step of a legal hold that is about to be taken.
pub(super) fn hold(hold: &Hold, entry: &HoldEntry, salt: &Salt) -> Leaf {
    let document = digest(hold.hash().as_bytes());
    let cameras = hold.cameras().iter().map(|c| salt.camera(c)).collect();
    let (from, to, until) = (millis(hold.from()), millis(hold.to()), millis(hold.until()));
    let agreed = match entry {
        HoldEntry::Taken { .. } => return Leaf::Hold { document, cameras, from, to, until },
        HoldEntry::Over { how: HoldOver::Date, .. } => None,
        HoldEntry::Over { how: HoldOver::Agreed { file, .. }, .. } => {
            Some(digest(RequestHash::of(&file.document).as_bytes()))
        }
    };
    Leaf::HoldEnded { document, agreed, cameras, from, to, until }
}
