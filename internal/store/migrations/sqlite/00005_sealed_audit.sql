-- +goose Up
-- The audit gets a chain of hashes that is signed.

-- seq is given by the database, in the order of arrival. number is the place in the chain,
-- from 1 without gaps, and hash the SHA-256 of the event and the hash before; 0 and empty
-- until the event is sealed, which is soon.
ALTER TABLE audit_events ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit_events ADD COLUMN hash BLOB NOT NULL DEFAULT x'';
CREATE INDEX audit_events_by_number ON audit_events (number, seq);

-- audit_chain has one row, the end of the chain. Whoever adds to the chain moves it from
-- where it was: so nobody adds at a place where another has.
CREATE TABLE audit_chain (
	id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
	number INTEGER NOT NULL,
	hash   BLOB    NOT NULL
) STRICT;
INSERT INTO audit_chain (id, number, hash) VALUES (1, 0, x'');

-- audit_statements are signed, as compact JWS: heads say which hash stands at a number, and
-- cuts up to which number the audit was cut.
CREATE TABLE audit_statements (
	number    INTEGER NOT NULL,
	kind      TEXT    NOT NULL CHECK (kind IN ('head', 'cut')),
	statement TEXT    NOT NULL,
	made_at   INTEGER NOT NULL,
	PRIMARY KEY (number, kind)
) STRICT;

INSERT INTO leases (name, holder, expires_at) VALUES ('audit', '', 0);
