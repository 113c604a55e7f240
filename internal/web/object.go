package web

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-60f9e3ad/identity"
)

// Object is a JSON object whose members are asked for one by one. It notes what
// is missing or of the wrong type, and which members nobody asked for; Err
// reports all of it together. Until Err has returned nil the values mean
// nothing. Nothing is coerced, null is no value of any type, and no value is
// ever part of an error. An Object is not for concurrent use.
type Object struct {
	members []member
	fields  []identity.FieldError
	other   error // from Merge
}

type member struct {
	name     string
	asked    bool
	complete bool
	kind     jsontext.Kind
	text     string // a string unescaped, a number or literal as written
	start    int    // where an array or object begins, while it is read
	raw      []byte // an array or object as written
}

// Has reports whether the member is there. It counts as asked for.
func (o *Object) Has(name string) bool { return o.find(name) != nil }

// String returns a required string, which may be empty.
func (o *Object) String(name string) string {
	o.require(name)
	s, _ := o.OptionalString(name)
	return s
}

// OptionalString returns a string and reports whether it is there.
func (o *Object) OptionalString(name string) (value string, present bool) {
	if m := o.want(name, "a string", '"'); m != nil {
		return m.text, true
	}
	return "", false
}

// Secret returns a required string that must not be seen.
func (o *Object) Secret(name string) identity.Secret {
	o.require(name)
	s, _ := o.OptionalSecret(name)
	return s
}

// OptionalSecret returns a string that must not be seen, and reports whether it
// is there.
func (o *Object) OptionalSecret(name string) (value identity.Secret, present bool) {
	s, ok := o.OptionalString(name)
	if !ok {
		return identity.Secret{}, false
	}
	return identity.NewSecret(s), true
}

// OptionalInt returns an integer of 64 bits and reports whether it is there. A
// number with a fraction or an exponent is of the wrong type even where its
// value is whole, since not every reader would agree about it.
func (o *Object) OptionalInt(name string) (value int64, present bool) {
	m := o.want(name, "an integer", '0')
	if m == nil {
		return 0, false
	}
	if strings.ContainsAny(m.text, ".eE") {
		o.bad(name, identity.FieldWrongType, "must be an integer, without fraction and exponent")
		return 0, false
	}
	n, err := strconv.ParseInt(m.text, 10, 64)
	if err != nil {
		o.bad(name, identity.FieldInvalidValue, "must be an integer of 64 bits")
		return 0, false
	}
	return n, true
}

// OptionalBool returns a boolean and reports whether it is there.
func (o *Object) OptionalBool(name string) (value, present bool) {
	if m := o.want(name, "true or false", 't', 'f'); m != nil {
		return m.kind == 't', true
	}
	return false, false
}

// OptionalStrings returns an array of strings, never nil when it is there, and
// reports whether it is.
func (o *Object) OptionalStrings(name string) (values []string, present bool) {
	const want = "an array of strings"
	m := o.want(name, want, '[')
	if m == nil {
		return nil, false
	}
	values = []string{}
	d := jsontext.NewDecoder(bytes.NewBuffer(m.raw))
	_, err := d.ReadToken() // the bracket; all of it was read before
	for err == nil && d.PeekKind() == '"' {
		var token jsontext.Token
		if token, err = d.ReadToken(); err == nil {
			values = append(values, token.String())
		}
	}
	if err != nil || d.PeekKind() != ']' {
		o.bad(name, identity.FieldWrongType, "must be "+want)
		return nil, false
	}
	return values, true
}

// Strings returns a required array of strings.
func (o *Object) Strings(name string) []string {
	o.require(name)
	list, _ := o.OptionalStrings(name)
	return list
}

// OptionalObject returns an object as it was written, nil where it is absent. Its
// form has been checked like that of the whole body.
func (o *Object) OptionalObject(name string) []byte {
	if m := o.want(name, "an object", '{'); m != nil {
		return m.raw
	}
	return nil
}

// IsObject reports whether the member is there and an object, for members that can
// be that or something else. It counts as asked for.
func (o *Object) IsObject(name string) bool {
	m := o.find(name)
	return m != nil && m.kind == '{'
}

// Null reports whether the member is there and null, for the few members for which
// that means something. It counts as asked for.
func (o *Object) Null(name string) bool {
	m := o.find(name)
	return m != nil && m.kind == 'n'
}

// Invalid notes that the member has a bad value, and what was expected. The
// text must not repeat the value.
func (o *Object) Invalid(name, format string, args ...any) {
	o.bad(name, identity.FieldInvalidValue, fmt.Sprintf(format, args...))
}

// Merge adds what a check elsewhere found: the fields of an InvalidRequest,
// except for members already known to be bad. Err returns any other error as it
// is. Nil adds nothing.
func (o *Object) Merge(err error) {
	e, ok := errors.AsType[*identity.Error](err)
	if !ok || e.Kind != identity.InvalidRequest || len(e.Fields) == 0 {
		if o.other == nil {
			o.other = err
		}
		return
	}
	for _, f := range e.Fields {
		if !o.known(f.Loc) {
			o.fields = append(o.fields, f)
		}
	}
}

// Err returns nil if nothing is wrong, else one InvalidRequest that names
// everything: first what was noted, in the order it was, then the members that
// were never asked for, in the order of the body. It is called last.
func (o *Object) Err() error {
	if o.other != nil {
		return o.other
	}
	fields := slices.Clone(o.fields)
	for _, m := range o.members {
		if !m.asked {
			fields = append(fields, identity.FieldError{
				Loc: []string{"body", shownName(m.name)}, Message: "is not a member of this request", Type: identity.FieldUnknown,
			})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return &identity.Error{Kind: identity.InvalidRequest, Message: "The request has invalid members.", Fields: fields}
}

func (o *Object) find(name string) *member {
	for i := range o.members {
		if o.members[i].name == name {
			o.members[i].asked = true
			return &o.members[i]
		}
	}
	return nil
}

func (o *Object) require(name string) {
	if !o.Has(name) {
		o.bad(name, identity.FieldMissing, "is required")
	}
}

// want returns the member if it is there and of one of the kinds.
func (o *Object) want(name, what string, kinds ...jsontext.Kind) *member {
	m := o.find(name)
	if m != nil && !slices.Contains(kinds, m.kind) {
		o.bad(name, identity.FieldWrongType, "must be "+what)
		return nil
	}
	return m
}

func (o *Object) bad(name string, t identity.FieldErrorType, message string) {
	o.fields = append(o.fields, identity.FieldError{Loc: []string{"body", name}, Message: message, Type: t})
}

func (o *Object) known(loc []string) bool {
	return slices.ContainsFunc(o.fields, func(f identity.FieldError) bool { return slices.Equal(f.Loc, loc) })
}
