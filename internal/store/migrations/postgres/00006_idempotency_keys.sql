-- +goose Up
-- Requests that came with an Idempotency-Key.

-- idempotency_keys has what was done under a key: id is an HMAC over the caller, the route and
-- the key, fingerprint one over the body, and resource the id of what was made.
CREATE TABLE idempotency_keys (
	id          BYTEA            NOT NULL PRIMARY KEY,
	fingerprint BYTEA            NOT NULL,
	resource    TEXT COLLATE "C" NOT NULL,
	expires_at  BIGINT           NOT NULL
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
