-- Verified images whose files are on the disk, in order of verification: what was kept for long enough.
CREATE INDEX images_kept ON images (verified_ms) WHERE state = 3 AND removed_ms IS NULL AND flagged = 0;

-- Images whose files are being deleted: written before the first of them goes, and taken away when all are gone,
-- so that a start after a crash finishes what was begun.
CREATE TABLE leaving (
    image INTEGER NOT NULL PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
    why   TEXT    NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- How many verified images of a site have no file any more, and how many bytes those had: what the tally says of
-- state 3, less this, lies on the disk. Kept by the triggers below.
CREATE TABLE freed (
    site   INTEGER NOT NULL PRIMARY KEY REFERENCES sites (id),
    images INTEGER NOT NULL CHECK (images >= 0),
    bytes  INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

CREATE TRIGGER images_freed AFTER UPDATE OF removed_ms ON images
WHEN old.removed_ms IS NULL AND new.removed_ms IS NOT NULL BEGIN
    INSERT INTO freed (site, images, bytes) VALUES (new.site, 1, new.size)
        ON CONFLICT (site) DO UPDATE SET images = images + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER images_back AFTER UPDATE OF removed_ms ON images
WHEN old.removed_ms IS NOT NULL AND new.removed_ms IS NULL BEGIN
    UPDATE freed SET images = images - 1, bytes = bytes - old.size WHERE site = old.site;
END;

CREATE TRIGGER images_forgotten AFTER DELETE ON images WHEN old.removed_ms IS NOT NULL BEGIN
    UPDATE freed SET images = images - 1, bytes = bytes - old.size WHERE site = old.site;
END;

-- Rows of images that were never stored and whose time is over, compacted as `daily` is.
CREATE TABLE daily_unsent (
    day    INTEGER NOT NULL,
    site   INTEGER NOT NULL REFERENCES sites (id),
    what   TEXT    NOT NULL CHECK (what IN ('dropped', 'missing')),
    images INTEGER NOT NULL CHECK (images >= 0),
    bytes  INTEGER NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (day, site, what)
) STRICT, WITHOUT ROWID;

-- The drops of an image, and those of retention in order of time.
CREATE INDEX drops_image ON drops (image);
CREATE INDEX drops_retention ON drops (at_ms) WHERE by_whom = 'retention';
