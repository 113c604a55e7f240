package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-60f9e3ad/identity"
)

// Bounds of a JSON body beyond its size.
const (
	maxDepth  = 16  // arrays and objects inside each other, the outermost included
	maxValues = 512 // members and elements in all
)

// ParseObject reads body as one JSON object (RFC 8259) in its I-JSON form
// (RFC 7493): no member name twice at any depth, names compared after
// unescaping and otherwise byte by byte, valid UTF-8 only, also in escapes. On
// top of that there is no U+0000, no byte order mark, nothing after the object
// but white space, at most 16 levels and 512 members and elements. Anything
// else is InvalidJSON, and its text repeats nothing of the body.
func ParseObject(body []byte) (*Object, error) { return parseObject(body, maxValues) }

// ParseLargeObject is ParseObject with another limit of members and elements.
func ParseLargeObject(body []byte, values int) (*Object, error) { return parseObject(body, values) }

func parseObject(body []byte, most int) (*Object, error) {
	// encoding/json would keep the last of several equal names, fold their case
	// and turn invalid bytes into U+FFFD; jsontext refuses all that.
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	if d.PeekKind() != '{' {
		return nil, notAnObject(d, nil)
	}
	if hasNUL(body) {
		return nil, identity.Errorf(identity.InvalidJSON, "U+0000 is not allowed.")
	}
	o := &Object{members: make([]member, 0, 8)}
	for values := 0; ; {
		token, err := d.ReadToken()
		if err != nil {
			return nil, notAnObject(d, err)
		}
		kind, depth := token.Kind(), d.StackDepth()
		if depth > maxDepth {
			return nil, identity.Errorf(identity.InvalidJSON, "The body has more than %d levels.", maxDepth)
		}
		opens, closes := kind == '{' || kind == '[', kind == '}' || kind == ']'
		if closes && depth == 0 {
			break
		}
		if opens {
			depth-- // the depth that the value itself is at
		}
		if depth == 1 {
			o.take(token, kind, opens, closes, body, int(d.InputOffset()))
		}
		// In an object names are counted, at odd positions, else elements.
		if parent, n := d.StackIndex(depth); !closes && depth > 0 && (parent == '[' || n%2 == 1 && !opens) {
			if values++; values > most {
				return nil, identity.Errorf(identity.InvalidJSON, "The body has more than %d members and elements.", most)
			}
		}
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, notAnObject(d, err)
	}
	return o, nil
}

// take notes a token of the outermost object, which ends at offset: a member's
// name, its value or either end of it.
func (o *Object) take(token jsontext.Token, kind jsontext.Kind, opens, closes bool, body []byte, offset int) {
	last := len(o.members) - 1
	switch {
	case last < 0 || o.members[last].complete:
		o.members = append(o.members, member{name: token.String()})
	case opens:
		o.members[last].kind, o.members[last].start = kind, offset-1
	case closes:
		o.members[last].raw, o.members[last].complete = body[o.members[last].start:offset], true
	default:
		o.members[last].kind, o.members[last].text, o.members[last].complete = kind, token.String(), true
	}
}

// notAnObject says that the body is not well-formed. jsontext's own text is not
// passed on, since it quotes from the body.
func notAnObject(d *jsontext.Decoder, err error) error {
	e := identity.Errorf(identity.InvalidJSON, "The body must be one well-formed JSON object.")
	if errors.Is(err, jsontext.ErrDuplicateName) {
		e = identity.Errorf(identity.InvalidJSON, "The body has a member twice.")
	}
	return e.Because(fmt.Errorf("not JSON at byte %d", d.InputOffset()))
}

// hasNUL reports whether an escape in valid JSON stands for U+0000; a raw one
// is not valid JSON.
func hasNUL(body []byte) bool {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return false
		}
		if body = body[i+1:]; bytes.HasPrefix(body, []byte("u0000")) {
			return true
		}
		body = body[min(1, len(body)):] // the escaped character, which may be a backslash
	}
}
