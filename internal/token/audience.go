package token

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Audience is for whom a token is: one string in JSON, and a list only where there are
// several (RFC 7519 section 4.1.3).
type Audience []string

// MarshalJSON implements json.Marshaler.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON implements json.Unmarshaler, for a string or a list of strings.
func (a *Audience) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		var one string
		err := json.Unmarshal(text, &one)
		*a = Audience{one}
		return err
	}
	var list []*string
	if err := json.Unmarshal(text, &list); err != nil {
		return errors.New("aud is neither a string nor a list of strings")
	}
	*a = nil
	for _, one := range list {
		if one == nil {
			return errors.New("aud has an entry that is no string")
		}
		*a = append(*a, *one)
	}
	return nil
}

// Is reports whether it is this one, and no other.
func (a Audience) Is(audience string) bool { return slices.Equal(a, Audience{audience}) }

// String lists them, separated by spaces, which none has.
func (a Audience) String() string { return strings.Join(a, " ") }
