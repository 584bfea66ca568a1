-- An image whose capture time a person has to judge is parked without a moment at which it is asked again.
ALTER TABLE images ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1));
-- 0: its capture time is doubtful, and the site files such images under keys that pretend no date.
ALTER TABLE images ADD COLUMN dated INTEGER NOT NULL DEFAULT 1 CHECK (dated IN (0, 1));
-- 1: its file stays, whatever the disk says.
ALTER TABLE images ADD COLUMN flagged INTEGER NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1));

-- The device's clocks when the image was accepted: the kernel's boot id, the time since that boot, and
-- whether the wall clock was synchronised (0 unknown, 1 yes, 2 no). With them the times that came from a
-- clock which was wrong until it stepped can be put right afterwards.
ALTER TABLE images ADD COLUMN boot BLOB CHECK (length(boot) = 16);
ALTER TABLE images ADD COLUMN uptime_ms INTEGER;
ALTER TABLE images ADD COLUMN clock INTEGER NOT NULL DEFAULT 0 CHECK (clock BETWEEN 0 AND 2);

-- When and why its local files were deleted, of a verified image.
ALTER TABLE images ADD COLUMN removed_ms INTEGER;
ALTER TABLE images ADD COLUMN removed_why TEXT;

-- What is asked about: not what a person holds.
DROP INDEX images_refused;
CREATE INDEX images_refused ON images (refusal_scope, state, site, next_at_ms)
    WHERE refusal_scope IS NOT NULL AND held = 0;
-- Verified images that still take room, in order of capture; and those that no longer do, for compaction.
CREATE INDEX images_local ON images (site, captured_ms) WHERE state = 3 AND removed_ms IS NULL;
CREATE INDEX images_removed ON images (verified_ms) WHERE removed_ms IS NOT NULL;
-- Times to be put right when the clock is.
CREATE INDEX images_unsynchronised ON images (boot) WHERE clock = 2;

-- Verified images whose rows were compacted away: how many of each day (days since 1970-01-01 of the capture
-- time, in its own offset) and how many bytes.
CREATE TABLE daily (
    day    INTEGER NOT NULL,
    site   INTEGER NOT NULL REFERENCES sites (id),
    images INTEGER NOT NULL CHECK (images >= 0),
    bytes  INTEGER NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (day, site)
) STRICT, WITHOUT ROWID;

-- Steps of the device's clock: when it showed `at_ms` after having gone by `by_ms`, and how many capture times
-- were put right by it.
CREATE TABLE clock_steps (
    id     INTEGER NOT NULL PRIMARY KEY,
    boot   BLOB    NOT NULL CHECK (length(boot) = 16),
    at_ms  INTEGER NOT NULL,
    by_ms  INTEGER NOT NULL,
    images INTEGER NOT NULL CHECK (images >= 0)
) STRICT;

-- Drops are made by the operator or by retention, which he allowed to.
ALTER TABLE drops ADD COLUMN captured_ms INTEGER;
ALTER TABLE drops ADD COLUMN size INTEGER;
ALTER TABLE drops ADD COLUMN by_whom TEXT NOT NULL DEFAULT 'operator' CHECK (by_whom IN ('operator', 'retention'));
