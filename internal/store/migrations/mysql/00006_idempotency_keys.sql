-- +goose Up
-- Requests that came with an Idempotency-Key.

-- idempotency_keys has what was done under a key: id is an HMAC over the caller, the route and
-- the key, fingerprint one over the body, and resource the id of what was made.
CREATE TABLE IF NOT EXISTS idempotency_keys (
	id          BINARY(32)     NOT NULL PRIMARY KEY,
	fingerprint BINARY(32)     NOT NULL,
	resource    VARBINARY(255) NOT NULL,
	expires_at  BIGINT         NOT NULL,
	KEY idempotency_keys_by_expiry (expires_at)
) ENGINE = InnoDB;
