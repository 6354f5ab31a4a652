//! How much there is.

use sqlx::Row as _;

use crate::{RecordingKind, Store, StoreError};

/// Bytes of both kinds of recordings, and of their disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sealed originals, of cameras that are no longer in the register too.
    pub sealed_bytes: u64,
    /// Masked recordings, likewise.
    pub masked_bytes: u64,
    /// Size of the disk that holds the data directory.
    pub disk_bytes: u64,
    /// What of it is free to Louver.
    pub free_bytes: u64,
}

impl Store {
    /// Adds up the catalogue: a file being written counts as of the last flush. Reads every row,
    /// so ask once a minute, not once a request.
    ///
    /// # Errors
    /// [`StoreError::Database`]; [`StoreError::Io`] when the disk cannot be measured.
    pub async fn usage(&self) -> Result<Usage, StoreError> {
        let failed = || StoreError::db("adding up recordings");
        let rows = sqlx::query("SELECT kind, SUM(bytes) AS bytes FROM recordings GROUP BY kind")
            .fetch_all(&self.0.pool)
            .await
            .map_err(failed())?;
        let space = self.0.files.space(&self.0.dir)?;
        let mut usage = Usage { disk_bytes: space.total, free_bytes: space.free, ..Usage::default() };
        for row in &rows {
            let bytes = row.try_get::<i64, _>("bytes").map_err(failed())?.unsigned_abs();
            match RecordingKind::from_code(row.try_get("kind").map_err(failed())?) {
                RecordingKind::Sealed => usage.sealed_bytes += bytes,
                RecordingKind::Masked | RecordingKind::Scene => usage.masked_bytes += bytes,
            }
        }
        Ok(usage)
    }
}
