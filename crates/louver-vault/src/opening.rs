//! Opening segments into a video file.
//!
//! # Times in the file
//! Time zero is the first picture. As long as two fragments' media times lie as far apart as their arrivals do, within
//! five seconds, the camera's clock is trusted: the file runs as the camera saw it, over segment borders too. Where they
//! disagree (the stream was opened anew, the camera's clock was set) the next fragment is placed by its arrival, never
//! before the end of the one before. A hole in the recording stays a hole of that length; players hold the last picture.
//! [`Exported::gaps`] lists them.
//!
//! # What the clear heads decide
//! Which fragments lie in the range is read from their clear heads. Every fragment that is used is proven; a head that
//! was changed so that its fragment is not used is not noticed, as a file that was taken away is not.

mod clock;
mod film;
mod output;
mod plan;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use louver_base::WallTime;
use louver_media::{Gop, Packet, VideoParams};

use crate::inspect::Form;
use crate::reader::SegmentReader;
use crate::{OpeningKeys, VaultError};
pub use film::{Film, Piece, Placed};
pub use output::Existing;
use output::Output;
use plan::Plan;

/// What to open, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// Shares and hour secrets.
    pub keys: &'a OpeningKeys,
    /// Sealed files of one camera, in any order. Those outside the range are only inspected.
    pub segments: &'a [PathBuf],
    /// First picture wanted. The video starts at the key frame at or before it, where there is one.
    pub from: WallTime,
    /// Pictures before this time.
    pub to: WallTime,
    /// The video file. It appears under this name when it is complete; until then it is `NAME.part`, mode 0600 as it
    /// will be. Nothing else is written anywhere.
    pub out: &'a Path,
    /// What to do when there is such a file.
    pub existing: Existing,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Arrival of the first picture in the file.
    pub first: WallTime,
    /// Arrival of the last.
    pub last: WallTime,
    /// Pictures.
    pub packets: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Holes in the recording within the file, in order.
    pub gaps: Vec<Gap>,
    /// Files in the range that were not finished: the recorder was stopped while it wrote them, or still writes.
    pub unfinished: Vec<PathBuf>,
}

/// A hole: nothing was recorded between these two pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Arrival of the last picture before it.
    pub from: WallTime,
    /// Arrival of the first picture after it.
    pub to: WallTime,
}

/// How far an export is, sealed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Opened so far.
    pub done: u64,
    /// To be opened in all; at least 1.
    pub total: u64,
}

/// Opens a time range of one camera into a fragmented MP4 with the original NAL units. Memory: two fragments, more only
/// where a camera's reordered pictures lie across fragments (64 MiB and one fragment at most), and 150 bytes for every
/// fragment in the files given.
///
/// `progress` is called before every fragment; when it breaks, the export ends with [`VaultError::Stopped`].
///
/// # Errors
/// Nothing of the output is left after any of them, and an existing file is as it was.
/// - [`VaultError::EmptyRange`], [`VaultError::NothingInRange`], [`VaultError::NoKeyFrame`], [`VaultError::MixedCameras`]
/// - [`VaultError::InSegment`] with the file around [`VaultError::TooFewShares`], [`VaultError::Damaged`] and all else that
///   [`SegmentReader`] refuses
/// - [`VaultError::PictureChanged`]: export as two files
/// - [`VaultError::OutputExists`], [`VaultError::Output`]
pub fn export_mp4(
    job: &Export<'_>,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Exported, VaultError> {
    export(Form::Whole, job, progress, &mut |_| Vec::new())
}

/// What was written of pieces, for a manifest that proves it. docs/format-export.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file so far.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
    /// The fragments in it, in order.
    pub fragments: Vec<UsedFragment>,
}

/// A fragment that is in the file, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedFragment {
    /// The file of pieces that it was opened from.
    pub file: PathBuf,
    /// Its number in the segment.
    pub sequence: u32,
    /// The list as sealed.
    pub list: Bytes,
    /// What opens its commitment, with list and pictures.
    pub blind: [u8; 32],
    /// Where its pictures' bytes stand in the file.
    pub at: u64,
    /// How many they are.
    pub size: u64,
}

/// The same of files that hold [pieces](crate::SegmentInfo::inspect_pieces) of segments. [`Exported::unfinished`] names all of them: none
/// has an end. The last fragment is kept whole, also what of it arrived at `to` or later: it was handed out, and only whole fragments can be proven.
///
/// `sign` is asked at the end for the bytes of a manifest, which are put behind the video; it gives none where the video is to stand without.
///
/// # Errors
/// As [`export_mp4`].
pub fn export_pieces(
    job: &Export<'_>,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sign: &mut dyn FnMut(Written) -> Vec<u8>,
) -> Result<Exported, VaultError> {
    export(Form::Pieces, job, progress, sign)
}

fn export(
    form: Form,
    job: &Export<'_>,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sign: &mut dyn FnMut(Written) -> Vec<u8>,
) -> Result<Exported, VaultError> {
    if job.from >= job.to {
        return Err(VaultError::EmptyRange { from: job.from, to: job.to });
    }
    let plan = Plan::new(form, job)?;
    let mut writer = Writer::new(Output::create(job.out, job.existing)?);
    let mut open: Option<(usize, SegmentReader<File>)> = None;
    let mut done = 0;
    for (n, chosen) in plan.fragments.iter().enumerate() {
        if progress(Progress { done, total: plan.bytes.max(1) }).is_break() {
            return Err(VaultError::Stopped);
        }
        let path = &plan.files[chosen.file].path;
        let within = |e: VaultError| e.within(path);
        let reader = match &mut open {
            Some((file, reader)) if *file == chosen.file => reader,
            other => {
                let source = File::open(path).map_err(|e| within(VaultError::OpenFile(e)))?;
                let reader = SegmentReader::open_as(form, source, job.keys).map_err(within)?;
                &mut other.insert((chosen.file, reader)).1
            }
        };
        let mut opened = reader.opened(chosen.info.sequence).map_err(within)?;
        let used = match form {
            Form::Pieces => Some(UsedFragment {
                file: path.clone(),
                sequence: chosen.info.sequence,
                list: opened.list,
                blind: opened.blind,
                at: 0,
                size: 0,
            }),
            Form::Whole => None,
        };
        if form == Form::Whole && n + 1 == plan.fragments.len() {
            cut_after(&mut opened.gop.packets, job.to);
            if let Some(sound) = &mut opened.gop.sound {
                cut_after(&mut sound.packets, job.to);
            }
        }
        done += chosen.info.bytes;
        writer.push(opened.params, opened.gop, used)?;
    }
    let _ = progress(Progress { done, total: plan.bytes.max(1) });
    writer.finish(job, plan.unfinished, sign)
}

/// Takes the packets from the end that arrived at `to` or later: no other depends on them.
fn cut_after(packets: &mut Vec<Packet>, to: WallTime) {
    let keep = packets.iter().rposition(|p| p.wall < to).map_or(0, |n| n + 1);
    packets.truncate(keep);
}

/// Writes a film's pieces and counts what is in them.
struct Writer {
    out: Output,
    film: Film<Option<UsedFragment>>,
    used: Vec<UsedFragment>,
    exported: Option<Exported>,
}

impl Writer {
    fn new(out: Output) -> Self {
        Self { out, film: Film::new(), used: Vec::new(), exported: None }
    }

    fn push(&mut self, params: VideoParams, gop: Gop, used: Option<UsedFragment>) -> Result<(), VaultError> {
        let (Some(first), Some(last)) = (gop.first_wall(), gop.last_wall()) else {
            return Ok(());
        };
        let packets = gop.packets.len() as u64;
        for piece in self.film.push(params, gop, used)? {
            self.write(piece)?;
        }
        let exported = self.exported.get_or_insert(Exported {
            first,
            last,
            packets: 0,
            bytes: 0,
            gaps: Vec::new(),
            unfinished: Vec::new(),
        });
        exported.last = last;
        exported.packets += packets;
        Ok(())
    }

    fn write(&mut self, piece: Piece<Option<UsedFragment>>) -> Result<(), VaultError> {
        let begin = self.out.bytes();
        for Placed { of, at, size } in piece.pictures {
            self.used.extend(of.map(|used| UsedFragment { at: begin + at, size, ..used }));
        }
        self.out.write(&piece.bytes)
    }

    fn finish(
        mut self,
        job: &Export<'_>,
        unfinished: Vec<PathBuf>,
        sign: &mut dyn FnMut(Written) -> Vec<u8>,
    ) -> Result<Exported, VaultError> {
        if let Some(piece) = self.film.finish() {
            self.write(piece)?;
        }
        let nothing = VaultError::NoKeyFrame { from: job.from, to: job.to };
        let mut exported = self.exported.ok_or(nothing)?;
        let (bytes, sha256) = (self.out.bytes(), self.out.sha256());
        let manifest = sign(Written { bytes, sha256, fragments: self.used });
        self.out.write(&manifest)?;
        exported.bytes = self.out.complete()?;
        exported.gaps = self.film.into_gaps();
        exported.unfinished = unfinished;
        Ok(exported)
    }
}
