package identitytest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// exec is what somebody does who has the database.
func (s *sealed) exec(statement string) {
	s.Helper()
	_, err := s.raw().ExecContext(s.Context(), statement)
	s.must(err)
}

// rehashed gives all sealed events the hashes that they would have, and returns the last one
// in hexadecimal: that needs no key.
func (s *sealed) rehashed() string {
	s.Helper()
	events, err := s.Installation.DB.SealedEvents(s.Context(), identity.Event{}, 1000)
	s.must(err)
	var previous []byte
	for _, e := range events {
		previous = chain.Hash(previous, e)
		s.exec(fmt.Sprintf("UPDATE audit_events SET hash = %s WHERE number = %d", s.blob(previous), e.Number))
	}
	return s.blob(previous)
}

// blob writes bytes as the database reads them.
func (s *sealed) blob(b []byte) string {
	if s.Database.Driver == store.PostgreSQL {
		return fmt.Sprintf(`'\x%x'`, b)
	}
	return fmt.Sprintf("X'%x'", b)
}

// Whoever has the database, and no key, gets no signature for what they have changed: the
// service signs nothing that stands on it, and the break is found as before.
func TestNothingIsSignedOnForgeries(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(s *sealed)
		// found reports whether the events are others than those that were sealed, unsigned
		// whether nothing that is signed is left about the last of them, and holds whether
		// there is something signed about the first of them.
		found, unsigned, holds bool
	}{
		"hashed anew": {func(s *sealed) {
			s.exec("UPDATE audit_events SET actor = 'eve' WHERE number = 2")
			s.exec("UPDATE audit_chain SET hash = " + s.rehashed())
		}, true, true, false},
		"hashed anew, without what was signed": {func(s *sealed) {
			s.exec("UPDATE audit_events SET actor = 'eve' WHERE number = 2")
			s.exec("UPDATE audit_chain SET hash = " + s.rehashed())
			s.exec("DELETE FROM audit_statements")
		}, true, true, false},
		"a head of another number": {func(s *sealed) {
			s.exec("UPDATE audit_events SET actor = 'eve' WHERE number = 2")
			s.exec("UPDATE audit_chain SET hash = " + s.rehashed())
			s.exec("DELETE FROM audit_statements WHERE number = 6")
			s.exec("UPDATE audit_statements SET number = 6 WHERE number = 3")
		}, true, true, false},
		"shorter": {func(s *sealed) {
			s.exec("DELETE FROM audit_events WHERE number > 4")
			s.exec("UPDATE audit_chain SET number = 4, hash = " + s.rehashed())
		}, true, true, true},
		"begun anew": {func(s *sealed) { s.exec("UPDATE audit_chain SET number = 0, hash = " + s.blob(nil)) }, false, false, true},
		"begun anew, without what was signed": {func(s *sealed) {
			s.exec("UPDATE audit_chain SET number = 0, hash = " + s.blob(nil))
			s.exec("DELETE FROM audit_statements")
		}, false, true, false},
		"begun anew, without numbers": {func(s *sealed) {
			s.exec("UPDATE audit_chain SET number = 0, hash = " + s.blob(nil))
			s.exec("UPDATE audit_events SET number = 0, hash = " + s.blob(nil) + ", actor = 'eve'")
		}, true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			onDatabases(t, func(t *testing.T, database store.Config) {
				s := newSealed(t, identitytest.Options{Database: database})
				for range 2 {
					s.record(3)
					s.seal()
					s.Clock.Move(time.Hour)
				}
				kept := s.head()
				c.forge(s)
				s.record(1)
				sealed, err := s.Installation.Sealer.Seal(t.Context())
				if err == nil || sealed != 0 || !strings.Contains(err.Error(), "the database was changed") {
					t.Errorf("sealed %d: %v", sealed, err)
				}
				if b := s.verify(kept).Broken; (b != nil) != c.found {
					t.Errorf("for who has kept a statement: %+v", b)
				}
				if b := s.verify(nil).Broken; (b != nil) != c.unsigned {
					t.Errorf("without one: %+v", b)
				}
				// Of what does not hold nothing is cut, and signed to have been.
				gone, err := s.Installation.Sealer.Cut(t.Context(), s.Installation.DB.Now().Add(time.Hour), 5)
				if (gone > 0) != c.holds || c.holds != (err == nil) && name != "begun anew, without numbers" {
					t.Errorf("%d were cut: %v", gone, err)
				}
			})
		})
	}
}

// An event that was made to look old does not leave by retention.
func TestRetentionCutsNoForgeries(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		s := newSealed(t, identitytest.Options{Database: database})
		s.record(6)
		s.seal()
		s.exec("UPDATE audit_events SET at = 1000000000000 WHERE number < 3")
		before := s.Rows("audit_events")
		if gone, err := s.Installation.Sealer.Cut(t.Context(), s.Installation.DB.Now().Add(-365*24*time.Hour), 100); err == nil || gone != 0 || !strings.Contains(err.Error(), "changed from event 1") {
			t.Errorf("%d were cut: %v", gone, err)
		}
		if n := s.Rows("audit_events"); n != before {
			t.Errorf("%d events are left of %d", n, before)
		}
		if b := s.verify(nil).Broken; b == nil || b.First != 1 {
			t.Errorf("broken: %+v", b)
		}
	})
}

// An event with a number that none can have is shown by lists, so it is found.
func TestStrayEventIsFound(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		s := newSealed(t, identitytest.Options{Database: database})
		s.record(3)
		s.seal()
		s.exec(`INSERT INTO audit_events (seq, id, at, event, outcome, actor, target, ip, request_id, detail, number, hash)
			SELECT seq + 1000, 'x', at, 'user.deleted', outcome, actor, target, ip, request_id, detail, -1, hash FROM audit_events WHERE number = 2`)
		if b := s.verify(s.head()).Broken; b == nil || b.Kind != chain.Inserted || b.First != -1 {
			t.Errorf("broken: %+v", b)
		}
	})
}

// A key of the audit that had to be replaced goes on from where the chain is, under its own
// name.
func TestReplacedAuditKeyGoesOn(t *testing.T) {
	s := newSealed(t, identitytest.Options{})
	s.record(3)
	s.seal()
	former := s.key
	s.exec("DELETE FROM sealed_secrets WHERE name = 'audit'")
	in := s.Installation
	s.must(in.DB.Change(t.Context(), func(tx *store.DB) error { return in.Ring.EnsureSecrets(t.Context(), tx) }))
	s.must(in.Follower.Poll(t.Context()))
	s.record(2)
	s.seal()
	signer, err := in.Ring.AuditSigner(t.Context())
	s.must(err)
	if signer.Public().KID() == former.KID() {
		t.Fatal("it is the same key")
	}
	if b := s.verify(nil).Broken; b == nil || b.Kind != chain.Forged {
		t.Errorf("for who has pinned the former key: %+v", b)
	}
	s.key = signer.Public()
	if r := s.verify(nil); r.Broken != nil || r.Signed != r.Last {
		t.Errorf("for who knows the new one: %+v", r)
	}
}
