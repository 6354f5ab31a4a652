//! Making recordings reach the disk: all files of one disk together, every few seconds.
//!
//! A disk that turns does a hundred fsyncs a second at best, and a file system's journal is written with each: one by one, whenever a
//! camera's time has come, a few hundred cameras would keep it at nothing else. Together they cost little more than one. First all
//! files are made to start writing, so that the disk can put them in order, then each is waited for. Whoever records does not wait.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::StoreError;
use crate::disk::DiskFile;
use crate::files::blocking;
use crate::store::Inner;

/// What becomes of a file's bytes: shared by whoever writes it and whoever makes it reach the disk.
#[derive(Debug)]
pub(crate) struct Durable {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    written: AtomicU64,
    /// Held while the disk is waited for: the system tells each failure once, and whoever asks second would be told that all is well.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: u64,
    /// A sync that failed: never tried again, since it is unknown what the disk holds.
    failed: Option<Failed>,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    /// Bytes written by then.
    bytes: u64,
    kind: io::ErrorKind,
    code: Option<i32>,
}

impl Durable {
    pub(crate) fn new(file: Arc<dyn DiskFile>, path: &Path) -> Arc<Self> {
        Arc::new(Self { file, path: path.to_owned(), written: AtomicU64::new(0), kept: Mutex::default() })
    }

    /// So many bytes are in the file.
    pub(crate) fn wrote(&self, bytes: u64) {
        self.written.store(bytes, Ordering::Release);
    }

    /// Waits until the disk has what was written until now.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        let mut kept = self.kept();
        self.unless_failed(&kept)?;
        let written = self.written.load(Ordering::Acquire);
        if written == kept.bytes {
            return Ok(());
        }
        if let Err(e) = self.file.sync() {
            kept.failed = Some(Failed { bytes: written, kind: e.kind(), code: e.raw_os_error() });
            return self.unless_failed(&kept);
        }
        kept.bytes = written;
        Ok(())
    }

    /// Whether a sync failed meanwhile. Does not wait for one that goes on.
    pub(crate) fn told(&self) -> Result<(), StoreError> {
        match self.kept.try_lock() {
            Ok(kept) => self.unless_failed(&kept),
            Err(_) => Ok(()),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_behind(&self) -> bool {
        let behind =
            |kept: &Kept| kept.failed.is_none() && kept.bytes != self.written.load(Ordering::Acquire);
        // Somebody waits for the disk already otherwise.
        self.kept.try_lock().is_ok_and(|kept| behind(&kept))
    }

    fn unless_failed(&self, kept: &Kept) -> Result<(), StoreError> {
        let Some(Failed { bytes, kind, code }) = kept.failed else { return Ok(()) };
        let source = code.map_or_else(|| kind.into(), io::Error::from_raw_os_error);
        Err(StoreError::Sync { path: self.path.clone(), bytes, source })
    }
}

/// The files that are being written, and those that nobody writes any more until the disk has them, with the disk they lie on.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles(Mutex<Vec<(i64, Arc<Durable>)>>);

impl OpenFiles {
    pub(crate) fn add(&self, disk: i64, file: &Arc<Durable>) {
        self.open().push((disk, Arc::clone(file)));
    }

    /// Those that somebody writes or the disk has not all of.
    fn open(&self) -> MutexGuard<'_, Vec<(i64, Arc<Durable>)>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, file)| Arc::strong_count(file) > 1 || file.is_behind());
        open
    }

    fn all(&self) -> Vec<Arc<Durable>> {
        self.open().iter().map(|(_, file)| Arc::clone(file)).collect()
    }

    /// Those that the disk has not all of, by disk.
    fn behind(&self) -> BTreeMap<i64, Vec<Arc<Durable>>> {
        let mut found = BTreeMap::<_, Vec<_>>::new();
        for (disk, file) in self.open().iter().filter(|(_, file)| file.is_behind()) {
            found.entry(*disk).or_default().push(Arc::clone(file));
        }
        found
    }
}

/// Waits until a disk has what was written to all of these; gives what went wrong first. Whoever writes a file is told of its
/// failure when he writes next.
fn commit(files: &[Arc<Durable>]) -> Result<(), StoreError> {
    files.iter().for_each(|file| file.file.start_writing());
    let mut done = Ok(());
    for file in files {
        done = done.and(file.sync());
    }
    done
}

impl Inner {
    /// Waits until the disks have everything that was written so far, of all cameras.
    pub(crate) async fn commit(&self) -> Result<(), StoreError> {
        let files = self.files.open_files().all();
        blocking(move || commit(&files)).await
    }
}

/// Runs until the store is dropped. A disk that hangs holds up its own files and no other's.
pub(crate) async fn commit_now_and_then(inner: Weak<Inner>, every: Duration) {
    let mut busy: HashMap<i64, JoinHandle<()>> = HashMap::new();
    loop {
        tokio::time::sleep(every).await;
        let Some(held) = inner.upgrade() else { return };
        busy.retain(|_, running| !running.is_finished());
        for (disk, files) in held.files.open_files().behind() {
            let inner = inner.clone();
            let committed = async move {
                let Err(e) = blocking(move || commit(&files)).await else { return };
                tracing::error!(error = %e, "what was recorded lately may not be on the disk");
                if let Some(inner) = inner.upgrade() {
                    inner.disk_failed(disk, &e);
                }
            };
            busy.entry(disk).or_insert_with(|| tokio::spawn(committed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose disk fails once and then says that all is well, as Linux does.
    #[derive(Debug, Default)]
    struct Forgets {
        asked: AtomicU64,
        fails_at: u64,
    }

    impl DiskFile for Forgets {
        fn len(&self) -> io::Result<u64> {
            Ok(0)
        }

        fn write(&self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn cut(&self, _: u64) -> io::Result<()> {
            Ok(())
        }

        fn sync(&self) -> io::Result<()> {
            match self.asked.fetch_add(1, Ordering::Relaxed) + 1 {
                n if n == self.fails_at => Err(io::Error::from_raw_os_error(5)),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn a_sync_that_failed_for_the_group_is_told_to_whoever_writes_and_never_asked_again() {
        let disk = Arc::new(Forgets { fails_at: 2, ..Forgets::default() });
        let file = Durable::new(disk.clone(), Path::new("a.lvs"));
        file.wrote(100);
        commit(std::slice::from_ref(&file)).unwrap();
        commit(std::slice::from_ref(&file)).unwrap();
        assert_eq!(disk.asked.load(Ordering::Relaxed), 1, "nothing new, nothing to wait for");
        file.wrote(200);
        assert!(file.is_behind());
        commit(std::slice::from_ref(&file)).unwrap_err();
        for told in [file.told(), file.sync(), commit(std::slice::from_ref(&file))] {
            match told {
                Err(StoreError::Sync { bytes: 200, source, .. }) => {
                    assert_eq!(source.raw_os_error(), Some(5))
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(disk.asked.load(Ordering::Relaxed), 2);
        assert!(!file.is_behind());
    }

    #[test]
    fn one_file_that_fails_keeps_no_other_from_the_disk() {
        let (bad, good) = (Forgets { fails_at: 1, ..Forgets::default() }, Arc::new(Forgets::default()));
        let open = OpenFiles::default();
        let files = [Durable::new(Arc::new(bad), Path::new("a")), Durable::new(good.clone(), Path::new("b"))];
        for file in &files {
            file.wrote(1);
            open.add(0, file);
        }
        let elsewhere = Durable::new(Arc::new(Forgets::default()), Path::new("c"));
        elsewhere.wrote(1);
        open.add(1, &elsewhere);
        let behind = open.behind();
        assert_eq!(
            behind.iter().map(|(disk, files)| (*disk, files.len())).collect::<Vec<_>>(),
            [(0, 2), (1, 1)]
        );
        commit(&behind[&0]).unwrap_err();
        assert_eq!(good.asked.load(Ordering::Relaxed), 1);
        drop(behind);
        drop(files);
        assert_eq!(open.behind().len(), 1, "a file that nobody writes any more is let go");
    }
}
