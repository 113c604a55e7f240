-- +goose Up
-- What clients say of themselves (RFC 7591 section 2), and who may introspect for an audience.

-- Empty is any method, any algorithm, keys that are registered here, and nobody. MySQL cannot say ADD
-- COLUMN IF NOT EXISTS, so that is asked first.
SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE clients ADD COLUMN auth_method VARBINARY(32) NOT NULL DEFAULT ''''' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'clients' AND column_name = 'auth_method');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE clients ADD COLUMN assertion_algorithm VARBINARY(16) NOT NULL DEFAULT ''''' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'clients' AND column_name = 'assertion_algorithm');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE clients ADD COLUMN assertion_audience VARBINARY(32) NOT NULL DEFAULT ''issuer''' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'clients' AND column_name = 'assertion_audience');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE clients ADD COLUMN jwks_uri VARBINARY(2048) NOT NULL DEFAULT ''''' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'clients' AND column_name = 'jwks_uri');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
SET @add_column = (SELECT CASE COUNT(*) WHEN 0 THEN 'ALTER TABLE audiences ADD COLUMN introspection_client VARBINARY(128) NOT NULL DEFAULT ''''' ELSE 'DO 0' END
	FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'audiences' AND column_name = 'introspection_client');
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
