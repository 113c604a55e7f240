-- +goose Up
-- What administration over HTTP needs beside the principals.

CREATE TABLE roles (
	id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	name        TEXT COLLATE "C" NOT NULL UNIQUE,
	permissions TEXT COLLATE "C" NOT NULL,
	privileged  SMALLINT         NOT NULL,
	administers SMALLINT         NOT NULL,
	version     BIGINT           NOT NULL,
	created_at  BIGINT           NOT NULL,
	updated_at  BIGINT           NOT NULL
);

CREATE TABLE principal_roles (
	principal_id TEXT COLLATE "C" NOT NULL REFERENCES principals (id),
	role_id      TEXT COLLATE "C" NOT NULL REFERENCES roles (id),
	PRIMARY KEY (principal_id, role_id)
);
CREATE INDEX principal_roles_by_role ON principal_roles (role_id, principal_id);

-- audiences is the register of audiences. An empty permissions or algorithm and a
-- token_expiration of 0 say nothing of tokens for it.
CREATE TABLE audiences (
	id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	audience         TEXT COLLATE "C" NOT NULL UNIQUE,
	name             TEXT             NOT NULL,
	permissions      TEXT COLLATE "C" NOT NULL,
	token_expiration BIGINT           NOT NULL,
	algorithm        TEXT             NOT NULL,
	version          BIGINT           NOT NULL,
	created_at       BIGINT           NOT NULL,
	updated_at       BIGINT           NOT NULL
);

-- audit_events is only ever added to. seq is the order in which that happened.
CREATE TABLE audit_events (
	seq        BIGINT           NOT NULL PRIMARY KEY,
	id         TEXT COLLATE "C" NOT NULL UNIQUE,
	at         BIGINT           NOT NULL,
	event      TEXT COLLATE "C" NOT NULL,
	outcome    TEXT COLLATE "C" NOT NULL,
	actor      TEXT COLLATE "C" NOT NULL,
	target     TEXT COLLATE "C" NOT NULL,
	ip         TEXT COLLATE "C" NOT NULL,
	request_id TEXT COLLATE "C" NOT NULL,
	detail     TEXT             NOT NULL
);
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE INDEX audit_events_by_event ON audit_events (event, seq);
CREATE INDEX audit_events_by_outcome ON audit_events (outcome, seq);
CREATE INDEX audit_events_by_actor ON audit_events (actor, seq);
CREATE INDEX audit_events_by_target ON audit_events (target, seq);
CREATE INDEX audit_events_by_ip ON audit_events (ip, seq);
CREATE INDEX audit_events_by_request ON audit_events (request_id, seq);
