package faults

import (
	"bytes"
	"encoding/binary"
	"sync/atomic"
)

// Action is what a proxy does with a chunk that a client sent.
type Action int

const (
	// Pass forwards it.
	Pass Action = iota
	// CutBefore cuts the connection instead: the server never sees the chunk.
	CutBefore
	// CutReply forwards it, waits until the server begins to answer, drops the answer and
	// cuts the connection: the chunk took effect, and the client never knows.
	CutReply
)

// Always answers every chunk that matches with the action.
func Always(match func(chunk []byte) bool, action Action) func([]byte) Action {
	return func(chunk []byte) Action {
		if match(chunk) {
			return action
		}
		return Pass
	}
}

// Once answers the first chunk that matches with the action, and lets the others pass.
func Once(match func(chunk []byte) bool, action Action) func([]byte) Action {
	return Every(0, match, action)
}

// Every answers the first chunk that matches with the action and then each n-th one
// after it; where n is 0, none.
func Every(n int64, match func(chunk []byte) bool, action Action) func([]byte) Action {
	var seen atomic.Int64
	return func(chunk []byte) Action {
		if !match(chunk) {
			return Pass
		}
		if before := seen.Add(1) - 1; before == 0 || n > 0 && before%n == 0 {
			return action
		}
		return Pass
	}
}

// IsCommit reports whether a chunk that a client sent holds a COMMIT: a simple query of
// PostgreSQL or a COM_QUERY of MySQL, in any case. It sees nothing through TLS.
func IsCommit(chunk []byte) bool { return isPostgresCommit(chunk) || isMySQLCommit(chunk) }

// isPostgresCommit walks the messages of the chunk: a type byte, a length that counts
// itself, and the body (PostgreSQL's documentation, section 55.7). One is a 'Q' whose
// body is the text, ended by a zero.
func isPostgresCommit(chunk []byte) bool {
	const header = 5
	for len(chunk) >= header {
		length := uint64(binary.BigEndian.Uint32(chunk[1:])) + 1
		if length < header || length > uint64(len(chunk)) {
			return false
		}
		body, ended := bytes.CutSuffix(chunk[header:length], []byte{0})
		if chunk[0] == 'Q' && ended && isCommitText(body) {
			return true
		}
		chunk = chunk[length:]
	}
	return false
}

// isMySQLCommit walks the packets of the chunk, for the end of a prepared statement has no
// answer and may travel with what comes after it: three bytes of length, lowest first, a
// sequence number that a command begins at 0, and for a query COM_QUERY with the text. A
// client that announced CLIENT_QUERY_ATTRIBUTES puts the numbers of parameters (0) and of
// parameter sets (1) before it.
func isMySQLCommit(chunk []byte) bool {
	const header, query = 4, 0x03
	for len(chunk) > header {
		end := header + (int(chunk[0]) | int(chunk[1])<<8 | int(chunk[2])<<16)
		if end == header || end > len(chunk) {
			return false
		}
		if chunk[3] == 0 && chunk[header] == query && isCommitText(bytes.TrimPrefix(chunk[header+1:end], []byte{0, 1})) {
			return true
		}
		chunk = chunk[end:]
	}
	return false
}

func isCommitText(text []byte) bool {
	text = bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(text), []byte(";")))
	return bytes.EqualFold(text, []byte("commit"))
}
