//! Everybody for whom a site seals, and how many of them it takes.

use super::HolderPublic;
use crate::VaultError;

/// Holders at most: the header stays small, and nobody gathers more people than that for an opening.
pub const MAX_HOLDERS: usize = 32;

/// Everybody for whom a site seals: n of 1 to 32, each once, and how many of them are needed to open (k of 1 to n). Without
/// a holder there is no recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderSet {
    needed: u8,
    holders: Vec<HolderPublic>,
}

impl HolderSet {
    /// Takes the holders in the order in which their shares are numbered.
    ///
    /// # Errors
    /// [`VaultError::NoHolder`] when there is none; too many, one twice, or a `needed` that is not within 1 and their number.
    pub fn new(needed: usize, holders: Vec<HolderPublic>) -> Result<Self, VaultError> {
        if holders.is_empty() {
            return Err(VaultError::NoHolder);
        }
        if holders.len() > MAX_HOLDERS {
            return Err(VaultError::TooManyHolders(holders.len()));
        }
        // The same key for sealing or for signing in two of them is one person with two voices.
        let same = |a: &HolderPublic, b: &HolderPublic| a.sealing == b.sealing || a.signing == b.signing;
        let twice = holders.iter().enumerate().find(|(n, h)| holders[..*n].iter().any(|o| same(o, h)));
        if let Some((_, holder)) = twice {
            return Err(VaultError::SameHolderTwice(holder.id()));
        }
        if !(1..=holders.len()).contains(&needed) {
            return Err(VaultError::NeededOutOfRange { needed, holders: holders.len() });
        }
        Ok(Self { needed: needed as u8, holders }) // 32 at most.
    }

    /// k: how many holders it takes, 1 to their number.
    pub fn needed(&self) -> u8 {
        self.needed
    }

    /// The holders, at least one.
    pub fn holders(&self) -> &[HolderPublic] {
        &self.holders
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    fn some(n: usize) -> Vec<HolderPublic> {
        (0..n).map(|_| Identity::generate().unwrap().public()).collect()
    }

    #[test]
    fn without_a_holder_the_sentence_says_how_to_make_one() {
        let refused = HolderSet::new(1, vec![]).unwrap_err().to_string();
        let says = refused.starts_with("no holder, no recording") && refused.contains("louver holder new");
        assert!(says, "{refused}");
    }

    #[test]
    fn a_holder_named_twice_is_refused_and_32_are_enough() {
        let one = some(1).remove(0);
        let twice = HolderSet::new(1, vec![one.clone(), one.clone()]);
        assert!(matches!(twice, Err(VaultError::SameHolderTwice(id)) if id == one.id()));
        assert!(HolderSet::new(17, some(MAX_HOLDERS)).is_ok());
        assert!(matches!(HolderSet::new(1, some(MAX_HOLDERS + 1)), Err(VaultError::TooManyHolders(33))));
    }

    #[test]
    fn needed_lies_within_one_and_the_number_of_holders() {
        for (needed, fits) in [(0, false), (1, true), (3, true), (4, false), (300, false)] {
            assert_eq!(HolderSet::new(needed, some(3)).is_ok(), fits, "{needed} of 3");
        }
    }
}
