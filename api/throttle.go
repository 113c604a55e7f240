package api

import "time"

// Throttle is a name on which so many attempts have failed that each has to wait, as
// administration shows it.
type Throttle struct {
	ID string `json:"id"`
	// Kind is "user" for a username, and "client" for a client_id.
	Kind string `json:"kind"`
	// Name is the canonical username, or the client_id; empty where nobody has it, for
	// what was typed may have been a password.
	Name string `json:"name"`
	// Source is the address, or /64 of IPv6, from which the name was proven in the last 30
	// days, and whose attempts are counted by themselves; empty for all others.
	Source string `json:"source"`
	// Attempts are those since the first of them, at most a day ago, that have not
	// succeeded.
	Attempts int64 `json:"attempts"`
	// Until is when the next one may begin.
	Until time.Time `json:"until"`
	// UpdatedAt is when the last one began.
	UpdatedAt time.Time `json:"updated_at"`
}
