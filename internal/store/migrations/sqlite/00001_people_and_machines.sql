-- +goose Up
-- Times are milliseconds since 1970, 0 for none. Lists are JSON arrays.
-- Text compares by its bytes (BINARY is SQLite's default collation).

-- revision has one row. Administrative writes update it first, so they happen
-- one after another.
CREATE TABLE revision (
	id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
	revision INTEGER NOT NULL
) STRICT;
INSERT INTO revision (id, revision) VALUES (1, 0);

-- changes says what each revision touched; nodes drop just that from memory.
CREATE TABLE changes (
	revision   INTEGER NOT NULL,
	kind       TEXT   NOT NULL,
	entity_id  TEXT   NOT NULL,
	changed_at INTEGER NOT NULL,
	PRIMARY KEY (revision, kind, entity_id)
) STRICT;

CREATE TABLE configuration (
	id             INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
	issuer         TEXT    NOT NULL,
	expiration     INTEGER NOT NULL,
	max_refreshes  INTEGER NOT NULL,
	refresh_grace  INTEGER NOT NULL,
	version        INTEGER NOT NULL,
	updated_at     INTEGER NOT NULL
) STRICT;

-- principals is the one namespace of user ids and client ids. Its rows stay
-- when the user or client goes, so that no id is ever given twice.
CREATE TABLE principals (
	id         TEXT   NOT NULL PRIMARY KEY,
	kind       TEXT   NOT NULL CHECK (kind IN ('user', 'client')),
	created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
	id            TEXT    NOT NULL PRIMARY KEY REFERENCES principals (id),
	username      TEXT    NOT NULL UNIQUE,
	password_hash TEXT    NOT NULL,
	enabled       INTEGER NOT NULL,
	permissions   TEXT    NOT NULL,
	audiences     TEXT    NOT NULL,
	created_at    INTEGER NOT NULL,
	updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE clients (
	id               TEXT    NOT NULL PRIMARY KEY REFERENCES principals (id),
	name             TEXT    NOT NULL,
	enabled          INTEGER NOT NULL,
	require_proofs   TEXT    NOT NULL,
	static_signature INTEGER NOT NULL,
	permissions      TEXT    NOT NULL,
	audiences        TEXT    NOT NULL,
	created_at       INTEGER NOT NULL,
	updated_at       INTEGER NOT NULL
) STRICT;

CREATE TABLE client_secrets (
	id          TEXT    NOT NULL PRIMARY KEY,
	client_id   TEXT    NOT NULL REFERENCES clients (id),
	secret_hash TEXT    NOT NULL,
	chosen      INTEGER NOT NULL,
	label       TEXT    NOT NULL,
	created_at  INTEGER NOT NULL,
	expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

CREATE TABLE client_keys (
	id         TEXT   NOT NULL PRIMARY KEY,
	client_id  TEXT   NOT NULL REFERENCES clients (id),
	kid        TEXT   NOT NULL,
	public_jwk TEXT   NOT NULL,
	label      TEXT   NOT NULL,
	created_at INTEGER NOT NULL,
	UNIQUE (client_id, kid)
) STRICT;

-- signing_keys keeps private halves sealed: AES-256-GCM under a data key that is
-- a Fernet token under the ENCRYPTION_KEY named by private_wrapper_id. They are
-- empty once destroyed. tokens_until is when the last token has expired that was
-- issued under an earlier, longer jwt_expiration.
CREATE TABLE signing_keys (
	kid                TEXT   NOT NULL PRIMARY KEY,
	algorithm          TEXT   NOT NULL,
	public_jwk         TEXT   NOT NULL,
	private_wrapper_id TEXT   NOT NULL,
	private_data_key   TEXT   NOT NULL,
	private_ciphertext BLOB   NOT NULL,
	created_at         INTEGER NOT NULL,
	activates_at       INTEGER NOT NULL,
	superseded_at      INTEGER NOT NULL,
	retires_at         INTEGER NOT NULL,
	tokens_until       INTEGER NOT NULL
) STRICT;

-- spent_assertions holds the SHA-256 of client and jti of every assertion that
-- was used, until it can no longer be valid anywhere.
CREATE TABLE spent_assertions (
	digest     BLOB   NOT NULL PRIMARY KEY,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_assertions_by_expiry ON spent_assertions (expires_at);
