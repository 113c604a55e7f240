-- +goose Up
-- Times are milliseconds since 1970, 0 for none. Lists are JSON arrays. Booleans are 0
-- and 1. Names compare by their bytes, whatever the locale of the database.

-- revision has one row. Administrative writes update it first, so they happen
-- one after another.
CREATE TABLE revision (
	id       SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
	revision BIGINT   NOT NULL
);
INSERT INTO revision (id, revision) VALUES (1, 0);

-- changes says what each revision touched; nodes drop just that from memory.
CREATE TABLE changes (
	revision   BIGINT           NOT NULL,
	kind       TEXT COLLATE "C" NOT NULL,
	entity_id  TEXT COLLATE "C" NOT NULL,
	changed_at BIGINT           NOT NULL,
	PRIMARY KEY (revision, kind, entity_id)
);

CREATE TABLE configuration (
	id             SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
	issuer         TEXT     NOT NULL,
	expiration     BIGINT   NOT NULL,
	max_refreshes  BIGINT   NOT NULL,
	refresh_grace  BIGINT   NOT NULL,
	version        BIGINT   NOT NULL,
	updated_at     BIGINT   NOT NULL
);

-- principals is the one namespace of user ids and client ids. Its rows stay
-- when the user or client goes, so that no id is ever given twice.
CREATE TABLE principals (
	id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	kind       TEXT             NOT NULL CHECK (kind IN ('user', 'client')),
	created_at BIGINT           NOT NULL
);

-- version counts the changes of a row, for ETag. privileged marks holders of a
-- permission of this service itself, and administers holders of identity:admin, so that
-- the few are found without looking at all.
CREATE TABLE users (
	id            TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES principals (id),
	username      TEXT COLLATE "C" NOT NULL UNIQUE,
	password_hash TEXT COLLATE "C" NOT NULL,
	hash_imported SMALLINT         NOT NULL,
	one_time      SMALLINT         NOT NULL,
	enabled       SMALLINT         NOT NULL,
	permissions   TEXT COLLATE "C" NOT NULL,
	audiences     TEXT             NOT NULL,
	metadata      TEXT             NOT NULL,
	privileged    SMALLINT         NOT NULL,
	administers   SMALLINT         NOT NULL,
	version       BIGINT           NOT NULL,
	created_at    BIGINT           NOT NULL,
	updated_at    BIGINT           NOT NULL,
	last_login_at BIGINT           NOT NULL,
	tokens_from   BIGINT           NOT NULL
);
CREATE INDEX users_by_state ON users (enabled, username);
CREATE INDEX users_by_privilege ON users (id) WHERE privileged = 1;
CREATE INDEX users_by_administration ON users (id) WHERE administers = 1;

CREATE TABLE clients (
	id               TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES principals (id),
	name             TEXT             NOT NULL,
	enabled          SMALLINT         NOT NULL,
	require_proofs   TEXT             NOT NULL,
	static_signature SMALLINT         NOT NULL,
	permissions      TEXT COLLATE "C" NOT NULL,
	audiences        TEXT             NOT NULL,
	token_expiration BIGINT           NOT NULL,
	metadata         TEXT             NOT NULL,
	privileged       SMALLINT         NOT NULL,
	version          BIGINT           NOT NULL,
	created_at       BIGINT           NOT NULL,
	updated_at       BIGINT           NOT NULL,
	tokens_from      BIGINT           NOT NULL
);
CREATE INDEX clients_by_privilege ON clients (id) WHERE privileged = 1;
CREATE INDEX clients_by_lifetime ON clients (token_expiration);

CREATE TABLE client_secrets (
	id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	client_id    TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
	secret_hash  TEXT COLLATE "C" NOT NULL,
	chosen       SMALLINT         NOT NULL,
	label        TEXT             NOT NULL,
	created_at   BIGINT           NOT NULL,
	expires_at   BIGINT           NOT NULL,
	last_used_at BIGINT           NOT NULL DEFAULT 0
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

CREATE TABLE client_keys (
	id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	client_id    TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
	kid          TEXT COLLATE "C" NOT NULL,
	public_jwk   TEXT             NOT NULL,
	label        TEXT             NOT NULL,
	created_at   BIGINT           NOT NULL,
	last_used_at BIGINT           NOT NULL DEFAULT 0,
	UNIQUE (client_id, kid)
);

-- signing_keys keeps private halves sealed: AES-256-GCM under a data key that is
-- a Fernet token under the ENCRYPTION_KEY named by private_wrapper_id. They are
-- empty once destroyed. tokens_until is when the last token has expired that was
-- issued under an earlier, longer jwt_expiration. default_key tells the key that signs
-- unless an audience asks for another algorithm from the keys that sign for those.
CREATE TABLE signing_keys (
	kid                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	algorithm          TEXT             NOT NULL,
	public_jwk         TEXT             NOT NULL,
	private_wrapper_id TEXT             NOT NULL,
	private_data_key   TEXT             NOT NULL,
	private_ciphertext BYTEA            NOT NULL,
	default_key        SMALLINT         NOT NULL,
	created_at         BIGINT           NOT NULL,
	activates_at       BIGINT           NOT NULL,
	superseded_at      BIGINT           NOT NULL,
	retires_at         BIGINT           NOT NULL,
	tokens_until       BIGINT           NOT NULL
);

-- spent_assertions holds the SHA-256 of client and jti of every assertion that
-- was used, until it can no longer be valid anywhere.
CREATE TABLE spent_assertions (
	digest     BYTEA  NOT NULL PRIMARY KEY,
	expires_at BIGINT NOT NULL
);
CREATE INDEX spent_assertions_by_expiry ON spent_assertions (expires_at);
