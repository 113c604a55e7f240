package chain_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func (tr *trail) written(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w := must(chain.NewWriter(&b))(t)
	tr.give(func(e identity.Event) { must(0, w.Event(e))(t) }, func(s string) { must(0, w.Statement(s))(t) })
	return b.String()
}

func read(key jose.PublicKey, text string) (chain.Report, error) {
	v := chain.NewVerifier([]jose.PublicKey{key}, nil)
	err := chain.Read(strings.NewReader(text), v)
	return v.End(0, 0), err
}

// An export proves what the audit proves.
func TestExport(t *testing.T) {
	tr := newTrail(t, newSigner(t), 10)
	cut := tr.sign(t, chain.Cut, tr.events[1])
	tr.events, tr.cut = tr.events[2:], cut
	text := tr.written(t)
	got, err := read(tr.signer.Public(), text)
	if want := tr.verify(nil); err != nil || !reflect.DeepEqual(got, want) || got.Broken != nil || got.Events != 8 {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	for i := range lines[2:] { // every event is needed
		without := strings.Join(append(append([]string{}, lines[:i+2]...), lines[i+3:]...), "")
		if got, err := read(tr.signer.Public(), without); strings.Contains(lines[i+2], `"event"`) && (err != nil || got.Broken == nil) {
			t.Errorf("without line %d: %+v, %v", i+3, got, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	tr := newTrail(t, newSigner(t), 3)
	good := tr.written(t)
	header, rest, _ := strings.Cut(good, "\n")
	for name, text := range map[string]string{
		"nothing":            "",
		"no header":          rest,
		"two headers":        header + "\n" + good,
		"another format":     strings.Replace(good, "identity-audit", "identity-export", 1),
		"another version":    strings.Replace(good, `"version":1`, `"version":2`, 1),
		"an unknown member":  strings.Replace(good, `"outcome"`, `"out"`, 1),
		"a member twice":     strings.Replace(good, `"outcome":`, `"actor":"x","outcome":`, 1),
		"a line cut off":     good[:len(good)-5],
		"no JSON":            header + "\nx\n",
		"an empty line":      header + "\n\n" + rest,
		"neither":            header + "\n{}\n",
		"both":               header + "\n" + `{"statement":"x",` + strings.TrimPrefix(rest, "{"),
		"a time of its own":  strings.Replace(good, `.678Z`, `.678+00:00`, 1),
		"no number":          strings.Replace(good, `"number":1,`, ``, 1),
		"a hash in base64":   strings.Replace(good, `"hash":"`, `"hash":"+`, 1),
		"an array":           "[]\n",
		"a line without end": header + "\n{" + strings.Repeat(" ", 33<<20),
	} {
		if report, err := read(tr.signer.Public(), text); !errors.Is(err, chain.ErrExport) {
			t.Errorf("%s: %v, %+v", name, err, report)
		}
	}
}

// FuzzRead: no file panics, none is read in two ways, and none that was not signed is
// intact.
func FuzzRead(f *testing.F) {
	signer := newSigner(f)
	tr := newTrail(f, newSigner(f), 3)
	f.Add(tr.written(f))
	tr.events, tr.cut = tr.events[1:], tr.sign(f, chain.Cut, tr.events[0])
	f.Add(tr.written(f))
	f.Add("{\"format\":\"identity-audit\",\"version\":1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		report, err := read(signer.Public(), text)
		if err == nil && report.Broken == nil && report.Events > 0 {
			t.Errorf("intact, though the key has signed nothing: %+v", report)
		}
		if again, err2 := read(signer.Public(), text); !reflect.DeepEqual(report, again) || (err == nil) != (err2 == nil) {
			t.Errorf("read in two ways: %+v, %+v", report, again)
		}
	})
}
