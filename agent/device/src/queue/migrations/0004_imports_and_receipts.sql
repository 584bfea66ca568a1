-- 1: it was imported from a card or folder that is away now; it is parked and held until that is back.
ALTER TABLE images ADD COLUMN unplugged INTEGER NOT NULL DEFAULT 0 CHECK (unplugged IN (0, 1));
-- When a receipt of another weir said that the bytes are stored; NULL where this one proved it itself.
ALTER TABLE images ADD COLUMN receipt_ms INTEGER;
