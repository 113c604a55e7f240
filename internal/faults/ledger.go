package faults

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Ledger writes down what clients asked for and what they were told: a file of JSON
// lines, each of which is on disk before the call that wrote it returns. It is safe for
// many clients at once; those that write at the same time share one fsync.
type Ledger struct {
	*journal
	client string
}

// Detail is what else is known of an operation: what the rules look at, such as "jti"
// and "credential", and what helps whoever reads the ledger. No secret goes in.
type Detail map[string]string

// Entry is an operation that has begun. One of Ok, Fail and Unknown ends it.
type Entry struct {
	ledger *Ledger
	line   line
}

// line is one line of the file.
type line struct {
	ID     uint64        `json:"id"`
	Phase  string        `json:"phase"`
	Client string        `json:"client,omitempty"`
	Op     string        `json:"op"`
	Key    string        `json:"key"`
	Mono   time.Duration `json:"mono"` // since the ledger was made
	Wall   time.Time     `json:"wall"`
	Status int           `json:"status,omitempty"`
	Detail Detail        `json:"detail,omitempty"`
}

const phaseInvoke = "invoke"

// NewLedger makes the file at path, which must not exist, and keeps it open as long as
// the test. The test fails if a line could not be written.
func NewLedger(t testing.TB, path string) *Ledger {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{
		path: path, start: time.Now(), file: file, key: []byte(rand.Text()),
		lines: make(chan write), closed: make(chan struct{}), synced: make(chan struct{}),
	}
	go j.run()
	t.Cleanup(func() {
		if err := j.close(); err != nil {
			t.Errorf("the ledger is not whole: %v", err)
		}
	})
	return &Ledger{journal: j}
}

// With is the same ledger for a client, whose name its lines carry.
func (l *Ledger) With(client string) *Ledger { return &Ledger{journal: l.journal, client: client} }

// Path is the file.
func (l *Ledger) Path() string { return l.path }

// Begin writes that an operation is about to begin: its name, such as "user.create", and
// what it is about, such as the username.
func (l *Ledger) Begin(op, key string, detail Detail) *Entry {
	e := &Entry{ledger: l, line: line{ID: l.ids.Add(1), Client: l.client, Op: op, Key: key}}
	e.write(phaseInvoke, 0, detail)
	return e
}

// ID is the operation's number in the ledger.
func (e *Entry) ID() uint64 { return e.line.ID }

// Ok writes that the service said yes. The detail adds to that of Begin.
func (e *Entry) Ok(status int, detail Detail) { e.write(string(Succeeded), status, detail) }

// Fail writes that the service said no: the operation has not happened.
func (e *Entry) Fail(status int, detail Detail) { e.write(string(Failed), status, detail) }

// Unknown writes that nobody knows whether it happened or will.
func (e *Entry) Unknown(err error) { e.write(string(Unknown), 0, Detail{"error": err.Error()}) }

func (e *Entry) write(phase string, status int, detail Detail) {
	now := time.Now()
	l := e.line
	l.Phase, l.Status, l.Detail = phase, status, maps.Clone(detail)
	l.Mono, l.Wall = now.Sub(e.ledger.start), now.UTC()
	e.ledger.append(l)
}

// generatedSecret is a secret that the service made; its id is no secret.
var generatedSecret = regexp.MustCompile(`^ids_([a-z0-9]{8})_`)

// Credential names a password or secret, so that the ledger can tell one from another: a
// generated secret by its id, another one by a code that only this ledger can make.
func (l *Ledger) Credential(secret string) string {
	if found := generatedSecret.FindStringSubmatch(secret); found != nil {
		return found[1]
	}
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(secret))
	return "hmac-" + hex.EncodeToString(mac.Sum(nil)[:8])
}

// journal is the file that the views of a ledger share.
type journal struct {
	path  string
	start time.Time
	key   []byte
	ids   atomic.Uint64
	file  *os.File

	lines          chan write
	closed, synced chan struct{}
	closing        sync.Once

	mu  sync.Mutex
	err error // the first
}

// write is a text for the file and whom to tell that it is there.
type write struct {
	text []byte
	done chan struct{}
}

// append returns when the line is on disk. What goes wrong fails the test at its end: a
// client in the middle of a fault has enough to do.
func (j *journal) append(l line) {
	text, err := json.Marshal(l)
	if err != nil {
		j.fail(err)
		return
	}
	w := write{append(text, '\n'), make(chan struct{})}
	select {
	case j.lines <- w:
		<-w.done
	case <-j.closed:
		j.fail(fmt.Errorf("%s of %s came after the end of the test", l.Phase, l.Op))
	}
}

// run writes what has gathered while the last fsync ran, and syncs it together.
func (j *journal) run() {
	defer close(j.synced)
	for {
		var batch []write
		select {
		case w := <-j.lines:
			batch = append(batch, w)
		case <-j.closed:
			return
		}
		for more := true; more; {
			select {
			case w := <-j.lines:
				batch = append(batch, w)
			default:
				more = false
			}
		}
		var text []byte
		for _, w := range batch {
			text = append(text, w.text...)
		}
		_, err := j.file.Write(text)
		j.fail(errors.Join(err, j.file.Sync()))
		for _, w := range batch {
			close(w.done)
		}
	}
}

// close ends the file, once, and returns what went wrong with any line.
func (j *journal) close() error {
	j.closing.Do(func() {
		close(j.closed)
		<-j.synced
		j.fail(j.file.Close())
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

func (j *journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = err
	}
}
