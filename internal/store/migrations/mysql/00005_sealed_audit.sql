-- +goose Up
-- The audit gets a chain of hashes that is signed.

-- seq is given by the database, in the order of arrival. number is the place in the chain,
-- from 1 without gaps, and hash the SHA-256 of the event and the hash before; 0 and empty
-- until the event is sealed, which is soon.
SET @add_columns = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE audit_events MODIFY COLUMN seq BIGINT NOT NULL AUTO_INCREMENT,
		ADD COLUMN number BIGINT NOT NULL DEFAULT 0, ADD COLUMN hash VARBINARY(32) NOT NULL DEFAULT '''', ADD KEY audit_events_by_number (number, seq)' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'audit_events' AND column_name = 'number');
PREPARE add_columns FROM @add_columns;
EXECUTE add_columns;
DEALLOCATE PREPARE add_columns;

-- audit_chain has one row, the end of the chain. Whoever adds to the chain moves it from
-- where it was: so nobody adds at a place where another has.
CREATE TABLE IF NOT EXISTS audit_chain (
	id     SMALLINT      NOT NULL PRIMARY KEY CHECK (id = 1),
	number BIGINT        NOT NULL,
	hash   VARBINARY(32) NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
INSERT IGNORE INTO audit_chain (id, number, hash) VALUES (1, 0, '');

-- audit_statements are signed, as compact JWS: heads say which hash stands at a number, and
-- cuts up to which number the audit was cut.
CREATE TABLE IF NOT EXISTS audit_statements (
	number    BIGINT         NOT NULL,
	kind      VARBINARY(16)  NOT NULL CHECK (kind IN ('head', 'cut')),
	statement VARBINARY(2048) NOT NULL,
	made_at   BIGINT         NOT NULL,
	PRIMARY KEY (number, kind)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

INSERT INTO leases (name, holder, expires_at) SELECT 'audit', '', 0 FROM (SELECT 1 AS one) x WHERE NOT EXISTS (SELECT 1 FROM leases WHERE name = 'audit');
