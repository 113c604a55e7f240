-- +goose Up
-- Each statement can be run again: tables cannot be made in a transaction here, so a
-- migration that was cut off is run from its beginning.
-- Times are milliseconds since 1970, 0 for none. Lists are JSON arrays. Booleans are 0
-- and 1. Identifiers are VARBINARY: they compare by their bytes, trailing spaces
-- included, which no collation does that MySQL and MariaDB both have.

-- revision has one row. Administrative writes update it first, so they happen
-- one after another.
CREATE TABLE IF NOT EXISTS revision (
	id       SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
	revision BIGINT   NOT NULL
) ENGINE = InnoDB;
INSERT INTO revision (id, revision) SELECT 1, 0 FROM (SELECT 1 AS one) x WHERE NOT EXISTS (SELECT 1 FROM revision);

-- changes says what each revision touched; nodes drop just that from memory.
CREATE TABLE IF NOT EXISTS changes (
	revision   BIGINT         NOT NULL,
	kind       VARBINARY(64)  NOT NULL,
	entity_id  VARBINARY(255) NOT NULL,
	changed_at BIGINT         NOT NULL,
	PRIMARY KEY (revision, kind, entity_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS configuration (
	id             SMALLINT       NOT NULL PRIMARY KEY CHECK (id = 1),
	issuer         VARBINARY(255) NOT NULL,
	expiration     BIGINT         NOT NULL,
	max_refreshes  BIGINT         NOT NULL,
	refresh_grace  BIGINT         NOT NULL,
	version        BIGINT         NOT NULL,
	updated_at     BIGINT         NOT NULL
) ENGINE = InnoDB;

-- principals is the one namespace of user ids and client ids. Its rows stay
-- when the user or client goes, so that no id is ever given twice.
CREATE TABLE IF NOT EXISTS principals (
	id         VARBINARY(128) NOT NULL PRIMARY KEY,
	kind       VARBINARY(16)  NOT NULL CHECK (kind IN ('user', 'client')),
	created_at BIGINT         NOT NULL
) ENGINE = InnoDB;

-- version counts the changes of a row, for ETag. privileged marks holders of a
-- permission of this service itself, and administers holders of identity:admin, so that
-- the few are found without looking at all.
CREATE TABLE IF NOT EXISTS users (
	id            VARBINARY(128)   NOT NULL PRIMARY KEY,
	username      VARBINARY(255)   NOT NULL UNIQUE,
	password_hash VARBINARY(2048)  NOT NULL,
	hash_imported SMALLINT         NOT NULL,
	one_time      SMALLINT         NOT NULL,
	enabled       SMALLINT         NOT NULL,
	permissions   VARBINARY(16000) NOT NULL,
	audiences     VARBINARY(16000) NOT NULL,
	metadata      VARBINARY(8000)  NOT NULL,
	privileged    SMALLINT         NOT NULL,
	administers   SMALLINT         NOT NULL,
	version       BIGINT           NOT NULL,
	created_at    BIGINT           NOT NULL,
	updated_at    BIGINT           NOT NULL,
	last_login_at BIGINT           NOT NULL,
	tokens_from   BIGINT           NOT NULL,
	KEY users_by_state (enabled, username),
	KEY users_by_privilege (privileged),
	KEY users_by_administration (administers, enabled),
	FOREIGN KEY (id) REFERENCES principals (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

CREATE TABLE IF NOT EXISTS clients (
	id               VARBINARY(128)   NOT NULL PRIMARY KEY,
	name             VARBINARY(1020)  NOT NULL,
	enabled          SMALLINT         NOT NULL,
	require_proofs   VARBINARY(64)    NOT NULL,
	static_signature SMALLINT         NOT NULL,
	permissions      VARBINARY(16000) NOT NULL,
	audiences        VARBINARY(16000) NOT NULL,
	token_expiration BIGINT           NOT NULL,
	metadata         VARBINARY(8000)  NOT NULL,
	privileged       SMALLINT         NOT NULL,
	version          BIGINT           NOT NULL,
	created_at       BIGINT           NOT NULL,
	updated_at       BIGINT           NOT NULL,
	tokens_from      BIGINT           NOT NULL,
	KEY clients_by_privilege (privileged),
	KEY clients_by_lifetime (token_expiration),
	FOREIGN KEY (id) REFERENCES principals (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

CREATE TABLE IF NOT EXISTS client_secrets (
	id           VARBINARY(128)  NOT NULL PRIMARY KEY,
	client_id    VARBINARY(128)  NOT NULL,
	secret_hash  VARBINARY(2048) NOT NULL,
	chosen       SMALLINT        NOT NULL,
	label        VARBINARY(1020) NOT NULL,
	created_at   BIGINT          NOT NULL,
	expires_at   BIGINT          NOT NULL,
	last_used_at BIGINT          NOT NULL DEFAULT 0,
	KEY client_secrets_by_client (client_id),
	FOREIGN KEY (client_id) REFERENCES clients (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

CREATE TABLE IF NOT EXISTS client_keys (
	id           VARBINARY(128)  NOT NULL PRIMARY KEY,
	client_id    VARBINARY(128)  NOT NULL,
	kid          VARBINARY(255)  NOT NULL,
	public_jwk   VARBINARY(16000) NOT NULL,
	label        VARBINARY(1020) NOT NULL,
	created_at   BIGINT          NOT NULL,
	last_used_at BIGINT          NOT NULL DEFAULT 0,
	UNIQUE KEY client_keys_by_kid (client_id, kid),
	FOREIGN KEY (client_id) REFERENCES clients (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

-- signing_keys keeps private halves sealed: AES-256-GCM under a data key that is
-- a Fernet token under the ENCRYPTION_KEY named by private_wrapper_id. They are
-- empty once destroyed. tokens_until is when the last token has expired that was
-- issued under an earlier, longer jwt_expiration. default_key tells the key that signs
-- unless an audience asks for another algorithm from the keys that sign for those.
CREATE TABLE IF NOT EXISTS signing_keys (
	kid                VARBINARY(255)   NOT NULL PRIMARY KEY,
	algorithm          VARBINARY(16)    NOT NULL,
	public_jwk         VARBINARY(16000) NOT NULL,
	private_wrapper_id VARBINARY(255)   NOT NULL,
	private_data_key   VARBINARY(2048)  NOT NULL,
	private_ciphertext VARBINARY(32000) NOT NULL,
	default_key        SMALLINT         NOT NULL,
	created_at         BIGINT           NOT NULL,
	activates_at       BIGINT           NOT NULL,
	superseded_at      BIGINT           NOT NULL,
	retires_at         BIGINT           NOT NULL,
	tokens_until       BIGINT           NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

-- spent_assertions holds the SHA-256 of client and jti of every assertion that
-- was used, until it can no longer be valid anywhere.
CREATE TABLE IF NOT EXISTS spent_assertions (
	digest     BINARY(32) NOT NULL PRIMARY KEY,
	expires_at BIGINT     NOT NULL,
	KEY spent_assertions_by_expiry (expires_at)
) ENGINE = InnoDB;
