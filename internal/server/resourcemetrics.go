package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/breach"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

type labels = prometheus.Labels

// gauge shows a value that is asked for at each scrape.
func (m *metrics) gauge(name, help string, of labels, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: of}, value))
}

// counter shows a value that only grows, asked for at each scrape.
func (m *metrics) counter(name, help string, of labels, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: of}, value))
}

// pool shows the state of the hashing pool.
func (m *metrics) pool(pool *argon2.Pool) {
	m.gauge("identity_hash_slots", "Password hashes that may run at once.", nil, func() float64 { return float64(pool.Stats().Slots) })
	m.gauge("identity_hash_running", "Password hashes that run.", nil, func() float64 { return float64(pool.Stats().InUse) })
	m.gauge("identity_hash_memory_bytes", "Memory of the password hashes that run.", nil, func() float64 { return float64(pool.Stats().MemoryKiB) * 1024 })
	m.gauge("identity_hash_memory_limit_bytes", "Memory that password hashes may take together.", nil, func() float64 { return float64(pool.Stats().MemoryLimitKiB) * 1024 })
	m.counter("identity_hashes_total", "Password hashes computed, or begun.", nil, func() float64 { return float64(pool.Stats().Hashes) })
	for _, class := range argon2.Classes() {
		line := func() argon2.LineStats { return pool.Stats().Lines[class] }
		m.gauge("identity_hash_waiting", "Callers that wait for a password hash.", labels{"class": class.String()}, func() float64 { return float64(line().Waiting) })
		const overloaded, help = "identity_hash_overloaded_total", "Callers turned away because the queue was full of their own, or because they waited for too long."
		m.counter(overloaded, help, labels{"class": class.String(), "reason": "full"}, func() float64 { return float64(line().Full) })
		m.counter(overloaded, help, labels{"class": class.String(), "reason": "late"}, func() float64 { return float64(line().Late) })
	}
}

// connections shows the state of the connections to the public port.
func (m *metrics) connections(c *web.Connections) {
	const open, help = "identity_connections", "Connections to the public port."
	m.gauge(open, help, labels{"state": "requesting"}, func() float64 { s := c.Stats(); return float64(s.Open - s.Waiting) })
	m.gauge(open, help, labels{"state": "waiting"}, func() float64 { return float64(c.Stats().Waiting) })
	m.gauge("identity_connections_limit", "Connections that may be open.", nil, func() float64 { return float64(c.Stats().Limit) })
	m.gauge("identity_connection_sources", "Source addresses with a connection, but for proxies and this machine.", nil, func() float64 { return float64(c.Stats().Sources) })
	for name, stats := range map[string]func(web.ConnectionStats) web.LimitStats{
		"all":     func(s web.ConnectionStats) web.LimitStats { return s.InAll },
		"address": func(s web.ConnectionStats) web.LimitStats { return s.OfAddress },
	} {
		m.counter("identity_connections_refused_total", "Connections closed at once, because all of the limit had a request.", labels{"limit": name}, func() float64 { return float64(stats(c.Stats()).Refused) })
		m.counter("identity_connections_evicted_total", "Connections without a request that were closed for a new one.", labels{"limit": name}, func() float64 { return float64(stats(c.Stats()).Closed) })
	}
}

// load shows how many requests are worked on.
func (m *metrics) load(r *web.Router) {
	m.gauge("identity_http_requests_in_flight", "Requests that are worked on.", nil, func() float64 { return float64(r.Load().Requests) })
	m.gauge("identity_http_requests_limit", "Requests that may be worked on at once.", nil, func() float64 { return float64(r.Load().Limit) })
	m.gauge("identity_http2_streams_open", "Requests over HTTP/2 that have begun, and whose answers were not taken yet.", nil, func() float64 { return float64(r.Load().Streams) })
	m.counter("identity_http_requests_overloaded_total", "Requests refused because too many were worked on, or open over HTTP/2.", nil, func() float64 { return float64(r.Load().Overloaded) })
}

// database shows the state of the connections to the database.
func (m *metrics) database(db *store.DB) {
	const connections, help = "identity_database_connections", "Connections to the database that are open."
	m.gauge(connections, help, labels{"state": "in_use"}, func() float64 { return float64(db.Stats().InUse) })
	m.gauge(connections, help, labels{"state": "idle"}, func() float64 { return float64(db.Stats().Idle) })
	m.gauge("identity_database_connections_limit", "Connections that may be open.", nil, func() float64 { return float64(db.Stats().Limit) })
	m.counter("identity_database_waits_total", "Times that a connection was waited for.", nil, func() float64 { return float64(db.Stats().Waits) })
	m.counter("identity_database_wait_seconds_total", "Time that connections were waited for.", nil, func() float64 { return db.Stats().Waited.Seconds() })
	m.counter("identity_database_statements_total", "Statements begun, without polls.", nil, func() float64 { return float64(db.Stats().Statements) })
	m.counter("identity_database_polls_total", "Times that the database was asked what has changed.", nil, func() float64 { return float64(db.Stats().Polls) })
	m.gauge("identity_database_clock_offset_seconds", "How far the database's clock is ahead of this machine's.", nil, func() float64 { return db.ClockOffset().Seconds() })
}

// breaches shows what the range service was asked for; nil is none.
func (m *metrics) breaches(c *breach.Checker) {
	if c == nil {
		return
	}
	for outcome, value := range map[string]func(breach.Stats) uint64{
		"known":   func(s breach.Stats) uint64 { return s.Known },
		"unknown": func(s breach.Stats) uint64 { return s.Unknown },
		"failed":  func(s breach.Stats) uint64 { return s.Failed },
	} {
		m.counter("identity_password_range_requests_total", "New passwords that a range service was asked for; those that failed were taken.",
			labels{"outcome": outcome}, func() float64 { return float64(value(c.Stats())) })
	}
}

// recorder shows what waits to be stored in the audit.
func (m *metrics) recorder(r *audit.Recorder) {
	m.gauge("identity_audit_waiting", "Rows of the audit in memory; they are stored within 200 ms while the database works.", nil, func() float64 { return float64(r.Waiting()) })
	m.counter("identity_audit_merged_total", "Refusals that share a row of the audit with others.", nil, func() float64 { return float64(r.Merged()) })
}
