-- +goose Up
-- What administration over HTTP needs beside the principals. Each statement can be run
-- again.

CREATE TABLE IF NOT EXISTS roles (
	id          VARBINARY(128)   NOT NULL PRIMARY KEY,
	name        VARBINARY(1020)  NOT NULL UNIQUE,
	permissions VARBINARY(16000) NOT NULL,
	privileged  SMALLINT         NOT NULL,
	administers SMALLINT         NOT NULL,
	version     BIGINT           NOT NULL,
	created_at  BIGINT           NOT NULL,
	updated_at  BIGINT           NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

CREATE TABLE IF NOT EXISTS principal_roles (
	principal_id VARBINARY(128) NOT NULL,
	role_id      VARBINARY(128) NOT NULL,
	PRIMARY KEY (principal_id, role_id),
	KEY principal_roles_by_role (role_id, principal_id),
	FOREIGN KEY (principal_id) REFERENCES principals (id),
	FOREIGN KEY (role_id) REFERENCES roles (id)
) ENGINE = InnoDB;

-- audiences is the register of audiences. An empty permissions or algorithm and a
-- token_expiration of 0 say nothing of tokens for it.
CREATE TABLE IF NOT EXISTS audiences (
	id               VARBINARY(128)   NOT NULL PRIMARY KEY,
	audience         VARBINARY(255)   NOT NULL UNIQUE,
	name             VARBINARY(1020)  NOT NULL,
	permissions      VARBINARY(16000) NOT NULL,
	token_expiration BIGINT           NOT NULL,
	algorithm        VARBINARY(16)    NOT NULL,
	version          BIGINT           NOT NULL,
	created_at       BIGINT           NOT NULL,
	updated_at       BIGINT           NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

-- audit_events is only ever added to. seq is the order in which that happened.
CREATE TABLE IF NOT EXISTS audit_events (
	seq        BIGINT         NOT NULL PRIMARY KEY,
	id         VARBINARY(128) NOT NULL UNIQUE,
	at         BIGINT         NOT NULL,
	event      VARBINARY(128) NOT NULL,
	outcome    VARBINARY(32)  NOT NULL,
	actor      VARBINARY(255) NOT NULL,
	target     VARBINARY(1020) NOT NULL,
	ip         VARBINARY(64)  NOT NULL,
	request_id VARBINARY(128) NOT NULL,
	detail     MEDIUMBLOB     NOT NULL,
	KEY audit_events_by_time (at),
	KEY audit_events_by_event (event, seq),
	KEY audit_events_by_outcome (outcome, seq),
	KEY audit_events_by_actor (actor, seq),
	KEY audit_events_by_target (target, seq),
	KEY audit_events_by_ip (ip, seq),
	KEY audit_events_by_request (request_id, seq)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
