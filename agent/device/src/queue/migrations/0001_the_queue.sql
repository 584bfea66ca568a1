-- Times are milliseconds since 1970-01-01T00:00:00Z (`_ms`) or nanoseconds as stat(2) tells them (`_ns`).
-- Paths are the bytes that the kernel gave. Integers that stand for enumerations are never renumbered.
-- The rules (CHECK, UNIQUE, NOT NULL) are such that the agent's types cannot break them: a broken one is a
-- sign of damage, and the agent treats it so.

PRAGMA application_id = 0x57656972; -- "Weir"

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sites (
    id   INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- One row an accepted image. `state` is weir_journey::queue::State.
CREATE TABLE images (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    site          INTEGER NOT NULL REFERENCES sites (id),
    sha256        BLOB    NOT NULL CHECK (length(sha256) = 32),
    path          BLOB    NOT NULL,
    size          INTEGER NOT NULL CHECK (size >= 0),
    device        INTEGER NOT NULL,
    inode         INTEGER NOT NULL,
    mtime_ns      INTEGER NOT NULL,
    ctime_ns      INTEGER NOT NULL,
    format        INTEGER NOT NULL CHECK (format BETWEEN 0 AND 255),
    captured_ms   INTEGER NOT NULL,
    offset_s      INTEGER NOT NULL,
    capture       TEXT    NOT NULL,
    accepted_ms   INTEGER NOT NULL,
    state         INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    -- 1: the store may hold it already, so look before sending.
    unsure        INTEGER NOT NULL CHECK (unsure IN (0, 1)),
    attempts      INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at_ms    INTEGER,
    bucket        TEXT,
    key           TEXT,
    upload_id     TEXT,
    part_size     INTEGER CHECK (part_size > 0),
    etag          TEXT,
    verified_ms   INTEGER,
    proof         INTEGER CHECK (proof BETWEEN 0 AND 2),
    -- How far the refusal reaches under which it was parked. It stays while a probe is under way, so that
    -- one refusal has one probe at a time.
    refusal_scope INTEGER CHECK (refusal_scope BETWEEN 0 AND 2),
    failure       TEXT,
    fix           TEXT,
    UNIQUE (site, sha256),
    CHECK ((bucket IS NULL) = (key IS NULL)),
    CHECK (upload_id IS NULL OR part_size IS NOT NULL),
    CHECK (state <> 1 OR next_at_ms IS NOT NULL),
    CHECK ((state = 3) = (verified_ms IS NOT NULL AND proof IS NOT NULL)),
    CHECK (state <> 4 OR (next_at_ms IS NOT NULL AND refusal_scope IS NOT NULL AND failure IS NOT NULL))
) STRICT;

-- What is still owed, by site and state in order of capture: a claim is one step in it, however many rows
-- there are. Written with OR because SQLite then sees that `state = 0` implies it.
CREATE INDEX images_open ON images (site, state, captured_ms)
    WHERE state = 0 OR state = 1 OR state = 2 OR state = 4 OR state = 5;
CREATE INDEX images_due ON images (next_at_ms) WHERE state = 1;
CREATE INDEX images_refused ON images (refusal_scope, state, site, next_at_ms)
    WHERE refusal_scope IS NOT NULL;

-- How many rows and bytes each site has in each state, kept by the triggers below so that nobody counts.
CREATE TABLE tally (
    site   INTEGER NOT NULL REFERENCES sites (id),
    state  INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    images INTEGER NOT NULL CHECK (images >= 0),
    bytes  INTEGER NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (site, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER images_come AFTER INSERT ON images BEGIN
    INSERT INTO tally (site, state, images, bytes) VALUES (new.site, new.state, 1, new.size)
        ON CONFLICT (site, state) DO UPDATE SET images = images + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER images_move AFTER UPDATE OF state ON images WHEN old.state <> new.state BEGIN
    UPDATE tally SET images = images - 1, bytes = bytes - old.size
        WHERE site = old.site AND state = old.state;
    INSERT INTO tally (site, state, images, bytes) VALUES (new.site, new.state, 1, new.size)
        ON CONFLICT (site, state) DO UPDATE SET images = images + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER images_go AFTER DELETE ON images BEGIN
    UPDATE tally SET images = images - 1, bytes = bytes - old.size
        WHERE site = old.site AND state = old.state;
END;

-- The parts of an unfinished multipart upload that the store has acknowledged.
CREATE TABLE parts (
    image  INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    size   INTEGER NOT NULL CHECK (size >= 0),
    sha256 BLOB    NOT NULL CHECK (length(sha256) = 32),
    etag   TEXT    NOT NULL,
    PRIMARY KEY (image, number)
) STRICT, WITHOUT ROWID;

-- Every file already judged, as stat(2) described it then: taken as an image, or quarantined for a reason.
CREATE TABLE seen (
    path     BLOB    NOT NULL PRIMARY KEY,
    site     INTEGER NOT NULL REFERENCES sites (id),
    size     INTEGER NOT NULL,
    device   INTEGER NOT NULL,
    inode    INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    image    INTEGER REFERENCES images (id) ON DELETE CASCADE,
    reason   TEXT,
    detail   TEXT,
    at_ms    INTEGER NOT NULL,
    CHECK ((image IS NULL) <> (reason IS NULL)),
    CHECK ((reason IS NULL) = (detail IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_image ON seen (image) WHERE image IS NOT NULL;
CREATE INDEX seen_reason ON seen (site, reason) WHERE reason IS NOT NULL;

-- How often the process died with this file in hand.
CREATE TABLE strikes (
    path  BLOB    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL CHECK (count > 0)
) STRICT, WITHOUT ROWID;

-- Refusals of a whole site, or (site NULL) of everything that is sent.
CREATE TABLE holds (
    id            INTEGER NOT NULL PRIMARY KEY,
    site          INTEGER REFERENCES sites (id),
    scope         INTEGER NOT NULL CHECK (scope BETWEEN 1 AND 2),
    reason        TEXT    NOT NULL,
    fix           TEXT    NOT NULL,
    since_ms      INTEGER NOT NULL,
    probes        INTEGER NOT NULL CHECK (probes >= 0),
    next_probe_ms INTEGER NOT NULL,
    CHECK ((scope = 2) = (site IS NULL))
) STRICT;

CREATE UNIQUE INDEX holds_one ON holds (ifnull(site, 0));

-- Bytes sent a day (days since 1970-01-01 in whatever zone the budget is kept in).
CREATE TABLE usage (
    day   INTEGER NOT NULL,
    site  INTEGER NOT NULL REFERENCES sites (id),
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (day, site)
) STRICT, WITHOUT ROWID;

-- What the operator gave up, and why: never pruned by the agent.
CREATE TABLE drops (
    id     INTEGER NOT NULL PRIMARY KEY,
    image  INTEGER NOT NULL,
    site   INTEGER NOT NULL REFERENCES sites (id),
    sha256 BLOB    NOT NULL,
    path   BLOB    NOT NULL,
    state  INTEGER NOT NULL,
    why    TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT;
