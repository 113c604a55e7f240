-- +goose Up
-- Access tokens that do not count any more though they have not expired.

-- revocations has one row for each kind and value; hash is half of the value's SHA-256. client_id
-- is the client that has revoked a token of its own, else ''.
CREATE TABLE revocations (
	kind       TEXT    NOT NULL,
	hash       BLOB    NOT NULL,
	id         TEXT    NOT NULL,
	value      TEXT    NOT NULL,
	before_at  INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	client_id  TEXT    NOT NULL,
	PRIMARY KEY (kind, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
CREATE INDEX revocations_by_client ON revocations (client_id, expires_at);
