package server

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// metrics is what Prometheus reads. No label comes from a caller.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
}

func newMetrics(version string, pool *argon2.Pool) *metrics {
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
	gauge("identity_hash_waiting", "Callers that wait for a password hash.", func(s argon2.Stats) float64 { return float64(s.Waiting) })
	gauge("identity_hash_memory_bytes", "Memory of the password hashes that run.", func(s argon2.Stats) float64 { return float64(s.MemoryKiB) * 1024 })
	counter := func(name, help string, value func(argon2.Stats) uint64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(value(pool.Stats())) }))
	}
	counter("identity_hashes_total", "Password hashes computed, or begun.", func(s argon2.Stats) uint64 { return s.Hashes })
	counter("identity_hash_overloaded_total", "Callers turned away because the queue was full or too slow.", func(s argon2.Stats) uint64 { return s.Overloaded })
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
