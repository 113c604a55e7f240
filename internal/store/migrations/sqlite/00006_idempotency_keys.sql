-- +goose Up
-- Requests that came with an Idempotency-Key.

-- idempotency_keys has what was done under a key: id is an HMAC over the caller, the route and
-- the key, fingerprint one over the body, and resource the id of what was made.
CREATE TABLE idempotency_keys (
	id          BLOB    NOT NULL PRIMARY KEY,
	fingerprint BLOB    NOT NULL,
	resource    TEXT    NOT NULL,
	expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
