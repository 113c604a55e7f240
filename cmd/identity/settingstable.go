package main

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/breach"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// settingsTable lists every variable of the environment. The table in the README
// is made from it.
func settingsTable() []setting {
	return []setting{
		{name: "PORT", fallback: "8080", purpose: "Port that the service listens on; 0 picks a free one.",
			expected: "a port, 0 to 65535", set: setInt(func(s *settings) *int { return &s.port }, 0, 65535)},
		{name: "HOST", purpose: "Address that it listens on; not set is all interfaces (`identity dev`: 127.0.0.1).",
			expected: "an IP address or a host name", set: setString(func(s *settings) *string { return &s.host })},
		{name: "OPS_PORT", purpose: "Port for `/metrics` and the details of `/readyz`, which are then not on `PORT`.",
			expected: "a port, 0 to 65535, other than PORT", set: setInt(func(s *settings) *int { return &s.opsPort }, 0, 65535)},

		{name: "ENCRYPTION_KEY", secret: true, purpose: "Fernet keys, comma-separated, under which signing keys are sealed: the first encrypts, all decrypt. Not set: on SQLite one is made beside the database.",
			expected: "one or more Fernet keys: url-safe base64 of 64 bytes (or of 32), separated by commas", set: setEncryptionKey},

		{name: "DATABASE_DRIVER", fallback: string(store.SQLite), purpose: "Database. SQLAlchemy spellings such as `postgresql+psycopg2` mean the same.",
			expected: "sqlite, postgresql or mysql (SQLAlchemy spellings are understood)", set: setDriver},
		{name: "DATABASE_PATH", fallback: "data/identity.db", purpose: "SQLite: the database file.",
			expected: "a path", set: setString(func(s *settings) *string { return &s.database.Path })},
		{name: "DATABASE_HOST", purpose: "Host of the database server, or several separated by commas, of which the first that can be written to is used.",
			expected: "a host name, an address, or the path of a Unix socket", set: setString(func(s *settings) *string { return &s.database.Server.Host })},
		{name: "DATABASE_PORT", purpose: "Port of the database server, for hosts that name none; not set is the driver's own.",
			expected: "a port, 1 to 65535", set: setInt(func(s *settings) *int { return &s.database.Server.Port }, 1, 65535)},
		{name: "DATABASE_USERNAME", purpose: "User of the database.",
			expected: "a name", set: setString(func(s *settings) *string { return &s.database.Server.Username })},
		{name: "DATABASE_PASSWORD", secret: true, purpose: "Password of that user.",
			expected: "a password", set: func(s *settings, value string) error {
				s.database.Server.Password = identity.NewSecret(value)
				return nil
			}},
		{name: "DATABASE_SCHEMA_NAME", purpose: "PostgreSQL: the schema, made if it is missing. MySQL and MariaDB: the database.",
			expected: "a name", set: setString(func(s *settings) *string { return &s.database.Server.Schema })},
		{name: "DATABASE_NAME", purpose: "PostgreSQL: the database; not set is the name of the schema.",
			expected: "a name", set: setString(func(s *settings) *string { return &s.database.Server.Database })},
		{name: "DATABASE_CONNECTION_POOL_SIZE", fallback: "10", purpose: "Connections to the database server that are kept open.",
			expected: "a number, 1 to 1000", set: setInt(func(s *settings) *int { return &s.database.Server.PoolSize }, 1, 1000)},
		{name: "DATABASE_CONNECTION_MAX_OVERFLOW", fallback: "10", purpose: "Connections beyond those, closed when idle.",
			expected: "a number, 0 to 1000", set: setInt(func(s *settings) *int { return &s.database.Server.Overflow }, 0, 1000)},
		{name: "DATABASE_SSL_MODE", fallback: "prefer", purpose: "TLS to the database, with libpq's meaning.",
			expected: "disable, allow, prefer, require, verify-ca or verify-full",
			set:      setOneOf(func(s *settings) *string { return &s.database.Server.TLS.Mode }, "disable", "allow", "prefer", "require", "verify-ca", "verify-full")},
		{name: "DATABASE_SSL_ROOT_CERT", purpose: "PEM file of the CA that the database's certificate must come from, or `system` for those of this machine (then with `verify-full`).",
			expected: "a readable file, or system", set: setRootCert},
		{name: "DATABASE_SSL_CERT", purpose: "PEM file of the certificate to show the database.",
			expected: "a readable file", set: setFile(func(s *settings) *string { return &s.database.Server.TLS.Cert })},
		{name: "DATABASE_SSL_KEY", purpose: "PEM file of that certificate's private key.",
			expected: "a readable file", set: setFile(func(s *settings) *string { return &s.database.Server.TLS.Key })},

		{name: "TLS_CERT_FILE", purpose: "PEM file of the service's own certificate; with it TLS is served. Read again when it changes.",
			expected: "a readable file", set: setFile(func(s *settings) *string { return &s.tlsCertFile })},
		{name: "TLS_KEY_FILE", purpose: "PEM file of that certificate's private key.",
			expected: "a readable file", set: setFile(func(s *settings) *string { return &s.tlsKeyFile })},
		{name: "ALLOWED_ORIGINS", purpose: "Origins that may call `/auth` and `/.well-known` from a browser (CORS), comma-separated; not set is none.",
			expected: "origins such as https://app.example.com, separated by commas", set: setList(addOrigin)},
		{name: "TRUSTED_PROXIES", purpose: "Networks of the proxies whose `Forwarded` and `X-Forwarded-For` are believed, comma-separated; not set is none.",
			expected: "networks such as 10.0.0.0/8, or addresses, separated by commas", set: setList(addProxy)},
		{name: "ADDRESS_FAILURES_PER_MINUTE", fallback: "60", purpose: "Failed attempts that one address (of IPv6: one /64) may make in a minute, on each node; 0 is any number.",
			expected: "a number, 0 to 100000", set: setInt(func(s *settings) *int { return &s.addressFailures }, 0, 100_000)},
		{name: "AUDIT_RETENTION_DAYS", fallback: "0", purpose: "Days after which events leave the audit, with a signed statement in their place ([docs/audit.md](docs/audit.md)); 0 is never.",
			expected: "a number of days, 0 to 36500", set: setInt(func(s *settings) *int { return &s.auditRetentionDays }, 0, 36_500)},
		{name: "PASSWORD_RANGE_URL", purpose: "Service that is asked whether a new password is known from a breach, by the range API of Have I Been Pwned, such as `https://api.pwnedpasswords.com/range`; not set is none ([docs/passwords.md](docs/passwords.md)).",
			expected: "an https URL, or an http URL of the loopback interface, without user, query and fragment", set: setRangeURL},
		{name: "JWKS_URI_NETWORKS", purpose: "Networks from which the keys of clients may be fetched (`jwks_uri`) although they are not public, and with http, comma-separated; not set is none ([docs/oauth.md](docs/oauth.md)).",
			expected: "networks such as 10.0.0.0/8, or addresses, separated by commas", set: setList(addKeysNetwork)},
		{name: "API_DOCS", fallback: "on", purpose: "`off` leaves out `/openapi.json`, `/docs` and `/redoc`.",
			expected: "on or off", set: setOneOf(func(s *settings) *string { return &s.apiDocs }, "on", "off")},

		{name: "HASH_MEMORY", purpose: "Memory that all password hashes that run may take together; one takes 19MiB, an imported one what it was made with. Not set: 19MiB for each core and 256MiB at least, but at most a quarter of the machine's or the container's memory.",
			expected: "an amount with its unit, such as 64MiB or 1GiB, from 19MiB, which is one hash, to 1024GiB", set: setMemory(func(s *settings) *int64 { return &s.hashMemory }, int64(argon2.DefaultParams().Memory), 1<<30)},
		{name: "MAX_CONNECTIONS", fallback: strconv.Itoa(server.DefaultConnections), purpose: "Connections to `PORT` that may be open, no more than the limit of open files has room for. Beyond it the one that has been without a request for longest is closed for a new one.",
			expected: "a number, 16 to 1000000", set: setInt(func(s *settings) *int { return &s.limits.Connections }, 16, 1_000_000)},
		{name: "MAX_CONNECTIONS_PER_ADDRESS", fallback: strconv.Itoa(server.DefaultConnectionsPerAddress), purpose: "The same of one IPv4 address or IPv6 /64; this machine and `TRUSTED_PROXIES` have no such limit.",
			expected: "a number, 1 to 1000000", set: setInt(func(s *settings) *int { return &s.limits.ConnectionsPerAddress }, 1, 1_000_000)},
		{name: "MAX_REQUESTS", purpose: "Requests that are worked on at once; beyond it the answer is 503 `overloaded`. Not set: 200, and 33 for each slot for hashing.",
			expected: "a number, 1 to 1000000", set: setInt(func(s *settings) *int { return &s.limits.Requests }, 1, 1_000_000)},

		{name: "LOG_LEVEL", fallback: "info", purpose: "Least level that is logged.",
			expected: "debug, info, warn or error", set: setLogLevel},
		{name: "LOG_FORMAT", fallback: "json", purpose: "Form of the log (`identity dev`: text).",
			expected: "json or text", set: setOneOf(func(s *settings) *string { return &s.logFormat }, "json", "text")},

		{name: "ADMIN_USERNAME", fallback: "admin", firstStart: true, purpose: "First administrator.",
			expected: "a PRECIS username (RFC 8265)", set: setAdminUsername},
		{name: "ADMIN_PASSWORD", secret: true, firstStart: true, purpose: "Their password; not set: one is made and shown once on stderr.",
			expected: "a password of 8 to 1024 characters that is neither a common one nor like the username", set: setAdminPassword},
		{name: "JWT_ISSUER", firstStart: true, purpose: "Issuer of tokens; not set is `http://localhost:PORT`, with a warning.",
			expected: "1 to 255 printable ASCII characters without space", set: setIssuer},
		{name: "JWT_ALGORITHM", fallback: "ES256", firstStart: true, purpose: "Algorithm of the first signing key.",
			expected: "ES256, ES384, RS256, PS256 or EdDSA", set: setAlgorithm},
	}
}

// setDriver takes a driver in the product's or SQLAlchemy's spelling, which is
// dialect+library.
func setDriver(s *settings, value string) error {
	dialect, _, _ := strings.Cut(strings.ToLower(value), "+")
	switch dialect {
	case "sqlite", "sqlite3":
		s.database.Driver = store.SQLite
	case "postgresql", "postgres":
		s.database.Driver = store.PostgreSQL
	case "mysql", "mariadb":
		s.database.Driver = store.MySQL
	default:
		return errExpected
	}
	return nil
}

func setRootCert(s *settings, value string) error {
	if value == store.SystemRoots {
		s.database.Server.TLS.RootCert = value
		return nil
	}
	return setFile(func(s *settings) *string { return &s.database.Server.TLS.RootCert })(s, value)
}

func addOrigin(s *settings, part string) error {
	if err := web.CheckOrigin(part); err != nil {
		return err
	}
	s.allowedOrigins = append(s.allowedOrigins, part)
	return nil
}

func addProxy(s *settings, part string) error { return addNetwork(&s.trustedProxies, part) }

func addKeysNetwork(s *settings, part string) error { return addNetwork(&s.keysNetworks, part) }

// addNetwork adds a network, or one address.
func addNetwork(list *[]netip.Prefix, part string) error {
	network, err := netip.ParsePrefix(part)
	if err != nil {
		address, err := netip.ParseAddr(part)
		if err != nil {
			return errExpected
		}
		network = netip.PrefixFrom(address, address.BitLen())
	}
	*list = append(*list, network)
	return nil
}

func setRangeURL(s *settings, value string) error {
	s.passwordRangeURL = value
	return breach.CheckURL(value)
}

func setLogLevel(s *settings, value string) error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, value) {
		return errExpected
	}
	return s.logLevel.UnmarshalText([]byte(value))
}

func setAdminUsername(s *settings, value string) error {
	name, err := identity.CanonicalUsername(value)
	s.adminUsername = name
	return err
}

func setAdminPassword(s *settings, value string) error {
	s.adminPassword = identity.NewSecret(value)
	return authn.CheckNewPassword(s.adminUsername, s.adminPassword)
}

func setIssuer(s *settings, value string) error {
	s.jwtIssuer = value
	return identity.DefaultConfiguration(value).Check()
}

func setAlgorithm(s *settings, value string) error {
	algorithm, err := jose.ParseAlgorithm(value)
	if err != nil || !slices.Contains(jose.SigningAlgorithms(), algorithm) {
		return errExpected
	}
	s.jwtAlgorithm = algorithm
	return nil
}
