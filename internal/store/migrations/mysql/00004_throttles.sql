-- +goose Up
-- The attempts to be somebody that have not succeeded.

-- throttles has one row for each key: a name, whether or not anybody has it, or a name
-- with an address that is familiar, whose owner is then the row of the name. next_at is
-- when the next attempt may begin. Anybody can make rows by inventing names: they expire,
-- and there is a cap, beyond which those with the fewest attempts go.
CREATE TABLE IF NOT EXISTS throttles (
	id         VARBINARY(64)  NOT NULL PRIMARY KEY,
	owner      VARBINARY(64)  NOT NULL,
	kind       VARBINARY(64)  NOT NULL,
	name       VARBINARY(255) NOT NULL,
	source     VARBINARY(64)  NOT NULL,
	attempts   BIGINT         NOT NULL,
	began_at   BIGINT         NOT NULL,
	next_at    BIGINT         NOT NULL,
	updated_at BIGINT         NOT NULL,
	expires_at BIGINT         NOT NULL,
	KEY throttles_by_expiry (expires_at),
	KEY throttles_by_owner (owner, attempts, updated_at),
	KEY throttles_by_attempts (attempts, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
