-- +goose Up
-- The life of tokens and keys: sessions that are refreshed, secrets that are sealed, and
-- jobs that one node does for all.

-- epoch is the time, in milliseconds, before which no session counts.
ALTER TABLE configuration ADD COLUMN session_max_age BIGINT NOT NULL DEFAULT 2592000000;
ALTER TABLE configuration ADD COLUMN key_rotation_interval BIGINT NOT NULL DEFAULT 0;
ALTER TABLE configuration ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;

ALTER TABLE clients ADD COLUMN token_algorithm TEXT NOT NULL DEFAULT '';

-- sessions has one row for each login that can be refreshed, however often it is.
-- counter is how often it was; the refresh token that carries it is the only one that
-- may be used. tokens_from is the user's at the login: a session under another one is
-- over, and so is one of another epoch. proofs is a JSON array (RFC 8176). Whatever was
-- ended can go after expires_at too, which is then set to soon: an index of ended_at would
-- be one of all those that live, and taken for a way to find them.
-- Rows change often: with room in each page the changes need no new index entries.
CREATE TABLE sessions (
	id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	user_id      TEXT COLLATE "C" NOT NULL REFERENCES principals (id),
	audience     TEXT COLLATE "C" NOT NULL,
	epoch        BIGINT           NOT NULL,
	tokens_from  BIGINT           NOT NULL,
	proofs       TEXT             NOT NULL,
	counter      BIGINT           NOT NULL,
	maximum      BIGINT           NOT NULL,
	created_at   BIGINT           NOT NULL,
	refreshed_at BIGINT           NOT NULL,
	expires_at   BIGINT           NOT NULL,
	ended_at     BIGINT           NOT NULL,
	ended_by     TEXT             NOT NULL,
	ip           TEXT             NOT NULL,
	user_agent   TEXT             NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- sealed_secrets are sealed like the private halves of signing_keys.
CREATE TABLE sealed_secrets (
	name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	version    BIGINT           NOT NULL,
	wrapper_id TEXT             NOT NULL,
	data_key   TEXT             NOT NULL,
	ciphertext BYTEA            NOT NULL,
	created_at BIGINT           NOT NULL
);

-- leases say which node does a job, and until when it has the right to.
CREATE TABLE leases (
	name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	holder     TEXT COLLATE "C" NOT NULL,
	expires_at BIGINT           NOT NULL
);
INSERT INTO leases (name, holder, expires_at) VALUES ('upkeep', '', 0);
