package jose

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Object makes the text of a JSON object member by member, without reflection: what is
// signed and sent for each token is always the same few members. The names are constants of
// plain letters. The zero Object has no members.
type Object struct {
	text []byte
	err  error
}

// NewObject returns an Object with room for so many bytes.
func NewObject(room int) Object { return Object{text: make([]byte, 0, room)} }

func (o *Object) name(name string) {
	separator := byte(',')
	if len(o.text) == 0 {
		separator = '{'
	}
	o.text = append(o.text, separator, '"')
	o.text = append(o.text, name...)
	o.text = append(o.text, '"', ':')
}

func (o *Object) quote(value string) {
	text, err := jsontext.AppendQuote(o.text, value)
	if err != nil {
		o.err = err // it is not UTF-8
	}
	o.text = text
}

// String adds a member that is a string.
func (o *Object) String(name, value string) {
	o.name(name)
	o.quote(value)
}

// Int adds one that is a number.
func (o *Object) Int(name string, n int64) {
	o.name(name)
	o.text = strconv.AppendInt(o.text, n, 10)
}

// Strings adds one that is a list of strings, perhaps an empty one.
func (o *Object) Strings(name string, list []string) {
	o.name(name)
	o.text = append(o.text, '[')
	for i, value := range list {
		if i > 0 {
			o.text = append(o.text, ',')
		}
		o.quote(value)
	}
	o.text = append(o.text, ']')
}

// Bytes returns the text. Its error says that a string was not UTF-8.
func (o *Object) Bytes() ([]byte, error) {
	if len(o.text) == 0 {
		o.text = append(o.text, '{')
	}
	return append(o.text, '}'), o.err
}
