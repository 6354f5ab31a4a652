//! What passes from holders and recorder to who asked: shares and hour secrets, encrypted to a key of that one request. docs/opening.md.

use std::fmt;

use age::secrecy::ExposeSecret;
use louver_base::CameraId;
use zeroize::Zeroizing;

use crate::layout::Fields;
use crate::{CameraHour, Hour, HourSecret, Identity, Share, VaultError, agefile, is_age_recipient};

/// Bytes of what one holder passes on at most: 31 days of 32 cameras.
const MAX_SHARES: usize = 16 << 20;
/// Bytes of the hour secrets at most: the same, 73 bytes each.
const MAX_SECRETS: usize = 4 << 20;

/// The one-time key of a request. Who asks makes it, keeps it, and throws it away with the request; wiped from memory when dropped.
pub struct OneTime(age::x25519::Identity);

impl fmt::Debug for OneTime {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OneTime for {}", self.recipient())
    }
}

impl OneTime {
    /// A new one.
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// For the request (`age1…`).
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    /// The secret as text (`AGE-SECRET-KEY-1…`), for the file that it is kept in.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string().expose_secret().to_owned())
    }

    /// From such a text; `None` for any other.
    pub fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Self)
    }

    /// What a holder [passed on](pass_on).
    ///
    /// # Errors
    /// [`VaultError::Passed`].
    pub fn shares(&self, file: &[u8]) -> Result<Vec<Share>, VaultError> {
        let what = "what a holder gave";
        let bytes = self.open(file, MAX_SHARES, what)?;
        let (mut rest, mut shares) = (Fields(&bytes), Vec::new());
        let refused = || VaultError::Passed { what, source: None };
        while !rest.0.is_empty() {
            let share = rest.u16().and_then(|length| rest.take(length.into()));
            shares.push(share.and_then(|share| Share::parse(share).ok()).ok_or_else(refused)?);
        }
        Ok(shares)
    }

    /// The hour secrets of a release.
    ///
    /// # Errors
    /// [`VaultError::Passed`].
    pub fn secrets(&self, file: &[u8]) -> Result<Vec<(CameraHour, HourSecret)>, VaultError> {
        let what = "what the recorder released";
        let bytes = self.open(file, MAX_SECRETS, what)?;
        let (mut rest, mut secrets) = (Fields(&bytes), Vec::new());
        let refused = || VaultError::Passed { what, source: None };
        while !rest.0.is_empty() {
            let camera: CameraId = rest.camera().ok_or_else(refused)?;
            let hour = rest.i64().ok_or_else(refused)?;
            let secret = Zeroizing::new(rest.array::<32>().ok_or_else(refused)?);
            secrets.push(((camera, Hour::from_number(hour)), HourSecret::from_bytes(&secret)));
        }
        Ok(secrets)
    }

    fn open(
        &self,
        file: &[u8],
        longest: usize,
        what: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        // A file for this key is longer than what is in it: no room is taken for what cannot be there.
        let opened = agefile::open(file, &self.0, longest.min(file.len()));
        let opened = opened.map_err(|e| VaultError::Passed { what, source: Some(Box::new(e)) })?;
        opened.ok_or(VaultError::Passed { what, source: None })
    }
}

/// A holder's shares for who asked: one age file for the request's recipient.
///
/// # Errors
/// [`VaultError::Recipient`], [`VaultError::Wrap`].
pub fn pass_on(shares: &[Share], recipient: &str) -> Result<Vec<u8>, VaultError> {
    let to: age::x25519::Recipient = recipient.parse().map_err(|_| VaultError::Recipient)?;
    if !is_age_recipient(recipient) {
        return Err(VaultError::Recipient);
    }
    // Room from the start: a growing buffer would leave copies of the shares behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(shares.len() * (2 + crate::share::MAX_SHARE_FILE)));
    for share in shares {
        let file = share.to_bytes();
        plain.extend_from_slice(&(file.len() as u16).to_be_bytes()); // 117 at most.
        plain.extend_from_slice(&file);
    }
    agefile::seal(&plain, &to)
}

impl Identity {
    /// This holder's share, from the age file that the recorder made for him. What it says of itself is not checked against anything.
    ///
    /// # Errors
    /// [`VaultError::KeyBlock`]: it is another's, or none.
    pub fn own_share(&self, file: &[u8]) -> Result<Share, VaultError> {
        Share::unwrap(file, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, HolderSet, SiteId};
    use louver_media::{Codec, PictureSize, VideoParams};

    /// Shares of two hours for one holder of two.
    fn shares(holder: &Identity) -> Vec<Share> {
        let other = Identity::generate().unwrap();
        let holders = HolderSet::new(2, vec![holder.public(), other.public()]).unwrap();
        let size = PictureSize::new(64, 48).unwrap();
        let params = VideoParams { codec: Codec::H264, size, config: bytes::Bytes::new() };
        let share = |hour| {
            let secret = HourSecret::from_bytes(&[7; 32]);
            let site = SiteId::from_bytes([1; 16]);
            let hour = Hour::from_number(hour);
            let mut epoch = Epoch::begin(site, &"gate".parse().unwrap(), hour, &holders, &secret).unwrap();
            let (_, header) = epoch.segment(hour.start(), &params).unwrap();
            let head = crate::SegmentHead::read(&mut header.as_bytes()).unwrap();
            let file = head.keys().shares().iter().find(|s| s.holder == holder.id()).unwrap().file.clone();
            holder.own_share(&file).unwrap()
        };
        vec![share(1), share(2)]
    }

    #[test]
    fn shares_arrive_as_they_were_sent_and_for_nobody_else() {
        let (holder, asking) = (Identity::generate().unwrap(), OneTime::generate());
        let sent = shares(&holder);
        let file = pass_on(&sent, &asking.recipient()).unwrap();
        let kept = OneTime::from_text(&asking.to_text()).unwrap();
        let arrived = kept.shares(&file).unwrap();
        let hashes = |shares: &[Share]| shares.iter().map(Share::hash).collect::<Vec<_>>();
        assert_eq!(hashes(&arrived), hashes(&sent));
        assert!(matches!(OneTime::generate().shares(&file), Err(VaultError::Passed { .. })));
        for at in [0, file.len() / 2, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(matches!(kept.shares(&changed), Err(VaultError::Passed { .. })), "{at}");
        }
        assert!(kept.shares(&[]).is_err() && kept.secrets(&file).is_err());
        assert!(!format!("{asking:?}").contains(&asking.to_text()[15..]));
    }

    #[test]
    fn hour_secrets_arrive_whole_or_not_at_all() {
        let asking = OneTime::generate();
        let mut plain = vec![4];
        plain.extend_from_slice(b"gate");
        plain.extend_from_slice(&77_i64.to_be_bytes());
        plain.extend_from_slice(&[9; 32]);
        let to: age::x25519::Recipient = asking.recipient().parse().unwrap();
        let open = |bytes: &[u8]| asking.secrets(&agefile::seal(bytes, &to).unwrap());
        let got = open(&[&plain[..], &plain].concat()).unwrap();
        assert_eq!(got.len(), 2);
        assert_eq!(
            (&got[0].0, got[0].1.expose()),
            (&("gate".parse().unwrap(), Hour::from_number(77)), &[9; 32])
        );
        for cut in 1..plain.len() {
            assert!(open(&plain[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn nothing_is_passed_on_to_a_recipient_that_protects_nothing() {
        for recipient in ["", "age1", "holder1abc", "AGE-SECRET-KEY-1"] {
            assert!(matches!(pass_on(&[], recipient), Err(VaultError::Recipient)), "{recipient}");
        }
    }
}
