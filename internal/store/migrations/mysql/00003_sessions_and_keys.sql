-- +goose Up
-- The life of tokens and keys: sessions that are refreshed, secrets that are sealed, and
-- jobs that one node does for all. Each statement can be run again; MySQL cannot say ADD
-- COLUMN IF NOT EXISTS, so that is asked first.

-- epoch is the time, in milliseconds, before which no session counts.
SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE configuration ADD COLUMN session_max_age BIGINT NOT NULL DEFAULT 2592000000' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'configuration' AND column_name = 'session_max_age');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE configuration ADD COLUMN key_rotation_interval BIGINT NOT NULL DEFAULT 0' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'configuration' AND column_name = 'key_rotation_interval');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE configuration ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'configuration' AND column_name = 'epoch');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE clients ADD COLUMN token_algorithm VARBINARY(16) NOT NULL DEFAULT ''''' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'clients' AND column_name = 'token_algorithm');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

-- sessions has one row for each login that can be refreshed, however often it is.
-- counter is how often it was; the refresh token that carries it is the only one that
-- may be used. tokens_from is the user's at the login: a session under another one is
-- over, and so is one of another epoch. proofs is a JSON array (RFC 8176). Whatever was
-- ended can go after expires_at too, which is then set to soon: an index of ended_at would
-- be one of all those that live, and taken for a way to find them.
CREATE TABLE IF NOT EXISTS sessions (
	id           VARBINARY(128)  NOT NULL PRIMARY KEY,
	user_id      VARBINARY(128)  NOT NULL,
	audience     VARBINARY(255)  NOT NULL,
	epoch        BIGINT          NOT NULL,
	tokens_from  BIGINT          NOT NULL,
	proofs       VARBINARY(1024) NOT NULL,
	counter      BIGINT          NOT NULL,
	maximum      BIGINT          NOT NULL,
	created_at   BIGINT          NOT NULL,
	refreshed_at BIGINT          NOT NULL,
	expires_at   BIGINT          NOT NULL,
	ended_at     BIGINT          NOT NULL,
	ended_by     VARBINARY(64)   NOT NULL,
	ip           VARBINARY(64)   NOT NULL,
	user_agent   VARBINARY(1020) NOT NULL,
	KEY sessions_by_user (user_id, id),
	KEY sessions_by_expiry (expires_at),
	FOREIGN KEY (user_id) REFERENCES principals (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

-- sealed_secrets are sealed like the private halves of signing_keys.
CREATE TABLE IF NOT EXISTS sealed_secrets (
	name       VARBINARY(64)    NOT NULL PRIMARY KEY,
	version    BIGINT           NOT NULL,
	wrapper_id VARBINARY(255)   NOT NULL,
	data_key   VARBINARY(2048)  NOT NULL,
	ciphertext VARBINARY(32000) NOT NULL,
	created_at BIGINT           NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

-- leases say which node does a job, and until when it has the right to.
CREATE TABLE IF NOT EXISTS leases (
	name       VARBINARY(64)  NOT NULL PRIMARY KEY,
	holder     VARBINARY(255) NOT NULL,
	expires_at BIGINT         NOT NULL
) ENGINE = InnoDB;
INSERT INTO leases (name, holder, expires_at) SELECT 'upkeep', '', 0 FROM (SELECT 1 AS one) x WHERE NOT EXISTS (SELECT 1 FROM leases);
