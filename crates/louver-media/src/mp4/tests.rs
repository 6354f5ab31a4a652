//! What is written is read back; what foreign programs wrote is read; what is damaged is refused.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use louver_base::{MediaSpan, MediaTime, WallTime};
use proptest::prelude::*;

use super::*;
use crate::{Packet, fmp4};

fn params() -> VideoParams {
    let sps = [
        0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
        0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60,
    ];
    VideoParams::from_parameter_sets(&sps, &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0]).unwrap()
}

fn packet(ticks: i64, key: bool, data: Vec<u8>) -> Packet {
    Packet { media: MediaTime::from_ticks(ticks), wall: WallTime::from_millis(0), key, data: data.into() }
}

fn file(groups: &[Vec<Packet>], origin: MediaTime) -> Vec<u8> {
    let mut out = fmp4::init_segment(&params()).unwrap().to_vec();
    for (n, group) in groups.iter().enumerate() {
        out.extend_from_slice(&fmp4::fragment(n as u32 + 1, origin, group, MediaSpan::from_millis(40)));
    }
    out
}

proptest! {
    /// Bytes, presentation times and key flags of every packet come back from the file, whatever their order in time.
    #[test]
    fn what_is_written_is_read_back(
        groups in proptest::collection::vec(proptest::collection::vec((0_i64..9_000_000, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 1..20), 0..8),
    ) {
        let groups: Vec<Vec<Packet>> =
            groups.into_iter().map(|g| g.into_iter().map(|(t, k, d)| packet(t, k, d)).collect()).collect();
        let bytes = file(&groups, MediaTime::ZERO);
        let track = read_track(&mut Cursor::new(&bytes)).unwrap();
        let wanted: Vec<_> = groups.iter().flatten().map(|p| (p.media, p.key, p.data.clone())).collect();
        let got: Vec<_> = track.samples.iter().map(|s| {
            let at = s.offset as usize;
            (s.show, s.key, track.packet_data(bytes[at..at + s.size as usize].to_vec()))
        }).collect();
        prop_assert_eq!(got, wanted);
        prop_assert_eq!((&track.params, track.truncated), (&params(), false));
        let mut at = 0;
        for group in groups {
            let decode: Vec<_> = track.samples[at..at + group.len()].iter().map(|s| s.decode).collect();
            prop_assert!(decode.windows(2).all(|w| w[0] < w[1]), "decode times rise inside a fragment: {:?}", decode);
            at += group.len();
        }
    }

    /// A file cut off at any byte gives the pictures that are whole, or a clear refusal; never a picture past the end.
    #[test]
    fn a_file_cut_off_anywhere_gives_only_whole_pictures(cut in 0_usize..4000) {
        let group = |n: i64| (0..5).map(|i| packet((n * 5 + i) * 3600, i == 0, vec![i as u8; 100])).collect::<Vec<_>>();
        let bytes = file(&[group(0), group(1), group(2)], MediaTime::ZERO);
        let cut = cut.min(bytes.len());
        match read_track(&mut Cursor::new(&bytes[..cut])) {
            Ok(track) => prop_assert!(track.samples.iter().all(|s| s.offset + u64::from(s.size) <= cut as u64)),
            Err(e) => prop_assert!(matches!(e, Mp4Error::NotMp4 | Mp4Error::NoIndex), "{e}"),
        }
    }

    /// Damaged bytes end with an answer.
    #[test]
    fn damaged_files_never_panic(changes in proptest::collection::vec((0_usize..4000, any::<u8>()), 1..12)) {
        let group = |n: i64| (0..5).map(|i| packet((n * 5 + i) * 3600, i == 0, vec![i as u8; 100])).collect::<Vec<_>>();
        let mut bytes = file(&[group(0), group(1)], MediaTime::ZERO);
        for (at, value) in changes {
            let len = bytes.len();
            bytes[at % len] = value;
        }
        if let Ok(track) = read_track(&mut Cursor::new(&bytes)) {
            prop_assert!(track.samples.iter().all(|s| s.offset + u64::from(s.size) <= bytes.len() as u64));
        }
    }
}

#[test]
fn a_time_before_the_origin_is_shown_at_zero_and_time_never_runs_backwards() {
    let group =
        vec![packet(-9000, true, vec![1]), packet(-5400, false, vec![2]), packet(3600, false, vec![3])];
    let track = read_track(&mut Cursor::new(file(&[group], MediaTime::ZERO))).unwrap();
    let shown: Vec<_> = track.samples.iter().map(|s| s.show.ticks()).collect();
    assert_eq!(shown, [0, 0, 3600]);
}

#[test]
fn parameters_that_are_no_decoder_configuration_are_refused() {
    for config in [&b""[..], b"\x01", b"\x01\x64\x00\x0d\xff\xe1\xff\xff", b"\x01\x64\x00\x0d\xff\xe0\x00"] {
        let params = VideoParams { config: Bytes::from_static(config), ..params() };
        let said = fmp4::init_segment(&params).unwrap_err().to_string();
        assert!(said.contains("start the stream anew"), "{said}");
    }
}

#[test]
fn what_is_no_h264_mp4_is_refused_with_what_to_do() {
    let avi = b"RIFF\x00\x00\x10\x00AVI LIST";
    for (bytes, wanted) in [(&b""[..], "no MP4"), (avi, "-c copy"), (&[0; 64], "no MP4")] {
        let said = read_track(&mut Cursor::new(bytes)).unwrap_err().to_string();
        assert!(said.contains(wanted), "{said}");
    }
}

/// A million boxes inside each other do not overflow the stack.
#[test]
fn boxes_nested_without_end_are_refused() {
    let depth = 1_000_000_u32;
    let nested: Vec<u8> =
        (0..depth).flat_map(|n| [((depth - n) * 8).to_be_bytes(), *b"moov"].concat()).collect();
    assert!(matches!(read_track(&mut Cursor::new(nested)), Err(Mp4Error::NoVideo)));
}

fn ffmpeg(args: &[&str]) -> Option<String> {
    let (name, args) = args.split_first()?;
    let done = match Command::new(name).args(args).output() {
        Ok(done) => done,
        Err(e) => {
            println!("skipped: {name} does not run ({e}); scripts/setup.sh installs ffmpeg");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{name} {args:?}: {text}");
    Some(text)
}

fn packets_of(path: &Path, track: &Track) -> Vec<Packet> {
    let bytes = std::fs::read(path).unwrap();
    let raw = |s: &Sample| bytes[s.offset as usize..][..s.size as usize].to_vec();
    let packet = |s: &Sample| Packet {
        media: s.show,
        wall: WallTime::from_millis(0),
        key: s.key,
        data: track.packet_data(raw(s)),
    };
    track.samples.iter().map(packet).collect()
}

/// Plain, faststart and fragmented files of ffmpeg, with and without B frames, become fragments that ffmpeg reads
/// without a word, with the same pictures at the same times.
#[test]
fn ffmpeg_and_louver_read_each_others_files() {
    let dir = tempfile::tempdir().unwrap();
    for (name, coding, muxing) in [
        ("plain.mp4", "bframes=0:keyint=25", "-movflags"),
        ("b.mp4", "bframes=3:keyint=30:scenecut=0", "+faststart"),
        ("open.mp4", "bframes=2:keyint=20:open-gop=1", "+frag_keyframe+empty_moov+default_base_moof"),
        ("neg.mp4", "bframes=2:keyint=20", "+negative_cts_offsets"),
    ] {
        let (input, output) = (dir.path().join(name), dir.path().join(format!("louver-{name}")));
        let mut args = vec!["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=3"];
        args.extend(["-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", coding]);
        if muxing != "-movflags" {
            args.extend(["-movflags", muxing]);
        }
        args.push(input.to_str().unwrap());
        if ffmpeg(&args).is_none() {
            return;
        }
        let track = read_track(&mut std::fs::File::open(&input).unwrap()).unwrap();
        assert_eq!((track.samples.len(), track.params.size.to_string().as_str()), (75, "320x240"), "{name}");
        let packets = packets_of(&input, &track);
        assert!(packets.iter().all(|p| p.key == crate::has_idr(p.nals()) || name == "open.mp4"), "{name}");
        write(&output, &track.params, &packets);
        let said =
            ffmpeg(&["ffmpeg", "-v", "warning", "-i", output.to_str().unwrap(), "-f", "null", "-"]).unwrap();
        assert_eq!(said, "", "{name}");
        assert_eq!(shown(&output), shown(&input), "{name}");
    }
}

fn write(path: &Path, params: &VideoParams, packets: &[Packet]) {
    let origin = packets.iter().map(|p| p.media).min().unwrap();
    let mut out = fmp4::init_segment(params).unwrap().to_vec();
    for (n, group) in packets.chunk_by(|_, next| !next.key).enumerate() {
        out.extend_from_slice(&fmp4::fragment(n as u32 + 1, origin, group, MediaSpan::from_millis(40)));
    }
    std::fs::write(path, out).unwrap();
}

/// Presentation times in order, from the first, and the pictures' checksums.
fn shown(path: &Path) -> Vec<(i64, String)> {
    let args = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        path.to_str().unwrap(),
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ];
    let text = ffmpeg(&args).unwrap();
    let row = |line: &str| {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        (fields[2].parse::<i64>().unwrap(), fields[5].to_owned())
    };
    let rows: Vec<_> = text.lines().filter(|l| !l.starts_with('#')).map(row).collect();
    let first = rows[0].0;
    let scale = if rows[1].0 - first == 3600 { 3600 } else { rows[1].0 - first };
    rows.into_iter().map(|(t, sum)| ((t - first) / scale, sum)).collect()
}

/// Some cameras' own recordings have lengths of two bytes.
#[test]
fn short_nal_lengths_become_four_bytes() {
    let raw = vec![0, 2, 0x65, 0xaa, 0, 1, 0x41];
    let mut bytes = file(&[vec![packet(0, true, raw.clone())]], MediaTime::ZERO);
    let at = bytes.windows(4).position(|w| w == b"avcC").unwrap();
    bytes[at + 8] = 0xfd;
    let track = read_track(&mut Cursor::new(&bytes)).unwrap();
    assert_eq!(track.packet_data(raw), vec![0, 0, 0, 2, 0x65, 0xaa, 0, 0, 0, 1, 0x41]);
    assert_eq!(track.params, params(), "its packets' configuration says four");
}
