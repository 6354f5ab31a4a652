//! Streams written bit by bit, as ITU-T H.264 section 7.3 has it. Streams of real encoders: louver-codec/tests/continuity.rs.

use super::*;
use crate::{Codec, PictureSize};
use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use proptest::prelude::*;

/// Bits, most significant first, and the codes that headers are written in.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn u(mut self, value: u32, bits: u32) -> Self {
        self.0.extend((0..bits).rev().map(|n| value >> n & 1 == 1));
        self
    }
    fn ue(self, value: u32) -> Self {
        let bits = (value + 1).ilog2();
        self.u(0, bits).u(value + 1, bits + 1)
    }
    /// A NAL unit, with its bytes escaped.
    fn nal(self, header: u8) -> Vec<u8> {
        let stopped = self.u(1, 1);
        let bytes =
            stopped.0.chunks(8).map(|c| c.iter().enumerate().map(|(n, b)| u8::from(*b) << (7 - n)).sum());
        let (mut nal, mut zeros) = (vec![header], 0);
        for byte in bytes {
            if zeros == 2 && byte <= 3 {
                nal.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            nal.push(byte);
        }
        nal
    }
}

/// A camera's stream: 16 numbers, unless said otherwise.
#[derive(Clone, Copy)]
struct Camera {
    number_bits: u32,
    references: u32,
    layers: bool,
    fields: bool,
}

const PLAIN: Camera = Camera { number_bits: 4, references: 1, layers: false, fields: false };

impl Camera {
    fn sps(self) -> Vec<u8> {
        let bits = Bits::default().u(66, 8).u(0xc0, 8).u(30, 8).ue(0).ue(self.number_bits - 4).ue(2);
        let bits =
            bits.ue(self.references).u(self.layers.into(), 1).ue(19).ue(14).u((!self.fields).into(), 1);
        if self.fields { bits.u(0, 1) } else { bits }.u(1, 1).u(0, 2).nal(0x67)
    }

    fn follows(self) -> Continuity {
        let pps = Bits::default().ue(0).ue(0).u(0b1000_0001, 8).nal(0x68);
        Continuity::new(&VideoParams::from_parameter_sets(&self.sps(), &pps).unwrap())
    }

    fn slice(self, kind: Kind, number: u32, macroblock: u32, field: Option<bool>) -> Vec<u8> {
        let bits = Bits::default().ue(macroblock).ue(if kind == Kind::Key { 7 } else { 5 }).ue(0);
        let mut bits = bits.u(number % (1 << self.number_bits), self.number_bits);
        if self.fields {
            bits = bits.u(field.is_some().into(), 1);
        }
        if let Some(bottom) = field {
            bits = bits.u(bottom.into(), 1);
        }
        bits.u(0xabcd, 16).nal(match kind {
            Kind::Key => 0x65,
            Kind::Reference => 0x41,
            Kind::Other => 0x01,
        })
    }

    fn picture(self, kind: Kind, number: u32) -> Packet {
        packet(&[self.slice(kind, number, 0, None)])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Key,
    Reference,
    Other,
}
use Kind::{Key, Other, Reference};

fn packet(nals: &[Vec<u8>]) -> Packet {
    let data = nals.iter().flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat());
    let key = nals.iter().any(|n| n[0] & 0x1f == 5);
    Packet { media: MediaTime::ZERO, wall: WallTime::from_micros(0), key, data: data.collect() }
}

fn all(camera: Camera, pictures: &[(Kind, u32)]) -> Vec<Result<(), Broken>> {
    let mut continuity = camera.follows();
    pictures.iter().map(|(kind, number)| continuity.follow(&camera.picture(*kind, *number))).collect()
}

#[test]
fn a_whole_stream_is_trusted_also_where_numbers_begin_again() {
    let pictures: Vec<_> = (0..100).map(|n| (if n % 40 == 0 { Key } else { Reference }, n % 40)).collect();
    assert_eq!(all(PLAIN, &pictures), vec![Ok(()); 100]);
}

#[test]
fn after_a_missing_picture_nothing_is_trusted_until_the_next_key_frame() {
    let got =
        all(PLAIN, &[(Reference, 4), (Key, 0), (Reference, 1), (Reference, 3), (Reference, 4), (Key, 0)]);
    let wait = Err(Broken::Waiting);
    assert_eq!(got, [wait, Ok(()), Ok(()), Err(Broken::Missing), wait, Ok(())]);
}

#[test]
fn a_picture_that_comes_twice_or_late_is_not_trusted() {
    assert_eq!(all(PLAIN, &[(Key, 0), (Reference, 1), (Reference, 1)])[2], Err(Broken::Missing));
    assert_eq!(
        all(PLAIN, &[(Key, 0), (Reference, 1), (Reference, 2), (Reference, 1)])[3],
        Err(Broken::Missing)
    );
}

#[test]
fn pictures_that_no_other_depends_on_may_be_missing_but_show_what_is_missing_before_them() {
    let whole = [(Key, 0), (Other, 1), (Other, 1), (Reference, 1), (Other, 2), (Reference, 2)];
    assert_eq!(all(PLAIN, &whole), [Ok(()); 6]);
    assert_eq!(all(PLAIN, &[(Key, 0), (Other, 1), (Reference, 1), (Reference, 2)]), [Ok(()); 4]);
    assert_eq!(all(PLAIN, &[(Key, 0), (Other, 0), (Reference, 1)]), [Ok(()); 3], "some number them so");
    assert_eq!(all(PLAIN, &[(Key, 0), (Other, 2)])[1], Err(Broken::Missing));
}

#[test]
fn layers_that_are_left_out_break_nothing_as_long_as_a_picture_can_be_left_to_depend_on() {
    let camera = Camera { references: 4, layers: true, ..PLAIN };
    assert_eq!(
        all(camera, &[(Key, 0), (Reference, 2), (Other, 4), (Reference, 4), (Reference, 8)]),
        [Ok(()); 5]
    );
    assert_eq!(all(camera, &[(Key, 0), (Reference, 5)])[1], Err(Broken::Missing));
    let sloppy = Camera { layers: true, ..PLAIN };
    assert_eq!(
        all(sloppy, &[(Key, 0), (Reference, 2)])[1],
        Err(Broken::Missing),
        "with one reference there is none"
    );
    let many = Camera { references: 16, layers: true, ..PLAIN };
    assert_eq!(all(many, &[(Key, 0), (Reference, 1), (Reference, 1)])[2], Err(Broken::Missing));
}

#[test]
fn the_two_fields_of_a_frame_have_one_number_together_or_one_after_the_other() {
    let camera = Camera { fields: true, ..PLAIN };
    let field = |kind, number, bottom| camera.slice(kind, number, 0, Some(bottom));
    let mut continuity = camera.follows();
    for packet in [
        packet(&[field(Key, 0, false), field(Reference, 0, true)]),
        packet(&[field(Reference, 1, false)]),
        packet(&[field(Reference, 1, true)]),
        packet(&[field(Other, 2, false), field(Other, 2, true)]),
        packet(&[camera.slice(Reference, 2, 0, None)]),
    ] {
        assert_eq!(continuity.follow(&packet), Ok(()));
    }
    assert_eq!(continuity.follow(&packet(&[field(Reference, 3, false)])), Ok(()));
    let next = continuity.clone().follow(&packet(&[field(Reference, 3, false)]));
    assert_eq!(next, Err(Broken::Missing), "the same lines again");
}

#[test]
fn a_picture_without_its_beginning_or_its_end_is_not_trusted() {
    let slices = |from: usize| {
        let all = [0, 80, 160].map(|macroblock| PLAIN.slice(Reference, 1, macroblock, None));
        packet(&all[from..])
    };
    let mut continuity = PLAIN.follows();
    continuity.follow(&PLAIN.picture(Key, 0)).unwrap();
    assert_eq!(continuity.clone().follow(&slices(0)), Ok(()));
    assert_eq!(continuity.clone().follow(&slices(1)), Err(Broken::Torn));
    let mut cut = slices(0);
    cut.data.truncate(cut.data.len() - 1);
    assert_eq!(continuity.clone().follow(&cut), Err(Broken::Torn));
    let torn_key = packet(&[PLAIN.slice(Key, 0, 80, None)]);
    assert_eq!(continuity.follow(&torn_key), Err(Broken::Torn));
    assert_eq!(continuity.follow(&slices(0)), Err(Broken::Waiting));
}

#[test]
fn a_slice_whose_parameters_were_never_sent_is_not_trusted() {
    let size = PictureSize::new(320, 240).unwrap();
    let mut continuity = Continuity::new(&VideoParams { codec: Codec::H264, size, config: Bytes::new() });
    let key = PLAIN.slice(Key, 0, 0, None);
    assert_eq!(continuity.follow(&packet(std::slice::from_ref(&key))), Err(Broken::Unreadable));
    let pps = Bits::default().ue(0).ue(0).u(0b1000_0001, 8).nal(0x68);
    assert_eq!(continuity.follow(&packet(&[PLAIN.sps(), pps, key])), Ok(()), "they may come in the stream");
    assert_eq!(continuity.follow(&packet(&[vec![0x41]])), Err(Broken::Unreadable));
}

#[test]
fn whoever_knows_of_a_loss_by_other_means_says_so() {
    let mut continuity = PLAIN.follows();
    continuity.follow(&PLAIN.picture(Key, 0)).unwrap();
    continuity.restart();
    assert!(continuity.waits_for_key());
    assert_eq!(continuity.follow(&PLAIN.picture(Reference, 1)), Err(Broken::Waiting));
    assert_eq!(continuity.follow(&PLAIN.picture(Key, 0)), Ok(()));
    assert!(!continuity.waits_for_key());
}

proptest! {
    /// Nothing is trusted that depends on what did not come, whatever is lost. Of a whole group or more the transport must
    /// tell: the same numbers come again.
    #[test]
    fn no_picture_is_trusted_after_a_loss_in_its_group(lost in proptest::collection::vec(any::<bool>(), 1..200), every in 2_u32..50) {
        let camera = Camera { number_bits: 8, ..PLAIN };
        let mut continuity = camera.follows();
        let (mut whole, mut run) = (false, 0);
        for (n, lost) in (0_u32..).zip(lost) {
            let number = n % every;
            whole = !lost && (whole || number == 0);
            run = if lost { run + 1 } else { 0 };
            if run == every {
                continuity.restart();
            }
            if !lost {
                let kind = if number == 0 { Key } else { Reference };
                prop_assert_eq!(continuity.follow(&camera.picture(kind, number)).is_ok(), whole, "picture {}", n);
            }
        }
    }

    /// Whatever a camera sends, following it ends with an answer.
    #[test]
    fn foreign_bytes_never_panic(units in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..12), tail: Vec<u8>, kinds: Vec<u8>) {
        let mut continuity = Camera { fields: true, ..PLAIN }.follows();
        let mut units = units;
        for (unit, kind) in units.iter_mut().zip(&kinds) {
            if let Some(first) = unit.first_mut() {
                *first = [0x67, 0x68, 0x65, 0x41, 0x01, 0x22][usize::from(*kind) % 6];
            }
        }
        for unit in units {
            let mut packet = packet_of(&[unit]);
            let _ = continuity.follow(&packet);
            packet.data = tail.clone().into();
            let _ = continuity.follow(&packet);
        }
    }
}

/// Also of empty NAL units.
fn packet_of(nals: &[Vec<u8>]) -> Packet {
    let data = nals.iter().flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat());
    Packet { media: MediaTime::ZERO, wall: WallTime::from_micros(0), key: true, data: data.collect() }
}
