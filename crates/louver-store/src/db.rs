//! The catalogue's tables. It holds nothing about recordings, events and gaps that the files do not hold as well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use louver_base::WallTime;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};

use crate::StoreError;
use crate::layout::DATABASE;

/// Steps from each version of the tables to the next; a step that was ever released never changes.
const STEPS: [&str; 2] = [include_str!("../migrations/1.sql"), include_str!("../migrations/2.sql")];

/// Larger files are not read whole at every start; their damage shows when they are used.
const CHECKED_BYTES_MAX: u64 = 256 << 20;

/// Opens the catalogue and brings its tables up to date.
pub(crate) async fn connect(dir: &Path) -> Result<SqlitePool, StoreError> {
    let path = dir.join(DATABASE);
    let size = std::fs::metadata(&path).map_or(0, |m| m.len());
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk when it returns: one in a few seconds, and a changed password stays changed.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10));
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .after_release(|connection, _| Box::pin(is_out_of_transaction(connection)))
        .connect_with(options)
        .await
        .map_err(StoreError::db("opening it"))?;
    let ready = async {
        if size > 0 && size <= CHECKED_BYTES_MAX {
            check(&pool).await?;
        }
        migrate(&pool).await
    };
    match ready.await {
        Ok(()) => Ok(pool),
        Err(e) => {
            pool.close().await;
            Err(e)
        }
    }
}

/// Copies the catalogue of a data directory, as of one moment, into a file that is not there yet; works beside a running
/// server. `false`: there is none.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn copy_catalogue(dir: &Path, to: &Path) -> Result<bool, StoreError> {
    let path = dir.join(DATABASE);
    if !path.exists() {
        return Ok(false);
    }
    let doing = || StoreError::db("being copied");
    let options = SqliteConnectOptions::new().filename(&path).busy_timeout(Duration::from_secs(10));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(doing())?;
    let to = to.to_string_lossy().into_owned();
    let copied = sqlx::query("VACUUM INTO ?").bind(to).execute(&pool).await;
    pool.close().await;
    copied.map(|_| true).map_err(doing())
}

/// Whether a connection may be used again. On a full disk SQLite rolls a transaction back by itself
/// (<https://sqlite.org/lang_transaction.html>, section 3); sqlx's own ROLLBACK then fails, and sqlx takes the
/// connection to be inside that transaction from then on. Its next transactions would be savepoints: one that is rolled
/// back stays open and locks the catalogue, and what follows on it is never committed. Closing such a connection rolls back
/// whatever is open.
async fn is_out_of_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // A dropped transaction has only asked for its ROLLBACK; this waits until that was tried.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn check(pool: &SqlitePool) -> Result<(), StoreError> {
    let said: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(pool)
        .await
        .map_err(StoreError::db("checking it"))?;
    if said == "ok" {
        Ok(())
    } else {
        Err(StoreError::Database { doing: "checking it", source: sqlx::Error::Protocol(said) })
    }
}

async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    let known = STEPS.len() as i64;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(pool)
        .await
        .map_err(StoreError::db("reading its version"))?;
    if found > known {
        return Err(StoreError::NewerDatabase { found, known });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        // Each step sets user_version inside its own transaction.
        sqlx::raw_sql(*step).execute(pool).await.map_err(StoreError::db("making its tables"))?;
    }
    Ok(())
}

/// Whether the file is damaged or no catalogue at all, so that a new one must be made.
pub(crate) fn is_corrupt(error: &StoreError) -> bool {
    let StoreError::Database { source, .. } = error else { return false };
    match source {
        // SQLITE_CORRUPT and SQLITE_NOTADB, with or without their details in the higher bits. SQLITE_ERROR as
        // well: a sound file whose tables are not ours.
        sqlx::Error::Database(e) => {
            let code = e.code().and_then(|c| c.parse::<i64>().ok()).unwrap_or(0);
            matches!(code & 0xff, 1 | 11 | 26)
        }
        sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

/// Puts a damaged catalogue aside, so that someone can look at it (it holds users that are nowhere else).
pub(crate) fn move_aside(dir: &Path, now: WallTime) -> Result<PathBuf, StoreError> {
    let to = dir.join(format!("{DATABASE}.corrupt-{}", now.millis()));
    for ending in ["-wal", "-shm", ""] {
        let from = dir.join(format!("{DATABASE}{ending}"));
        let mut target = to.clone().into_os_string();
        target.push(ending);
        match std::fs::rename(&from, target) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("moving", &from, e));
            }
            _ => {}
        }
    }
    Ok(to)
}
