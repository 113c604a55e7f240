package chain

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	strict "github.com/go-json-experiment/json"

	"github.com/seed-60f9e3ad/identity"
)

// ErrExport is within errors that say a file is no export of an audit.
var ErrExport = errors.New("this is no export of an audit, or a damaged one")

const (
	format     = "identity-audit"
	version    = 1
	longest    = 32 << 20 // bytes of a line: an event with all that a request may hold, before and after
	timeLayout = "2006-01-02T15:04:05.000Z"
)

// line is one line of an export: the header, which is first, an event, or a statement.
type line struct {
	Format    string    `json:"format,omitzero"`
	Version   int       `json:"version,omitzero"`
	Event     *exported `json:"event,omitzero"`
	Statement string    `json:"statement,omitzero"`
}

// exported is an event as a line has it. Detail is the JSON object that was hashed, as a
// text: so whatever rewrites the line leaves its bytes alone.
type exported struct {
	Number    int64  `json:"number"`
	Hash      string `json:"hash"`
	ID        string `json:"id"`
	At        string `json:"at"`
	Event     string `json:"event"`
	Outcome   string `json:"outcome"`
	Actor     string `json:"actor"`
	Target    string `json:"target"`
	IP        string `json:"ip"`
	RequestID string `json:"request_id"`
	Detail    string `json:"detail"`
}

// Writer writes an export, as JSON lines.
type Writer struct{ encoder *json.Encoder }

// NewWriter writes the first line.
func NewWriter(w io.Writer) (*Writer, error) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &Writer{encoder}, encoder.Encode(line{Format: format, Version: version})
}

// Event writes an event that is sealed.
func (w *Writer) Event(e identity.Event) error {
	return w.encoder.Encode(line{Event: &exported{
		e.Number, base64.RawURLEncoding.EncodeToString(e.Hash), e.ID, e.At.UTC().Format(timeLayout), e.Name, e.Outcome, e.Actor, e.Target, e.IP, e.RequestID, string(e.Detail),
	}})
}

// Statement writes a statement, behind the event that it is about; a cut before all events.
func (w *Writer) Statement(compact string) error { return w.encoder.Encode(line{Statement: compact}) }

// Read gives a Verifier what is in an export. Its errors are those of reading, and
// ErrExport with the number of the line.
func Read(r io.Reader, v *Verifier) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<16), longest)
	n := 0
	for lines.Scan() {
		n++
		if err := v.line(lines.Bytes(), n == 1); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrExport, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return fmt.Errorf("%w: line %d is longer than any", ErrExport, n+1)
		}
		return fmt.Errorf("reading the export: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("%w: it is empty", ErrExport)
	}
	return nil
}

func (v *Verifier) line(text []byte, first bool) error {
	var l line
	if !bytes.HasPrefix(text, []byte("{")) || strict.Unmarshal(text, &l, strict.RejectUnknownMembers(true)) != nil {
		return errors.New("expected a JSON object with the members of an export") // the inner error would repeat some of it
	}
	header := l.Format != "" || l.Version != 0
	switch {
	case first != header || header && (l.Event != nil || l.Statement != ""):
		return errors.New("expected the header first, and once")
	case header && (l.Format != format || l.Version != version):
		return fmt.Errorf("expected the format %s in version %d", format, version)
	case header:
	case l.Event != nil && l.Statement == "":
		e, err := l.Event.event()
		if err != nil {
			return err
		}
		v.Event(e)
	case l.Event == nil && l.Statement != "":
		v.Statement(l.Statement)
	default:
		return errors.New("expected an event or a statement")
	}
	return nil
}

func (x *exported) event() (identity.Event, error) {
	e := identity.Event{
		Number: x.Number, ID: x.ID, Name: x.Event, Outcome: x.Outcome, Actor: x.Actor, Target: x.Target, IP: x.IP, RequestID: x.RequestID, Detail: []byte(x.Detail),
	}
	at, err := time.Parse(timeLayout, x.At)
	if err != nil || at.Format(timeLayout) != x.At {
		return e, errors.New("expected at as a time in UTC with three decimals")
	}
	e.At = at
	if e.Hash, err = base64.RawURLEncoding.Strict().DecodeString(x.Hash); err != nil || x.Number < 1 {
		return e, errors.New("expected a number from 1, and a hash in base64url")
	}
	return e, nil
}
