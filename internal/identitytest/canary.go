package identitytest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
)

// WantNoCanary fails the test if the log, or one of the responses, holds the text in any
// of the forms that Spellings knows.
func (s *Service) WantNoCanary(canary string, responses ...Response) {
	s.t.Helper()
	var f Finder
	f.Add("the canary", canary)
	for _, found := range f.Find([]byte(s.Log.String())) {
		s.t.Errorf("the log holds what it must not: %s", found)
	}
	for _, r := range responses {
		for _, found := range f.Find(r.Body) {
			s.t.Errorf("a response holds what it must not: %s", found)
		}
	}
}

// Spelling is a form in which a secret may have been written.
type Spelling struct {
	Name string
	Text []byte
}

// Spellings returns the forms in which a secret might be written down by accident: as it
// is, in JSON, in Go, in URLs, in UTF-16, in hex and in base64, alone or as a part of
// something longer. Of text in lines there are those with the breaks taken out, doubled,
// and escaped.
func Spellings(secret string) []Spelling {
	quoted, err := json.Marshal(secret)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	list := []Spelling{
		{"as it is", []byte(secret)},
		{"in JSON", bytes.Trim(quoted, `"`)},
		{"in Go", []byte(strings.Trim(fmt.Sprintf("%q", secret), `"`))},
		{"in a query", []byte(url.QueryEscape(secret))},
		{"in a path", []byte(url.PathEscape(secret))},
		{"as bytes in Go", bytes.Trim(fmt.Append(nil, []byte(secret)), "[]")},
		{"in hex", []byte(hex.EncodeToString([]byte(secret)))},
		{"in HEX", []byte(strings.ToUpper(hex.EncodeToString([]byte(secret))))},
		{"in UTF-16, big-endian", wide(secret, 1)},
		{"in UTF-16, little-endian", wide(secret, 0)},
		{"without its line breaks", []byte(strings.ReplaceAll(secret, "\n", ""))},
		{"with the line breaks of others", []byte(strings.ReplaceAll(secret, "\n", "\r\n"))},
	}
	for shift := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			list = append(list, Spelling{fmt.Sprintf("in %s behind %d bytes", name, shift), inside(encoding, secret, shift)})
		}
	}
	seen := map[string]bool{"": true}
	different := list[:0]
	for _, form := range list {
		if !seen[string(form.Text)] {
			seen[string(form.Text)] = true
			different = append(different, form)
		}
	}
	return different
}

// Finder looks for many secrets at once in all of their forms. The zero Finder looks for
// nothing.
type Finder struct {
	heads  map[uint64][]needle // by their first bytes
	likely [1 << 13]bool       // by a hash of these: most of a text begins nothing
	short  []needle
}

type needle struct {
	name string
	Spelling
}

// Found is a secret in a text.
type Found struct {
	Name   string // of the secret
	Form   string
	Around []byte // what stands there
}

// String says what was found where.
func (f Found) String() string { return fmt.Sprintf("%s, %s: %q", f.Name, f.Form, f.Around) }

// Add has a secret be looked for.
func (f *Finder) Add(name, secret string) {
	if f.heads == nil {
		f.heads = map[uint64][]needle{}
	}
	for _, form := range Spellings(secret) {
		n := needle{name, form}
		if len(form.Text) < 8 {
			f.short = append(f.short, n)
			continue
		}
		head := binary.NativeEndian.Uint64(form.Text)
		f.heads[head] = append(f.heads[head], n)
		f.likely[slot(head)] = true
	}
}

func slot(head uint64) uint64 { return head * 0x9e3779b97f4a7c15 >> 51 }

// Find returns the secrets that a text holds, each once.
func (f *Finder) Find(text []byte) []Found {
	var all []Found
	seen := map[string]bool{}
	note := func(n needle, at int) {
		if !seen[n.name] {
			seen[n.name] = true
			const context = 150
			all = append(all, Found{n.name, n.Name, text[max(0, at-context):min(len(text), at+context)]})
		}
	}
	for i := 0; i+8 <= len(text); i++ {
		head := binary.NativeEndian.Uint64(text[i:])
		if !f.likely[slot(head)] {
			continue
		}
		for _, n := range f.heads[head] {
			if bytes.HasPrefix(text[i:], n.Text) {
				note(n, i)
			}
		}
	}
	for _, n := range f.short {
		if i := bytes.Index(text, n.Text); i >= 0 {
			note(n, i)
		}
	}
	return all
}

// wide is the text in UTF-16; low is the place of the low byte of two.
func wide(text string, low int) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		pair := [2]byte{}
		pair[low], pair[1-low] = byte(unit&0xff), byte(unit>>8)
		out = append(out, pair[:]...)
	}
	return out
}

// inside is the part of an encoding that a secret makes out alone, where it stands behind
// a number of bytes, whatever they are, and before any others.
func inside(encoding *base64.Encoding, secret string, shift int) []byte {
	text := encoding.EncodeToString(append(make([]byte, shift), secret...))
	from := (shift*8 + 5) / 6           // characters that hold bits of what is before
	to := (shift + len(secret)) * 8 / 6 // characters whose bits are all the secret's
	return []byte(text[min(from, to):to])
}
