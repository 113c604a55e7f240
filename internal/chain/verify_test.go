package chain_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func TestIntact(t *testing.T) {
	signer := newSigner(t)
	for _, n := range []int{1, 2, 3, 4, 10} {
		tr := newTrail(t, signer, n)
		kept := must(chain.ReadStatement(tr.statements[int64(n)][0], signer.Public()))(t)
		r := tr.verify(&kept)
		if r.Broken != nil || r.Events != int64(n) || r.First != 1 || r.Last != int64(n) || r.Signed != int64(n) || len(r.Unknown) != 0 {
			t.Errorf("%d events: %+v", n, r)
		}
	}
	if r := (&trail{signer: signer}).verify(nil); r.Broken != nil || r.Events != 0 || len(r.Unknown) != 1 {
		t.Errorf("no events: %+v", r)
	}
}

// edits are what somebody with the database and without the key can do, and where that is
// to be found. Each has to change something.
var edits = map[string]func(r *rand.Rand, tr *trail) (kind string, at int64){
	"a column": func(r *rand.Rand, tr *trail) (string, int64) {
		i := r.IntN(len(tr.events))
		e := &tr.events[i]
		column := []func(){
			func() { e.ID += "x" },
			func() { e.At = e.At.Add(1e6) },
			func() { e.Name = "user.deleted" },
			func() { e.Outcome = "failure" },
			func() { e.Actor += " " },
			func() { e.Target = "" },
			func() { e.IP = "2001:db8::2" },
			func() { e.RequestID, e.IP = e.RequestID+e.IP, "" },
			func() { e.Detail = append([]byte{' '}, e.Detail...) },
			func() { e.Hash = chain.Hash(e.Hash, *e) },
		}
		column[r.IntN(len(column))]()
		return chain.Changed, e.Number
	},
	"a column, and its hash": func(r *rand.Rand, tr *trail) (string, int64) {
		i := r.IntN(len(tr.events))
		tr.events[i].Actor = "somebody else"
		tr.rehash(i, i+1)
		return chain.Changed, tr.events[i].Number
	},
	"a column, and all hashes from there": func(r *rand.Rand, tr *trail) (string, int64) {
		i := r.IntN(len(tr.events))
		tr.events[i].Actor = "somebody else"
		tr.rehash(i, len(tr.events))
		return chain.Changed, tr.events[i].Number
	},
	"one less": func(r *rand.Rand, tr *trail) (string, int64) {
		i := r.IntN(len(tr.events) - 1)
		number := tr.events[i].Number
		tr.events = slices.Delete(tr.events, i, i+1)
		return chain.Deleted, number
	},
	"one more": func(r *rand.Rand, tr *trail) (string, int64) {
		i := r.IntN(len(tr.events))
		more := tr.events[i]
		more.ID = "another"
		tr.events = slices.Insert(tr.events, i+1, more)
		return chain.Inserted, more.Number
	},
	"more at the end": func(_ *rand.Rand, tr *trail) (string, int64) {
		more := tr.events[len(tr.events)-1]
		more.ID, more.Number = "another", more.Number+1
		tr.events = append(tr.events, more)
		tr.rehash(len(tr.events)-1, len(tr.events))
		return chain.Inserted, more.Number
	},
	"two the other way round": func(r *rand.Rand, tr *trail) (string, int64) {
		i := r.IntN(len(tr.events) - 1)
		j := i + 1 + r.IntN(len(tr.events)-1-i)
		a, b := &tr.events[i], &tr.events[j]
		*a, *b = *b, *a
		a.Number, b.Number = b.Number, a.Number
		if r.IntN(2) == 0 { // the hashes stay where they were
			a.Hash, b.Hash = b.Hash, a.Hash
		}
		return chain.Reordered, a.Number
	},
	"the last ones, but not what is signed": func(r *rand.Rand, tr *trail) (string, int64) {
		n := 1 + r.IntN(len(tr.events)-1)
		number := tr.events[n].Number
		last := tr.events[len(tr.events)-1].Number
		tr.events = tr.events[:n]
		tr.statements[tr.events[n-1].Number] = append(tr.statements[tr.events[n-1].Number], tr.statements[last]...)
		return chain.Truncated, number
	},
	"the last ones, with what is signed": func(r *rand.Rand, tr *trail) (string, int64) {
		n := 3 * (1 + r.IntN((len(tr.events)-1)/3)) // as far as a head
		number := tr.events[n].Number
		tr.events = tr.events[:n]
		return chain.Truncated, number
	},
	"the first ones": func(r *rand.Rand, tr *trail) (string, int64) {
		tr.events = tr.events[1+r.IntN(len(tr.events)-1):]
		return chain.Deleted, 1
	},
	"all": func(_ *rand.Rand, tr *trail) (string, int64) {
		tr.events = nil
		return chain.Truncated, 1
	},
}

// Whatever is done to an audit without the key is found, with the place where it was done.
func TestEveryEditIsFound(t *testing.T) {
	signer := newSigner(t)
	whole := newTrail(t, signer, 10)
	kept := must(chain.ReadStatement(whole.statements[10][0], signer.Public()))(t)
	for name, edit := range edits {
		for seed := range uint64(300) {
			tr := whole.copied()
			kind, at := edit(rand.New(rand.NewPCG(seed, 1)), tr)
			b := tr.verify(&kept).Broken
			switch {
			case b == nil:
				t.Errorf("%s (seed %d): not found", name, seed)
			case b.Kind != kind || at < b.First || at > b.Last || b.Why == "":
				t.Errorf("%s (seed %d): %+v, want %s at %d", name, seed, *b, kind, at)
			case kind == chain.Changed && b.Last-b.First > 3: // heads are at every third
				t.Errorf("%s (seed %d): %+v, at %d, is too wide", name, seed, *b, at)
			default:
				continue
			}
			break
		}
	}
}

// A chain that was made anew, with another key, is of no use.
func TestAnotherKey(t *testing.T) {
	signer, other := newSigner(t), newSigner(t)
	tr := newTrail(t, other, 5)
	tr.signer = signer
	if b := tr.verify(nil).Broken; b == nil || b.Kind != chain.Forged || b.First != 3 {
		t.Errorf("%+v", b)
	}
	v := chain.NewVerifier([]jose.PublicKey{signer.Public(), other.Public()}, nil)
	tr.give(v.Event, v.Statement)
	if r := v.End(0, 0); r.Broken != nil || r.Signed != 5 {
		t.Errorf("with both keys: %+v", r)
	}
	tr.statements = map[int64][]string{}
	if b := tr.verify(nil).Broken; b == nil || b.Kind != chain.Inserted || b.First != 1 || b.Last != 5 {
		t.Errorf("without statements: %+v", b)
	}
}

// What a cut leaves stands on the cut, and on nothing else.
func TestCut(t *testing.T) {
	signer := newSigner(t)
	tr := newTrail(t, signer, 10)
	cut := tr.sign(t, chain.Cut, tr.events[4])
	head := must(chain.ReadStatement(tr.sign(t, chain.Head, tr.events[4]), signer.Public()))(t)
	early := must(chain.ReadStatement(tr.statements[3][0], signer.Public()))(t)
	tr.events, tr.cut = tr.events[5:], cut
	r := tr.verify(&head)
	if r.Broken != nil || r.Cut != 5 || r.First != 6 || r.Signed != 10 || len(r.Unknown) != 0 {
		t.Errorf("%+v", r)
	}
	if r := tr.verify(&early); r.Broken != nil || len(r.Unknown) != 1 || !strings.Contains(r.Unknown[0], "proves nothing") {
		t.Errorf("with a head of what was cut: %+v", r)
	}
	for name, broken := range map[string]func(c *trail){
		"without the cut":    func(c *trail) { c.cut = "" },
		"more is gone":       func(c *trail) { c.events = c.events[1:] },
		"a head for a cut":   func(c *trail) { c.cut = c.sign(t, chain.Head, tr.events[0]) },
		"another cut":        func(c *trail) { c.cut = c.sign(t, chain.Cut, identity.Event{Number: 5, Hash: tr.events[0].Hash}) },
		"the cut of another": func(c *trail) { c.cut = newTrail(t, newSigner(t), 5).sign(t, chain.Cut, tr.events[0]) },
	} {
		c := tr.copied()
		broken(c)
		if r := c.verify(&head); r.Broken == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestReadStatement(t *testing.T) {
	signer := newSigner(t)
	tr := newTrail(t, signer, 1)
	good := tr.statements[1][0]
	st := must(chain.ReadStatement(good, signer.Public()))(t)
	if st.Kind != chain.Head || st.Number != 1 || st.At.Unix() != begin.Unix() {
		t.Errorf("%+v", st)
	}
	key := must(jose.GeneratePrivateKey(jose.EdDSA))(t)
	token := must(jose.NewSigner(key, jose.EdDSA, "at+jwt"))(t)
	another := must(jose.NewSigner(key, jose.EdDSA, "audit-head+jwt"))(t)
	for name, c := range map[string]struct {
		text string
		key  jose.PublicKey
	}{
		"another key":        {good, key.Public()},
		"a token":            {must(token.Sign([]byte(`{"number":1,"hash":"AAAA","iat":1}`)))(t), key.Public()},
		"a short hash":       {must(another.Sign([]byte(`{"number":1,"hash":"AAAA","iat":1}`)))(t), key.Public()},
		"no number":          {must(another.Sign([]byte(`{"hash":"` + strings.Repeat("A", 43) + `","iat":1}`)))(t), key.Public()},
		"twice the number":   {must(another.Sign([]byte(`{"number":1,"number":2,"hash":"` + strings.Repeat("A", 43) + `","iat":1}`)))(t), key.Public()},
		"nothing":            {"", signer.Public()},
		"a changed payload":  {strings.Replace(good, ".", ".e", 1), signer.Public()},
		"without signature":  {good[:strings.LastIndexByte(good, '.')+1], signer.Public()},
		"with a line behind": {good + "\n", signer.Public()},
	} {
		if st, err := chain.ReadStatement(c.text, c.key); err == nil {
			t.Errorf("%s: %+v", name, st)
		}
	}
}

// The bytes that are hashed are the same for ever: an audit is verified long after it was
// sealed.
func TestHashIsFixed(t *testing.T) {
	e := newTrail(t, newSigner(t), 1).events[0]
	const want = "c2d6cfb0171a908ea3334b188db792bee09368c22d539fb24bc8e4320be83479"
	if got := hexOf(chain.Hash([]byte("previous"), e)); got != want {
		t.Errorf("got %s", got)
	}
}
