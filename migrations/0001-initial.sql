-- The worker's own state. docs/formats.md describes each table.
-- Times are epoch milliseconds UTC; windows are half-open [from_ms, to_ms).

-- What this file belongs to: window size and first window of each Langfuse project.
CREATE TABLE sources (
  source TEXT PRIMARY KEY,
  name TEXT,
  base_url TEXT NOT NULL,
  window_ms INTEGER NOT NULL,
  start_ms INTEGER NOT NULL
) STRICT;

-- The interval set: a row here means that the window was read whole and folded into facts.
CREATE TABLE windows (
  source TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  read_ms INTEGER NOT NULL,
  reader TEXT NOT NULL,
  server_version TEXT,
  -- counters of the last reading
  rows_read INTEGER NOT NULL,
  duplicate_rows INTEGER NOT NULL,
  synthetic_roots INTEGER NOT NULL,
  not_generations INTEGER NOT NULL,
  other_origin INTEGER NOT NULL,
  unreadable INTEGER NOT NULL,
  content_missing INTEGER NOT NULL,
  -- over all facts of the window, its scores and its quarantine: what its runs are made of
  input_hash TEXT NOT NULL,
  PRIMARY KEY (source, from_ms)
) STRICT, WITHOUT ROWID;

-- Append-only landing place of one window that is being read. Emptied when the window is folded.
CREATE TABLE staged_generations (
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  call_id TEXT,
  response_id TEXT,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE staged_traces (
  trace_id TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;

-- One row per de-duplicated LiteLLM call attempt.
CREATE TABLE facts (
  source TEXT NOT NULL,
  window_from_ms INTEGER NOT NULL,
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER,
  updated_ms INTEGER,
  latency_ms REAL,
  time_to_first_token_ms REAL,
  timing_fault TEXT,
  is_streaming INTEGER NOT NULL,
  is_error INTEGER NOT NULL,
  error_class TEXT,
  http_status INTEGER,
  status_message TEXT,
  name TEXT,
  callback TEXT,
  call_type TEXT,
  model TEXT NOT NULL,
  model_raw TEXT,
  model_group TEXT,
  provider TEXT,
  environment TEXT,
  release TEXT,
  version TEXT,
  prompt_name TEXT,
  prompt_version INTEGER,
  session_id TEXT,
  session_source TEXT,
  session_hint TEXT,
  session_hint_source TEXT,
  user_id TEXT,
  user_source TEXT,
  key_owner_id TEXT,
  key_hash TEXT,
  key_alias TEXT,
  team_id TEXT,
  team_alias TEXT,
  client_tool TEXT,
  tags TEXT NOT NULL,
  is_cache_hit INTEGER NOT NULL,
  prompt_tokens INTEGER,
  completion_tokens INTEGER,
  total_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  uncached_prompt_tokens INTEGER,
  reasoning_tokens INTEGER,
  usage_fault TEXT,
  cost_usd REAL,
  cost_source TEXT NOT NULL,
  saved_cost_usd REAL,
  gateway_overhead_ms REAL,
  call_id TEXT,
  response_id TEXT,
  tool_calls INTEGER,
  parameters TEXT NOT NULL,
  metadata TEXT NOT NULL,
  request_id TEXT NOT NULL,
  is_final_attempt INTEGER NOT NULL,
  -- 'double_logged': kept to be seen, never counted
  not_counted TEXT,
  content_hash TEXT,
  row_hash TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX facts_by_identity ON facts (source, trace_id, id);
CREATE INDEX facts_by_window ON facts (source, window_from_ms);
CREATE INDEX facts_by_session ON facts (source, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX facts_by_request ON facts (source, request_id);
CREATE INDEX facts_by_call ON facts (source, call_id) WHERE call_id IS NOT NULL;
CREATE INDEX facts_by_response ON facts (source, response_id) WHERE response_id IS NOT NULL;

-- Sessions that lost or changed a fact since they were last published, wherever their other facts are.
CREATE TABLE session_changes (
  source TEXT NOT NULL,
  session_id TEXT NOT NULL,
  PRIMARY KEY (source, session_id)
) STRICT, WITHOUT ROWID;

-- Not `INSERT OR IGNORE`: the conflict clause of the statement that fires a trigger would override it.
CREATE TRIGGER facts_deleted AFTER DELETE ON facts WHEN OLD.session_id IS NOT NULL BEGIN
  INSERT INTO session_changes SELECT OLD.source, OLD.session_id
  WHERE NOT EXISTS (SELECT 1 FROM session_changes WHERE source = OLD.source AND session_id = OLD.session_id);
END;

CREATE TRIGGER facts_updated AFTER UPDATE ON facts
WHEN OLD.session_id IS NOT NULL AND OLD.row_hash <> NEW.row_hash BEGIN
  INSERT INTO session_changes SELECT OLD.source, OLD.session_id
  WHERE NOT EXISTS (SELECT 1 FROM session_changes WHERE source = OLD.source AND session_id = OLD.session_id);
END;

-- Facts that count: the one source of every metric.
CREATE VIEW counted_facts AS SELECT * FROM facts WHERE not_counted IS NULL;

-- Attributes of traces, for rows that are resolved again when late siblings arrive.
CREATE TABLE traces (
  source TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (source, trace_id)
) STRICT, WITHOUT ROWID;

-- Prompt and response texts. Agents resend their history, so each message is kept once.
CREATE TABLE messages (
  hash BLOB PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;

CREATE TABLE contents (
  source TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  -- concatenated 16-byte message hashes, in order
  input_hashes BLOB NOT NULL,
  -- everything of the input that is not a message (tools, functions), or NULL
  input_rest_hash BLOB,
  output_hash BLOB,
  -- the input was a list of messages; else its only hash is the whole input
  is_message_list INTEGER NOT NULL,
  content_hash TEXT NOT NULL,
  tool_calls INTEGER,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (source, trace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE scores (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  data_type TEXT NOT NULL,
  value REAL,
  string_value TEXT,
  score_source TEXT,
  comment TEXT,
  timestamp_ms INTEGER NOT NULL,
  updated_ms INTEGER,
  trace_id TEXT,
  observation_id TEXT,
  session_id TEXT,
  PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX scores_by_trace ON scores (source, trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX scores_by_session ON scores (source, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX scores_by_time ON scores (source, timestamp_ms);

-- Rows that could not be read or understood, kept with their reason.
CREATE TABLE quarantine (
  source TEXT NOT NULL,
  window_from_ms INTEGER NOT NULL,
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  reason TEXT NOT NULL,
  raw TEXT,
  first_seen_ms INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  PRIMARY KEY (source, window_from_ms, trace_id, id)
) STRICT, WITHOUT ROWID;

-- Where runs are written: one row per MLflow and experiment.
CREATE TABLE targets (
  target_id INTEGER PRIMARY KEY,
  uri TEXT NOT NULL,
  experiment_name TEXT NOT NULL,
  experiment_id TEXT NOT NULL,
  UNIQUE (uri, experiment_name)
) STRICT;

-- The run ledger, written ahead of every runs/create.
CREATE TABLE ledger (
  target_id INTEGER NOT NULL REFERENCES targets (target_id),
  key TEXT NOT NULL,
  source TEXT NOT NULL,
  grain TEXT NOT NULL,
  window_from_ms INTEGER,
  subject TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('creating', 'writing', 'done')),
  run_id TEXT,
  artifact_uri TEXT,
  revision INTEGER NOT NULL,
  hash TEXT NOT NULL,
  -- the run in MLflow that it was nested under, or NULL
  parent_run_id TEXT,
  -- JSON object of every metric that may be in MLflow, to retract those that vanish
  metrics TEXT NOT NULL,
  -- JSON object path -> source hash of every artifact that may be in MLflow; '' while its version is not sure
  artifacts TEXT NOT NULL,
  -- JSON list of the names of every tag that may be in MLflow, to empty those that vanish
  tags TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (target_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_by_window ON ledger (target_id, source, window_from_ms);

-- Points of the trend runs: each is corrected by itself.
CREATE TABLE trend_points (
  target_id INTEGER NOT NULL REFERENCES targets (target_id),
  key TEXT NOT NULL,
  step INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  hash TEXT NOT NULL,
  metrics TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('writing', 'done')),
  PRIMARY KEY (target_id, key, step)
) STRICT, WITHOUT ROWID;

-- A window is finished for a target when its published hash equals the hash of what it now holds.
CREATE TABLE publications (
  target_id INTEGER NOT NULL REFERENCES targets (target_id),
  source TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  hash TEXT NOT NULL,
  published_ms INTEGER NOT NULL,
  PRIMARY KEY (target_id, source, from_ms)
) STRICT, WITHOUT ROWID;

-- One worker at a time.
CREATE TABLE lease (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  fence INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
