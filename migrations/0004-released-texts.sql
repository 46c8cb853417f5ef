-- Calls that lost their fact, and texts that a call no longer has: what the end of a run looks at to delete texts that
-- nothing refers to any more. Empty between runs, so that a run in which no row went or changed looks at nothing.
CREATE TABLE released_calls (
  source TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL
) STRICT;

CREATE TABLE released_texts (
  -- concatenated 16-byte message hashes
  hashes BLOB NOT NULL
) STRICT;

CREATE TRIGGER facts_released AFTER DELETE ON facts BEGIN
  INSERT INTO released_calls VALUES (OLD.source, OLD.trace_id, OLD.id);
END;

CREATE TRIGGER contents_changed AFTER UPDATE ON contents WHEN OLD.content_hash <> NEW.content_hash BEGIN
  INSERT INTO released_texts VALUES (OLD.input_hashes);
  INSERT INTO released_texts SELECT OLD.input_rest_hash WHERE OLD.input_rest_hash IS NOT NULL;
  INSERT INTO released_texts SELECT OLD.output_hash WHERE OLD.output_hash IS NOT NULL;
END;

CREATE TRIGGER contents_deleted AFTER DELETE ON contents BEGIN
  INSERT INTO released_texts VALUES (OLD.input_hashes);
  INSERT INTO released_texts SELECT OLD.input_rest_hash WHERE OLD.input_rest_hash IS NOT NULL;
  INSERT INTO released_texts SELECT OLD.output_hash WHERE OLD.output_hash IS NOT NULL;
END;

-- Texts of calls that went before there was this table.
INSERT INTO released_calls SELECT source, trace_id, id FROM contents
WHERE NOT EXISTS (
  SELECT 1 FROM facts WHERE facts.source = contents.source AND facts.trace_id = contents.trace_id AND facts.id = contents.id
);
