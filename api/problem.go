package api

// Problem is the body of every failure (RFC 9457), sent as
// application/problem+json.
type Problem struct {
	// Type is always "about:blank": Title and Status say no more than the
	// status code does (RFC 9457 section 4.2.1). Programs decide by Code.
	Type string `json:"type"`
	// Title is the HTTP status phrase.
	Title string `json:"title"`
	// Status is the HTTP status code.
	Status int `json:"status"`
	// Detail explains this occurrence to a person. It is always there, and
	// never repeats a rejected value.
	Detail string `json:"detail"`
	// Code is a stable snake_case word, such as "invalid_credentials".
	Code string `json:"code"`
	// RequestID is the X-Request-Id of the response; it finds the occurrence
	// in the log.
	RequestID string `json:"request_id"`
	// Errors names each bad member or parameter. It is only part of a 422.
	Errors []ProblemField `json:"errors,omitempty"`
}

// ProblemField says what is wrong with one member of a request.
type ProblemField struct {
	// Loc is the path to it: "body" or "query", then the member's name.
	Loc []string `json:"loc"`
	// Msg says what was expected.
	Msg string `json:"msg"`
	// Type is one of "missing", "unknown", "wrong_type" and "invalid_value".
	Type string `json:"type"`
}
