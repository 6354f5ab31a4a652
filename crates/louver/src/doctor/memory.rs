//! Whether pictures in memory can reach a disk.

use super::Check;
use crate::memory::{self, MEND, Memory};

const TOPIC: &str = "memory";

/// Tries what `louver serve` does at its start, with the rights of whoever asks.
pub(super) fn check() -> Check {
    told(&memory::look())
}

fn told(memory: &Memory) -> Check {
    match memory.concern() {
        None if *memory == Memory::Locked => Check::ok(
            TOPIC,
            "it can be locked by this user, so that no unsealed picture is swapped to a disk",
        ),
        None => Check::ok(TOPIC, "this machine has no swap that could keep an unsealed picture on a disk"),
        Some(concern) => Check::warning(TOPIC, concern, format!("{MEND}; then start the server anew")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn swap_on_a_disk_is_worth_a_look_where_memory_cannot_be_locked() {
        assert_eq!(told(&Memory::Locked).verdict, Verdict::Ok);
        assert_eq!(told(&Memory::NoSwap).verdict, Verdict::Ok);
        let swapped = told(&Memory::Swapped(vec!["/dev/sda2".to_owned()]));
        assert_eq!(swapped.verdict, Verdict::Warning);
        assert!(swapped.what_to_do.unwrap().contains("swapoff"));
        assert_eq!(told(&Memory::Unknown).verdict, Verdict::Warning);
    }
}
