-- +goose Up
-- The attempts to be somebody that have not succeeded.

-- throttles has one row for each key: a name, whether or not anybody has it, or a name
-- with an address that is familiar, whose owner is then the row of the name. next_at is
-- when the next attempt may begin. Anybody can make rows by inventing names: they expire,
-- and there is a cap, beyond which those with the fewest attempts go.
CREATE TABLE throttles (
	id         TEXT    NOT NULL PRIMARY KEY,
	owner      TEXT    NOT NULL,
	kind       TEXT    NOT NULL,
	name       TEXT    NOT NULL,
	source     TEXT    NOT NULL,
	attempts   INTEGER NOT NULL,
	began_at   INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX throttles_by_expiry ON throttles (expires_at);
CREATE INDEX throttles_by_owner ON throttles (owner, attempts, updated_at);
CREATE INDEX throttles_by_attempts ON throttles (attempts, id);
