//! What checking an exported file finds: docs/format-export.md.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Cursor;

use louver_export::{Finding, Kind, Manifest, Problem, Refusal, Report, Step, check};
use louver_ledger::Leaf;
use louver_ledger::leaf::Digest;
use louver_ledger::note::VerifierKey;
use louver_ledger::proof::InclusionError;
use louver_media::{Gop, fmp4};
use louver_vault::Damage;
use louver_vault::opening::Film;
use support::*;

fn checked(file: &[u8], site: Option<&VerifierKey>) -> Result<Report, Refusal> {
    check(&mut Cursor::new(file), site)
}

fn findings(file: &[u8]) -> Vec<Finding> {
    checked(file, None).unwrap().findings
}

/// Refused for what `is` names, at this step.
fn refused(file: &[u8], step: Step, is: impl Fn(&Problem) -> bool) -> Vec<Finding> {
    let found = findings(file);
    assert!(found.iter().any(|f| f.step == step && is(&f.problem)), "{found:?}");
    found
}

/// A video as anybody can make it of these groups.
fn video(gops: &[Gop]) -> Vec<u8> {
    let mut film = Film::new();
    let mut out = Vec::new();
    for gop in gops {
        out.extend(film.push(params(), gop.clone(), ()).unwrap().into_iter().flat_map(|p| p.bytes.to_vec()));
    }
    out.extend(film.finish().unwrap().bytes);
    out
}

#[test]
fn an_export_holds_and_tells_whose_it_is_from_when_and_who_allowed_it() {
    let site = Site::new();
    let (video, manifest) = site.film(0, 6000);
    let file = site.signed(&video, &manifest);
    let report = checked(&file, Some(site.ledger.verifier())).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.fragments, report.pinned, report.recovered, report.gaps.len()), (6, true, 0, 0));
    let facts = &report.facts;
    assert_eq!((facts.kind, &facts.camera, facts.request), (Kind::Original, &camera(), Some(site.request)));
    assert_eq!((facts.from, facts.to, facts.bytes), (at(0), at(5600), video.len() as u64));
    assert_eq!(facts.manifest, Manifest::digest_of(&manifest.to_text().unwrap()));
    assert!(!checked(&file, None).unwrap().pinned);
    // A part of it too, from the middle of one segment to the middle of the next.
    let (video, manifest) = site.film(1000, 4500);
    assert_eq!(manifest.segments.iter().map(|s| s.fragments.len()).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(findings(&site.signed(&video, &manifest)), []);
}

#[test]
fn every_changed_byte_of_an_export_is_found() {
    let site = Site::of(SITE, &[gops(0, 2)]);
    let (video, manifest) = site.film(0, 2000);
    let mut file = site.signed(&video, &manifest);
    assert!(checked(&file, None).unwrap().holds());
    for at in 0..file.len() {
        file[at] ^= 1;
        assert!(!checked(&file, None).is_ok_and(|report| report.holds()), "byte {at} of {}", file.len());
        file[at] ^= 0x81;
        assert!(!checked(&file, None).is_ok_and(|report| report.holds()), "byte {at} of {}", file.len());
        file[at] ^= 0x80;
    }
    for cut in 0..file.len() {
        assert!(!checked(&file[..cut], None).is_ok_and(|report| report.holds()), "cut at {cut}");
    }
    file.push(b'\n');
    assert!(matches!(checked(&file, None), Err(Refusal::None(_))), "something behind it");
}

#[test]
fn a_changed_picture_is_named_with_its_fragment_its_time_and_its_place() {
    let site = Site::new();
    let (video, manifest) = site.film(0, 6000);
    let place = manifest.segments[1].fragments[2].at as usize;
    let mut file = site.signed(&video, &manifest);
    file[place + 5] ^= 1;
    let found = findings(&file);
    assert_eq!(
        found.iter().map(|f| (f.step, &f.problem)).collect::<Vec<_>>(),
        [(Step::Unchanged, &Problem::Changed), (Step::Sealed, &Problem::Pictures(Damage::Commitment)),]
    );
    let said = found[1].at.unwrap();
    assert_eq!((said.segment, said.fragment, said.time, said.byte), (1, 2, Some(at(5000)), place as u64));
    let text = found[1].to_string();
    assert!(text.starts_with("fragment 2 of segment 1 (2026-03-01"), "{text}");
    assert!(
        text.contains(&format!("byte {place} of the file: its pictures are not what was sealed")),
        "{text}"
    );
}

/// What a site would have to do that signs what it should not: only then are these the last line.
#[test]
fn a_site_that_signs_a_video_with_pictures_cut_out_doubled_swapped_or_retimed_is_found_out() {
    let site = Site::of(SITE, &[gops(0, 4)]);
    let all = gops(0, 4);
    let (whole, manifest) = site.film(0, 4000);
    assert_eq!(video(&all), whole, "anybody makes the same video of the same pictures");
    let data = |file: &[u8], gop: &Gop| {
        let bytes: Vec<u8> = gop.packets.iter().flat_map(|p| p.data.to_vec()).collect();
        (0..=file.len() - bytes.len()).filter(|at| file[*at..].starts_with(&bytes)).max().unwrap() as u64
    };
    // Each with a manifest as good as it can be made: places, length and hash are those of the new video.
    let made = |numbers: &[usize]| {
        let chosen: Vec<Gop> = numbers.iter().map(|n| all[*n].clone()).collect();
        let film = video(&chosen);
        let mut other = manifest.clone();
        let fragments = &manifest.segments[0].fragments;
        let used = numbers.iter().map(|n| {
            let mut fragment = fragments[*n].clone();
            fragment.at = data(&film, &all[*n]);
            fragment
        });
        other.segments[0].fragments = used.collect();
        (site.signed_for(&film, &other), film, other)
    };
    assert!(findings(&made(&[0, 1, 2, 3]).0).is_empty());
    for numbers in [&[0, 2, 3][..], &[0, 1, 1, 2, 3], &[0, 2, 1, 3], &[1, 0, 2, 3]] {
        refused(&made(numbers).0, Step::Sealed, |p| matches!(p, Problem::Order { .. }));
    }
    // The manifest says that all are there in order, and the video is another.
    let (_, film, _) = made(&[0, 2, 1, 3]);
    refused(&site.signed_for(&film, &manifest), Step::Sealed, |p| matches!(p, Problem::Pictures(_)));
    // The first picture of the second group a tenth of a second later; the coding; the order of two pictures in a group.
    let mut late = all.clone();
    for packet in &mut late[1].packets {
        packet.media = packet.media + louver_base::MediaSpan::from_millis(100);
    }
    let found = refused(&site.signed_for(&video(&late), &manifest), Step::Sealed, |p| {
        matches!(p, Problem::Remade(_))
    });
    assert!(found[0].to_string().contains("times, order or coding were changed"), "{found:?}");
    let at_init = |file: &[u8]| {
        let at = file.windows(4).position(|w| w == b"avcC").unwrap();
        let mut changed = file.to_vec();
        changed[at + 5] ^= 1;
        changed
    };
    refused(&site.signed_for(&at_init(&whole), &manifest), Step::Sealed, |p| matches!(p, Problem::Remade(_)));
    // A second track of pictures behind the sealed ones.
    let more = [
        &whole[..],
        &fmp4::fragment(9, all[0].packets[0].media, &all[0].packets, louver_base::MediaSpan::from_millis(40)),
    ]
    .concat();
    refused(&site.signed_for(&more, &manifest), Step::Sealed, |p| matches!(p, Problem::Remade(_)));
}

#[test]
fn pictures_cut_out_at_the_border_of_two_segments_and_segments_in_another_order_are_found() {
    let site = Site::new();
    let (whole, manifest) = site.film(0, 6000);
    let mut cut = manifest.clone();
    cut.segments[0].fragments.pop();
    refused(&site.signed_for(&whole, &cut), Step::Sealed, |p| *p == Problem::CutShort);
    let mut cut = manifest.clone();
    cut.segments[1].fragments.remove(0);
    refused(&site.signed_for(&whole, &cut), Step::Sealed, |p| *p == Problem::Order { expected: 0 });
    let mut swapped = manifest.clone();
    swapped.segments.swap(0, 1);
    refused(&site.signed_for(&whole, &swapped), Step::Sealed, |_| true);
    // Also where the video is in that order.
    let film = video(&[gops(3000, 3), gops(0, 3)].concat());
    for (n, fragment) in swapped.segments.iter_mut().flat_map(|s| &mut s.fragments).enumerate() {
        let gop = &gops(if n < 3 { 3000 } else { 0 }, 3)[n % 3];
        let data = &gop.packets[0].data;
        fragment.at = film.windows(data.len()).rposition(|w| w == data).unwrap() as u64;
    }
    refused(&site.signed_for(&film, &swapped), Step::Sealed, |p| {
        *p == Problem::Contradiction("its segments are not in order")
    });
    let mut other = manifest.clone();
    other.from += 1;
    refused(&site.signed_for(&whole, &other), Step::Sealed, |p| matches!(p, Problem::Contradiction(_)));
}

/// Only the first and the last of a manifest's segments may be parts of one, so two entries for one segment could pass for two segments.
#[test]
fn a_segment_that_stands_there_twice_or_in_two_parts_the_wrong_way_round_is_found() {
    let all = gops(0, 4);
    let site = Site::of(SITE, std::slice::from_ref(&all));
    let (_, manifest) = site.film(0, 4000);
    for parts in [&[&[2, 3][..], &[0, 1]][..], &[&[0, 1, 2, 3], &[0, 1, 2, 3]]] {
        let film = video(&parts.concat().iter().map(|n| all[*n].clone()).collect::<Vec<_>>());
        let mut other = manifest.clone();
        let mut from = 0;
        let segment = &manifest.segments[0];
        let used = parts.iter().map(|numbers| {
            let fragments = numbers.iter().map(|n| {
                let mut fragment = segment.fragments[*n].clone();
                let data: Vec<u8> = all[*n].packets.iter().flat_map(|p| p.data.to_vec()).collect();
                fragment.at =
                    (from + film[from..].windows(data.len()).position(|w| w == data).unwrap()) as u64;
                from = fragment.at as usize + data.len();
                fragment
            });
            louver_export::Segment { fragments: fragments.collect(), ..segment.clone() }
        });
        other.segments = used.collect();
        let ends = (parts[0][0], *parts[1].last().unwrap());
        other.from = all[ends.0].packets[0].wall.millis();
        other.to = all[ends.1].packets[2].wall.millis();
        let found = findings(&site.signed_for(&film, &other));
        let problems: Vec<_> = found.iter().map(|f| &f.problem).collect();
        assert_eq!(
            problems,
            [&Problem::Contradiction("its segments are not in order")],
            "nothing else is wrong"
        );
    }
}

#[test]
fn the_manifest_of_another_file_and_one_that_was_changed_and_signed_by_somebody_else_are_refused() {
    let site = Site::new();
    let (one, about_one) = site.film(0, 3000);
    let (two, _) = site.film(3000, 6000);
    assert_ne!(one.len(), 0);
    let found = findings(&site.signed(&two, &about_one));
    assert!(found.iter().any(|f| f.step == Step::Unchanged), "{found:?}");
    assert!(found.iter().any(|f| f.step == Step::Sealed), "{found:?}");
    // Text exchanged, signature kept.
    let file = site.signed(&one, &about_one);
    let text =
        String::from_utf8_lossy(&file[one.len()..]).replace("\"camera\":\"gate\"", "\"camera\":\"yard\"");
    let changed = [&one[..], text.as_bytes()].concat();
    refused(&changed, Step::Unchanged, |p| matches!(p, Problem::Signature(_)));
    // Another site's key, with everything else as it was.
    let other = Site::of([0x5b; 16], &[gops(0, 3)]);
    let mut theirs = about_one.clone();
    theirs.key = other.key.verifier().to_string();
    refused(&other.signed(&one, &theirs), Step::Site, |p| matches!(p, Problem::KeyName(_)));
    let twin = Site::of(SITE, &[gops(0, 3)]);
    let mut theirs = about_one;
    theirs.key = twin.key.verifier().to_string();
    refused(&twin.signed(&one, &theirs), Step::Site, |p| *p == Problem::Leaf("the key that signs exports"));
}

#[test]
fn a_site_that_only_calls_itself_so_is_told_from_the_one_whose_key_was_kept() {
    let (site, twin) = (Site::new(), Site::new());
    let (video, manifest) = twin.film(0, 3000);
    let file = twin.signed(&video, &manifest);
    assert!(checked(&file, None).unwrap().holds(), "it is whole, and from somebody who calls himself so");
    let report = checked(&file, Some(site.ledger.verifier())).unwrap();
    assert_eq!(report.findings[0].problem, Problem::OtherSite(twin.ledger.verifier().to_string()));
    assert!(!report.shows(Step::Site) && report.shows(Step::Unchanged));
}

#[test]
fn proofs_of_other_leaves_of_a_tree_that_is_too_old_and_of_another_log_prove_nothing() {
    let site = Site::new();
    let (video, manifest) = site.film(0, 3000);
    let with = |change: &dyn Fn(&mut Manifest)| {
        let mut other = manifest.clone();
        change(&mut other);
        site.signed(&video, &other)
    };
    let sealed = |p: &Problem| matches!(p, Problem::Proof { why: InclusionError::NotIncluded { .. }, .. });
    // The segment's leaf under a checkpoint of before it was written.
    let old = |proof: &str| {
        let (head, _) = proof.split_once("\n\n").unwrap();
        let early = Site::of(SITE, &[gops(0, 1)]);
        drop(early);
        format!("{head}\n\n{}", site.proof(0).split_once("\n\n").unwrap().1)
    };
    assert!(
        findings(&with(&|m| m.segments[0].proof = old(&m.segments[0].proof))).is_empty(),
        "the same tree"
    );
    refused(
        &with(&|m| m.segments[0].proof = m.segments[0].proof.replace("index 2", "index 3")),
        Step::Sealed,
        sealed,
    );
    refused(&with(&|m| m.segments[0].proof = site.proof(0)), Step::Sealed, |p| {
        *p == Problem::Leaf("a segment")
    });
    refused(
        &with(&|m| m.segments[0].proof = m.segments[0].proof.replace("extra ", "extra AA")),
        Step::Sealed,
        |p| matches!(p, Problem::Proof { .. }),
    );
    refused(&with(&|m| m.key_proof = site.proof(0)), Step::Site, |p| matches!(p, Problem::Leaf(_)));
    let twin = Site::new();
    refused(&with(&|m| m.segments[0].proof = twin.proof(2)), Step::Sealed, |p| {
        matches!(p, Problem::Proof { why: InclusionError::Checkpoint(_), .. })
    });
}

#[test]
fn a_proof_under_a_tree_from_before_the_leaf_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = louver_ledger::Ledger::open(dir.path(), &SITE, louver_ledger::Options::default()).unwrap();
    let leaf = ledger.append_now(&Leaf::Omitted { leaves: 1 }).unwrap();
    let early = ledger.proof(leaf, None).unwrap();
    let late = ledger.append_now(&Leaf::Omitted { leaves: 2 }).unwrap();
    let proof = ledger.proof(late, None).unwrap();
    let (head, _) = proof.split_once("\n\n").unwrap();
    let old = format!("{head}\n\n{}", early.split_once("\n\n").unwrap().1);
    let parsed = louver_ledger::proof::Inclusion::parse(&old).unwrap();
    let checked = parsed.check(&ledger.leaf(late).unwrap(), ledger.verifier(), &[], 0);
    assert!(matches!(checked, Err(InclusionError::NotIncluded { index: 1, .. })), "{checked:?}");
}

#[test]
fn what_nobody_released_what_was_released_to_others_and_what_was_made_before_is_refused() {
    let site = Site::new();
    let (video, manifest) = site.film(0, 3000);
    let with = |change: &dyn Fn(&mut Manifest)| {
        let mut other = manifest.clone();
        change(&mut other);
        site.signed(&video, &other)
    };
    refused(&with(&|m| m.released.clear()), Step::Allowed, |p| *p == Problem::NotReleased);
    refused(&with(&|m| m.request = Some(Digest::of(b"another"))), Step::Allowed, |p| {
        *p == Problem::Leaf("the release")
    });
    refused(&with(&|m| m.released = vec![site.proof(0)]), Step::Allowed, |p| {
        *p == Problem::Leaf("the release")
    });
    refused(&with(&|m| m.made = 5), Step::Allowed, |p| matches!(p, Problem::NotThen(_)));
    // Released was another time.
    let release = Leaf::OpeningReleased {
        request: site.request,
        approvals: vec![],
        cameras: vec![site.ledger.salt().camera(&camera())],
        from: louver_ledger::leaf::Millis(NOON + 1000),
        to: louver_ledger::leaf::Millis(NOON + 2000),
        until: louver_ledger::leaf::Millis(i64::MAX),
    };
    let number = site.ledger.append_now(&release).unwrap();
    let narrow = site.proof(number);
    let found =
        refused(&with(&|m| m.released = vec![narrow.clone()]), Step::Allowed, |p| *p == Problem::NotReleased);
    assert_eq!(found[0].at.unwrap().fragment, 0, "the first one that is not");
}

#[test]
fn what_was_released_from_the_middle_of_a_group_may_begin_with_its_key_frame_and_no_sooner() {
    let mut parts = gops(0, 9);
    for n in [1, 2, 4, 5, 7, 8] {
        parts[n].packets[0].key = false;
    }
    let site = Site::of(SITE, &[parts]);
    // Released is from the last third of the second group on.
    let release = Leaf::OpeningReleased {
        request: site.request,
        approvals: vec![],
        cameras: vec![site.ledger.salt().camera(&camera())],
        from: louver_ledger::leaf::Millis(NOON + 5100),
        to: louver_ledger::leaf::Millis(NOON + 60_000),
        until: louver_ledger::leaf::Millis(i64::MAX),
    };
    let number = site.ledger.append_now(&release).unwrap();
    for (from, holds) in [(3000, true), (6000, true), (0, false)] {
        let (video, mut manifest) = site.film(from, 9000);
        assert_eq!(manifest.segments[0].fragments[0].n, (from / 1000) as u32);
        manifest.released = vec![site.proof(number)];
        let file = site.signed(&video, &manifest);
        if holds {
            assert_eq!(findings(&file), []);
        } else {
            let found = refused(&file, Step::Allowed, |p| *p == Problem::NotReleased);
            assert_eq!(found[0].at.unwrap().fragment, 0);
        }
    }
}

#[test]
fn a_step_that_was_not_looked_at_is_not_shown() {
    let site = Site::new();
    let (video, manifest) = site.film(0, 6000);
    let mut keyless = manifest.clone();
    keyless.ledger = "no key".to_owned();
    let report = checked(&site.signed(&video, &keyless), None).unwrap();
    for step in [Step::Sealed, Step::Allowed] {
        assert!(
            report.findings.iter().any(|f| f.step == step && matches!(f.problem, Problem::NotChecked(_)))
        );
        assert!(!report.shows(step));
    }
    // Pictures behind those that do not fit: whether they were released is not known.
    let mut file = site.signed(&video, &manifest);
    file[manifest.segments[0].fragments[1].at as usize + 5] ^= 1;
    refused(&file, Step::Allowed, |p| matches!(p, Problem::NotChecked(_)));
}

#[test]
fn masked_pictures_carry_a_manifest_without_request_and_segments() {
    let site = Site::new();
    let video = video(&gops(0, 2));
    let manifest = site.masked((NOON, NOON + 1600), video.len() as u64, Digest::of(&video));
    let file = site.signed(&video, &manifest);
    let report = checked(&file, Some(site.ledger.verifier())).unwrap();
    assert_eq!((report.findings.len(), report.facts.kind, report.facts.request), (0, Kind::Masked, None));
    let mut changed = file.clone();
    changed[video.len() / 2] ^= 4;
    refused(&changed, Step::Unchanged, |p| *p == Problem::Changed);
}
