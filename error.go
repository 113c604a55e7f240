package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind says what went wrong in the words that clients see. Each kind has one
// stable code; package web maps each to one HTTP status.
type Kind int

// The kinds of failure, as the HTTP interface names them.
const (
	Internal               Kind = iota // anything without a kind of its own; its text is withheld
	InvalidJSON                        // the body is not one well-formed JSON object
	InvalidCredentials                 // a wrong, missing or unusable proof, or an unknown or disabled principal
	InvalidRefreshToken                // a refresh token that cannot be used
	InvalidToken                       // a bearer token that is missing, malformed, expired or not for this service
	InsufficientPermission             // the bearer token is good, the permission lacks
	InvalidAudience                    // the proof is good, the principal may not have this audience
	InvalidScope                       // the proof is good, the principal may not have this scope
	UnauthorizedClient                 // the proof is good, the client may not get a token in this way
	UnsupportedGrantType               // a grant that the token endpoint does not know
	UnsupportedTokenType               // a token that cannot be revoked in this way
	PasswordChangeRequired             // the proof is good, the password marked as one-time
	NotFound                           // no such resource or route
	MethodNotAllowed                   // the route exists, the method does not
	Conflict                           // the name or id is taken, or the change would break an invariant
	PreconditionFailed                 // If-Match is stale
	PayloadTooLarge                    // the body exceeds the limit
	UnsupportedMediaType               // not JSON, or encoded
	InvalidRequest                     // members missing, unknown, of the wrong type or with bad values
	RateLimited                        // too many attempts that failed, by an address or on a name
	Overloaded                         // the hashing queue is full
	Unavailable                        // the database, or the active signing key, cannot be used now
)

var kindCodes = [...]string{
	Internal:               "internal",
	InvalidJSON:            "invalid_json",
	InvalidCredentials:     "invalid_credentials",
	InvalidRefreshToken:    "invalid_refresh_token",
	InvalidToken:           "invalid_token",
	InsufficientPermission: "insufficient_permission",
	InvalidAudience:        "invalid_audience",
	InvalidScope:           "invalid_scope",
	UnauthorizedClient:     "unauthorized_client",
	UnsupportedGrantType:   "unsupported_grant_type",
	UnsupportedTokenType:   "unsupported_token_type",
	PasswordChangeRequired: "password_change_required",
	NotFound:               "not_found",
	MethodNotAllowed:       "method_not_allowed",
	Conflict:               "conflict",
	PreconditionFailed:     "precondition_failed",
	PayloadTooLarge:        "payload_too_large",
	UnsupportedMediaType:   "unsupported_media_type",
	InvalidRequest:         "invalid_request",
	RateLimited:            "rate_limited",
	Overloaded:             "overloaded",
	Unavailable:            "unavailable",
}

// String returns the stable snake_case code of the kind, the "code" member of
// every error response.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindCodes) {
		return kindCodes[Internal]
	}
	return kindCodes[k]
}

// KindNamed returns the kind with this code, or Internal.
func KindNamed(code string) Kind {
	return Kind(max(0, slices.Index(kindCodes[:], code)))
}

// Error is the one error shape of the service. Message may be shown to the
// caller and never holds a secret or an internal detail; Err is the reason,
// which only the log sees.
type Error struct {
	Kind    Kind
	Message string
	// Err is what happened inside, for the log.
	Err error
	// Fields names what is wrong with a request, for InvalidRequest.
	Fields []FieldError
	// RetryAfter is how long the caller should wait, for RateLimited, Overloaded
	// and Unavailable; zero means unknown.
	RetryAfter time.Duration
}

// FieldError points at one bad member of a request. It never repeats the
// rejected value.
type FieldError struct {
	// Loc is the path to the member, such as ["body", "username"].
	Loc []string
	// Message says what was expected.
	Message string
	// Type is one of the FieldErrorType constants.
	Type FieldErrorType
}

// FieldErrorType classifies a FieldError.
type FieldErrorType string

// What can be wrong with a member.
const (
	FieldMissing      FieldErrorType = "missing"
	FieldUnknown      FieldErrorType = "unknown"
	FieldWrongType    FieldErrorType = "wrong_type"
	FieldInvalidValue FieldErrorType = "invalid_value"
)

// Errorf makes an Error of the given kind with a message for the caller.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e that carries err as the inner reason.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// InvalidField makes an InvalidRequest error about one body member.
func InvalidField(member, format string, args ...any) *Error {
	return &Error{
		Kind:    InvalidRequest,
		Message: "The request has invalid members.",
		Fields: []FieldError{{
			Loc:     []string{"body", member},
			Message: fmt.Sprintf(format, args...),
			Type:    FieldInvalidValue,
		}},
	}
}

// MissingField makes an InvalidRequest error about one body member that is not
// there.
func MissingField(member string) *Error {
	e := InvalidField(member, "is required")
	e.Fields[0].Type = FieldMissing
	return e
}

// Error returns the code, the message, the fields at fault and the inner
// reason, for logs and the command line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	for _, f := range e.Fields {
		b.WriteString(" " + strings.Join(f.Loc, ".") + ": " + f.Message + ".")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the inner reason.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost Error in err's chain, or Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
