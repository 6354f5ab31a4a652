//! Fragments (`moof`).

use mp4_atom::{Atom, Tfdt, Tfhd, Trex, Trun};

use super::walk::{Boxes, child, leaf};
use super::{Head, Mp4Error, SAMPLE_BYTES_MAX, SAMPLES_MAX, Sample, Scale};

/// `sample_is_non_sync_sample` (ISO/IEC 14496-12 section 8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// What holds for samples whose fragment does not say.
#[derive(Clone, Copy, Default)]
pub(super) struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

/// Where a fragment starts.
pub(super) struct Start {
    /// First byte of the `moof`.
    pub(super) moof: u64,
    /// Decode time if the fragment does not say, in the file's ticks.
    pub(super) decode: i64,
}

/// The track's defaults of the whole file.
pub(super) fn defaults(moov: &[u8], track: u32) -> Defaults {
    let Some(mvex) = child(moov, &[b"mvex"]) else { return Defaults::default() };
    let all = Boxes(mvex)
        .filter(|(kind, _)| kind == b"trex")
        .filter_map(|(_, b)| Trex::decode_body(&mut &b[..]).ok());
    let ours = all.into_iter().find(|t| t.track_id == track);
    ours.map_or_else(Defaults::default, |t| Defaults {
        duration: t.default_sample_duration,
        size: t.default_sample_size,
        flags: t.default_sample_flags,
    })
}

/// Appends the fragment's samples; gives the decode time behind the last, in the file's ticks.
pub(super) fn read(
    moof: &[u8],
    start: Start,
    head: &Head,
    samples: &mut Vec<Sample>,
) -> Result<i64, Mp4Error> {
    let mut decode = start.decode;
    for (_, traf) in Boxes(moof).filter(|(kind, _)| kind == b"traf") {
        let tfhd = leaf::<Tfhd>(traf, b"tfhd", "tfhd")?.ok_or(Mp4Error::Damaged("tfhd"))?;
        if tfhd.track_id != head.id {
            continue;
        }
        if let Some(tfdt) = leaf::<Tfdt>(traf, b"tfdt", "tfdt")? {
            decode = i64::try_from(tfdt.base_media_decode_time).map_err(|_| Mp4Error::Damaged("tfdt"))?;
        }
        let fallback = Defaults {
            duration: tfhd.default_sample_duration.unwrap_or(head.defaults.duration),
            size: tfhd.default_sample_size.unwrap_or(head.defaults.size),
            flags: tfhd.default_sample_flags.unwrap_or(head.defaults.flags),
        };
        let base = tfhd.base_data_offset.unwrap_or(start.moof);
        let mut run = Run { base, at: base, decode, fallback, scale: Scale(head.timescale) };
        for (_, body) in Boxes(traf).filter(|(kind, _)| kind == b"trun") {
            run.read(&Trun::decode_body(&mut &body[..]).map_err(|_| Mp4Error::Damaged("trun"))?, samples)?;
        }
        decode = run.decode;
    }
    Ok(decode)
}

struct Run {
    base: u64,
    at: u64,
    decode: i64,
    fallback: Defaults,
    scale: Scale,
}

impl Run {
    fn read(&mut self, trun: &Trun, samples: &mut Vec<Sample>) -> Result<(), Mp4Error> {
        if samples.len().saturating_add(trun.samples.len()) > SAMPLES_MAX {
            return Err(Mp4Error::Damaged("over two million pictures"));
        }
        if let Some(offset) = trun.data_offset {
            self.at = self.base.checked_add_signed(offset.into()).ok_or(Mp4Error::Damaged("trun"))?;
        }
        for entry in trun.samples.iter() {
            let size = entry.size.unwrap_or(self.fallback.size);
            if size > SAMPLE_BYTES_MAX {
                return Err(Mp4Error::Damaged("a picture over 16 MiB"));
            }
            let offset = entry.cts.unwrap_or(0) as i32;
            samples.push(Sample {
                offset: self.at,
                size,
                key: entry.flags.unwrap_or(self.fallback.flags) & NON_SYNC == 0,
                decode: self.scale.time(self.decode),
                show: self.scale.time(self.decode.saturating_add(offset.into())),
            });
            self.at = self.at.saturating_add(size.into());
            let duration = entry.duration.unwrap_or(self.fallback.duration);
            self.decode = self.decode.saturating_add(duration.into());
        }
        Ok(())
    }
}
