package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"time"
)

// Outcome is what a client knows of an operation.
type Outcome string

const (
	// Succeeded is an operation that the service acknowledged.
	Succeeded Outcome = "ok"
	// Failed is one that it refused, or one without effect that had no answer.
	Failed Outcome = "fail"
	// Unknown is one that may have happened, or may still.
	Unknown Outcome = "unknown"
)

// Operation is one request as the ledger tells it. Its times are since the ledger was
// made, by a clock that nobody sets: Invoked before the request left, Ended after the
// answer came.
type Operation struct {
	ID             uint64
	Client         string
	Op, Key        string
	Outcome        Outcome
	Status         int
	Invoked, Ended time.Duration
	// At is Invoked by the clock on the wall, which finds it in the logs.
	At time.Time
	// Detail is that of both lines; the end's rules.
	Detail Detail
}

// Never is when an operation ends that has no end: an unknown one may take effect at any
// time after it was invoked.
const Never = time.Duration(math.MaxInt64)

// String tells the operation in one line.
func (o Operation) String() string {
	end := "no end"
	if o.Ended != Never {
		end = o.Ended.Round(time.Millisecond).String()
	}
	return fmt.Sprintf("#%d %s %s %s %s %d %v (%v to %s, %s)", o.ID, o.Client, o.Op, o.Key, o.Outcome, o.Status, o.Detail,
		o.Invoked.Round(time.Millisecond), end, o.At.Format(time.RFC3339Nano))
}

// Read returns the operations of a ledger's file in the order in which they began. One
// without an end is Unknown. A last line that is torn, which its writer died over, is as
// if it had not been begun; anything else that is no line of a ledger is an error.
func Read(path string) ([]Operation, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1] // what follows the last line break is torn
	var operations []Operation
	place := map[uint64]int{}
	number := 0
	for raw := range bytes.Lines(whole) {
		number++
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		at, begun := place[l.ID]
		switch Outcome(l.Phase) {
		case phaseInvoke:
			if begun {
				return nil, fmt.Errorf("%s:%d: operation %d begins twice", path, number, l.ID)
			}
			place[l.ID] = len(operations)
			operations = append(operations, Operation{
				ID: l.ID, Client: l.Client, Op: l.Op, Key: l.Key, Outcome: Unknown, Invoked: l.Mono, Ended: Never, At: l.Wall, Detail: l.Detail,
			})
		case Succeeded, Failed, Unknown:
			if !begun {
				return nil, fmt.Errorf("%s:%d: operation %d ends and has not begun", path, number, l.ID)
			}
			operations[at].end(l)
		default:
			return nil, fmt.Errorf("%s:%d: %q is no phase", path, number, l.Phase)
		}
	}
	return operations, nil
}

// end adds the line that ends the operation.
func (o *Operation) end(l line) {
	o.Outcome, o.Status = Outcome(l.Phase), l.Status
	if o.Outcome != Unknown {
		o.Ended = l.Mono
	}
	if o.Detail == nil {
		o.Detail = Detail{}
	}
	maps.Copy(o.Detail, l.Detail)
}
