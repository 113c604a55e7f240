package server

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// metrics is what Prometheus reads. No label comes from a caller.
type metrics struct {
	registry *prometheus.Registry
	handler  http.Handler
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	limited  *prometheus.CounterVec
}

func newMetrics(version string, lostLog func() int64) *metrics {
	registry := prometheus.NewRegistry()
	m := &metrics{
		registry: registry,
		handler:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
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
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "identity_rate_limited_total", Help: "Attempts refused for being too many: of an address, or on a name.",
		}, []string{"policy"}),
	}
	for _, policy := range []string{authn.PolicyAddress, authn.PolicyName} {
		m.limited.WithLabelValues(policy) // there from the start, so that a rise from none is seen
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "identity_build_info", Help: "Always 1; the label is the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	registry.MustRegister(m.requests, m.duration, m.tokens, m.limited, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if lostLog != nil {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "identity_log_records_lost_total", Help: "Log records dropped because nobody read the log.",
		}, func() float64 { return float64(lostLog()) }))
	}
	return m
}

func (m *metrics) observe(o web.Observation) {
	m.requests.WithLabelValues(o.Pattern, o.Method, strconv.Itoa(o.Status)).Inc()
	m.duration.WithLabelValues(o.Pattern, o.Method).Observe(o.Duration.Seconds())
}

func (m *metrics) refused(policy string) { m.limited.WithLabelValues(policy).Inc() }

func (m *metrics) issued(grantType string) { m.tokens.WithLabelValues(grantType).Inc() }

// serve is GET /metrics, in the format that the scraper asks for.
func (m *metrics) serve(w http.ResponseWriter, r *http.Request) error {
	m.handler.ServeHTTP(w, r)
	return nil
}
