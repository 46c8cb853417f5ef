-- Everything before this instant is closed: kept in MLflow as it is, never read or published again. Null: nothing is.
ALTER TABLE sources ADD COLUMN closed_before_ms INTEGER;
