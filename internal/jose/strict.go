package jose

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DecodeStrict decodes a claims set, or any other JSON object, into the pointer
// v: one object, no duplicate member at any depth, member names compared
// exactly, valid UTF-8 in bytes and escapes, no U+0000 (which databases refuse
// in text), nothing after the object. Members that v does not know are allowed
// (RFC 7519 section 4).
func DecodeStrict(payload []byte, v any) error {
	if jsontext.Value(payload).Kind() != '{' || hasNUL(payload) {
		return errNotObject
	}
	// The inner error is dropped: it may quote the input.
	if err := json.Unmarshal(payload, v); err != nil {
		if _, wrongType := errors.AsType[*json.SemanticError](err); wrongType {
			return errors.New("a member of the JSON object has the wrong type")
		}
		return errNotObject
	}
	return nil
}

var errNotObject = errors.New("must be one JSON object in valid UTF-8, without duplicate members and U+0000")

// hasNUL reports whether a string in the JSON text holds U+0000. A raw one is
// not JSON; an escaped one has a single spelling.
func hasNUL(data []byte) bool {
	if !bytes.Contains(data, []byte(`\u0000`)) {
		return false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return false // the end, or left to the decoding proper to refuse
		}
		if token.Kind() == '"' && strings.ContainsRune(token.String(), 0) {
			return true
		}
	}
}

// text is a string member that may be absent, but not null.
type text struct {
	value   string
	present bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != '"' {
		return errors.New("must be a string")
	}
	*t = text{value: token.String(), present: true}
	return nil
}
