-- What SYNC_TRACES needs: the tree of observations, and which MLflow traces were written. Empty while it is off.
ALTER TABLE windows ADD COLUMN has_spans INTEGER NOT NULL DEFAULT 0;

CREATE TABLE staged_spans (
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  parent_id TEXT,
  type TEXT NOT NULL,
  name TEXT,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER,
  is_error INTEGER NOT NULL,
  status_message TEXT
) STRICT;

-- Every observation of a trace that holds a call; what is known of the call itself is in facts.
CREATE TABLE trace_spans (
  source TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  window_from_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  parent_id TEXT,
  type TEXT NOT NULL,
  name TEXT,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER,
  is_error INTEGER NOT NULL,
  status_message TEXT,
  PRIMARY KEY (source, trace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX trace_spans_by_window ON trace_spans (source, window_from_ms);

-- Written ahead of every call that writes a trace. The id of the MLflow trace follows from experiment and Langfuse trace.
CREATE TABLE trace_ledger (
  target_id INTEGER NOT NULL REFERENCES targets (target_id),
  source TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  -- window in which the trace begins
  window_from_ms INTEGER NOT NULL,
  mlflow_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('writing', 'done')),
  hash TEXT NOT NULL,
  -- JSON list of all that may be in MLflow under a name of its own: spans, assessments, tags, metadata
  parts TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (target_id, source, trace_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX trace_ledger_by_window ON trace_ledger (target_id, source, window_from_ms);
