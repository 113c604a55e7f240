package seal

import (
	"encoding/binary"
	"errors"
)

// Place is where a sealed value is stored. It is the associated data of the
// encryption: the value opens at its place only.
type Place struct {
	Table, Column, Row string
	// Version tells apart values that one row holds after another.
	Version int
}

// bytes encodes the place so that no two places are the same bytes.
func (p Place) bytes() []byte {
	b := []byte("identity sealed value 1\x00")
	for _, s := range []string{p.Table, p.Column, p.Row} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(p.Version)) //nolint:gosec // one to one, also for negative numbers
}

// check refuses a place that names nothing: it would bind to nothing.
func (p Place) check() error {
	if p.Table == "" || p.Column == "" || p.Row == "" {
		return errors.New("the place of a sealed value needs a table, a column and a row")
	}
	return nil
}
