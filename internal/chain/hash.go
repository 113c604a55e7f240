package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/seed-60f9e3ad/identity"
)

// domain tells these hashes from any other that is made of the same bytes.
const domain = "identity: event of the audit, version 1"

// Hash returns the SHA-256 of an event at its number, over the hash of the event before,
// which the first has none of. Every part comes with its length, so that no two events have
// the same bytes. The order of arrival is no part: the number is.
func Hash(previous []byte, e identity.Event) []byte {
	h := sha256.New()
	part(h, []byte(domain))
	part(h, previous)
	number(h, e.Number)
	number(h, e.At.UnixMilli())
	for _, text := range []string{e.ID, e.Name, e.Outcome, e.Actor, e.Target, e.IP, e.RequestID} {
		part(h, []byte(text))
	}
	part(h, e.Detail)
	return h.Sum(nil)
}

func part(h hash.Hash, bytes []byte) {
	number(h, int64(len(bytes)))
	h.Write(bytes)
}

func number(h hash.Hash, n int64) {
	var bytes [8]byte
	binary.BigEndian.PutUint64(bytes[:], uint64(n)) //nolint:gosec // the same bits
	h.Write(bytes[:])
}
