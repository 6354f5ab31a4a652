//! Events: open ones in memory, all of them in journals and catalogue.

use bytes::Bytes;
use louver_base::{EventId, WallTime};
use louver_scene::Masked;

use crate::{EventChange, EventQuery, EventRecord, Store, StoreError};

impl Store {
    /// Begins an event. `record.end` and `record.still` are not looked at.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`]: the event is kept in memory and written later.
    pub async fn start_event(&self, _record: EventRecord) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Changes an open event. Cheap: memory now, disk with the next flush.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`] when it is not open.
    pub fn update_event(&self, _id: EventId, _change: &EventChange) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Ends an event.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`] when it is not open; [`StoreError::DiskFull`], [`StoreError::Io`] as at its start.
    pub async fn finish_event(&self, _id: EventId, _end: WallTime) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Keeps the event's still (JPEG), in place of an earlier one. The event must be open.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`], [`StoreError::TooLarge`], [`StoreError::DiskFull`], [`StoreError::Io`].
    pub async fn set_still(&self, _id: EventId, _jpeg: Masked<Bytes>) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The event's still (JPEG, its tag behind it), or `None` if it has none that can be shown.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`], [`StoreError::Io`], [`StoreError::Database`].
    pub async fn still(&self, _id: EventId) -> Result<Option<Masked<Bytes>>, StoreError> {
        unimplemented!()
    }

    /// One event with its boxes.
    ///
    /// # Errors
    /// [`StoreError::NoEvent`], [`StoreError::Database`].
    pub async fn event(&self, _id: EventId) -> Result<EventRecord, StoreError> {
        unimplemented!()
    }

    /// Events newest first, open ones included, without their boxes ([`event`](Self::event) has them).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn events(&self, _query: &EventQuery) -> Result<Vec<EventRecord>, StoreError> {
        unimplemented!()
    }
}
