BEGIN;

-- One row a file. Times: milliseconds (as in file names) or microseconds since 1970, UTC.
CREATE TABLE recordings (
    camera TEXT NOT NULL,
    kind INTEGER NOT NULL, -- 0 sealed, 1 masked
    start_ms INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    held INTEGER NOT NULL DEFAULT 0, -- evidence that retention leaves alone
    PRIMARY KEY (camera, kind, start_ms)
) WITHOUT ROWID;
CREATE INDEX recordings_by_age ON recordings (start_ms);

-- No column here could hold who it was.
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    camera TEXT NOT NULL,
    class TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER, -- NULL while it goes on
    stays_us INTEGER,
    leaves_us INTEGER,
    confidence REAL NOT NULL,
    still INTEGER NOT NULL,
    boxes BLOB NOT NULL -- 16 bytes each: time (8), left, top, right, bottom (2 each), big-endian
) WITHOUT ROWID;
CREATE INDEX events_by_camera ON events (camera, start_us, id);
CREATE INDEX events_by_time ON events (start_us, id);

CREATE TABLE gaps (
    camera TEXT NOT NULL,
    stream INTEGER NOT NULL, -- 0 main, 1 sub
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (camera, stream, start_us)
) WITHOUT ROWID;

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sign_in_links (
    token_hash BLOB PRIMARY KEY,
    expires_us INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    last_seen_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

PRAGMA user_version = 1;
COMMIT;
