-- How often something was masked in a text when it was stored, by kind; texts without are not here.
CREATE TABLE masked_texts (
  hash BLOB NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (hash, kind)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER messages_deleted AFTER DELETE ON messages BEGIN
  DELETE FROM masked_texts WHERE hash = OLD.hash;
END;

-- The rules by which the texts of a call were masked and cut: by others it is stored anew, though it has not changed.
ALTER TABLE contents ADD COLUMN rules TEXT NOT NULL DEFAULT '';
