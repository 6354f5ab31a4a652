//! Opening a time range into a video file.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Gop, GopCutter, GopLimits, Packet, PictureSize, VideoParams};
use louver_vault::opening::{Existing, Export, Exported, export_mp4};
use louver_vault::{Damage, OpeningKeys, SegmentHead, VaultError};
use support::*;

/// A folder with sealed files, and where the video goes.
struct Site {
    dir: tempfile::TempDir,
    vault: Vault,
    files: Vec<PathBuf>,
}

impl Site {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), vault: Vault::of(2, 3), files: vec![] }
    }

    fn with(mut self, gops: &[Gop], params: &VideoParams) -> Self {
        let pieces = self.vault.seal(gops, params);
        self.keep(&pieces.file());
        self
    }

    fn keep(&mut self, bytes: &[u8]) {
        let path = self.dir.path().join(format!("{}.sealed", self.files.len()));
        std::fs::write(&path, bytes).unwrap();
        self.files.push(path);
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out.mp4")
    }

    fn export(&self, from: WallTime, to: WallTime) -> Result<Exported, VaultError> {
        self.export_as(&self.keys(), from, to, Existing::Keep)
    }

    fn export_as(
        &self,
        keys: &OpeningKeys,
        from: WallTime,
        to: WallTime,
        existing: Existing,
    ) -> Result<Exported, VaultError> {
        let out = self.out();
        let job = Export { keys, segments: &self.files, from, to, out: &out, existing };
        export_mp4(&job, &mut |_| ControlFlow::Continue(()))
    }

    /// Shares of two holders for all epochs, and all hour secrets.
    fn keys(&self) -> OpeningKeys {
        let mut keys = OpeningKeys::new();
        for file in &self.files {
            let Ok(head) = SegmentHead::read(&mut std::fs::File::open(file).unwrap()) else { continue };
            for identity in &self.vault.identities[1..] {
                keys.add_share_of(&head, identity).unwrap();
            }
            keys.add_hour_secret(head.camera().clone(), head.hour(), Vault::hour_secret(head.hour()));
        }
        keys
    }

    /// Sealed files, and nothing else.
    fn only_sealed_files(&self) -> bool {
        std::fs::read_dir(self.dir.path()).unwrap().count() == self.files.len()
    }
}

/// The samples' bytes, and the start of each fragment in ticks.
fn mp4(path: &Path) -> (Vec<u8>, Vec<u64>) {
    let bytes = std::fs::read(path).unwrap();
    let (mut data, mut starts, mut rest) = (vec![], vec![], &bytes[..]);
    while rest.len() >= 8 {
        let size = u32::from_be_bytes(*rest.first_chunk().unwrap()) as usize;
        let (one, after) = rest.split_at(size);
        match &one[4..8] {
            b"mdat" => data.extend_from_slice(&one[8..]),
            b"moof" => {
                let at = one.windows(4).position(|w| w == b"tfdt").unwrap() + 4;
                starts.push(match one[at] {
                    0 => u32::from_be_bytes(*one[at + 4..].first_chunk().unwrap()).into(),
                    _ => u64::from_be_bytes(*one[at + 4..].first_chunk().unwrap()),
                });
            }
            _ => {}
        }
        rest = after;
    }
    assert!(rest.is_empty());
    (data, starts)
}

fn bytes_of<'a>(packets: impl IntoIterator<Item = &'a Packet>) -> Vec<u8> {
    packets.into_iter().flat_map(|p| p.data.to_vec()).collect()
}

#[test]
fn the_video_holds_the_original_bytes_from_the_key_frame_before_the_start_to_the_end() {
    let sealed = gops(10, 500_000, noon(0));
    // Given in the wrong order, as a listing of a folder may give them.
    let mut site = Site::new().with(&sealed[..4], &params(64)).with(&sealed[4..], &params(64));
    site.files.reverse();
    let told = site.export(noon(2500), noon(5500)).unwrap();
    // Key frame at 2.0 s; the pictures at 5.0, 5.2 and 5.4 s are before the end.
    let wanted: Vec<&Packet> = sealed
        .iter()
        .flat_map(|g| &g.packets)
        .filter(|p| p.wall >= noon(2000) && p.wall < noon(5500))
        .collect();
    let (data, starts) = mp4(&site.out());
    assert_eq!(data, bytes_of(wanted.iter().copied()));
    assert_eq!(starts, [0, 90_000, 180_000, 270_000], "camera time runs on across the files");
    assert_eq!((told.first, told.last, told.packets), (noon(2000), noon(5400), wanted.len() as u64));
    assert_eq!(told.bytes, std::fs::metadata(site.out()).unwrap().len());
    assert_eq!((told.gaps, told.unfinished), (vec![], vec![]));
}

#[test]
fn the_video_is_its_owners_alone_and_nothing_else_is_left_behind() {
    let site = Site::new().with(&gops(3, 0, noon(0)), &params(64));
    site.export(noon(0), noon(3000)).unwrap();
    assert_eq!(std::fs::metadata(site.out()).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(site.out()).unwrap();
    assert!(site.only_sealed_files());
}

#[test]
fn a_start_exactly_on_a_key_frame_shows_nothing_before_it() {
    let site = Site::new().with(&gops(5, 0, noon(0)), &params(64));
    let told = site.export(noon(2000), noon(3000)).unwrap();
    assert_eq!((told.first, told.last, told.packets), (noon(2000), noon(2800), 5));
}

#[test]
fn the_picture_on_show_at_the_start_is_in_the_video() {
    let site = Site::new().with(&gops(5, 0, noon(0)), &params(64));
    // Between the last picture of one group (1800) and the first of the next (2000).
    assert_eq!(site.export(noon(1900), noon(3000)).unwrap().first, noon(1000));
}

#[test]
fn a_group_that_was_cut_because_it_was_long_is_opened_from_its_key_frame() {
    let mut sealed = gops(4, 0, noon(0));
    sealed[1].packets[0].key = false;
    sealed[2].packets[0].key = false;
    let site = Site::new().with(&sealed[..2], &params(64)).with(&sealed[2..], &params(64));
    assert_eq!(site.export(noon(2100), noon(2500)).unwrap().first, noon(0));
    // Its beginning is gone: the next key frame, or a sentence.
    let site = Site { files: site.files[1..].to_vec(), ..site };
    std::fs::remove_file(site.out()).unwrap();
    assert!(matches!(site.export(noon(2100), noon(2500)), Err(VaultError::NoKeyFrame { .. })));
    assert_eq!(site.export(noon(2100), noon(3500)).unwrap().first, noon(3000));
}

#[test]
fn a_hole_and_a_new_session_are_placed_by_arrival_and_told() {
    let site = Site::new()
        .with(&gops(2, 700_000, noon(0)), &params(64))
        .with(&gops(2, 0, noon(60_000)), &params(64));
    let told = site.export(noon(0), noon(70_000)).unwrap();
    assert_eq!(mp4(&site.out()).1, [0, 90_000, 60 * 90_000, 61 * 90_000]);
    let gaps: Vec<_> = told.gaps.iter().map(|g| (g.from, g.to)).collect();
    assert_eq!(gaps, [(noon(1800), noon(60_000))]);
}

#[test]
fn a_range_in_a_hole_says_what_there_is() {
    let site =
        Site::new().with(&gops(2, 0, noon(0)), &params(64)).with(&gops(2, 0, noon(60_000)), &params(64));
    let refused = site.export(noon(30_000), noon(40_000)).unwrap_err().to_string();
    for part in ["from 2026-03-01T12:00:30.000Z", "2026-03-01T12:00:00.000Z to 2026-03-01T12:01:01.800Z"] {
        assert!(refused.contains(part), "{refused}");
    }
    assert!(matches!(site.export(noon(10), noon(10)), Err(VaultError::EmptyRange { .. })));
    let nothing = Site::new().export(noon(0), noon(10)).unwrap_err().to_string();
    assert!(nothing.contains("the segments hold no pictures"), "{nothing}");
    assert!(site.only_sealed_files());
}

#[test]
fn without_shares_one_gets_nothing() {
    let site = Site::new().with(&gops(2, 0, noon(0)), &params(64));
    let refused = site.export_as(&OpeningKeys::new(), noon(0), noon(2000), Existing::Keep).unwrap_err();
    match refused {
        VaultError::InSegment { path, source } => {
            assert_eq!(path, site.files[0]);
            assert!(matches!(*source, VaultError::TooFewShares { .. }), "{source}");
        }
        other => panic!("{other}"),
    }
    assert!(site.only_sealed_files());
}

#[test]
fn damage_is_named_and_no_half_video_is_left() {
    let sealed = gops(4, 0, noon(0));
    for in_head in [false, true] {
        let mut site = Site::new();
        let pieces = site.vault.seal(&sealed, &params(64));
        let at = pieces.header.len() + pieces.fragments[0].len() + pieces.fragments[1].len();
        let mut bytes = pieces.file();
        bytes[at + if in_head { 10 } else { 100 }] ^= 1;
        site.keep(&bytes);
        let VaultError::InSegment { source, .. } = site.export(noon(0), noon(4000)).unwrap_err() else {
            panic!()
        };
        let wanted = if in_head { Damage::Head } else { Damage::Contents };
        match *source {
            VaultError::Damaged { fragment: 2, at: said, what } => {
                assert_eq!((said, what), (at as u64, wanted))
            }
            other => panic!("{other}"),
        }
        assert!(site.only_sealed_files());
        // What lies before the damage opens.
        assert_eq!(site.export(noon(0), noon(1700)).unwrap().packets, 9);
    }
}

#[test]
fn a_recording_that_was_cut_off_opens_and_is_told() {
    let mut site = Site::new();
    let bytes = site.vault.seal(&gops(3, 0, noon(0)), &params(64)).file();
    site.keep(&bytes[..bytes.len() - 100]);
    site.keep(&bytes[..50]);
    let told = site.export(noon(0), noon(9000)).unwrap();
    assert_eq!((told.packets, told.unfinished.len()), (10, 2));
}

#[test]
fn a_change_of_picture_says_where_to_split_and_both_halves_open() {
    let sealed = gops(4, 0, noon(0));
    let site = Site::new().with(&sealed[..2], &params(64)).with(&sealed[2..], &params(128));
    let refused = site.export(noon(0), noon(4000)).unwrap_err();
    assert!(refused.to_string().contains("--to 2026-03-01T12:00:02.000Z"), "{refused}");
    assert!(site.only_sealed_files());
    let VaultError::PictureChanged { at } = refused else { panic!() };
    assert_eq!(site.export(noon(0), at).unwrap().packets, 10);
    assert_eq!(site.export_as(&site.keys(), at, noon(4000), Existing::Replace).unwrap().packets, 10);
}

#[test]
fn segments_of_two_cameras_are_refused() {
    let mut site = Site::new().with(&gops(1, 0, noon(0)), &params(64));
    let yard = "yard".parse().unwrap();
    let (_, header) = site.vault.epoch_of(&yard, noon(0)).segment(noon(0), &params(64)).unwrap();
    site.keep(header.as_bytes());
    assert!(matches!(site.export(noon(0), noon(1000)), Err(VaultError::MixedCameras { .. })));
}

#[test]
fn an_existing_file_is_kept_unless_it_is_to_be_replaced_and_even_then_until_the_new_one_is_whole() {
    let site = Site::new().with(&gops(2, 0, noon(0)), &params(64));
    std::fs::write(site.out(), "mine").unwrap();
    let refused = site.export(noon(0), noon(2000)).unwrap_err();
    assert!(refused.to_string().contains("exists and is left as it is"), "{refused}");
    let stranger = OpeningKeys::new();
    site.export_as(&stranger, noon(0), noon(2000), Existing::Replace).unwrap_err();
    assert_eq!(std::fs::read(site.out()).unwrap(), b"mine");
    site.export_as(&site.keys(), noon(0), noon(2000), Existing::Replace).unwrap();
    assert!(mp4(&site.out()).1.len() == 2);
}

#[test]
fn who_stops_an_export_leaves_nothing() {
    let site = Site::new().with(&gops(5, 0, noon(0)), &params(64));
    let out = site.out();
    let job = Export {
        keys: &site.keys(),
        segments: &site.files,
        from: noon(0),
        to: noon(5000),
        out: &out,
        existing: Existing::Keep,
    };
    let mut seen = vec![];
    let stopped = export_mp4(&job, &mut |p| {
        seen.push(p.done);
        if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(VaultError::Stopped)));
    assert!(seen[0] == 0 && seen[1] < seen[2]);
    assert!(site.only_sealed_files());
}

#[test]
fn reordered_pictures_across_fragments_keep_decoding_times_in_order() {
    // Decoding order 0 4 1 2 3 8 | 5 6 7 12 …: the cut lies between a picture and those shown before it.
    let order = [0, 4, 1, 2, 3, 8, 5, 6, 7, 12, 9, 10, 11];
    let packets: Vec<Packet> = (order.iter().enumerate())
        .map(|(n, shown)| packet(n, n == 0, shown * 40, noon(n as i64 * 40), 30))
        .collect();
    let sealed: Vec<Gop> = packets.chunks(6).map(|c| Gop::silent(c.to_vec())).collect();
    let site = Site::new().with(&sealed, &params(64));
    site.export(noon(0), noon(9000)).unwrap();
    let (data, starts) = mp4(&site.out());
    assert_eq!((data, starts), (bytes_of(&packets), vec![0]));
}

/// H.264 of a test pattern, one packet a picture, 25 a second, and its parameters. `None` without ffmpeg.
fn real_video(dir: &Path) -> Option<(Vec<Packet>, VideoParams)> {
    let path = dir.join("pattern.h264");
    let args = "-v error -f lavfi -i testsrc2=size=320x240:rate=25:duration=12 -c:v libx264 -profile:v baseline -g 50 \
                -sc_threshold 0 -bsf:v h264_metadata=aud=insert -f h264";
    let made = Command::new("ffmpeg").args(args.split_whitespace()).arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: ffmpeg with libx264 is not here");
        return None;
    }
    let bytes = std::fs::read(&path).unwrap();
    let starts: Vec<usize> = (0..bytes.len() - 3).filter(|at| bytes[*at..].starts_with(&[0, 0, 1])).collect();
    let mut nals: Vec<&[u8]> = vec![];
    for (n, at) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(bytes.len());
        let nal = &bytes[at + 3..end];
        nals.push(&nal[..nal.len() - nal.iter().rev().take_while(|b| **b == 0).count()]);
    }
    let of_kind = |kind: u8| nals.iter().copied().find(move |n| n[0] & 31 == kind).unwrap();
    let mut packets: Vec<Packet> = vec![];
    for picture in nals.chunk_by(|_, next| next[0] & 31 != 9) {
        let data: Vec<u8> =
            picture.iter().flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat()).collect();
        let n = packets.len() as i64;
        let (media, wall) = (MediaTime::from_ticks(n * 3600), noon(n * 40));
        packets.push(Packet {
            media,
            wall,
            key: picture.iter().any(|n| n[0] & 31 == 5),
            data: Bytes::from(data),
        });
    }
    let mut params = params(64);
    params.size = PictureSize::new(320, 240).unwrap();
    params.config = avcc(of_kind(7), of_kind(8));
    Some((packets, params))
}

#[test]
fn a_player_decodes_every_picture_of_the_video_at_its_time() {
    let scratch = tempfile::tempdir().unwrap();
    let Some((packets, params)) = real_video(scratch.path()) else { return };
    assert_eq!(packets.len(), 300);
    let mut cutter = GopCutter::new(GopLimits::default());
    let mut sealed: Vec<Gop> = packets.into_iter().filter_map(|p| cutter.push(p)).collect();
    sealed.extend(cutter.finish());
    let site = Site::new().with(&sealed[..3], &params).with(&sealed[3..], &params);
    // Key frames at 0, 2, 4 … s: from 4 s to 9 s.
    let told = site.export(noon(5000), noon(9000)).unwrap();
    assert_eq!((told.first, told.packets), (noon(4000), 125));
    let probe = Command::new("ffprobe")
        .args("-v error -count_frames -show_entries stream=nb_read_frames,width:packet=pts_time,dts_time -of csv=p=0".split(' '))
        .arg(site.out())
        .output()
        .unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&probe.stdout), String::from_utf8_lossy(&probe.stderr));
    assert_eq!(complaints, "", "the player has nothing to complain about");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.last(), Some(&"320,125"));
    for (n, line) in lines[..125].iter().enumerate() {
        let (pts, dts) = line.split_once(',').unwrap();
        assert!((pts.parse::<f64>().unwrap() - n as f64 * 0.04).abs() < 1e-4 && pts == dts, "{n}: {line}");
    }
}
