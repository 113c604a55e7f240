package authn_test

import (
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// A refusal asks the database for the same, whether there is such a client or not, and
// whether memory knew it or not: one with only a signature in it is so quick that the
// difference shows.
func TestRefusalsAskTheDatabaseTheSame(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	b.keyClient("signature", key.Public().PEM())
	b.keyClient("disabled", key.Public().PEM())
	b.DisableClient("disabled")
	b.AddClient(admin.NewClient{ID: "secret"})
	refusal := func(id string) int64 {
		return b.Statements(func() { refused(t, b.present(id, nil, ptr("AAAA")), "") })
	}
	want := refusal("unknown")
	for _, id := range []string{"signature", "disabled", "secret", "unknown"} {
		for _, memory := range []string{"not in memory", "in memory"} {
			if got := refusal(id); got != want {
				t.Errorf("client %s, %s: %d statements, for one that does not exist %d", id, memory, got, want)
			}
		}
	}
}
