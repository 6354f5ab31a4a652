//! `louver open --request`: originals that holders agreed to, from a recorder somewhere. They are decrypted here and nowhere else.

use std::fs::File;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use indicatif::{ProgressBar, ProgressStyle};
use louver_base::{CameraId, WallTime};
use louver_export::{Base64, Draft, DraftSegment, Fragment, manifest_box};
use louver_ledger::leaf::Digest;
use louver_vault::opening::{Existing, Export, Exported, Written, export_pieces};
use louver_vault::{OneTime, OpeningKeys, SegmentHead, VaultError};

use super::{Args, as_json, refused, report};
use crate::approve::one;
use crate::error::Error;
use crate::opening::key_file::{KeyFile, usual_place};
use crate::opening::shown;
use crate::remote::views::{Fragment as Listed, Opening, Release, Segment, Signed, State};
use crate::remote::{Recorder, Trouble};
use crate::{stop, terminal, when};

/// How often it is asked whether the holders have agreed.
const EVERY: Duration = Duration::from_secs(2);
/// Bytes asked for at once; a fragment that is larger comes alone.
const AT_ONCE: u64 = 16 << 20;
/// Bytes of a fragment at most, and of what stands around it.
const FRAGMENT: u64 = (64 << 20) + 4096;
const HOUR_MS: i64 = 3_600_000;

/// One video.
struct Job {
    camera: CameraId,
    from: WallTime,
    to: WallTime,
    out: PathBuf,
}

/// A sealed segment's pieces, as they lie in the folder for now.
struct Fetched {
    camera: CameraId,
    /// The segment's id, as the recorder names it.
    id: String,
    path: PathBuf,
}

pub(super) fn run(args: &Args, request: &str) -> Result<(), Error> {
    let place = args.key.clone().map_or_else(|| usual_place(request), Ok)?;
    let file = KeyFile::read(&place)?;
    if !file.request.is_empty() && file.request != request.to_lowercase() {
        let what =
            format!("{} is the key of another request, {}", place.display(), terminal::plain(&file.request));
        return Err(Error::failed(what, "name that request's id, or the right file with --key"));
    }
    let mut recorder = Recorder::at(args.recorder.as_deref().unwrap_or(&file.recorder))?;
    recorder.sign_in(&args.who)?;
    let stop = stop::on_signal()?;
    let opening = wait(&recorder, request, &stop)?;
    if shown::checked(&opening)?.recipient() != file.key.recipient() {
        let what = "the request is for another key than the one in the file";
        return Err(Error::failed(
            what,
            "name the file that `louver opening request` wrote for it with --key",
        ));
    }
    let jobs = jobs(args, &opening)?;
    let keys = keys(&recorder, &opening, &file.key)?;
    let folder = folder(&jobs)?;
    if opening.disks_away > 0 {
        eprintln!(
            "warning: a disk of recordings is not there: what was recorded on it is missing in the video; have it mounted and open once more"
        );
    }
    let fetched = fetch(&recorder, &opening, &keys, folder.path(), &stop)?;
    let mut written = Vec::new();
    for job in &jobs {
        let segments: Vec<&Fetched> = fetched.iter().filter(|f| f.camera == job.camera).collect();
        let mut signed = Err(Error::failed("nothing was signed", ""));
        let mut sign = |made: Written| {
            signed = sign(&recorder, &opening.id, &job.camera, &segments, made);
            signed.as_ref().map_or_else(|_| Vec::new(), Clone::clone)
        };
        let exported = export(job, &segments, &keys, &mut sign, &stop);
        match exported {
            Ok(exported) => {
                if let Err(why) = &signed {
                    eprintln!("warning: {} carries no proof of where it is from: {why}", job.out.display());
                }
                written.push((job, exported, signed.is_ok()));
            }
            // Of one camera there may be nothing; of the only one there must be something.
            Err(VaultError::NothingInRange { .. }) if jobs.len() > 1 => {
                eprintln!("Nothing was recorded of {} in what was granted.", job.camera);
            }
            Err(e) => return Err(refused(e)),
        }
    }
    if args.json {
        let with = |(job, exported, signed): &(&Job, Exported, bool)| {
            let mut json = as_json(&job.out, exported);
            json["signed"] = (*signed).into();
            json
        };
        let all: Vec<_> = written.iter().map(with).collect();
        println!("{}", serde_json::Value::from(all));
        return Ok(());
    }
    if written.is_empty() {
        return Err(Error::failed("nothing was recorded in what was granted", ""));
    }
    for (job, exported, signed) in &written {
        report(&job.out, exported);
        if *signed {
            println!("  signed by the site; `louver verify {}` checks it anywhere", job.out.display());
        }
    }
    if let Some(until) = opening.until_ms {
        let until = when::show(WallTime::from_millis(until));
        println!("It can be opened again until {until}; then delete the key, {}.", place.display());
    }
    Ok(())
}

/// Waits for the holders, and says who has spoken meanwhile.
fn wait(recorder: &Recorder, id: &str, stop: &Arc<AtomicBool>) -> Result<Opening, Error> {
    let mut opening = one(recorder, id)?;
    if opening.state != State::Asked {
        return released(opening);
    }
    let request = shown::checked(&opening)?;
    eprintln!(
        "Waiting for {} holders to agree, until {} at the latest. Ctrl-C ends the waiting, not the request.",
        opening.needed,
        when::show(request.expires())
    );
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(250));
    let mut told = 0;
    while opening.state == State::Asked {
        for statement in opening.statements.iter().skip(told) {
            let who = opening.roll.iter().find(|s| s.id == statement.holder);
            let who = who.map_or(statement.holder.as_str(), |s| s.name.as_str());
            bar.suspend(|| eprintln!("  {} has spoken ({:?}).", terminal::plain(who), statement.kind));
        }
        told = opening.statements.len();
        bar.set_message(format!("{told} have spoken, {} must agree", opening.needed));
        for _ in 0..20 {
            if stop.load(Ordering::Relaxed) {
                let advice = format!("`louver open --request {id}` goes on waiting");
                return Err(Error::failed("stopped; the request stays open", advice));
            }
            std::thread::sleep(EVERY / 20);
        }
        match recorder.get(&format!("openings/{}", opening.id)) {
            Ok(now) => opening = now,
            Err(Trouble::Away(_)) => bar.set_message("the recorder does not answer; trying again"),
            Err(refused) => return Err(refused.into()),
        }
    }
    bar.finish_and_clear();
    released(opening)
}

fn released(opening: Opening) -> Result<Opening, Error> {
    match opening.state {
        State::Released => Ok(opening),
        other => Err(Error::failed(
            format!("nothing is open to you: the request is {}", other.sentence()),
            "`louver opening show` says who said what; another try needs another request",
        )),
    }
}

/// One video for each camera and time that was granted.
fn jobs(args: &Args, opening: &Opening) -> Result<Vec<Job>, Error> {
    let wanted: Vec<_> = (opening.granted.iter())
        .filter(|g| args.camera.as_ref().is_none_or(|camera| *camera == g.camera))
        .collect();
    let mut jobs = Vec::new();
    for (n, granted) in wanted.iter().enumerate() {
        let camera: CameraId = granted.camera.parse().map_err(|_| foreign("a camera's id"))?;
        let (from, to) = (WallTime::from_millis(granted.from_ms), WallTime::from_millis(granted.to_ms));
        let before = wanted[..n].iter().filter(|g| g.camera == granted.camera).count();
        let out = if wanted.len() == 1 { args.out.clone() } else { beside(&args.out, &camera, before) };
        if out.exists() {
            return Err(Error::Exists(out));
        }
        jobs.push(Job { camera, from, to, out });
    }
    if jobs.is_empty() {
        let cameras: Vec<_> = opening.granted.iter().map(|g| terminal::plain(&g.camera)).collect();
        let what = "the holders granted nothing of this camera";
        return Err(Error::failed(what, format!("granted are {}", cameras.join(", "))));
    }
    Ok(jobs)
}

/// `a.mp4` for a camera: `a-gate.mp4`, then `a-gate-2.mp4`.
fn beside(out: &Path, camera: &CameraId, before: usize) -> PathBuf {
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let end = out.extension().map_or_else(|| "mp4".into(), |e| e.to_string_lossy());
    let number = if before == 0 { String::new() } else { format!("-{}", before + 1) };
    out.with_file_name(format!("{stem}-{camera}{number}.{end}"))
}

fn foreign(what: &str) -> Error {
    let what = format!("the recorder gave {what} that cannot be read");
    Error::failed(what, "recorder and this program should be of the same release")
}

/// Shares of those who agreed, and the hour secrets.
fn keys(recorder: &Recorder, opening: &Opening, key: &OneTime) -> Result<OpeningKeys, Error> {
    let release: Release = recorder.get(&format!("openings/{}/release", opening.id))?;
    let mut keys = OpeningKeys::new();
    let secrets = BASE64.decode(&release.secrets).map_err(|_| foreign("hour secrets"))?;
    let secrets = key.secrets(&secrets).map_err(|e| Error::because("the release cannot be used", e))?;
    secrets.into_iter().for_each(|((camera, hour), secret)| keys.add_hour_secret(camera, hour, secret));
    for approval in &release.approvals {
        let file = BASE64.decode(&approval.shares).map_err(|_| foreign("shares"))?;
        match key.shares(&file) {
            Ok(shares) => shares.into_iter().for_each(|share| keys.add_share(share)),
            // The others may be enough without this one; if not, opening says so.
            Err(e) => {
                let who = opening.roll.iter().find(|s| s.id == approval.holder).map(|s| s.name.as_str());
                let who = terminal::plain(who.unwrap_or(&approval.holder));
                eprintln!("warning: {who} agreed, but the shares cannot be used: {e}");
            }
        }
    }
    Ok(keys)
}

/// A folder for sealed pieces beside the first video; it goes with this program.
fn folder(jobs: &[Job]) -> Result<tempfile::TempDir, Error> {
    let out = jobs.first().map(|job| job.out.clone()).unwrap_or_default();
    let absolute = std::path::absolute(&out).unwrap_or_else(|_| out.clone());
    let beside = absolute.parent().unwrap_or(Path::new("/"));
    let made = tempfile::Builder::new().prefix(".louver-").tempdir_in(beside);
    made.map_err(|source| Error::File { doing: "written", file: out, source })
}

/// Runs of numbers without holes, each of so many bytes.
fn runs(fragments: &[Listed]) -> Vec<(u32, u32, u64)> {
    let mut runs: Vec<(u32, u32, u64)> = Vec::new();
    for f in fragments {
        match runs.last_mut() {
            Some((_, last, bytes)) if last.checked_add(1) == Some(f.n) && *bytes + f.bytes <= AT_ONCE => {
                (*last, *bytes) = (f.n, *bytes + f.bytes);
            }
            _ => runs.push((f.n, f.n, f.bytes)),
        }
    }
    runs
}

/// Fetches what was granted, sealed as it is. A segment of the hour before, of which the holders gave nothing, is left out.
fn fetch(
    recorder: &Recorder,
    opening: &Opening,
    keys: &OpeningKeys,
    folder: &Path,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Fetched>, Error> {
    let segments: Vec<Segment> = recorder.get(&format!("openings/{}/segments", opening.id))?;
    let total = segments.iter().flat_map(|s| &s.fragments).map(|f| f.bytes).fold(0, u64::saturating_add);
    let bar = ProgressBar::new(total).with_style(
        ProgressStyle::with_template("fetching {bar:40} {bytes} of {total_bytes}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut fetched = Vec::new();
    for (n, segment) in segments.iter().enumerate() {
        let camera: CameraId = segment.camera.parse().map_err(|_| foreign("a camera's id"))?;
        // It becomes part of an address.
        if !segment.id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-')) {
            return Err(foreign("a segment's id"));
        }
        let header = BASE64.decode(&segment.header).map_err(|_| foreign("a segment's header"))?;
        let head = SegmentHead::read(&mut &header[..])
            .map_err(|e| Error::because("a segment cannot be opened", e))?;
        if let Err(e) = keys.opens(&head) {
            let over = head.hour().start().millis().saturating_add(HOUR_MS);
            let before =
                opening.granted.iter().filter(|g| g.camera == segment.camera).all(|g| g.from_ms >= over);
            if before && matches!(e, VaultError::TooFewShares { .. }) {
                eprintln!(
                    "The first seconds of {camera} were sealed with the hour before, which the holders did not open."
                );
                continue;
            }
            return Err(refused(e));
        }
        let path = folder.join(format!("{n}.lvs"));
        let failed = |source| Error::File { doing: "written", file: path.clone(), source };
        let mut file = File::create_new(&path).map_err(failed)?;
        file.write_all(&header).map_err(failed)?;
        for (first, last, bytes) in runs(&segment.fragments) {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::failed("stopped; nothing was written", ""));
            }
            let address = format!("openings/{}/segments/{}/fragments/{first}-{last}", opening.id, segment.id);
            let got = recorder.bytes(&address, AT_ONCE.max(FRAGMENT))?;
            if got.len() as u64 != bytes {
                return Err(foreign("fragments"));
            }
            file.write_all(&got).map_err(failed)?;
            bar.inc(bytes);
        }
        fetched.push(Fetched { camera, id: segment.id.clone(), path });
    }
    bar.finish_and_clear();
    Ok(fetched)
}

/// Has the recorder sign what was made, and gives the box that goes behind it.
fn sign(
    recorder: &Recorder,
    opening: &str,
    camera: &CameraId,
    fetched: &[&Fetched],
    made: Written,
) -> Result<Vec<u8>, Error> {
    let mut segments: Vec<DraftSegment> = Vec::new();
    for used in made.fragments {
        let Some(Fetched { id, .. }) = fetched.iter().find(|f| f.path == used.file) else { continue };
        let fragment = Fragment {
            n: used.sequence,
            list: Base64(used.list.to_vec()),
            blind: Base64(used.blind.to_vec()),
            at: used.at,
            size: used.size,
        };
        match segments.last_mut() {
            Some(segment) if segment.id == *id => segment.fragments.push(fragment),
            _ => segments.push(DraftSegment { id: id.clone(), fragments: vec![fragment] }),
        }
    }
    let draft = Draft::new(camera.clone(), made.bytes, Digest::from_bytes(made.sha256), segments);
    let draft = draft.to_text().map_err(|e| Error::because("the manifest cannot be written", e))?;
    let path = format!("openings/{opening}/exports");
    let Signed { manifest } = recorder.post(&path, &serde_json::json!({ "draft": draft }))?;
    manifest_box(&manifest).ok_or_else(|| foreign("a manifest"))
}

fn export(
    job: &Job,
    segments: &[&Fetched],
    keys: &OpeningKeys,
    sign: &mut dyn FnMut(Written) -> Vec<u8>,
    stop: &Arc<AtomicBool>,
) -> Result<Exported, VaultError> {
    let segments: Vec<PathBuf> = segments.iter().map(|f| f.path.clone()).collect();
    let segments = &segments;
    let nothing =
        || VaultError::NothingInRange { from: job.from, to: job.to, there: louver_vault::Available::Nothing };
    if segments.is_empty() {
        return Err(nothing());
    }
    let export =
        Export { keys, segments, from: job.from, to: job.to, out: &job.out, existing: Existing::Keep };
    let mut go_on = |_| match stop.load(Ordering::Relaxed) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let mut exported = export_pieces(&export, &mut go_on, sign)?;
    // Pieces have no end; that says nothing about the recording.
    exported.unfinished.clear();
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_fetched_in_runs_without_holes_of_a_bounded_size() {
        let of = |n: u32, bytes: u64| Listed { n, bytes };
        let all = [of(3, 10), of(4, 20), of(6, 5), of(7, AT_ONCE), of(8, AT_ONCE + 1), of(9, 1)];
        let runs = runs(&all);
        assert_eq!(runs, [(3, 4, 30), (6, 6, 5), (7, 7, AT_ONCE), (8, 8, AT_ONCE + 1), (9, 9, 1)]);
    }

    #[test]
    fn several_videos_are_named_after_their_cameras() {
        let gate: CameraId = "gate".parse().unwrap();
        assert_eq!(beside(Path::new("x/a.mp4"), &gate, 0), Path::new("x/a-gate.mp4"));
        assert_eq!(beside(Path::new("a"), &gate, 1), Path::new("a-gate-2.mp4"));
    }
}
