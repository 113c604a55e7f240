-- +goose Up
-- Access tokens that do not count any more though they have not expired.

-- revocations has one row for each kind and value; hash is half of the value's SHA-256. client_id
-- is the client that has revoked a token of its own, else ''.
CREATE TABLE revocations (
	kind       TEXT COLLATE "C" NOT NULL,
	hash       BYTEA            NOT NULL,
	id         TEXT COLLATE "C" NOT NULL,
	value      TEXT COLLATE "C" NOT NULL,
	before_at  BIGINT           NOT NULL,
	expires_at BIGINT           NOT NULL,
	created_at BIGINT           NOT NULL,
	client_id  TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (kind, hash)
);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
CREATE INDEX revocations_by_client ON revocations (client_id, expires_at);
