-- Products of a site (results, pictures made of its images) are images of a site of their own, so that a bucket
-- which refuses them holds up nothing else. This is the site that they are made of.
ALTER TABLE sites ADD COLUMN products_of INTEGER REFERENCES sites (id);

-- The image that a product was made of. No reference: the image's row may be compacted before.
ALTER TABLE images ADD COLUMN parent INTEGER;
CREATE INDEX images_parent ON images (parent) WHERE parent IS NOT NULL;

-- Whether somebody is to look at it: 0 no, 1 he is, 2 he has, 3 it failed, 4 it cannot be looked at.
ALTER TABLE images ADD COLUMN infer INTEGER NOT NULL DEFAULT 0 CHECK (infer BETWEEN 0 AND 4);
-- What was found and decided, as JSON.
ALTER TABLE images ADD COLUMN findings TEXT;
-- 1 before all others of its site, -1 after them.
ALTER TABLE images ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0 CHECK (urgency BETWEEN -1 AND 1);
-- 1: it waits for nothing but to be looked at. 2: it is parked for what was found in it.
ALTER TABLE images ADD COLUMN look_hold INTEGER NOT NULL DEFAULT 0
    CHECK (look_hold = 0 OR (look_hold = 1 AND state = 1) OR (look_hold = 2 AND state = 4));

-- A claim is still one step in it: urgency by urgency.
DROP INDEX images_open;
CREATE INDEX images_open ON images (site, state, urgency, captured_ms)
    WHERE state = 0 OR state = 1 OR state = 2 OR state = 4 OR state = 5;
-- What is to be looked at and can be: its bytes should be there, and it is not given up.
CREATE INDEX images_look ON images (site, captured_ms)
    WHERE infer = 1 AND state <> 5 AND state <> 6 AND removed_ms IS NULL AND unplugged = 0;
