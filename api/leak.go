package api

import "time"

// LeakRequest is the body of POST /api/leak.
type LeakRequest struct {
	// Found is what was found: a secret, a token or a key, as it stands or with what stands
	// around it in a file of settings.
	Found string `json:"found"`
	// ClientID is the client that may have chosen it as its secret, Username the user whose
	// password it may be: those have no form by which they could be found.
	ClientID string `json:"client_id,omitempty"`
	Username string `json:"username,omitempty"`
	// Since is from when on its uses matter; absent is ever.
	Since *time.Time `json:"since,omitempty"`
	// Revoke ends it, and everything made with it.
	Revoke bool `json:"revoke,omitempty"`
}

// Leak says what was found. Nothing of it is secret.
type Leak struct {
	// Kind is what it is; "unknown" for nothing of this service.
	Kind string `json:"kind"`
	// Good reports whether it still opens anything.
	Good bool `json:"good"`
	// ID is that of the secret, user or session, the jti of an access token, or the
	// thumbprint or id of a key; empty where it is unknown.
	ID string `json:"id"`
	// Owners are whose it is.
	Owners List[LeakOwner] `json:"owners"`
	// Says is what was found out, in plain words.
	Says       string     `json:"says"`
	CreatedAt  *time.Time `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	// Uses is what the audit has of its use, and of what its owner changed meanwhile, by
	// whichever credential; what was done last comes first.
	Uses List[LeakUse] `json:"uses"`
	// UsesFrom is when what the audit has begins; null where it has nothing.
	UsesFrom *time.Time `json:"uses_from"`
	// Ends is what revoking it ends, or has ended, and Remains what goes on, or is left to be
	// done.
	Ends    List[string] `json:"ends"`
	Remains List[string] `json:"remains"`
	// Revoked reports whether it was revoked by this request.
	Revoked bool `json:"revoked"`
	// RepeatAt is when the request is to be repeated, because a key that signs goes only
	// once another one does; null where all is done.
	RepeatAt *time.Time `json:"repeat_at"`
}

// LeakOwner is a user or client.
type LeakOwner struct {
	// Type is "user" or "client".
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// LeakUse is what was done from one address.
type LeakUse struct {
	// Event and Outcome are as in Event.
	Event   string `json:"event"`
	Outcome string `json:"outcome"`
	IP      string `json:"ip"`
	// Events is how many there are of them; each may stand for several that were equal.
	Events int64     `json:"events"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
}
