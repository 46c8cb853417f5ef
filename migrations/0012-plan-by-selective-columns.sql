-- SQLite guesses that ten rows share the first column of an index. Here all of them do: a file holds one source. Without
-- these figures it reads every fact and every score for a question about one window. They are written down instead of
-- measured, so that a file is asked the same way on every machine, when it is empty and when it is full.
ANALYZE sqlite_schema;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('facts', 'facts_by_identity', '1000000 1000000 5 1'),
  ('facts', 'facts_by_window', '1000000 1000000 5000'),
  ('facts', 'facts_by_session', '1000000 1000000 20'),
  ('facts', 'facts_by_request', '1000000 1000000 2'),
  ('facts', 'facts_by_call', '1000000 1000000 2'),
  ('facts', 'facts_by_response', '1000000 1000000 2'),
  ('scores', 'scores', '50000 50000 1'),
  ('scores', 'scores_by_trace', '50000 50000 2'),
  ('scores', 'scores_by_session', '50000 50000 2'),
  ('scores', 'scores_by_time', '50000 50000 1');

-- Read again, so that they hold for the connection that is open now.
ANALYZE sqlite_schema;
