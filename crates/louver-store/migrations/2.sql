BEGIN;

-- Which disk a recording lies on: 0 is the data directory's, others have their numbers in disks.json.
ALTER TABLE recordings ADD COLUMN disk INTEGER NOT NULL DEFAULT 0;
-- When a recording that is dated ahead of the clock was seen first, microseconds since 1970: its retention counts from then.
ALTER TABLE recordings ADD COLUMN ahead_us INTEGER;
CREATE INDEX recordings_by_disk ON recordings (disk, start_ms);

PRAGMA user_version = 2;
COMMIT;
