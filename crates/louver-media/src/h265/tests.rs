//! Parameter sets of real encoders; what is missing from them; what is foreign.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// x265, 320x240, Main profile, as ffmpeg writes it.
pub(super) const CONFIG: &str = "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c92\
     8090a10001002942010101600000030090000003000003003ca00a080f16592a4932bc05a02000000300200000030141a2000100074401c172\
     b46240";

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn a_configuration_gives_size_and_codec_and_reads_back() {
    let (params, length) = VideoParams::from_h265_config(&unhex(CONFIG)).unwrap();
    assert_eq!((params.size.to_string(), length), ("320x240".into(), 4));
    assert_eq!(params.rfc6381(), "hvc1.1.6.L60.90");
    let sets = params.parameter_sets();
    assert_eq!(sets.iter().map(|set| kind(set)).collect::<Vec<_>>(), [Some(VPS), Some(SPS), Some(PPS)]);
    assert_eq!(VideoParams::from_h265_config(&params.config).unwrap(), (params, 4));
}

/// A Dahua camera's set, from retina's collection of descriptions (`dahua_describe_h265_pcma.txt`).
#[test]
fn a_cameras_set_gives_its_size() {
    let sps =
        unhex("420101016000000300b0000003000003005aa0058201e1636b92452fcdc14181410000030001000003000ca1");
    let read = sets::Sequence::read(&sps).unwrap();
    assert_eq!(read.size, (704, 480), "{read:?}");
}

/// 1080 lines are coded as 1088 and cropped.
#[test]
fn a_picture_that_is_cropped_has_the_size_that_is_left() {
    let sps = unhex("420101014000000300000300000300000300 99a003c08010e58dae4932f4dc04040402");
    let read = sets::Sequence::read(&sps).unwrap();
    assert_eq!(read.size, (1920, 1080), "{read:?}");
}

#[test]
fn a_configuration_that_lacks_a_set_is_refused() {
    let config = unhex(CONFIG);
    for cut in 0..config.len() {
        assert!(VideoParams::from_h265_config(&config[..cut]).is_err(), "{cut}");
    }
    let mut none = config[..23].to_vec();
    none[22] = 0;
    assert!(matches!(VideoParams::from_h265_config(&none), Err(ParameterSetError::Missing)));
}

#[test]
fn only_pictures_that_nothing_comes_before_start_a_stream() {
    let starts = |kind: u8| starts_decoding(&[kind << 1, 1]);
    assert_eq!((0..64).filter(|kind| starts(*kind)).collect::<Vec<_>>(), (16..=21).collect::<Vec<_>>());
    assert!(!starts_decoding(&[19 << 1]) && !starts_decoding(&[19 << 1 | 1, 1]), "cut off, another layer");
}

proptest! {
    /// Whatever a camera sends, reading it ends with an answer, and a size within bounds if there is one.
    #[test]
    fn foreign_parameter_sets_never_panic(
        mut sps in proptest::collection::vec(any::<u8>(), 0..80), flip in any::<prop::sample::Index>(), to: u8,
        slices in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6),
    ) {
        if let [first, second, ..] = &mut sps[..] {
            (*first, *second) = (SPS << 1, 1);
        }
        let _ = sets::Sequence::read(&sps);
        let mut config = unhex(CONFIG);
        let at = flip.index(config.len());
        config[at] = to;
        if let Ok((params, _)) = VideoParams::from_h265_config(&config) {
            prop_assert!(params.size.width() <= 8192 && params.size.height() <= 8192);
            prop_assert!(VideoParams::from_h265_config(&params.config).is_ok());
            let mut pictures = Pictures::default();
            params.parameter_sets().iter().for_each(|set| pictures.learn(set));
            for mut nal in slices {
                if let [first, second, third, ..] = &mut nal[..] {
                    (*first, *second, *third) = ((*first % 22) << 1, 1, *third | 0x80);
                }
                let data: Bytes = [&(nal.len() as u32).to_be_bytes()[..], &nal].concat().into();
                let (media, wall) = (louver_base::MediaTime::ZERO, louver_base::WallTime::from_millis(0));
                let _ = pictures.follow(&crate::Packet { media, wall, key: false, data });
            }
        }
    }
}
