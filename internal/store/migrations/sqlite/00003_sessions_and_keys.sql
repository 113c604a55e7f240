-- +goose Up
-- The life of tokens and keys: sessions that are refreshed, secrets that are sealed, and
-- jobs that one node does for all.

-- epoch is the time, in milliseconds, before which no session counts.
ALTER TABLE configuration ADD COLUMN session_max_age INTEGER NOT NULL DEFAULT 2592000000;
ALTER TABLE configuration ADD COLUMN key_rotation_interval INTEGER NOT NULL DEFAULT 0;
ALTER TABLE configuration ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

ALTER TABLE clients ADD COLUMN token_algorithm TEXT NOT NULL DEFAULT '';

-- sessions has one row for each login that can be refreshed, however often it is.
-- counter is how often it was; the refresh token that carries it is the only one that
-- may be used. tokens_from is the user's at the login: a session under another one is
-- over, and so is one of another epoch. proofs is a JSON array (RFC 8176). Whatever was
-- ended can go after expires_at too, which is then set to soon: an index of ended_at would
-- be one of all those that live, and taken for a way to find them.
CREATE TABLE sessions (
	id           TEXT    NOT NULL PRIMARY KEY,
	user_id      TEXT    NOT NULL REFERENCES principals (id),
	audience     TEXT    NOT NULL,
	epoch        INTEGER NOT NULL,
	tokens_from  INTEGER NOT NULL,
	proofs       TEXT    NOT NULL,
	counter      INTEGER NOT NULL,
	maximum      INTEGER NOT NULL,
	created_at   INTEGER NOT NULL,
	refreshed_at INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL,
	ended_at     INTEGER NOT NULL,
	ended_by     TEXT    NOT NULL,
	ip           TEXT    NOT NULL,
	user_agent   TEXT    NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- sealed_secrets are sealed like the private halves of signing_keys.
CREATE TABLE sealed_secrets (
	name       TEXT    NOT NULL PRIMARY KEY,
	version    INTEGER NOT NULL,
	wrapper_id TEXT    NOT NULL,
	data_key   TEXT    NOT NULL,
	ciphertext BLOB    NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

-- leases say which node does a job, and until when it has the right to.
CREATE TABLE leases (
	name       TEXT    NOT NULL PRIMARY KEY,
	holder     TEXT    NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;
INSERT INTO leases (name, holder, expires_at) VALUES ('upkeep', '', 0);
