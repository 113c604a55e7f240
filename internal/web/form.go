package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity"
)

// maxParameters is how many parameters a form may have.
const maxParameters = 64

// Form is the parameters of a request to an OAuth endpoint, without those that are empty:
// they count as left out (RFC 6749 section 3.2).
type Form struct {
	values map[string][]string
}

// ReadForm reads the body as a form (RFC 6749 appendix B), in the order of checks
// PayloadTooLarge, UnsupportedMediaType, InvalidRequest. Parameters that nobody knows are
// left alone (section 3.2); none may be in the query, where logs would have them.
func ReadForm(r *http.Request, repeatable ...string) (*Form, error) {
	body, err := Body(r)
	if err != nil {
		return nil, err
	}
	if err := requireMediaType(r, "application/x-www-form-urlencoded"); err != nil {
		return nil, err
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return nil, identity.Errorf(identity.InvalidRequest, "The parameters belong into the body, none into the query.")
	}
	return ParseForm(string(body), repeatable...)
}

// ParseForm reads a form strictly: no parameter twice but the repeatable ones (RFC 6749
// section 3.2), only UTF-8 without control characters, at most 64 parameters. Its error is
// InvalidRequest, and repeats no value.
func ParseForm(body string, repeatable ...string) (*Form, error) {
	f := &Form{values: map[string][]string{}}
	seen := map[string]bool{}
	parameters := 0
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		if parameters++; parameters > maxParameters {
			return nil, identity.Errorf(identity.InvalidRequest, "There are more than %d parameters.", maxParameters)
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		if err1 != nil || err2 != nil || !plainText(name) || !plainText(value) {
			return nil, identity.Errorf(identity.InvalidRequest, "The body must be a form in UTF-8 without control characters.")
		}
		if seen[name] && !slices.Contains(repeatable, name) {
			return nil, identity.Errorf(identity.InvalidRequest, "The parameter %s is there more than once.", shownName(name))
		}
		seen[name] = true
		if value != "" {
			f.values[name] = append(f.values[name], value)
		}
	}
	return f, nil
}

func plainText(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, isControl) }

// Value returns a parameter, and whether it is there.
func (f *Form) Value(name string) (value string, present bool) {
	if values := f.values[name]; len(values) > 0 {
		return values[0], true
	}
	return "", false
}

// Values returns all that there is of a parameter, in the order of the request.
func (f *Form) Values(name string) []string { return f.values[name] }

// Required returns a parameter that must be there.
func (f *Form) Required(name string) (string, error) {
	value, present := f.Value(name)
	if !present {
		return "", identity.Errorf(identity.InvalidRequest, "The parameter %s is missing.", name)
	}
	return value, nil
}
