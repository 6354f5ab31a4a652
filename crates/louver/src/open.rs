//! `louver open`: sealed originals into video files. With `--request`, from a recorder somewhere, what its holders agreed to
//! ([`released`]). With `--holder`, on the recorder's own machine, with the words of as many holders as are needed: the emergency
//! way, which asks nobody and stands in no ledger; who has key ring and holders needs nothing more.

mod released;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};
use louver_base::{CameraId, WallTime};
use louver_store::{SealedSegment, disks_away, sealed_segments};
use louver_vault::opening::{Existing, Export, Exported, export_mp4};
use louver_vault::{CameraHour, Identity, KeyRing, OpeningKeys, SegmentHead, SegmentInfo, VaultError};

use crate::error::Error;
use crate::remote::AsUser;
use crate::settings::Settings;
use crate::{memory, retention, stop, when};

/// Files that are there no more when they are to be read are listed again so often: one is moved at a time.
const TRIED_MAX: u32 = 5;

const EXAMPLES: &str = "\
Examples:
  louver open --request 0f1e2d3c4b5a69788796a5b4c3d2e1f0 -o front-door.mp4
  louver open --holder holder.txt --camera front-door --from -10m --to now -o front-door.mp4
  louver open --holder holder.txt --camera front-door --from \"2026-11-23 14:00\" --to \"2026-11-23 14:15\" -o a.mp4
  louver open --holder holder.txt --camera front-door --from 2026-11-23T13:00:00Z --to 2026-11-23T13:15:00Z \\
      --data /mnt/copy-of-data -o a.mp4

With --request: what was asked for with `louver opening request`, as soon as the holders have agreed; it waits for them. The pictures
are decrypted here; of several cameras each gets a file of its own. With --holder: in an emergency, on the recorder's machine,
without asking; it stands in no ledger. As many --holder as the site needs open together; the hours' secrets are read from the key ring in the data directory.
Times without a zone are this machine's local time. It works while the server runs. The video holds the original
pictures, unmasked: show it only to those who may see them, and delete it when it is not needed any more.";

/// Arguments of `louver open`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// File of a holder, made by `louver holder new`; name as many as are needed
    #[arg(long = "holder", value_name = "FILE", required_unless_present = "request")]
    holders: Vec<PathBuf>,
    /// Id of a request that holders agree to, in place of --holder
    #[arg(long, value_name = "ID", conflicts_with_all = ["holders", "from", "to", "data"])]
    request: Option<String>,
    /// With --request: the file with the request's key, if it is not where `louver opening request` keeps it by itself
    #[arg(long, value_name = "FILE", requires = "request")]
    key: Option<PathBuf>,
    /// With --request: address of the recorder, or a sign-in link, if it is not the one that was asked
    #[arg(long, value_name = "URL", requires = "request")]
    recorder: Option<String>,
    #[command(flatten)]
    who: AsUser,
    /// Id of the camera; with --request one of several
    #[arg(long, value_name = "ID", required_unless_present = "request")]
    camera: Option<String>,
    /// First moment wanted: 2026-11-23T14:00:00Z, "2026-11-23 14:00", -10m, -2h or -1d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, required_unless_present = "request")]
    from: Option<String>,
    /// Moment to end before; the same forms, and "now"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, required_unless_present = "request")]
    to: Option<String>,
    /// Video file (MP4) to write; an existing file is never overwritten
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Data directory, in place of the one that the settings name
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print what was written as JSON; moments are microseconds since 1970, UTC
    #[arg(long)]
    json: bool,
}

/// Opens.
pub(crate) fn run(args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    if let Some(notice) = memory::protect().notice() {
        eprintln!("warning: {notice}");
    }
    if let Some(request) = &args.request {
        return released::run(args, request);
    }
    let (Some(camera), Some(from), Some(to)) = (&args.camera, &args.from, &args.to) else {
        return Err(Error::Input("--camera, --from and --to are needed where no request says them"));
    };
    let (from, to) = when::range(from, to)?;
    let data = match &args.data {
        Some(data) => data.clone(),
        None => Settings::load(settings)?.data,
    };
    let mut away = BTreeSet::new();
    warn_of_disks(&data, &mut away)?;
    let camera = recorded_camera(&data, camera)?;
    let holders = args.holders.iter().map(|file| Identity::read_file(file));
    let holders = holders.collect::<Result<Vec<_>, _>>();
    let holders = holders.map_err(|e| Error::because("the holder's file cannot be used", e))?;
    if args.out.exists() {
        return Err(Error::Exists(args.out.clone()));
    }
    let exported = open_there(&data, &camera, (from, to), &holders, &args.out)?;
    // One may have gone before its files were listed.
    warn_of_disks(&data, &mut away)?;
    if args.json {
        let mut json = as_json(&args.out, &exported);
        json["disks_away"] = serde_json::json!(away);
        println!("{json}");
    } else {
        report(&args.out, &exported);
    }
    Ok(())
}

/// Says which disks are not there that were not said before.
fn warn_of_disks(data: &Path, said: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    let away = disks_away(data).map_err(|e| Error::because("the disks of recordings are not known", e))?;
    for disk in away {
        if !said.contains(&disk) {
            eprintln!(
                "warning: the disk {} is not there: what was recorded on it is missing in the video; mount it and open once more",
                disk.display()
            );
            said.insert(disk);
        }
    }
    Ok(())
}

/// Opens what is there. Where a file was moved to another disk after it was listed, or its time was over, it is listed once more.
fn open_there(
    data: &Path,
    camera: &CameraId,
    (from, to): (WallTime, WallTime),
    holders: &[Identity],
    out: &Path,
) -> Result<Exported, Error> {
    let mut tried = 1;
    loop {
        let segments = segments(data, camera, from, to)?;
        let opened = keys(data, &segments, holders).and_then(|keys| {
            export(&Export { keys: &keys, segments: &segments, from, to, out, existing: Existing::Keep })
        });
        match opened {
            Err(_) if tried < TRIED_MAX && segments.iter().any(|path| !path.exists()) => tried += 1,
            opened => return opened,
        }
    }
}

/// The camera, if it has sealed recordings; the register does not matter, since a camera may have left it.
fn recorded_camera(data: &Path, id: &str) -> Result<CameraId, Error> {
    if !data.is_dir() {
        return Err(Error::failed(
            format!("there is no data directory {}", data.display()),
            "name it with --data, or the settings that name it with --settings",
        ));
    }
    let recorded = retention::recorded(data);
    let found = recorded.iter().find(|c| c.as_str() == id).cloned();
    found.ok_or_else(|| {
        let id: String = id.chars().take(64).collect();
        let there = match recorded.as_slice() {
            [] => "nothing has been recorded there yet".to_owned(),
            some => {
                format!("recorded are {}", some.iter().map(CameraId::as_str).collect::<Vec<_>>().join(", "))
            }
        };
        Error::failed(format!("{} holds no recordings of a camera \"{id}\"; {there}", data.display()), "")
    })
}

/// Files that may hold pictures of the range; where there are none, the first and the last there are, so that what is
/// there can be told.
fn segments(data: &Path, camera: &CameraId, from: WallTime, to: WallTime) -> Result<Vec<PathBuf>, Error> {
    let list = |from, to| {
        sealed_segments(data, camera, from, to)
            .map_err(|e| Error::because("the sealed recordings cannot be listed", e))
    };
    let mut found = list(from, to)?;
    // A neighbour that holds nothing of that time may be sealed for other holders.
    let needed = |s: &SealedSegment| s.start >= from || reaches(&s.path, from);
    if found.iter().any(needed) {
        found.retain(needed);
    }
    if found.is_empty() {
        let mut all = list(WallTime::from_micros(i64::MIN), WallTime::from_micros(i64::MAX))?;
        found.extend(all.pop());
        found.extend(all.into_iter().next());
    }
    Ok(found.into_iter().map(|s| s.path).collect())
}

/// Whether a segment has a picture of that time or of a later one; true where that cannot be told.
fn reaches(path: &Path, from: WallTime) -> bool {
    let info = std::fs::File::open(path).ok().and_then(|mut file| SegmentInfo::inspect(&mut file).ok());
    info.is_none_or(|info| info.fragments.last().is_some_and(|f| f.last >= from))
}

/// The holders' shares of every epoch in the files, and the secrets of their hours.
fn keys(data: &Path, segments: &[PathBuf], holders: &[Identity]) -> Result<OpeningKeys, Error> {
    let mut keys = OpeningKeys::new();
    let mut hours: Vec<CameraHour> = Vec::new();
    for path in segments {
        let read = |e| Error::File { doing: "read", file: path.clone(), source: e };
        let head = match SegmentHead::read(&mut std::fs::File::open(path).map_err(read)?) {
            Ok(head) => head,
            // Told, or passed over, by the export, which knows whether the file is needed.
            Err(_) => continue,
        };
        for holder in holders {
            match keys.add_share_of(&head, holder) {
                // Holders change: who has no share of this hour may have one of the next.
                Ok(()) | Err(VaultError::NotAHolder { .. }) => {}
                Err(e) => return Err(Error::because("a holder's share cannot be used", e)),
            }
        }
        hours.push((head.camera().clone(), head.hour()));
    }
    let secrets = KeyRing::look(&data.join("keyring"), &hours)
        .map_err(|e| Error::because("the key ring cannot be read", e))?;
    secrets.into_iter().for_each(|((camera, hour), secret)| keys.add_hour_secret(camera, hour, secret));
    Ok(keys)
}

/// Exports with a progress bar; Ctrl-C leaves nothing behind.
fn export(job: &Export<'_>) -> Result<Exported, Error> {
    let stop = stop::on_signal()?;
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("opening {bar:40} {bytes} of {total_bytes}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let exported = export_mp4(job, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    exported.map_err(refused)
}

/// What could not be opened, with what to do.
fn refused(e: VaultError) -> Error {
    match e {
        VaultError::NothingInRange { from, to, there } => Error::failed(
            format!("nothing was recorded between {} and {}", when::show(from), when::show(to)),
            match there {
                louver_vault::Available::Between(first, last) => format!(
                    "choose a time between {} and {} (there may be gaps)",
                    when::show(first),
                    when::show(last)
                ),
                louver_vault::Available::Nothing => "nothing has been sealed for this camera yet".to_owned(),
            },
        ),
        VaultError::OutputExists { path } => Error::Exists(path),
        VaultError::Stopped => Error::failed("stopped; nothing was written", ""),
        other => Error::because("the recording cannot be opened", other),
    }
}

fn report(out: &Path, exported: &Exported) {
    let Exported { first, last, packets, bytes, gaps, unfinished } = exported;
    println!(
        "Wrote {} ({packets} pictures, {:.1} MB), readable by you alone.",
        out.display(),
        *bytes as f64 / 1e6
    );
    println!("  first picture  {}\n  last picture   {}", when::show(*first), when::show(*last));
    for gap in gaps {
        println!("  gap            {} to {}", when::show(gap.from), when::show(gap.to));
    }
    if !unfinished.is_empty() {
        println!(
            "  {} of the files used are still being written, or were cut off when the recorder stopped.",
            unfinished.len()
        );
    }
}

fn as_json(out: &Path, exported: &Exported) -> serde_json::Value {
    let Exported { first, last, packets, bytes, gaps, unfinished } = exported;
    let gaps = gaps.iter().map(|g| serde_json::json!({ "from_us": g.from.micros(), "to_us": g.to.micros() }));
    serde_json::json!({
        "out": out,
        "first_us": first.micros(),
        "last_us": last.micros(),
        "pictures": packets,
        "bytes": bytes,
        "gaps": gaps.collect::<Vec<_>>(),
        "unfinished": unfinished,
    })
}
