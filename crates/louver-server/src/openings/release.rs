//! What a requester gets when enough holders agreed. docs/opening.md, "Release".

use std::collections::BTreeSet;
use std::io::Write as _;

use louver_base::{CameraId, WallTime};
use louver_opening::{Opening, PartyId};
use louver_vault::Hour;
use zeroize::Zeroizing;

use super::desk::{Desk, DeskError};

/// Hour secrets, encrypted to the requester, and the approvals' shares.
pub(crate) struct Release {
    pub(crate) secrets: Vec<u8>,
    pub(crate) approvals: Vec<(PartyId, Vec<u8>)>,
}

const HOUR_MS: i64 = 3_600_000;

/// The hours that granted times touch. A segment that began just before an hour ended reaches into the next with its last fragment.
fn hours(opening: &Opening, now: WallTime) -> BTreeSet<(CameraId, i64)> {
    let of = |granted: &louver_opening::Granted| {
        let (first, last) = (granted.from_ms.div_euclid(HOUR_MS), (granted.to_ms - 1).div_euclid(HOUR_MS));
        let camera = granted.camera.clone();
        (first - 1..=last).map(move |hour| (camera.clone(), hour))
    };
    opening.granted(now).iter().flat_map(of).collect()
}

impl Desk {
    /// Empty where nothing is granted now.
    pub(crate) async fn release(&self, opening: &Opening, now: WallTime) -> Result<Release, DeskError> {
        let granted = hours(opening, now);
        let (ring, recipient) = (self.ring().clone(), opening.request().recipient().to_owned());
        let made = tokio::task::spawn_blocking(move || {
            let mut plain = Zeroizing::new(Vec::with_capacity(granted.len() * 80));
            for (camera, hour) in granted {
                // Never drawn here: an hour without a secret was shredded, or nothing was recorded in it.
                let Ok(Some(secret)) = ring.get(&camera, Hour::from_number(hour)) else { continue };
                plain.push(camera.as_str().len() as u8); // 32 at most.
                plain.extend_from_slice(camera.as_str().as_bytes());
                plain.extend_from_slice(&hour.to_be_bytes());
                plain.extend_from_slice(secret.expose());
            }
            encrypt(&recipient, &plain)
        });
        let secrets = match made.await {
            Ok(secrets) => secrets.ok_or(DeskError::Contradiction)?,
            Err(e) => std::panic::resume_unwind(e.into_panic()),
        };
        let approvals = opening.approvals().map(|s| (s.by().clone(), s.signed().shares.clone())).collect();
        Ok(Release { secrets, approvals })
    }
}

/// `None`: the recipient is none.
fn encrypt(recipient: &str, plain: &[u8]) -> Option<Vec<u8>> {
    let recipient: age::x25519::Recipient = recipient.parse().ok()?;
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).ok()?;
    let mut out = Vec::with_capacity(plain.len() + 512);
    let mut writer = encryptor.wrap_output(&mut out).ok()?;
    writer.write_all(plain).ok()?;
    writer.finish().ok()?;
    Some(out)
}
