package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Metadata is the text of a JSON object of at most MaxMetadata bytes, which the
// service keeps with a user or client and does not look at. Empty is {}.
type Metadata string

// MaxMetadata is the most bytes that metadata may have.
const MaxMetadata = 4 << 10

// MarshalJSON returns the object.
func (m Metadata) MarshalJSON() ([]byte, error) {
	if m == "" {
		return []byte("{}"), nil
	}
	return []byte(m), nil
}

// Merge returns the metadata after a merge patch (RFC 7396): members of the patch
// replace those of the same name, objects are merged in turn, null removes. The
// patch is a JSON object whose form has been checked. Its error is InvalidRequest
// if the result is too large.
func (m Metadata) Merge(patch []byte) (Metadata, error) {
	current, err := decodeObject([]byte(m))
	if err != nil {
		return m, fmt.Errorf("stored metadata are damaged: %w", err)
	}
	changes, err := decodeObject(patch)
	if err != nil {
		return m, InvalidField("metadata", "must be a JSON object")
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // nor made longer than it came in
	if err := encoder.Encode(mergePatch(current, changes)); err != nil {
		return m, err
	}
	merged := Metadata(bytes.TrimSpace(text.Bytes()))
	if len(merged) > MaxMetadata {
		return m, InvalidField("metadata", "must have at most %d bytes as JSON", MaxMetadata)
	}
	return merged, nil
}

func decodeObject(text []byte) (map[string]any, error) {
	object := map[string]any{}
	if len(text) == 0 {
		return object, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // a number comes out as it went in
	err := decoder.Decode(&object)
	return object, err
}

// mergePatch is the algorithm of RFC 7396 section 2 for two objects.
func mergePatch(target, patch map[string]any) map[string]any {
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(target, name)
		case map[string]any:
			inner, ok := target[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
			}
			target[name] = mergePatch(inner, value)
		default:
			target[name] = value
		}
	}
	return target
}
