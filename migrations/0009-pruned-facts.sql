-- Facts that were pruned (SYNC_FACTS_RETENTION). Traces and sessions that share calls or scores, directly or by others,
-- are one group: it is pruned whole and restored whole, so that nothing is ever counted from a part of it.

-- What tells that a row or score of Langfuse belongs to a pruned group. `call` and `response` only of calls that may have
-- been logged a second time on the other side of a window's edge.
CREATE TABLE pruned_keys (
  source TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('trace', 'session', 'call', 'response')),
  id TEXT NOT NULL,
  group_id INTEGER NOT NULL,
  PRIMARY KEY (source, kind, id, group_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX pruned_keys_by_group ON pruned_keys (source, group_id);

-- The windows that a group must be read again from. A window that has calls here is pruned: it is described and hashed
-- again only after all its groups are restored.
CREATE TABLE pruned_rows (
  source TEXT NOT NULL,
  group_id INTEGER NOT NULL,
  window_from_ms INTEGER NOT NULL,
  -- of these in this window; 0 where only a score or the trace itself has its time there
  calls INTEGER NOT NULL,
  -- concatenated 8-byte hashes of the identities of calls and scores: all of them must come back
  identities BLOB NOT NULL,
  -- over what the calls and scores held
  hash TEXT NOT NULL,
  PRIMARY KEY (source, group_id, window_from_ms)
) STRICT, WITHOUT ROWID;

CREATE INDEX pruned_rows_by_window ON pruned_rows (source, window_from_ms);
