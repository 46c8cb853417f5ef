-- Where this file holds one part of a sharded backfill: which part of which. At most one row; without it, it holds all.
CREATE TABLE shard (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  -- of the whole backfill, window by window: half-open
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  -- 1 to shards
  number INTEGER NOT NULL,
  shards INTEGER NOT NULL
) STRICT;

-- The sharded backfills that this file was merged from.
CREATE TABLE merges (
  -- over what the windows of all shards held
  digest TEXT PRIMARY KEY,
  merged_ms INTEGER NOT NULL
) STRICT;
