-- +goose Up
-- The attempts to be somebody that have not succeeded.

-- throttles has one row for each key: a name, whether or not anybody has it, or a name
-- with an address that is familiar, whose owner is then the row of the name. next_at is
-- when the next attempt may begin. Anybody can make rows by inventing names: they expire,
-- and there is a cap, beyond which those with the fewest attempts go.
CREATE TABLE throttles (
	id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	owner      TEXT COLLATE "C" NOT NULL,
	kind       TEXT             NOT NULL,
	name       TEXT             NOT NULL,
	source     TEXT             NOT NULL,
	attempts   BIGINT           NOT NULL,
	began_at   BIGINT           NOT NULL,
	next_at    BIGINT           NOT NULL,
	updated_at BIGINT           NOT NULL,
	expires_at BIGINT           NOT NULL
);
CREATE INDEX throttles_by_expiry ON throttles (expires_at);
CREATE INDEX throttles_by_owner ON throttles (owner, attempts, updated_at);
CREATE INDEX throttles_by_attempts ON throttles (attempts, id);
