package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// YAML as far as it is JSON with another spelling: what is written means the same to every
// reader. There are no anchors, no tags, one document, and numbers are those of JSON.

const (
	mostYAML = 4 << 20
	deepYAML = 32
	yamlNull = "null"
)

// yamlDocument is a document with where everything stands in it.
type yamlDocument struct{ root *yaml.Node }

// readYAML reads one document, strictly. Errors name the line, and repeat nothing.
func readYAML(r io.Reader) (*yamlDocument, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostYAML+1))
	if err != nil {
		return nil, err
	}
	if len(text) > mostYAML {
		return nil, fmt.Errorf("it has more than %d MiB", mostYAML>>20)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, yamlError(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document, or something after it")
	}
	if len(document.Content) != 1 {
		return nil, errors.New("it is empty")
	}
	d := &yamlDocument{document.Content[0]}
	return d, checkYAML(d.root, 0)
}

// lineOf is where the parser was, the only thing of its errors that is repeated.
var lineOf = regexp.MustCompile(`line \d+`)

func yamlError(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	}
	if line := lineOf.FindString(err.Error()); line != "" {
		return fmt.Errorf("%s: it is no YAML", line)
	}
	return errors.New("it is no YAML")
}

// checkYAML refuses what not every reader takes for the same.
func checkYAML(n *yaml.Node, depth int) error {
	bad := func(what string) error { return fmt.Errorf("line %d: %s", n.Line, what) }
	switch {
	case depth > deepYAML:
		return bad(fmt.Sprintf("there are more than %d levels", deepYAML))
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return bad("anchors and aliases are not used here")
	case n.Style&yaml.TaggedStyle != 0:
		return bad("tags are not used here")
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if _, err := scalarJSON(n); err != nil {
			return bad(err.Error())
		}
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
				return fmt.Errorf("line %d: the name of a member must be a string", key.Line)
			}
			if seen[key.Value] {
				return fmt.Errorf("line %d: the member is there twice", key.Line)
			}
			seen[key.Value] = true
		}
	case yaml.DocumentNode, yaml.SequenceNode, yaml.AliasNode:
	}
	for _, inner := range n.Content {
		if err := checkYAML(inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// jsonNumber is a number as JSON has it (RFC 8259 section 6).
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// scalarJSON is a scalar in JSON.
func scalarJSON(n *yaml.Node) ([]byte, error) {
	switch n.Tag {
	case "!!null":
		return []byte(yamlNull), nil
	case "!!bool":
		if n.Value != "true" && n.Value != "false" {
			return nil, errors.New("expected true or false, or quotes around a string")
		}
		return []byte(n.Value), nil
	case "!!int", "!!float":
		if !jsonNumber.MatchString(n.Value) {
			return nil, errors.New("expected a number as JSON has it, or quotes around a string")
		}
		return []byte(n.Value), nil
	case "!!str", "!!timestamp":
		return quoteJSON(n.Value), nil
	}
	return nil, errors.New("expected a string, a number, true, false or null")
}

func quoteJSON(text string) []byte {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) //nolint:errchkjson // a string always encodes
	return bytes.TrimSpace(quoted.Bytes())
}

// JSON is the document in JSON.
func (d *yamlDocument) JSON() json.RawMessage {
	var b bytes.Buffer
	writeJSON(&b, d.root)
	return b.Bytes()
}

func writeJSON(b *bytes.Buffer, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(quoteJSON(n.Content[i].Value))
			b.WriteByte(':')
			writeJSON(b, n.Content[i+1])
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, inner := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, inner)
		}
		b.WriteByte(']')
	case yaml.ScalarNode, yaml.AliasNode, yaml.DocumentNode:
		text, _ := scalarJSON(n) // it was checked
		b.Write(text)
	}
}

// line is where a member stands: as far as the path leads.
func (d *yamlDocument) line(path []string) int {
	n := d.root
	for _, step := range path {
		next := inside(n, step)
		if next == nil {
			break
		}
		n = next
	}
	return n.Line
}

func inside(n *yaml.Node, step string) *yaml.Node {
	if n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1]
		}
	}
	return nil
}

// writeYAML writes JSON as YAML, in the order and with the numbers that it has.
func writeYAML(w io.Writer, text json.RawMessage) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	root, err := nodeOf(decoder)
	if err != nil {
		return err
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	return errors.Join(encoder.Encode(root), encoder.Close())
}

// nodeOf reads one JSON value.
func nodeOf(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		if token == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for decoder.More() { // of an object names and values in turns
			inner, err := nodeOf(decoder)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, inner)
		}
		if n.Kind == yaml.SequenceNode && short(n) {
			n.Style = yaml.FlowStyle
		}
		_, err := decoder.Token() // the end of it
		return n, err
	case string:
		return stringNode(token), nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: token.String()}, nil // an int or a float, as its size has it
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(token)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: yamlNull}, nil
}

// plainYAML is a string that may stand without quotes, unless it is a word that means
// something else, which the encoder knows.
var plainYAML = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*( [A-Za-z0-9_./@+()-]+)*$`)

func stringNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: yaml.DoubleQuotedStyle}
	if plainYAML.MatchString(text) {
		n.Style = 0
	}
	return n
}

// short reports whether a list of scalars fits into a line.
func short(n *yaml.Node) bool {
	total := 0
	for _, inner := range n.Content {
		if total += len(inner.Value) + 2; inner.Kind != yaml.ScalarNode || total > 100 {
			return false
		}
	}
	return true
}
