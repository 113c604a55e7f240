package identity

import (
	"encoding/json"
	"time"
)

// Event is one entry of the audit: who did what to whom, and how it ended.
type Event struct {
	// Seq is the order of arrival, which the store gives it.
	Seq int64
	// Number is its place in the sealed audit, from 1 without gaps, and Hash the SHA-256
	// that chains it to the one before; 0 and nil until it is sealed.
	Number int64
	Hash   []byte
	ID     string
	At     time.Time
	// Name is the kind of thing and what happened to it, such as
	// "user.created".
	Name string
	// Outcome is OutcomeSuccess or OutcomeFailure.
	Outcome string
	// Actor and Target are ids; Target is empty where there is none.
	Actor, Target string
	// IP and RequestID say where the request came from; empty outside of one.
	IP, RequestID string
	// Detail is a JSON object: what the change was, before and after, without
	// secrets.
	Detail json.RawMessage
}

// The outcomes of an event.
const (
	OutcomeSuccess = "success"
	OutcomeFailure = "failure"
)
