-- +goose Up
-- What clients say of themselves (RFC 7591 section 2), and who may introspect for an audience.

-- Empty is any method, any algorithm, keys that are registered here, and nobody.
ALTER TABLE clients ADD COLUMN auth_method TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN assertion_algorithm TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN assertion_audience TEXT NOT NULL DEFAULT 'issuer';
ALTER TABLE clients ADD COLUMN jwks_uri TEXT NOT NULL DEFAULT '';
ALTER TABLE audiences ADD COLUMN introspection_client TEXT NOT NULL DEFAULT '';
