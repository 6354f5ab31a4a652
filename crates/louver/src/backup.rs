//! `louver backup`: a copy of what should outlive the recorder, and of nothing that must not.

mod list;
mod tree;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use louver_ledger::journal_begins_at;
use louver_store::copy_catalogue;

use crate::error::Error;
use crate::settings::Settings;
use crate::stop;
use list::Wanted;
use tree::{Found, Source};

const EXAMPLES: &str = "\
Examples:
  louver backup /mnt/backup/louver-2026-03-01
  louver backup /mnt/backup/louver-2026-03-01 --recordings
  sudo -u louver louver backup /mnt/nas/louver --settings /etc/louver/louver.toml

Works beside a running server. The folder must not exist yet; it appears whole at the end, or not at all, readable by its
owner alone. Left out by construction: the key ring, so that what retention has deleted stays deleted whatever
backups there are, and the ledger's signing key. docs/backup.md says how to restore, and what cannot be restored.";

/// Arguments of `louver backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder to make and fill
    #[arg(value_name = "DEST")]
    dest: PathBuf,
    /// Recordings too: sealed originals (they open only with the recorder's key ring) and masked ones
    #[arg(long)]
    recordings: bool,
}

/// A journal begins anew every some thousand leaves: twice in a row is not expected.
const LEDGER_TRIES: usize = 5;

/// What was copied.
#[derive(Debug, Default)]
struct Copied {
    files: u64,
    bytes: u64,
}

/// Copies.
pub(crate) fn run(args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    let settings = Settings::load(settings)?;
    let partial = destination(&args.dest, &settings.data)?;
    let stop = stop::on_signal()?;
    let done = fill(args, &settings, &partial, &stop).and_then(|copied| {
        let failed = |source| writing(&args.dest, source);
        sync_disk(&partial).map_err(failed)?;
        fs::rename(&partial, &args.dest).map_err(failed)?;
        sync_disk(parent(&args.dest)).map_err(failed)?;
        Ok(copied)
    });
    let copied = done.inspect_err(|_| {
        // Best effort: what is left is named `.partial`.
        let _ = fs::remove_dir_all(&partial);
    })?;
    println!(
        "Copied {} files, {:.1} MB, to {}.",
        copied.files,
        copied.bytes as f64 / 1e6,
        args.dest.display()
    );
    println!("  The key ring is not in it: originals open only with the recorder's own (docs/backup.md).");
    println!("  Camera passwords and password hashes are: keep it where nobody else reads.");
    Ok(())
}

/// Makes the folder that is filled, beside the one that will be there.
fn destination(dest: &Path, data: &Path) -> Result<PathBuf, Error> {
    if fs::symlink_metadata(dest).is_ok() {
        return Err(Error::failed(
            format!("{} exists already and is left as it is", dest.display()),
            "name a folder that does not exist yet: each backup is a folder of its own",
        ));
    }
    let name = dest.file_name().ok_or_else(|| {
        Error::failed(format!("{} is no name for a folder", dest.display()), "name a folder to make")
    })?;
    let real = parent(dest).canonicalize().map_err(|source| writing(dest, source))?;
    if !data.is_dir() {
        let what = format!("there is no data directory {} yet", data.display());
        return Err(Error::failed(what, "`louver serve` makes it; until then there is nothing to copy"));
    }
    if data.canonicalize().is_ok_and(|data| real.starts_with(data)) {
        return Err(Error::failed(
            format!("{} lies in the data directory itself", dest.display()),
            "name a folder on another disk: a backup beside the data is lost with it",
        ));
    }
    let mut partial = name.to_owned();
    partial.push(".partial");
    let partial = real.join(partial);
    match fs::DirBuilder::new().mode(0o700).create(&partial) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(Error::failed(
            format!(
                "{} is there already: an earlier backup was cut off, or one is running",
                partial.display()
            ),
            "remove it if no backup is running",
        )),
        other => other.map(|()| partial).map_err(|source| writing(dest, source)),
    }
}

fn fill(args: &Args, settings: &Settings, to: &Path, stop: &AtomicBool) -> Result<Copied, Error> {
    let source = Source::open(&settings.data).map_err(|e| reading(&settings.data, e))?;
    let wanted = if args.recordings { Wanted::WithRecordings } else { Wanted::WithoutRecordings };
    let mut copied = Copied::default();
    catalogue(&settings.data, to, &mut copied)?;
    ledger(&source, to, &mut copied)?;
    // Looked for when the ledger is copied: it names no holders then whose file is not there.
    let found = source.find(wanted).map_err(|e| reading(&settings.data, e))?;
    let bar = ProgressBar::new(found.iter().map(|f| f.bytes).sum()).with_style(
        ProgressStyle::with_template("copying {bar:40} {bytes} of {total_bytes}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    for file in &found {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::failed("stopped; nothing was kept", ""));
        }
        copy(&source, file, to, &mut copied)?;
        bar.inc(file.bytes);
    }
    let text = fs::read(&settings.file).map_err(|e| reading(&settings.file, e))?;
    let at = to.join("louver.toml");
    let written = private(&at).and_then(|mut file| file.write_all(&text));
    written.map_err(|e| writing(&at, e))?;
    copied.files += 1;
    copied.bytes += text.len() as u64;
    bar.finish_and_clear();
    Ok(copied)
}

/// The catalogue as of one moment, with a server writing to it or not.
fn catalogue(data: &Path, to: &Path, copied: &mut Copied) -> Result<(), Error> {
    let failed = |e| Error::because("the catalogue cannot be copied", e);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Error::because("the catalogue cannot be copied", e))?;
    let at = to.join("louver.db");
    // A data directory without one is whole all the same: the next start makes it from the files.
    if runtime.block_on(copy_catalogue(data, &at)).map_err(failed)? {
        let set =
            fs::set_permissions(&at, fs::Permissions::from_mode(0o600)).and_then(|()| fs::metadata(&at));
        copied.bytes += set.map_err(|e| writing(&at, e))?.len();
        copied.files += 1;
    }
    Ok(())
}

/// The ledger as of one moment, with a server writing to it or not.
fn ledger(source: &Source, to: &Path, copied: &mut Copied) -> Result<(), Error> {
    for _ in 0..LEDGER_TRIES {
        let mut these = Copied::default();
        for line in list::LEDGER {
            // Looked for when what needs it is copied already.
            for file in source.of(line).map_err(|e| reading(source.path(), e))? {
                copy(source, &file, to, &mut these)?;
            }
        }
        let folder = to.join("ledger");
        if fits(&folder).map_err(|e| writing(&folder, e))? {
            copied.files += these.files;
            copied.bytes += these.bytes;
            return Ok(());
        }
        fs::remove_dir_all(&folder).map_err(|e| writing(&folder, e))?;
    }
    Err(Error::failed(
        "the ledger could not be copied: its journal was begun anew each time between two of its files",
        "try again when the recorder has less to do",
    ))
}

/// Whether the journal was begun anew between the copy of the checkpoint and its own: a checkpoint that ends before the journal begins
/// is refused by a start.
fn fits(ledger: &Path) -> io::Result<bool> {
    let there = |name| match fs::read(ledger.join(name)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    };
    let (checkpoint, journal) = (there("checkpoint")?, there("journal")?);
    let text = checkpoint.as_deref().map(String::from_utf8_lossy);
    let signed = text.and_then(|text| text.split('\n').nth(1)?.parse::<u64>().ok());
    let begins = journal.as_deref().and_then(journal_begins_at);
    // What is no ledger is copied as it is: whoever reads it says so.
    Ok(signed.zip(begins).is_none_or(|(signed, begins)| begins <= signed))
}

fn copy(source: &Source, found: &Found, to: &Path, copied: &mut Copied) -> Result<(), Error> {
    let from = || source.path().join(&found.path);
    let Some(mut file) = source.read(found).map_err(|e| reading(&from(), e))? else { return Ok(()) };
    let at = to.join(&found.path);
    let folder = parent(&at);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| writing(folder, e))?;
    let mut out = private(&at).map_err(|e| writing(&at, e))?;
    copied.bytes += io::copy(&mut file, &mut out).map_err(|e| writing(&at, e))?;
    copied.files += 1;
    Ok(())
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Everything that was written, at once: a sync for each of a hundred thousand files takes hours.
fn sync_disk(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

fn reading(file: &Path, source: io::Error) -> Error {
    Error::File { doing: "read", file: file.to_owned(), source }
}

fn writing(file: &Path, source: io::Error) -> Error {
    Error::File { doing: "written", file: file.to_owned(), source }
}
