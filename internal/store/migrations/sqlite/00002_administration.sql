-- +goose Up
-- What administration over HTTP needs. version counts the changes of a row, for
-- ETag. privileged marks holders of a permission of this service itself, and
-- administers holders of identity:admin, so that the few are found without looking
-- at all.

ALTER TABLE users ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN hash_imported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN one_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN last_login_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN privileged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN administers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN tokens_from INTEGER NOT NULL DEFAULT 0;
UPDATE users SET privileged = 1 WHERE instr(permissions, '"identity:') > 0;
UPDATE users SET administers = 1 WHERE instr(permissions, '"identity:admin"') > 0;
CREATE INDEX users_by_state ON users (enabled, username);
CREATE INDEX users_by_privilege ON users (privileged);
CREATE INDEX users_by_administration ON users (administers, enabled);

ALTER TABLE clients ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE clients ADD COLUMN token_expiration INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE clients ADD COLUMN tokens_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN privileged INTEGER NOT NULL DEFAULT 0;
UPDATE clients SET privileged = 1 WHERE instr(permissions, '"identity:') > 0;

ALTER TABLE client_secrets ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE client_keys ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;

CREATE TABLE roles (
	id          TEXT    NOT NULL PRIMARY KEY,
	name        TEXT    NOT NULL UNIQUE,
	permissions TEXT    NOT NULL,
	privileged  INTEGER NOT NULL,
	administers INTEGER NOT NULL,
	version     INTEGER NOT NULL,
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE principal_roles (
	principal_id TEXT NOT NULL REFERENCES principals (id),
	role_id      TEXT NOT NULL REFERENCES roles (id),
	PRIMARY KEY (principal_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX principal_roles_by_role ON principal_roles (role_id, principal_id);

-- audiences is the register of audiences. An empty permissions or algorithm and a
-- token_expiration of 0 say nothing of tokens for it.
CREATE TABLE audiences (
	id               TEXT    NOT NULL PRIMARY KEY,
	audience         TEXT    NOT NULL UNIQUE,
	name             TEXT    NOT NULL,
	permissions      TEXT    NOT NULL,
	token_expiration INTEGER NOT NULL,
	algorithm        TEXT    NOT NULL,
	version          INTEGER NOT NULL,
	created_at       INTEGER NOT NULL,
	updated_at       INTEGER NOT NULL
) STRICT;

-- default_key tells the key that signs unless an audience asks for another
-- algorithm from the keys that sign for those.
ALTER TABLE signing_keys ADD COLUMN default_key INTEGER NOT NULL DEFAULT 1;

-- audit_events is only ever added to. seq is the order in which that happened.
CREATE TABLE audit_events (
	seq        INTEGER NOT NULL PRIMARY KEY,
	id         TEXT    NOT NULL UNIQUE,
	at         INTEGER NOT NULL,
	event      TEXT    NOT NULL,
	outcome    TEXT    NOT NULL,
	actor      TEXT    NOT NULL,
	target     TEXT    NOT NULL,
	ip         TEXT    NOT NULL,
	request_id TEXT    NOT NULL,
	detail     TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE INDEX audit_events_by_event ON audit_events (event, seq);
CREATE INDEX audit_events_by_outcome ON audit_events (outcome, seq);
CREATE INDEX audit_events_by_actor ON audit_events (actor, seq);
CREATE INDEX audit_events_by_target ON audit_events (target, seq);
CREATE INDEX audit_events_by_ip ON audit_events (ip, seq);
CREATE INDEX audit_events_by_request ON audit_events (request_id, seq);
