-- Which copy of this file is in S3 (SYNC_STATE_BACKUP); docs/decisions/0007-state-backup.md.
CREATE TABLE state_backup (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  -- drawn before the first copy is made; copies of one lineage follow each other
  lineage TEXT NOT NULL,
  -- the copy that this file was last written to or restored from: its number (0 for none) and who wrote it
  generation INTEGER NOT NULL,
  copy_writer TEXT,
  -- drawn by each run: a copy of this writer came from this very file
  writer TEXT NOT NULL,
  -- lease.fence when the file was equal to that copy; another fence now means that it is ahead of it
  clean_fence INTEGER
) STRICT;
