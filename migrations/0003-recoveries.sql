-- A ledger that was rebuilt from MLflow: nothing is published there until all windows that MLflow holds are read
-- again, since the runs of each are made of rows and scores of others too.
CREATE TABLE recoveries (
  target_id INTEGER NOT NULL REFERENCES targets (target_id),
  source TEXT NOT NULL,
  -- half-open: from the first window that MLflow holds to the end of its last one
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  PRIMARY KEY (target_id, source)
) STRICT, WITHOUT ROWID;
