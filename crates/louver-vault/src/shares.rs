//! Splitting an epoch's secret among its holders and joining shares again: Shamir over GF(2^8), by vsss-rs.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use vsss_rs::Gf256;
use zeroize::{Zeroize, Zeroizing};

use crate::VaultError;
use crate::keys::{HolderSecret, fill_random};

/// One share's value.
pub(crate) type ShareValue = Zeroizing<[u8; 32]>;

const SPLITTING: VaultError = VaultError::Crypto { doing: "splitting an epoch's secret" };

/// The values of shares 1 to `count`, `needed` of which give the secret.
pub(crate) fn split(secret: &HolderSecret, needed: u8, count: u8) -> Result<Vec<ShareValue>, VaultError> {
    let mut random = SystemRandom { failed: false };
    let shares = split_with(secret, needed, count, &mut random)?;
    // The trait has no way to fail, so what was made of numbers that were none is thrown away here.
    if random.failed { Err(SPLITTING) } else { Ok(shares) }
}

/// With the random numbers of a test vector, or the system's.
pub(crate) fn split_with<R: TryCryptoRng<Error = Infallible>>(
    secret: &HolderSecret,
    needed: u8,
    count: u8,
    random: &mut R,
) -> Result<Vec<ShareValue>, VaultError> {
    // A line through one point is flat: with k = 1 every share is the secret. The library refuses that case.
    if needed == 1 {
        return Ok((0..count).map(|_| Zeroizing::new(*secret.bytes())).collect());
    }
    // The library keeps the last byte's polynomial in memory that it does not wipe: so that byte is none of the secret.
    let mut padded = Zeroizing::new([0; 33]);
    padded[..32].copy_from_slice(secret.bytes());
    let shares = Gf256::split_bytes(needed.into(), count.into(), padded.as_slice(), random);
    let mut shares = shares.map_err(|_| SPLITTING)?;
    // Each is its x, then the values.
    let value = |share: &Vec<u8>| share.get(1..33).and_then(|y| <[u8; 32]>::try_from(y).ok());
    let values: Option<Vec<ShareValue>> = (shares.iter().enumerate())
        .map(|(n, share)| (share.first() == Some(&(n as u8 + 1))).then(|| value(share)).flatten())
        .map(|y| y.map(Zeroizing::new))
        .collect();
    shares.iter_mut().for_each(Zeroize::zeroize);
    values.filter(|v| v.len() == usize::from(count)).ok_or(SPLITTING)
}

/// The secret of `shares` (x and value), of which there are exactly as many as are needed.
pub(crate) fn join(shares: &[(u8, &[u8; 32])]) -> Result<HolderSecret, VaultError> {
    let failed = || VaultError::Crypto { doing: "joining shares" };
    if let [(_, only)] = shares {
        return Ok(HolderSecret::from_bytes(Zeroizing::new(**only)));
    }
    let mut rows: Vec<Vec<u8>> = (shares.iter())
        .map(|(x, y)| {
            let mut row = Vec::with_capacity(33);
            row.push(*x);
            row.extend_from_slice(&y[..]);
            row
        })
        .collect();
    let joined = Gf256::combine_bytes(&rows).map(Zeroizing::new);
    rows.iter_mut().for_each(Zeroize::zeroize);
    let mut secret = Zeroizing::new([0; 32]);
    let joined = joined.map_err(|_| failed())?;
    secret.copy_from_slice(joined.get(..32).ok_or_else(failed)?);
    Ok(HolderSecret::from_bytes(secret))
}

/// The system's random numbers, as vsss-rs wants them.
struct SystemRandom {
    failed: bool,
}

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.failed |= fill_random(out).is_err();
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Coefficients that are known. Never outside tests.
    pub(crate) struct Counting(pub(crate) u32);

    impl TryRng for Counting {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Ok(self.0 >> 24)
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            self.try_next_u32().map(u64::from)
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
            for byte in out {
                *byte = self.try_next_u32()? as u8;
            }
            Ok(())
        }
    }

    impl TryCryptoRng for Counting {}

    fn secret(bytes: [u8; 32]) -> HolderSecret {
        HolderSecret::from_bytes(Zeroizing::new(bytes))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_k_shares_give_the_secret_and_k_less_one_another(
            bytes: [u8; 32], count in 1_u8..=32, needed: proptest::sample::Index, order: u64,
        ) {
            let needed = needed.index(count.into()) as u8 + 1;
            let shares = split(&secret(bytes), needed, count).unwrap();
            let mut chosen: Vec<u8> = (1..=count).collect();
            chosen.sort_by_key(|x| (u64::from(*x) * 0x9e37_79b9).wrapping_mul(order | 1) >> 7);
            chosen.truncate(needed.into());
            let given = |xs: &[u8]| -> Vec<u8> {
                let given: Vec<_> = xs.iter().map(|x| (*x, &*shares[usize::from(*x) - 1])).collect();
                join(&given).unwrap().bytes().to_vec()
            };
            prop_assert_eq!(given(&chosen), bytes.to_vec());
            if needed > 1 {
                prop_assert_ne!(given(&chosen[1..]), bytes.to_vec());
            }
        }
    }

    #[test]
    fn with_one_needed_every_share_is_the_secret() {
        for share in split(&secret([9; 32]), 1, 5).unwrap() {
            assert_eq!(*share, [9; 32]);
        }
    }

    /// f(x) = 0x53 + 0xca x over the polynomial 0x11b, by hand: 0x53 * 0xca = 1, so f(0x53) = 0x53 ^ 1 where every
    /// coefficient is 0xca. A line through (1, f(1)) and (2, f(2)) meets it at 0 again.
    #[test]
    fn the_field_is_that_of_aes() {
        let by_hand = |x: u8| {
            let (mut a, mut b, mut product) = (0xca_u8, x, 0);
            while b != 0 {
                product ^= if b & 1 == 1 { a } else { 0 };
                a = a << 1 ^ if a & 0x80 != 0 { 0x1b } else { 0 };
                b >>= 1;
            }
            0x53 ^ product
        };
        assert_eq!(by_hand(0x53), 0x52);
        let rows = [1_u8, 2, 0x53].map(|x| (x, [by_hand(x); 32]));
        for (one, two) in [(0, 1), (1, 2), (0, 2)] {
            let joined = join(&[(rows[one].0, &rows[one].1), (rows[two].0, &rows[two].1)]).unwrap();
            assert_eq!(*joined.bytes(), [0x53; 32]);
        }
    }

    #[test]
    fn no_two_splittings_are_alike() {
        let (one, two) = (split(&secret([1; 32]), 2, 2).unwrap(), split(&secret([1; 32]), 2, 2).unwrap());
        assert!(*one[0] != *two[0] && *one[0] != [1; 32]);
    }
}
