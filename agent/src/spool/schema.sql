-- Everything the agent must not lose. Times are RFC 3339 text.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- What the cloud calls each POS system, once it has answered.
CREATE TABLE pos_systems (
    name        TEXT PRIMARY KEY,
    id          TEXT NOT NULL,
    declaration BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE streams (
    id           INTEGER PRIMARY KEY,
    pos          TEXT NOT NULL,
    stream       TEXT NOT NULL,
    cursor       BLOB,
    rules        BLOB,
    salt         BLOB NOT NULL,
    row_count    INTEGER NOT NULL DEFAULT 0,
    next_row     INTEGER NOT NULL DEFAULT 0,
    scan         INTEGER NOT NULL DEFAULT 0,
    pending_end  BLOB,
    confirmed    INTEGER NOT NULL DEFAULT 0,
    job          TEXT,
    halted       TEXT,
    last_success TEXT,
    last_scan    TEXT,
    UNIQUE (pos, stream)
) STRICT;

CREATE TABLE rows (
    stream INTEGER NOT NULL,
    key    TEXT NOT NULL,
    id     INTEGER NOT NULL,
    state  BLOB NOT NULL,
    PRIMARY KEY (stream, key)
) STRICT, WITHOUT ROWID;

-- Row numbers that each batch of the scan under way has seen.
CREATE TABLE seen (
    stream INTEGER NOT NULL,
    runs   BLOB NOT NULL
) STRICT;
CREATE INDEX seen_by_stream ON seen (stream);

CREATE TABLE rejects (
    stream INTEGER NOT NULL,
    key    TEXT NOT NULL,
    number INTEGER NOT NULL,
    at     TEXT NOT NULL,
    reject TEXT NOT NULL,
    PRIMARY KEY (stream, key, number)
) STRICT, WITHOUT ROWID;

-- What was processed for good, by content.
CREATE TABLE marks (
    stream INTEGER NOT NULL,
    mark   TEXT NOT NULL,
    at     TEXT NOT NULL,
    PRIMARY KEY (stream, mark)
) STRICT, WITHOUT ROWID;

-- Deliveries that wait. The header line is written when a batch is posted; the body is zstd of the lines after it.
CREATE TABLE batches (
    seq             INTEGER PRIMARY KEY,
    pos             TEXT NOT NULL,
    stream          TEXT NOT NULL,
    job             TEXT NOT NULL,
    mapping_version INTEGER NOT NULL,
    lines           INTEGER NOT NULL,
    made_at         TEXT NOT NULL,
    body            BLOB NOT NULL
) STRICT;
