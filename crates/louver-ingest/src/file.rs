//! A video file, played as if it were a camera.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use louver_base::{MediaSpan, MediaTime, WallTime};
use louver_media::Packet;
use louver_media::mp4::{Mp4Error, Sample, Track, read_track};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::{End, Event, FilePlay, IngestError, Sink};

/// Plays the file; ends by itself only when played once.
pub(crate) async fn play(path: &Path, play: FilePlay, session: u64, sink: &Sink) -> Result<(), End> {
    let (file, track) = open(path).await?;
    let start = track.samples.iter().position(|s| s.key).ok_or(IngestError::NoPictures)?;
    let first = track.samples[start];
    // At least a tick: a file whose pictures have no duration must not stand still.
    let round = (track.end - first.decode).ticks().max(1);
    sink.send(Event::Connected { session, params: track.params.clone(), sound: None }).await?;
    let began = Instant::now();
    for repeat in 0_i64.. {
        let base = MediaSpan::from_ticks(round.saturating_mul(repeat));
        for sample in &track.samples[start..] {
            if play == FilePlay::Loop {
                let due = MediaTime::ZERO + (sample.decode - first.decode) + base;
                sink.until_stopped(sleep_until(began + pace(due))).await?;
            }
            let data = track.packet_data(read(&file, *sample).await?);
            let media = MediaTime::ZERO + (sample.show - first.show) + base;
            sink.send(Event::Packet(Packet { media, wall: WallTime::now(), key: sample.key, data })).await?;
        }
        if play == FilePlay::Once {
            break;
        }
    }
    Ok(())
}

/// From the start to this time of the file; nothing before the start.
fn pace(time: MediaTime) -> Duration {
    Duration::from_secs_f64((time - MediaTime::ZERO).seconds().clamp(0.0, 1e12))
}

pub(crate) async fn open(path: &Path) -> Result<(Arc<File>, Track), IngestError> {
    let path: PathBuf = path.to_owned();
    let opened = spawn_blocking(move || {
        let mut file = File::open(path).map_err(IngestError::OpenFile)?;
        let track = read_track(&mut file).map_err(|e| match e {
            // A folder opens and does not read.
            Mp4Error::Io(e) => IngestError::OpenFile(e),
            e => IngestError::File(e),
        })?;
        Ok((Arc::new(file), track))
    });
    opened.await.unwrap_or(Err(IngestError::Crashed))
}

/// One picture's bytes; the index bounds its size.
async fn read(file: &Arc<File>, sample: Sample) -> Result<Vec<u8>, IngestError> {
    let file = file.clone();
    let reading = spawn_blocking(move || {
        let mut bytes = vec![0; sample.size as usize];
        file.read_exact_at(&mut bytes, sample.offset).map(|()| bytes)
    });
    let read = reading.await.map_err(|_| IngestError::Crashed)?;
    read.map_err(|e| IngestError::File(Mp4Error::Io(e)))
}
