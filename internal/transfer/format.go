package transfer

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

const (
	format  = "identity-export"
	version = 1 // of the format
)

// ErrDamaged is within errors that say an export is not as it was written.
var ErrDamaged = errors.New("the export is damaged, incomplete or edited")

// Header is the first line of an export.
type Header struct {
	Format string `json:"format"`
	// Version is that of the format, and Schema that of the database schema.
	Version int   `json:"version"`
	Schema  int64 `json:"schema"`
	// MadeAt is when it was begun, by the clock of the database.
	MadeAt time.Time `json:"made_at"`
}

func (h Header) check() error {
	switch {
	case h.Format != format:
		return errors.New("this is no export of an installation: its first line does not say so")
	case h.Version > version:
		return fmt.Errorf("the export has version %d of the format, made by a newer program; this one reads up to %d", h.Version, version)
	case h.Version != version:
		return fmt.Errorf("%w: there is no version %d of the format", ErrDamaged, h.Version)
	}
	return nil
}

// Rows counts rows by the name of their table. Every table of the state is in it.
type Rows map[string]int64

func noRows() Rows {
	rows := Rows{}
	for _, t := range store.StateTables() {
		rows[t.Name] = 0
	}
	return rows
}

// String lists the tables that have rows, as in "2 users, 1 clients".
func (r Rows) String() string {
	var parts []string
	for _, t := range store.StateTables() {
		if n := r[t.Name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(t.Name, "_", " ")))
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// trailer renders the last line.
func trailer(rows Rows, sum []byte) ([]byte, error) {
	line, err := json.Marshal(struct {
		Rows   Rows   `json:"rows"`
		SHA256 string `json:"sha256"`
	}{rows, hex.EncodeToString(sum)})
	return append(line, '\n'), err
}

// trailerStart tells the last line from others.
const trailerStart = `{"rows":`
