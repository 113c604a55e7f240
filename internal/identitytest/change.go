package identitytest

// Change runs an administrative statement from beside the service, as another
// node would: under a revision of its own that names what was touched. It holds
// for the next request.
func (s *Service) Change(kind, id, statement string, args ...any) {
	s.t.Helper()
	s.ChangeElsewhere(kind, id, statement, args...)
	s.must(s.Installation.Follower.Poll(s.t.Context()))
}

// ChangeElsewhere is Change without telling this node, which finds out by itself.
func (s *Service) ChangeElsewhere(kind, id, statement string, args ...any) {
	s.t.Helper()
	db := s.beside()
	defer db.Close()
	tx, err := db.BeginTx(s.t.Context(), nil)
	s.must(err)
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	result, err := tx.ExecContext(s.t.Context(), s.rebind(statement), args...)
	s.must(err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		s.t.Fatalf("the statement changed nothing (%v): %s", err, statement)
	}
	_, err = tx.ExecContext(s.t.Context(), `UPDATE revision SET revision = revision + 1 WHERE id = 1`)
	s.must(err)
	_, err = tx.ExecContext(s.t.Context(), s.rebind(`INSERT INTO changes (revision, kind, entity_id, changed_at) SELECT revision, ?, ?, ? FROM revision`),
		kind, id, s.Clock.Now().UnixMilli())
	s.must(err)
	s.must(tx.Commit())
}

// ForgetAttempts has nobody wait for what was attempted so far, for a test that gets much
// wrong on purpose. Each attempt is still counted.
func (s *Service) ForgetAttempts() {
	s.t.Helper()
	db := s.beside()
	defer db.Close()
	_, err := db.ExecContext(s.t.Context(), `DELETE FROM throttles`)
	s.must(err)
}

// DisableUser switches a user off.
func (s *Service) DisableUser(id string) {
	s.t.Helper()
	s.Change("user", id, `UPDATE users SET enabled = 0 WHERE id = ?`, id)
}

// DisableClient switches a client off.
func (s *Service) DisableClient(id string) {
	s.t.Helper()
	s.Change("client", id, `UPDATE clients SET enabled = 0 WHERE id = ?`, id)
}

// Statements returns how many statements do sends, and not those that store what became of
// requests before.
func (s *Service) Statements(do func()) int64 {
	s.t.Helper()
	s.must(s.StoreEvents(s.t.Context()))
	before := s.Installation.DB.Stats().Statements
	do()
	return s.Installation.DB.Stats().Statements - before
}
