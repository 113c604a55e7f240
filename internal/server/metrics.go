package server

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/breach"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// metrics is what Prometheus reads. No label comes from a caller.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
}

func newMetrics(version string, pool *argon2.Pool, db *store.DB, breaches *breach.Checker, lostLog func() int64) *metrics {
	registry := prometheus.NewRegistry()
	m := &metrics{
		handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "identity_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "identity_http_request_duration_seconds", Help: "Time from the end of a request's header to the end of its answer.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "identity_tokens_issued_total", Help: "Access tokens issued, by the gty claim.",
		}, []string{"grant"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "identity_build_info", Help: "Always 1; the label is the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	registry.MustRegister(m.requests, m.duration, m.tokens, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registerPool(registry, pool)
	registerDatabase(registry, db)
	registerBreaches(registry, breaches)
	if lostLog != nil {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "identity_log_records_lost_total", Help: "Log records dropped because nobody read the log.",
		}, func() float64 { return float64(lostLog()) }))
	}
	return m
}

// registerPool shows the state of the hashing pool.
func registerPool(registry *prometheus.Registry, pool *argon2.Pool) {
	gauge := func(name, help string, value func(argon2.Stats) float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return value(pool.Stats()) }))
	}
	gauge("identity_hash_slots", "Password hashes that may run at once.", func(s argon2.Stats) float64 { return float64(s.Slots) })
	gauge("identity_hash_running", "Password hashes that run.", func(s argon2.Stats) float64 { return float64(s.InUse) })
	gauge("identity_hash_memory_bytes", "Memory of the password hashes that run.", func(s argon2.Stats) float64 { return float64(s.MemoryKiB) * 1024 })
	gauge("identity_hash_memory_limit_bytes", "Memory that password hashes may take together.", func(s argon2.Stats) float64 { return float64(s.MemoryLimitKiB) * 1024 })
	registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "identity_hashes_total", Help: "Password hashes computed, or begun."},
		func() float64 { return float64(pool.Stats().Hashes) }))
	for _, class := range argon2.Classes() {
		line := func() argon2.LineStats { return pool.Stats().Lines[class] }
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "identity_hash_waiting", Help: "Callers that wait for a password hash.", ConstLabels: prometheus.Labels{"class": class.String()},
		}, func() float64 { return float64(line().Waiting) }))
		overloaded := func(reason string, value func() uint64) {
			registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
				Name: "identity_hash_overloaded_total", Help: "Callers turned away because the queue was full of their own, or they waited for too long.",
				ConstLabels: prometheus.Labels{"class": class.String(), "reason": reason},
			}, func() float64 { return float64(value()) }))
		}
		overloaded("full", func() uint64 { return line().Full })
		overloaded("late", func() uint64 { return line().Late })
	}
}

// registerBreaches shows what the range service was asked for; nil is none.
func registerBreaches(registry *prometheus.Registry, breaches *breach.Checker) {
	if breaches == nil {
		return
	}
	for outcome, value := range map[string]func(breach.Stats) uint64{
		"known":   func(s breach.Stats) uint64 { return s.Known },
		"unknown": func(s breach.Stats) uint64 { return s.Unknown },
		"failed":  func(s breach.Stats) uint64 { return s.Failed },
	} {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "identity_password_range_requests_total", Help: "New passwords that a range service was asked for; those that failed were taken.",
			ConstLabels: prometheus.Labels{"outcome": outcome},
		}, func() float64 { return float64(value(breaches.Stats())) }))
	}
}

// registerDatabase shows the state of the connections to the database.
func registerDatabase(registry *prometheus.Registry, db *store.DB) {
	gauge := func(name, help string, value func() float64, labels prometheus.Labels) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
	counter := func(name, help string, value func() float64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	const connections = "identity_database_connections"
	gauge(connections, "Connections to the database that are open.", func() float64 { return float64(db.Stats().InUse) }, prometheus.Labels{"state": "in_use"})
	gauge(connections, "Connections to the database that are open.", func() float64 { return float64(db.Stats().Idle) }, prometheus.Labels{"state": "idle"})
	gauge("identity_database_connections_limit", "Connections that may be open.", func() float64 { return float64(db.Stats().Limit) }, nil)
	counter("identity_database_waits_total", "Times that a connection was waited for.", func() float64 { return float64(db.Stats().Waits) })
	counter("identity_database_wait_seconds_total", "Time that connections were waited for.", func() float64 { return db.Stats().Waited.Seconds() })
	counter("identity_database_statements_total", "Statements begun, without polls.", func() float64 { return float64(db.Stats().Statements) })
	counter("identity_database_polls_total", "Times that the database was asked what has changed.", func() float64 { return float64(db.Stats().Polls) })
	gauge("identity_database_clock_offset_seconds", "How far the database's clock is ahead of this machine's.", func() float64 { return db.ClockOffset().Seconds() }, nil)
}

func (m *metrics) observe(o web.Observation) {
	m.requests.WithLabelValues(o.Pattern, o.Method, strconv.Itoa(o.Status)).Inc()
	m.duration.WithLabelValues(o.Pattern, o.Method).Observe(o.Duration.Seconds())
}

func (m *metrics) issued(grantType string) { m.tokens.WithLabelValues(grantType).Inc() }

// serve is GET /metrics, in the format that the scraper asks for.
func (m *metrics) serve(w http.ResponseWriter, r *http.Request) error {
	m.handler.ServeHTTP(w, r)
	return nil
}
