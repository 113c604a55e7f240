package api

// Health is the 200 of GET /healthz and GET /readyz.
type Health struct {
	// Status is "alive" at /healthz and "ready" at /readyz.
	Status string `json:"status"`
	// Checks names what /readyz looked at. It is only there where operators ask: with
	// OPS_PORT set, not on the public port.
	Checks map[string]string `json:"checks,omitempty"`
}
