//! Who waits where the processor is not enough for all.

use rustix::process::{getpriority_process, setpriority_process};

/// A tenth of the weight of an ordinary thread (sched(7), `nice` 10): with a hundred cameras' analysis at work on two cores, whoever
/// reads and writes their originals still gets his turn at once, and analysis still moves beside other programs.
const NICE: i32 = 10;

/// From now on this thread, or this process if it has one, leaves the processor to those that record.
pub fn give_way() {
    // On Linux priorities are a thread's. One that was started to give way even more stays as it is; a system that refuses is not worth
    // stopping for.
    if getpriority_process(None).is_ok_and(|nice| nice < NICE) {
        let _ = setpriority_process(None, NICE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_gives_way_and_the_others_do_not() {
        let nice = || getpriority_process(None).unwrap();
        let before = nice();
        let its = std::thread::spawn(move || {
            give_way();
            nice()
        });
        assert_eq!(its.join().unwrap(), before.max(NICE));
        assert_eq!(nice(), before);
    }
}
