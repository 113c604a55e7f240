-- +goose Up
-- Access tokens that do not count any more though they have not expired.

-- revocations has one row for each kind and value; hash is half of the value's SHA-256. client_id
-- is the client that has revoked a token of its own, else ''.
CREATE TABLE IF NOT EXISTS revocations (
	kind       VARBINARY(16)  NOT NULL,
	hash       BINARY(16)     NOT NULL,
	id         VARBINARY(128) NOT NULL,
	value      VARBINARY(255) NOT NULL,
	before_at  BIGINT         NOT NULL,
	expires_at BIGINT         NOT NULL,
	created_at BIGINT         NOT NULL,
	client_id  VARBINARY(128) NOT NULL,
	PRIMARY KEY (kind, hash),
	KEY revocations_by_expiry (expires_at),
	KEY revocations_by_client (client_id, expires_at)
) ENGINE = InnoDB;
