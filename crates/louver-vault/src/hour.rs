//! Hours, and the secret that the recorder's key ring keeps for each. docs/keys.md.

use std::fmt;

use aws_lc_rs::constant_time;
use louver_base::WallTime;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::keys::fill_random;

/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// An hour of the recorder's clock, UTC, counted from 1970-01-01T00:00:00Z. Keys are made and destroyed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hour(i64);

impl Hour {
    /// The hour in which `wall` lies.
    pub const fn of(wall: WallTime) -> Self {
        Self(wall.micros().div_euclid(HOUR_US))
    }

    /// From its number, as it stands in files.
    pub const fn from_number(hours: i64) -> Self {
        Self(hours)
    }

    /// Hours since 1970, as it stands in files.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Its first moment; at the end of all time where a file names an hour that no clock can show.
    pub const fn start(self) -> WallTime {
        WallTime::from_micros(self.0.saturating_mul(HOUR_US))
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.start().fmt(f)
    }
}

/// The recorder's half of what opens one camera's hour: 32 random bytes, in memory wiped when dropped. It lies in the key
/// ring alone, and what was sealed with it is gone for good when it is destroyed there.
///
/// Not `Clone`, no `Debug` of its bytes.
pub struct HourSecret(Zeroizing<[u8; 32]>);

impl HourSecret {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// From its bytes: of the key ring, or of a release.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut own = Zeroizing::new([0; 32]);
        own.copy_from_slice(bytes);
        Self(own)
    }

    /// Its bytes: to be encrypted at once (key ring, release), and nowhere else in clear.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for HourSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HourSecret")
    }
}

impl PartialEq for HourSecret {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&*self.0, &*other.0).is_ok()
    }
}

impl Eq for HourSecret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_begins_at_the_full_hour_before_1970_too() {
        for (millis, number) in [(0, 0), (3_599_999, 0), (3_600_000, 1), (-1, -1), (-3_600_001, -2)] {
            let wall = WallTime::from_millis(millis);
            assert_eq!(Hour::of(wall).number(), number);
            assert!(Hour::of(wall).start() <= wall && Hour::of(Hour::of(wall).start()) == Hour::of(wall));
        }
    }

    #[test]
    fn an_hour_secret_never_prints_and_no_two_are_alike() {
        let (one, two) = (HourSecret::generate().unwrap(), HourSecret::generate().unwrap());
        assert!(one != two && HourSecret::from_bytes(one.expose()) == one);
        assert_eq!(format!("{one:?}"), "HourSecret");
    }
}
