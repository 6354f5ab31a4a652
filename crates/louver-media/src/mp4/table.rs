//! The sample table of a plain file (`stbl`).

use mp4_atom::{Co64, Ctts, Stco, Stsc, Stss, Stsz, StszSamples, Stts};

use super::walk::leaf;
use super::{Mp4Error, SAMPLE_BYTES_MAX, SAMPLES_MAX, Sample, Scale};

/// Appends the table's samples; gives the decode time behind the last, in the file's ticks.
pub(super) fn read(stbl: &[u8], scale: Scale, samples: &mut Vec<Sample>) -> Result<i64, Mp4Error> {
    let Some(sizes) = leaf::<Stsz>(stbl, b"stsz", "stsz")? else { return Ok(0) };
    let count = match &sizes.samples {
        StszSamples::Identical { count, .. } => *count as usize,
        StszSamples::Different { sizes } => sizes.len(),
    };
    if count == 0 {
        return Ok(0);
    }
    if count > SAMPLES_MAX {
        return Err(Mp4Error::Damaged("over two million pictures"));
    }
    let size = |n: usize| match &sizes.samples {
        StszSamples::Identical { size, .. } => *size,
        StszSamples::Different { sizes } => sizes[n],
    };
    let places = places(stbl, count, size)?;
    let (times, end) = times(stbl, count)?;
    let offsets = offsets(stbl, count)?;
    let keys = leaf::<Stss>(stbl, b"stss", "stss")?;
    samples.reserve_exact(count);
    for n in 0..count {
        if size(n) > SAMPLE_BYTES_MAX {
            return Err(Mp4Error::Damaged("a picture over 16 MiB"));
        }
        let shown = times[n].saturating_add(offsets.get(n).copied().unwrap_or(0).into());
        samples.push(Sample {
            offset: places[n],
            size: size(n),
            // Without the table every picture is a key frame.
            key: keys.is_none(),
            decode: scale.time(times[n]),
            show: scale.time(shown),
        });
    }
    for key in keys.map(|k| k.entries).unwrap_or_default() {
        if let Some(sample) = (key as usize).checked_sub(1).and_then(|n| samples.get_mut(n)) {
            sample.key = true;
        }
    }
    Ok(end)
}

/// First byte of every sample: chunks one by one, samples packed inside.
fn places(stbl: &[u8], count: usize, size: impl Fn(usize) -> u32) -> Result<Vec<u64>, Mp4Error> {
    let chunks: Vec<u64> = match leaf::<Co64>(stbl, b"co64", "co64")? {
        Some(long) => long.entries,
        None => leaf::<Stco>(stbl, b"stco", "stco")?
            .map_or_else(Vec::new, |s| s.entries.into_iter().map(u64::from).collect()),
    };
    let runs = leaf::<Stsc>(stbl, b"stsc", "stsc")?.map(|s| s.entries).unwrap_or_default();
    let mut runs = runs.iter().peekable();
    let (mut places, mut per_chunk) = (Vec::with_capacity(count), 0);
    for (n, chunk) in chunks.iter().enumerate() {
        while let Some(run) = runs.next_if(|run| run.first_chunk as usize <= n + 1) {
            per_chunk = run.samples_per_chunk as usize;
        }
        let mut at = *chunk;
        for _ in 0..per_chunk.min(count - places.len()) {
            at = at.checked_add(size(places.len()).into()).ok_or(Mp4Error::Damaged("stco"))?;
            places.push(at - u64::from(size(places.len())));
        }
    }
    if places.len() == count { Ok(places) } else { Err(Mp4Error::Damaged("stsc")) }
}

/// Decode time of every sample, and the one behind the last.
fn times(stbl: &[u8], count: usize) -> Result<(Vec<i64>, i64), Mp4Error> {
    let runs = leaf::<Stts>(stbl, b"stts", "stts")?.map(|s| s.entries).unwrap_or_default();
    let (mut times, mut now) = (Vec::with_capacity(count), 0_i64);
    for run in &runs {
        for _ in 0..(run.sample_count as usize).min(count - times.len()) {
            times.push(now);
            // Cannot overflow: two million times 32 bits.
            now += i64::from(run.sample_delta);
        }
    }
    if times.len() == count { Ok((times, now)) } else { Err(Mp4Error::Damaged("stts")) }
}

/// From decode time to the time it is shown; empty when they are the same.
fn offsets(stbl: &[u8], count: usize) -> Result<Vec<i32>, Mp4Error> {
    let runs = leaf::<Ctts>(stbl, b"ctts", "ctts")?.map(|c| c.entries).unwrap_or_default();
    let mut offsets = Vec::with_capacity(if runs.is_empty() { 0 } else { count });
    for run in &runs {
        let many = (run.sample_count as usize).min(count - offsets.len());
        // Some writers put signed offsets into the unsigned version.
        offsets.extend(std::iter::repeat_n(run.sample_offset as i32, many));
    }
    Ok(offsets)
}
