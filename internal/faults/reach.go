package faults

import "github.com/seed-60f9e3ad/identity/internal/dbserver"

// Reach is the part of a node's environment that leads to a database of a server, at a
// port of the loopback interface: the server's own, or that of a proxy before it. There is
// no TLS between them, so that the proxy sees what is said.
func Reach(server *dbserver.Server, database, port string) map[string]string {
	return map[string]string{
		"DATABASE_DRIVER": map[dbserver.Kind]string{dbserver.PostgreSQL: "postgresql", dbserver.MariaDB: "mysql"}[server.Kind],
		"DATABASE_HOST":   "127.0.0.1", "DATABASE_PORT": port, "DATABASE_SSL_MODE": "disable",
		"DATABASE_USERNAME": server.Username, "DATABASE_PASSWORD": server.Password, "DATABASE_SCHEMA_NAME": database,
		"DATABASE_CONNECTION_POOL_SIZE": "4", "DATABASE_CONNECTION_MAX_OVERFLOW": "4",
	}
}
