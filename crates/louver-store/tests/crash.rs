//! A store's whole life, with trouble at every act on the disk: the process is killed, the power goes, acts fail, there is no room.
//! Afterwards, from the files alone: no entry without a file and no file without an entry, nothing lost that was said to be on
//! the disk, at most one group more or less than was said, of each camera; and no fsync that failed is asked for again.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;
use std::time::Duration;

use common::life::{Disks, check, live};
use common::sim::{SimDisk, Trouble, place};

const AT_THE_END: Duration = Duration::from_secs(3600);

/// Lives with the trouble at every act from the `first` on, every so many; gives how many acts there are without any.
async fn at_every_act(trouble: Trouble, first: u64, step: usize, sync_every: Duration, disks: Disks) {
    let dir = tempfile::tempdir_in(place()).unwrap();
    let quiet = SimDisk::new(dir.path(), None);
    let said = live(&quiet, dir.path(), sync_every, disks).await;
    assert!(said.errors.is_empty(), "without trouble nothing fails: {:?}", said.errors);
    let acts = quiet.acts();
    assert_eq!(said.moved > 3, disks == Disks::Two, "{}", said.moved);
    assert!(acts > 80, "{acts} acts are no life");
    let mut faults = Vec::new();
    for act in (first..=acts).step_by(step) {
        let dir = tempfile::tempdir_in(place()).unwrap();
        let disk = SimDisk::new(dir.path(), Some((act, trouble)));
        let said = live(&disk, dir.path(), sync_every, disks).await;
        let mut fault = |text: String| faults.push(format!("act {act} ({}): {text}", disk.done()));
        for path in disk.asked_again() {
            fault(format!("{}: a sync that failed was asked for again", path.display()));
        }
        for image in disk.images() {
            if let Err(e) = check(image.dir.path(), image.what, &said, disks).await {
                fault(format!("{:?}: {e}", image.what));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn a_kill_or_a_power_cut_at_any_act_loses_nothing_that_was_said_to_be_kept() {
    at_every_act(Trouble::Cut, 1, 2, AT_THE_END, Disks::None).await;
}

#[tokio::test]
async fn nor_at_any_other_act() {
    at_every_act(Trouble::Cut, 2, 2, AT_THE_END, Disks::None).await;
}

#[tokio::test]
async fn where_every_write_is_synced_a_power_cut_loses_no_more_than_a_kill() {
    at_every_act(Trouble::Cut, 1, 2, Duration::ZERO, Disks::None).await;
}

#[tokio::test]
async fn an_act_that_is_refused_costs_what_it_was_for_and_nothing_else() {
    at_every_act(Trouble::Refused(ErrorKind::Other), 1, 2, AT_THE_END, Disks::None).await;
}

#[tokio::test]
async fn an_act_that_fails_half_way_costs_what_it_was_for_and_nothing_else() {
    at_every_act(Trouble::Half(ErrorKind::Other), 2, 2, Duration::ZERO, Disks::None).await;
}

#[tokio::test]
async fn a_disk_without_room_for_a_while_costs_what_did_not_fit_and_nothing_else() {
    at_every_act(Trouble::Full(6), 1, 2, AT_THE_END, Disks::None).await;
}

#[tokio::test]
async fn with_two_disks_and_moving_between_them_as_well() {
    at_every_act(Trouble::Cut, 1, 3, AT_THE_END, Disks::Two).await;
}

#[tokio::test]
async fn and_at_the_acts_in_between() {
    at_every_act(Trouble::Cut, 2, 3, AT_THE_END, Disks::Two).await;
}

#[tokio::test]
async fn and_at_the_others() {
    at_every_act(Trouble::Cut, 3, 3, AT_THE_END, Disks::Two).await;
}

#[tokio::test]
async fn with_two_disks_an_act_that_fails_half_way_loses_nothing_either() {
    at_every_act(Trouble::Half(ErrorKind::Other), 1, 2, Duration::ZERO, Disks::Two).await;
}
